"""One signature -> facts: who made it, whether it holds, and what is wrong with its key at a time.

The primary key and the signing subkey must both be usable at the time asked for, and at the time that the signature
claims; the claim can only make it worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sealmail.errors import InputError
from sealmail.keys.model import Key, KeyId, Technology, openpgp_id
from sealmail.keys.pgp.certificate import Certificate, Component, Revocation, check_certificate
from sealmail.keys.pgp.checking import HASHES, hash_name, holds, signed_content
from sealmail.keys.pgp.packets import Malformed
from sealmail.keys.pgp.public import CAN_SIGN, Unsupported, algorithm_label
from sealmail.keys.pgp.subpackets import Signature, SignatureType, UnknownVersion, read_signature
from sealmail.keys.store import KeyStore
from sealmail.openpgp.content import Content
from sealmail.policy import Policy
from sealmail.report import Finding, Integrity, SignatureFacts

_DOCUMENT_TYPES = frozenset({SignatureType.BINARY, SignatureType.TEXT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What signatures are judged against."""

    keys: KeyStore
    policy: Policy
    at: datetime


@dataclass(frozen=True, slots=True)
class _Candidate:
    key: Key
    certificate: Certificate
    component: Component


def facts_of_all(
    bodies: Sequence[bytes | None], contents: Sequence[bytes], around: Circumstances
) -> tuple[SignatureFacts, ...]:
    """Facts of each signature packet, up to the budget; what lies beyond it stands as one that was not checked."""
    limit = around.policy.budget.signers
    facts = [facts_of(body, contents, around) for body in bodies[:limit]]
    if len(bodies) > limit:
        facts.append(_plain(Integrity.UNSUPPORTED, "too_many_signatures"))
    return tuple(facts)


def facts_of_content(content: Content, around: Circumstances) -> tuple[SignatureFacts, ...]:
    """Facts of the signatures around a literal. One that was announced as over other signatures too, and does not fit
    the literal, is one that we cannot check: of such, mail programs make none."""
    facts = facts_of_all(content.signatures, [content.literal], around)
    inner = len(content.signatures) - content.notarizations
    return tuple(
        replace(one, integrity=Integrity.UNSUPPORTED, why="notarization")
        if number >= inner and one.integrity is Integrity.CHANGED
        else one
        for number, one in enumerate(facts)
    )


def facts_of(body: bytes | None, contents: Sequence[bytes], around: Circumstances) -> SignatureFacts:
    """Facts of one signature packet over a document, given the forms that the document may have been signed in.

    None stands for a signature that was announced and is missing. Never raises on bad bytes.
    """
    if body is None:
        return _plain(Integrity.MALFORMED, "signature_missing")
    try:
        signature = read_signature(body)
    except UnknownVersion:
        return _plain(Integrity.UNSUPPORTED, "signature_version")
    except Malformed:
        return _plain(Integrity.MALFORMED, "signature_unreadable")
    return _facts(signature, contents, around)


def _plain(integrity: Integrity, why: str) -> SignatureFacts:
    return SignatureFacts(technology=Technology.OPENPGP, integrity=integrity, why=why)


def _facts(signature: Signature, contents: Sequence[bytes], around: Circumstances) -> SignatureFacts:
    claims = SignatureFacts(
        technology=Technology.OPENPGP,
        integrity=Integrity.NO_KEY,
        key_ids=tuple(openpgp_id(name) for name in signature.issuers),
        signed_at=signature.created,
        hash_algorithm=hash_name(signature.hash_id),
        algorithm=algorithm_label(signature.algorithm),
        intended_recipients=signature.intended_recipients,
    )
    if signature.type not in _DOCUMENT_TYPES:
        return replace(claims, integrity=Integrity.MALFORMED, why="signature_type")
    if signature.created is None:  # RFC 9580 §5.2.3.11: it must be there, and hashed
        return replace(claims, integrity=Integrity.MALFORMED, why="no_creation_time")
    if signature.has_unknown_critical:
        return replace(claims, integrity=Integrity.UNSUPPORTED, why="critical_subpacket")
    if signature.hash_id not in HASHES or signature.algorithm not in CAN_SIGN:
        return replace(claims, integrity=Integrity.UNSUPPORTED, why="algorithm")
    candidates = _candidates(signature, around.keys)
    if not candidates:
        return claims
    return _verified(signature, claims, candidates, contents, around)


def _candidates(signature: Signature, keys: KeyStore) -> list[_Candidate]:
    """The keys that the signature may mean, those that it names exactly first, and each once."""
    names = signature.issuers
    found: dict[tuple[str, str], _Candidate] = {}
    for key in keys.keys([openpgp_id(name) for name in names]) if names else ():
        try:
            certificate = check_certificate(key.material)
        except InputError:
            continue
        for component in filter(None, map(certificate.component, names)):
            fingerprint = component.public.fingerprint
            found.setdefault((key.fingerprint, fingerprint), _Candidate(key, certificate, component))
    return sorted(found.values(), key=lambda one: one.component.public.fingerprint not in names)


