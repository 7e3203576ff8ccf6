"""Adds to an engine's facts what depends on the desk: who the sender is, whether the signer is bound to that address,
and whether somebody trusted vouches for the signer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sealmail.keys import Key
from sealmail.keys.openpgp_listing import lapsed_addresses
from sealmail.paths import PathFacts
from sealmail.report import Binding, Finding, Integrity, Layer, SignatureFacts, SignatureLayer
from sealmail.vouching import Judges, vouch


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """What judging signers needs: whom to ask, and the certificates that came along."""

    judges: Judges
    included: Sequence[Key]


def bind_layers(layers: Iterable[Layer], sender: str | None, witnesses: Witnesses) -> tuple[Layer, ...]:
    """The same layers, with binding to `sender` (canonical; None: missing or several) and trust filled in."""
    return tuple(
        replace(layer, signers=tuple(_bind(facts, sender, witnesses) for facts in layer.signers))
        if isinstance(layer, SignatureLayer)
        else layer
        for layer in layers
    )


def binding(key: Key, sender: str | None, at: datetime) -> Binding:
    """Whether the key names the sender's address, at that time."""
    if sender is None:
        return Binding.MISMATCH
    if not key.addresses:
        return Binding.NO_ADDRESS
    names = sender in key.addresses and sender not in lapsed_addresses(key, at)
    return Binding.HOLDS if names else Binding.MISMATCH


def _bind(facts: SignatureFacts, sender: str | None, witnesses: Witnesses) -> SignatureFacts:
    key = facts.key
    if key is None:
        return facts
    judges = witnesses.judges
    address = sender or next(iter(key.addresses), "")
    if facts.integrity is not Integrity.INTACT:
        return replace(facts, binding=binding(key, sender, judges.at), trust=judges.trust.level(key, address))
    vouched = vouch(key, address, judges, included=witnesses.included)
    conflicts = {Finding.CONFLICTING_KEY} if judges.trust.conflicts(key, address) else set()
    bound = replace(
        facts,
        binding=binding(key, sender, judges.at),
        trust=vouched.level,
        findings=facts.findings | conflicts,
    )
    return _with_path(bound, vouched.path) if vouched.path is not None else bound


def _with_path(facts: SignatureFacts, path: PathFacts) -> SignatureFacts:
    return replace(
        facts,
        findings=facts.findings | path.findings,
        chain=tuple(certificate.fingerprint for certificate in path.chain),
        issuer_name=path.issuer_name,
        revoked_at=path.revoked_at,
        revocation_reason=path.revocation_reason,
        revocation=path.revocation,
        revocation_known_until=path.revocation_known_until,
    )
