"""`open_message`: bytes in, content, headers and report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sealmail import judge, mime
from sealmail.addresses import Mailbox
from sealmail.keys import KeyStore, TrustBook
from sealmail.mime import Defect, Headers, Part, parse
from sealmail.opening import content as reading
from sealmail.opening import inline
from sealmail.opening.harvesting import Harvested, WithOffered, gossip, harvest, recipients_of
from sealmail.opening.headers import author, outer_headers, protected_headers_of, with_protected
from sealmail.opening.layers import Unwrapped, unwrap
from sealmail.opening.parts import OpenedParts, open_parts
from sealmail.opening.result import Content, MessageHeaders, Opened
from sealmail.opening.trust import Witnesses, bind_layers
from sealmail.policy import Policy
from sealmail.report import (
    Covers,
    Encryption,
    EncryptionLayer,
    EncryptionVerdict,
    KeyClaim,
    KeySource,
    Layer,
    PartReport,
    Report,
    Signature,
    SignatureStatement,
    Warning,
)
from sealmail.vouching import Judges

_CUTS = frozenset({Defect.TOO_LARGE, Defect.TOO_DEEP, Defect.TOO_MANY_PARTS, Defect.HEADERS_TOO_LARGE})


def open_message(raw: bytes, keys: KeyStore, trust: TrustBook, policy: Policy, at: datetime) -> Opened:
    """Opens a mail: `raw` is an RFC 5322 message in any state, `at` the time that counts for keys and certificates.

    Never raises on a bad message: what cannot be read is said in the report. Not limited in time and memory; see
    `sealmail.bounded`.
    """
    root = parse(raw)
    offered = harvest(root, policy.budget.certificates)
    if offered:
        keys = WithOffered(keys, [one.key for one in offered])
    judges = Judges(keys=keys, trust=trust, policy=policy, at=at)
    unwrapped = unwrap(root, judges)
    payload = _payload(unwrapped)
    witnesses = Witnesses(judges=judges, included=unwrapped.keys_seen)
    verdict = _judge(root, unwrapped, witnesses)
    parts = open_parts(payload, verdict.headers.from_, witnesses) if payload is not None else OpenedParts()
    seen = _keys_seen(root, unwrapped, payload, parts, offered, policy)
    return Opened(
        content=_content(unwrapped, payload, parts),
        headers=verdict.headers,
        parts=parts.opened,
        report=Report(
            at=at,
            encryption=_encryption(verdict.layers, parts.reports),
            signature=_signature(verdict.signature, parts.reports),
            layers=verdict.layers,
            parts=parts.reports,
            keys_seen=tuple({one.key.fingerprint: one.key for one in seen}.values()),
            key_claims=tuple(dict.fromkeys(one.claim for one in seen)),
            warnings=_warnings(root, unwrapped, verdict, parts),
        ),
    )


def open_headers(raw: bytes, policy: Policy, at: datetime) -> Opened:
    """Only the outer headers and an empty content: for mail that goes past the limits."""
    root = parse(raw[: policy.budget.header_bytes])
    nothing = EncryptionVerdict(verdict=Encryption.NONE, covers=Covers.NONE)
    unsigned = SignatureStatement(verdict=Signature.NONE, covers=Covers.NONE)
    report = Report(at=at, encryption=nothing, signature=unsigned)
    return Opened(content=Content(), headers=outer_headers(root), report=report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """The judged layers together with the headers that follow from them: each depends on the other."""

    layers: tuple[Layer, ...]
    signature: SignatureStatement
    headers: MessageHeaders
    from_differs: bool = False


def _judge(root: Part, unwrapped: Unwrapped, witnesses: Witnesses) -> _Verdict:
    """Which From counts decides the binding, and the signature decides which From counts (RFC 9788 §4.4):
    the protected author is tried first, and stays only where the signature is good for it.
    """
    outer, layers = outer_headers(root), unwrapped.layers
    payload = unwrapped.payload if layers else None
    protected = protected_headers_of(payload) if payload is not None else None
    inner_author = author(protected) if protected is not None else None
    differs = inner_author is not None and _address(inner_author) != _address(outer.from_)
    if protected is not None and inner_author is not None and outer.from_ is not None:
        bound = bind_layers(layers, inner_author.address, witnesses)
        statement = judge.judge_signature(bound)
        if statement.verdict is Signature.GOOD:
            headers = with_protected(outer, protected, trusted_author=inner_author)
            return _Verdict(layers=bound, signature=statement, headers=headers)
    bound = bind_layers(layers, _address(outer.from_), witnesses)
    statement = judge.judge_signature(bound)
    headers = _headers(outer, protected, bound, statement)
    return _Verdict(layers=bound, signature=statement, headers=headers, from_differs=differs)


def _headers(
    outer: MessageHeaders, protected: Headers | None, layers: Sequence[Layer], statement: SignatureStatement
) -> MessageHeaders:
    """Protected headers are shown where they were encrypted, or where the signature over them is good."""
    if protected is None:
        return outer
    is_decrypted = judge.judge_encryption(layers).verdict is Encryption.DECRYPTED
    if is_decrypted or statement.verdict is Signature.GOOD:
        return with_protected(outer, protected, trusted_author=None)
    return outer


def _address(mailbox: Mailbox | None) -> str | None:
    return mailbox.address if mailbox is not None else None


def _payload(unwrapped: Unwrapped) -> Part | None:
    """The innermost part; a message wrapped as RFC 8551 §3.1 allows is taken out of its wrapping."""
    if unwrapped.payload is None or not unwrapped.layers:
        return unwrapped.payload
    return mime.unwrap_rfc8551(unwrapped.payload) or unwrapped.payload


def _content(unwrapped: Unwrapped, payload: Part | None, parts: OpenedParts) -> Content:
    if payload is None:
        return reading.unopened_content(unwrapped.reached)
    payload = inline.replaced(payload, parts.residues)
    return reading.read_content(payload, sealed=bool(unwrapped.layers), apart=parts.apart)


def _encryption(layers: Sequence[Layer], parts: Sequence[PartReport]) -> EncryptionVerdict:
    whole = judge.judge_encryption(layers)
    if whole.verdict is not Encryption.NONE:
        return whole
    return next((part.encryption for part in parts if part.encryption.verdict is not Encryption.NONE), whole)


def _signature(statement: SignatureStatement, parts: Sequence[PartReport]) -> SignatureStatement:
    """First row of the verdict table: a signature on a part says nothing of the message, but it is said to be there."""
    is_part_signed = any(part.signature.verdict is not Signature.NONE for part in parts)
    if statement.covers is Covers.NONE and is_part_signed:
        return SignatureStatement(verdict=Signature.NONE, covers=Covers.PART)
    return statement


def _keys_seen(
    root: Part,
    unwrapped: Unwrapped,
    payload: Part | None,
    parts: OpenedParts,
    offered: Sequence[Harvested],
    policy: Policy,
) -> list[Harvested]:
    """Every key that came along, as many as the budget allows, those of signatures first."""
    budget = policy.budget.certificates
    found = [
        Harvested(key=key, claim=KeyClaim(fingerprint=key.fingerprint, source=KeySource.SIGNATURE))
        for key in (*unwrapped.keys_seen, *parts.keys_seen)
    ]
    found += offered
    if payload is not None and payload is not root:
        found += harvest(payload, budget)
        if any(isinstance(layer, EncryptionLayer) for layer in unwrapped.layers):
            found += gossip(payload, recipients_of(root.headers, payload.headers), budget)
    kept = list(dict.fromkeys(one.key.fingerprint for one in found))[:budget]
    return [one for one in found if one.key.fingerprint in kept]


def _warnings(root: Part, unwrapped: Unwrapped, verdict: _Verdict, parts: OpenedParts) -> tuple[Warning, ...]:
    found = [*unwrapped.warnings, *parts.warnings]
    if verdict.signature.verdict is Signature.GOOD:
        # What could be changed unnoticed inside the encryption is covered by the signature inside it.
        found = [warning for warning in found if warning is not Warning.MALLEABLE_ENCRYPTION]
    if verdict.from_differs:
        found.append(Warning.FROM_DIFFERS)
    if judge.outer_signature_is_bad(verdict.layers):
        found.append(Warning.OUTER_SIGNATURE_BAD)
    if any(not _CUTS.isdisjoint(part.defects) for part in root.walk()):
        found.append(Warning.CUT_BY_LIMITS)
    return tuple(dict.fromkeys(found))