def _verified(
    signature: Signature,
    claims: SignatureFacts,
    candidates: list[_Candidate],
    contents: Sequence[bytes],
    around: Circumstances,
) -> SignatureFacts:
    best = (Integrity.MALFORMED, candidates[0])
    for candidate in candidates[: around.policy.budget.certificates]:
        outcome = (_integrity(signature, candidate, contents), candidate)
        best = min(best, outcome, key=lambda one: _ORDER.index(one[0]))
        if outcome[0] is Integrity.INTACT:
            break
    integrity, candidate = best
    public = candidate.component.public
    known = replace(
        claims,
        integrity=integrity,
        why=_WHYS.get(integrity),
        key=candidate.key,
        signing_fingerprint=public.fingerprint,
        algorithm=public.algorithm_name,
    )
    return _with_findings(known, signature, candidate, around) if integrity is Integrity.INTACT else known


_WHYS = {Integrity.UNSUPPORTED: "algorithm", Integrity.MALFORMED: "signature_unreadable"}
_ORDER = (Integrity.INTACT, Integrity.CHANGED, Integrity.UNSUPPORTED, Integrity.MALFORMED)


def _integrity(signature: Signature, candidate: _Candidate, contents: Sequence[bytes]) -> Integrity:
    public = candidate.component.public
    try:
        for content in contents:
            if holds(signature, public, signed_content(signature, content)):
                return Integrity.INTACT
    except Unsupported:
        return Integrity.UNSUPPORTED
    except Malformed:
        return Integrity.MALFORMED
    return Integrity.CHANGED


def _with_findings(
    facts: SignatureFacts, signature: Signature, candidate: _Candidate, around: Circumstances
) -> SignatureFacts:
    case = _Case(signature, candidate, around)
    revocation = case.revocation()
    findings = {finding for finding, applies in _CHECKS if applies(case)}
    if revocation is not None:
        findings.add(Finding.REVOKED_HARD if revocation.is_hard else Finding.REVOKED_SOFT)
    return replace(
        facts,
        findings=frozenset(findings),
        revoked_at=revocation.at if revocation else None,
        revocation_reason=_REASONS.get(revocation.code, "unknown") if revocation else None,
    )


_REASONS: dict[int | None, str] = {
    None: "none_given",
    0: "none_given",
    1: "superseded",
    2: "compromised",
    3: "retired",
    32: "user_id_invalid",
}


@dataclass(frozen=True, slots=True)
class _Case:
    """A signature that holds, with everything that may still be wrong about its key."""

    signature: Signature
    candidate: _Candidate
    around: Circumstances

    @property
    def parts(self) -> tuple[Component, ...]:
        """The keys that must both be usable."""
        primary, signing = self.candidate.certificate.primary, self.candidate.component
        return (primary,) if signing is primary else (primary, signing)

    @property
    def claimed(self) -> datetime:
        return self.signature.created or self.around.at

    @property
    def times(self) -> tuple[datetime, datetime]:
        return self.around.at, self.claimed

    def revocation(self) -> Revocation | None:
        found = [one for part in self.parts if (one := part.revoked(max(self.times)))]
        return min(found, key=lambda one: (not one.is_hard, one.at), default=None)

    def is_weak(self) -> bool:
        # A weak primary key could have been made to take in any subkey.
        sizes = [part.public.bits for part in self.parts]
        too_short = any(bits is not None and bits < self.around.policy.minimum_rsa_bits for bits in sizes)
        return too_short or hash_name(self.signature.hash_id) in self.around.policy.weak_hashes

    def is_wrong_usage(self) -> bool:
        if not self.candidate.component.bindings:
            # Nothing readable is said of its use; then nothing is said of its addresses either, so it is never good.
            return False
        return not all(self.candidate.component.may_sign(time) for time in self.times)

    def is_expired(self) -> bool:
        ends = [part.expires(self.around.at) for part in self.parts]
        return any(end is not None and end <= max(self.times) for end in ends)

    def is_early(self) -> bool:
        skew = timedelta(seconds=self.around.policy.clock_skew_seconds)
        too_new = any(part.public.created > min(self.times) for part in self.parts)
        return too_new or self.claimed > self.around.at + skew

    def is_signature_expired(self) -> bool:
        return self.signature.expires is not None and self.signature.expires <= self.around.at

    def is_for_others(self) -> bool:
        ids: list[KeyId] = [openpgp_id(one) for one in self.signature.intended_recipients]
        return bool(ids) and not self.around.keys.secrets(ids)


_CHECKS: tuple[tuple[Finding, Callable[[_Case], bool]], ...] = (
    (Finding.WEAK_ALGORITHM, _Case.is_weak),
    (Finding.WRONG_USAGE, _Case.is_wrong_usage),
    (Finding.EXPIRED, _Case.is_expired),
    (Finding.NOT_YET_VALID, _Case.is_early),
    (Finding.SIGNATURE_EXPIRED, _Case.is_signature_expired),
    (Finding.OTHER_RECIPIENT, _Case.is_for_others),
)
