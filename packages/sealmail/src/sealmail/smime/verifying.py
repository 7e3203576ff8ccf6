"""Checks signed-data, detached or opaque, signer by signer, and says what is so; trust is not its matter.

Called by `opening`. Never raises on bad bytes: what cannot be read is a signer whose signature is malformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sealmail.ber import Element, Malformed
from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of, public_key
from sealmail.keys.model import Key, Technology, Use
from sealmail.keys.store import KeyStore
from sealmail.keys.strength import is_weak
from sealmail.policy import MEGABYTE, Budget, Policy
from sealmail.report import Finding, Integrity, SignatureFacts
from sealmail.results import VerificationResult
from sealmail.smime import algorithms, cms
from sealmail.smime.algorithms import Hash, Unsupported
from sealmail.smime.attributes import SignedAttributes, is_set_of_attributes, signed_attributes
from sealmail.smime.cms import SignedData, SignerInfo
from sealmail.smime.included import included_keys, unreadable_ids
from sealmail.smime.signatures import Scheme, fits, key_allows, scheme_of
from sealmail.smime.unwrapping import hash_of


def verify(message: bytes, content: bytes | None, keys: KeyStore, policy: Policy, at: datetime) -> VerificationResult:
    """Checks every signer of one CMS signature.

    `content`: the signed bytes where they travel beside the signature (detached), else None. Where the signature
    carries its content, that is the result's payload, whether it verifies or not; a layer of CMS in it comes as a
    ContentInfo. Content of a type that is no mail (a time stamp, a receipt) is unsupported, and not given out.

    `at`: the moment of receipt, which the claimed signing time is held against. Findings made here: weak algorithms, a
    key that may not sign, and a signing time that does not lie within the certificate's validity or lies in the future.
    """
    try:
        signed = cms.signed_data(cms.content_of(message, cms.SIGNED_DATA)[1])
        carried = None if signed.content is None else signed.content.octets()
    except InputError:
        return VerificationResult(signers=(_facts(Integrity.MALFORMED, why="structure"),))
    included = included_keys(signed.certificates, policy)
    check = _Check(
        signed=signed,
        candidates=_contents(carried, content),
        included=included,
        keys=keys,
        policy=policy,
        at=at,
    )
    payload = None if carried is None else cms.as_mail(signed.content_type, carried)
    return VerificationResult(signers=_signers(check), payload=payload, keys_seen=included)


def _contents(carried: bytes | None, detached: bytes | None) -> _Contents | None:
    """What was signed; None where it is not there, or there twice (nobody could say which one is meant)."""
    if carried is not None:
        return _Contents(carried, is_detached=False) if detached is None else None
    return None if detached is None else _Contents(detached, is_detached=True)


MOST_BYTES_CHECKED = 512 * MEGABYTE
"""Put through signature checks in one message: a second of hashing, and far more than one signer ever needs."""


class _TooMuch(Unsupported):
    """More work than a message of any honest sender makes."""


class _Contents:
    """The content in the forms that may have been signed, with their digests, each made once."""

    def __init__(self, received: bytes, *, is_detached: bool) -> None:
        self.received = received
        self.is_detached = is_detached
        self._digests: dict[str, set[bytes]] = {}
        self._checkable = MOST_BYTES_CHECKED

    def count(self, signed: bytes) -> None:
        """Notes one check of these bytes. Many signers, each with many certificates that go by his name, would let a
        small compressed mail hash its content a thousand times. Raises _TooMuch.
        """
        self._checkable -= len(signed)
        if self._checkable < 0:
            raise _TooMuch("too much to check")

    @cached_property
    def forms(self) -> tuple[bytes, ...]:
        """As it came, and for detached content with canonical line ends (RFC 8551 §3.1.1), where a server took those of
        all lines away. Where only some lines lost theirs, no server did it.
        """
        if not self.is_detached or b"\r\n" in self.received or b"\n" not in self.received:
            return (self.received,)
        return self.received, self.received.replace(b"\n", b"\r\n")

    def has_digest(self, digest: Hash, expected: bytes) -> bool:
        """Whether one of the forms has this digest."""
        if digest.name not in self._digests:
            self._digests[digest.name] = {digest.digest(self.received)}
        known = self._digests[digest.name]
        if expected not in known and len(known) < len(self.forms):
            known.add(digest.digest(self.forms[-1]))
        return expected in known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """What all signers of one message have in common."""

    signed: SignedData
    candidates: _Contents | None
    included: tuple[Key, ...]
    keys: KeyStore
    policy: Policy
    at: datetime

    @property
    def is_of_mail(self) -> bool:
        """Whether the content is what its type says, as far as mail has such a type."""
        if self.candidates is not None and self.candidates.is_detached:
            return self.signed.content_type == cms.DATA
        return cms.as_mail(self.signed.content_type, b"") is not None


def _signers(check: _Check) -> tuple[SignatureFacts, ...]:
    signed = check.signed
    if not signed.signers:
        return ()
    if check.candidates is None:
        return (_facts(Integrity.MALFORMED, why="content_ambiguous"),)
    if (crowd := _crowd(signed, check.policy.budget)) is not None:
        return (_facts(Integrity.UNSUPPORTED, why=crowd),)
    return tuple(_signer(element, check.candidates, check) for element in signed.signers)


def _crowd(signed: SignedData, budget: Budget) -> str | None:
    """What there is more of than anybody has a use for: such a message is not checked, lest only a part of it be."""
    if len(signed.signers) > budget.signers:
        return "too_many_signers"
    if signed.digests > budget.signers:
        return "too_many_digests"
    return "too_many_certificates" if len(signed.certificates) > budget.certificates else None


def _signer(element: Element, contents: _Contents, check: _Check) -> SignatureFacts:
    try:
        info = cms.signer_info(element)
    except InputError:
        return _facts(Integrity.MALFORMED, why="signer_structure")
    try:
        claim = _claim(info, contents, check.signed.content_type)
        key, integrity, why = _judged(claim, contents, check)
        if integrity is Integrity.INTACT and not check.is_of_mail:
            integrity, why = Integrity.UNSUPPORTED, "content_type"
    except _TooMuch:
        return _facts(Integrity.UNSUPPORTED, info=info, why="too_much_to_check")
    except Unsupported:
        return _facts(Integrity.UNSUPPORTED, info=info)
    except InputError as error:
        # Malformed carries a code where it was raised for what the signer says, and a sentence where bytes were broken.
        code = str(error) if _CODE.fullmatch(str(error)) else "signer_structure"
        return _facts(Integrity.MALFORMED, info=info, why=code)
    return _facts(integrity, claim=claim, info=info, key=key, findings=_findings(claim, key, check), why=why)


_CODE = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a signer says about the content, in a form that can be checked."""

    info: SignerInfo
    digest: Hash
    scheme: Scheme
    attributes: SignedAttributes | None


def _claim(info: SignerInfo, contents: _Contents, content_type: bytes) -> _Claim:
    digest = _digest(info)
    scheme = scheme_of(info.signature_algorithm, digest)
    if info.signed_attributes is not None:
        attributes = signed_attributes(info.signed_attributes, content_type)
        if not attributes.mean(info.digest, info.signature_algorithm):
            raise Malformed("algorithm_protection")
        return _Claim(info=info, digest=digest, scheme=scheme, attributes=attributes)
    # RFC 5652 §5.3: only plain data may be signed without attributes.
    if content_type != cms.DATA:
        raise Malformed("attributes_missing")
    # In each form that a signature is tried with: line ends mended there may make attributes of what was none here.
    if any(is_set_of_attributes(form) for form in contents.forms):
        raise Malformed("content_is_attributes")
    return _Claim(info=info, digest=digest, scheme=scheme, attributes=None)


def _digest(info: SignerInfo) -> Hash:
    if info.signed_attributes is None and info.signature_algorithm.oid in algorithms.ML_DSA:
        # RFC 9882 §3.3: what the signer names means nothing then, weak or unknown; this is what ML-DSA hashes with.
        return algorithms.SHAKE256
    return hash_of(info.digest)


_Outcome = tuple[Key | None, Integrity, str | None]


def _judged(claim: _Claim, contents: _Contents, check: _Check) -> _Outcome:
    """By the certificates that came along; those at hand are asked for only where these do not settle it."""
    key_id = claim.info.key_id
    included = {key.fingerprint: key for key in check.included if key_id in key.ids}
    outcome = _outcome(claim, contents, _valid_first(included.values(), check.at))
    if outcome[1] is Integrity.INTACT:
        return outcome
    at_hand = {key.fingerprint: key for key in check.keys.keys({key_id}) if key.technology is Technology.SMIME}
    if not at_hand.keys() <= included.keys():
        outcome = _outcome(claim, contents, _valid_first((included | at_hand).values(), check.at))
    if outcome[1] is Integrity.NO_KEY and key_id in unreadable_ids(check.signed.certificates, check.policy):
        return None, Integrity.UNSUPPORTED, "public_key"
    return outcome


def _valid_first(keys: Iterable[Key], at: datetime) -> Sequence[Key]:
    """One key pair may have several certificates under one name; the newest that is valid is the one to go by."""
    return sorted(keys, key=lambda key: (_is_valid(key, at), key.valid_from), reverse=True)


def _is_valid(key: Key, at: datetime) -> bool:
    return key.valid_from <= at and (key.valid_until is None or at <= key.valid_until)


def _outcome(claim: _Claim, contents: _Contents, named: Sequence[Key]) -> _Outcome:
    attributes = claim.attributes
    meant = [key for key in named if attributes is None or attributes.name(key.material)]
    shown = next(iter(meant or named), None)
    if attributes is not None and not contents.has_digest(claim.digest, attributes.message_digest):
        return shown, Integrity.CHANGED, "digest"
    if not meant:
        # RFC 5035 §5: a certificate with the right name that is not the one that was signed with.
        return shown, Integrity.MALFORMED if named else Integrity.NO_KEY, "other_certificate" if named else None
    return _by_signature(claim, contents, meant)


def _by_signature(claim: _Claim, contents: _Contents, meant: Sequence[Key]) -> _Outcome:
    shown = meant[0]
    usable = [key for key in meant if public_key(key.material) is not None]
    if not usable:
        return shown, Integrity.UNSUPPORTED, "public_key"
    allowed = [key for key in usable if key_allows(claim.scheme, outline_of(key.material).public_key_info)]
    if not allowed:
        return shown, Integrity.MALFORMED, "algorithm_mismatch"
    fitting = next((key for key in allowed if _fits(claim, contents, key)), None)
    if fitting is None:
        return shown, Integrity.CHANGED, "signature"
    return fitting, Integrity.INTACT, None


def _fits(claim: _Claim, contents: _Contents, key: Key) -> bool:
    public = public_key(key.material)
    forms = contents.forms if claim.attributes is None else claim.attributes.signed_forms()
    for form in forms:
        contents.count(form)
        if fits(claim.scheme, public, claim.info.signature, form):
            return True
    return False


def _findings(claim: _Claim, key: Key | None, check: _Check) -> frozenset[Finding]:
    found: set[Finding] = set()
    if claim.digest.policy_name in check.policy.weak_hashes:
        found.add(Finding.WEAK_ALGORITHM)
    if key is not None:
        if is_weak(public_key(key.material), check.policy.minimum_rsa_bits):
            found.add(Finding.WEAK_ALGORITHM)
        if Use.SIGN not in key.uses:
            found.add(Finding.WRONG_USAGE)
    return frozenset(found | _time_findings(claim, key, check))


def _time_findings(claim: _Claim, key: Key | None, check: _Check) -> set[Finding]:
    """What the claimed signing time makes worse; it never makes anything better."""
    signed_at = None if claim.attributes is None else claim.attributes.signed_at
    if signed_at is None:
        return set()
    skew = timedelta(seconds=check.policy.clock_skew_seconds)
    found: set[Finding] = set()
    if signed_at - check.at > skew or (key is not None and key.valid_from - signed_at > skew):
        found.add(Finding.NOT_YET_VALID)
    if key is not None and key.valid_until is not None and signed_at - key.valid_until > skew:
        found.add(Finding.EXPIRED)
    return found


def _facts(
    integrity: Integrity,
    *,
    claim: _Claim | None = None,
    info: SignerInfo | None = None,
    key: Key | None = None,
    findings: frozenset[Finding] = frozenset(),
    why: str | None = None,
) -> SignatureFacts:
    attributes = None if claim is None else claim.attributes
    return SignatureFacts(
        technology=Technology.SMIME,
        integrity=integrity,
        key=key,
        key_ids=() if info is None else (info.key_id,),
        findings=findings,
        signed_at=None if attributes is None else attributes.signed_at,
        hash_algorithm=None if claim is None else claim.digest.name,
        algorithm=None if claim is None else claim.scheme.name,
        capabilities=None if attributes is None else attributes.capabilities,
        why=why,
    )
