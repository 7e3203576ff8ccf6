"""From a signer's certificate to a trusted CA: which certificates lie between, and what speaks against the path.

A path ends at an anchor that somebody decided to trust, never at a certificate that merely came with the mail. Fetches
nothing. The rules for issuers are `path_rules`; times and revocation are looked at here, each for itself, so that one
fact does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from sealmail.keys.certificate import outline_of, public_key
from sealmail.keys.model import Key, KeyId, Technology
from sealmail.keys.store import KeyStore
from sealmail.keys.trust import Anchor
from sealmail.path_rules import broken_rule
from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState
from sealmail.revocation import Inquiry, RevocationStatus, findings_of, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFacts:
    """What is known about a certificate and its way to an anchor at one time."""

    chain: tuple[Key, ...] = ()
    """The certificate first, the anchor last; empty where no path was found."""
    anchor: Anchor | None = None
    findings: frozenset[Finding] = frozenset()
    """Of the certificate itself, path or not, and of those between it and the anchor."""
    issuer_name: str | None = None
    """For people: who issued the certificate, where that certificate is known."""
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    """Also where it was revoked later than the time asked for, for a harmless reason, which is no finding."""
    revocation: RevocationState = RevocationState.NOT_CHECKED
    """The worst of the path, anchor excepted; without a path, what the issuer says of the certificate."""
    revocation_known_until: datetime | None = None

    def vouches_for(self, address: str) -> bool:
        """Whether the anchor says that this canonical address is the owner's: the certificate names it, the anchor may
        speak for its domain, and no rule for issuers is broken on the way. Validity in time is a finding of its own.
        """
        if self.anchor is None or self.findings & _BREAKING or address not in self.chain[0].addresses:
            return False
        domains = self.anchor.domains
        return domains is None or address.rpartition("@")[2] in domains


_BREAKING = {Finding.WRONG_USAGE, Finding.WEAK_ALGORITHM, Finding.REVOKED_HARD, Finding.REVOKED_SOFT}


def judge_path(
    signer: Key, included: Sequence[Key], keys: KeyStore, anchors: Sequence[Anchor], policy: Policy, at: datetime
) -> PathFacts:
    """The best path from a certificate to one of the anchors, and what speaks against it at a time.

    `included`: certificates that came along; they and those in `keys` may stand in between. Of several paths the one
    with nothing against it is taken, then the one whose anchor may speak for most of the certificate's addresses.
    """
    search = _Search(included=included, keys=keys, anchors=anchors, policy=policy, at=at)
    best: PathFacts | None = None
    for chain, anchor in search.paths(signer):
        facts = search.facts(chain, anchor)
        if best is None or _rank(facts) > _rank(best):
            best = facts
        if not facts.findings and all(facts.vouches_for(address) for address in signer.addresses):
            break
    return search.without_path(signer) if best is None else best


def _rank(facts: PathFacts) -> tuple[int, int]:
    return -len(facts.findings), sum(facts.vouches_for(address) for address in facts.chain[0].addresses)


class _Search:
    """The search for paths: depth first, each certificate once in a path, and no more steps than the budget allows."""

    def __init__(
        self, *, included: Sequence[Key], keys: KeyStore, anchors: Sequence[Anchor], policy: Policy, at: datetime
    ) -> None:
        self._included = [key for key in included if key.technology is Technology.SMIME]
        self._keys = keys
        self._anchors = anchors
        self._policy = policy
        self._at = at
        self._revocation = Inquiry(keys=keys, included=self._included, policy=policy, at=at)
        self._steps_left = policy.budget.certificates

    def paths(self, signer: Key) -> Iterator[tuple[tuple[Key, ...], Anchor]]:
        for anchor in self._anchors:
            if anchor.key.fingerprint == signer.fingerprint:
                yield (signer,), anchor
        yield from self._longer((signer,))

    def _longer(self, chain: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], Anchor]]:
        last = chain[-1]
        in_use = {_owner(key) for key in chain}
        for anchor in self._anchors:
            if _owner(anchor.key) not in in_use and _issued(anchor.key, last):
                yield (*chain, anchor.key), anchor
        # The anchor still has to fit behind the next certificate.
        if len(chain) + 1 >= self._policy.budget.path_length:
            return
        for issuer in self.issuers(last):
            self._steps_left -= 1
            if self._steps_left < 0:
                return
            if _owner(issuer) not in in_use:
                yield from self._longer((*chain, issuer))

    def issuers(self, key: Key) -> Iterator[Key]:
        """Certificates at hand whose owner really signed this one."""
        if key.issuer is None:
            return
        at_hand = {one.fingerprint: one for one in (*self._included, *self._keys.keys({key.issuer}))}
        for issuer in at_hand.values():
            if _issued(issuer, key):
                yield issuer

    def facts(self, chain: tuple[Key, ...], anchor: Anchor) -> PathFacts:
        findings = _own_findings(chain[0], self._at) | self._broken_rules(chain)
        for key in chain[1:]:
            findings |= _validity(key, self._at)
        return self._with_revocation(
            PathFacts(chain=chain, anchor=anchor, findings=frozenset(findings), issuer_name=_issuer_name(chain)),
            self._revocation.of_path(chain),
        )

    def without_path(self, signer: Key) -> PathFacts:
        """The certificate's own findings. Its issuer's word on revocation counts even if nobody trusts the issuer."""
        issuers = [signer] if _issued(signer, signer) else list(self.issuers(signer))
        name = next((issuer.name for issuer in issuers), None)
        found = _own_findings(signer, self._at)
        if self._policy.revocation_required and not issuers:
            found |= {Finding.REVOCATION_UNKNOWN}
        facts = PathFacts(findings=frozenset(found), issuer_name=name)
        return self._with_revocation(facts, [self._revocation.of_one(signer, issuers)])

    def _broken_rules(self, chain: tuple[Key, ...]) -> set[Finding]:
        if len(chain) == 1:
            return set()
        broken = broken_rule(
            tuple(key.material for key in chain), self._policy.weak_hashes, self._policy.minimum_rsa_bits
        )
        return set() if broken is None else {broken}

    def _with_revocation(self, facts: PathFacts, statuses: Sequence[RevocationStatus]) -> PathFacts:
        summary = worst(statuses, self._at)
        return replace(
            facts,
            findings=facts.findings | findings_of(statuses, self._policy, self._at),
            revoked_at=summary.revoked_at,
            revocation_reason=summary.reason,
            revocation=summary.state,
            revocation_known_until=summary.known_until,
        )


def _owner(key: Key) -> tuple[KeyId | None, bytes]:
    """Name and public key: two certificates of the same owner in one path lead nowhere (RFC 4158 §2.4.2)."""
    return key.subject, outline_of(key.material).public_key_info


def _issuer_name(chain: tuple[Key, ...]) -> str:
    return chain[min(1, len(chain) - 1)].name


def _own_findings(key: Key, at: datetime) -> set[Finding]:
    findings = _validity(key, at)
    return findings | {Finding.WRONG_USAGE} if _has_unknown_critical_extension(key.material) else findings


def _validity(key: Key, at: datetime) -> set[Finding]:
    if at < key.valid_from:
        return {Finding.NOT_YET_VALID}
    return {Finding.EXPIRED} if key.valid_until is not None and at > key.valid_until else set()


@lru_cache(maxsize=512)
def _has_unknown_critical_extension(certificate: bytes) -> bool:
    """RFC 5280 §4.2: what is critical and not understood forbids the certificate's use."""
    extensions = x509.load_der_x509_certificate(certificate).extensions
    return any(one.critical and isinstance(one.value, x509.UnrecognizedExtension) for one in extensions)


def _issued(issuer: Key, key: Key) -> bool:
    """Whether the names meet and the signature on `key` is the issuer's."""
    return issuer.subject is not None and issuer.subject == key.issuer and _signed(issuer.material, key.material)


@lru_cache(maxsize=1024)
def _signed(issuer: bytes, certificate: bytes) -> bool:
    """Whether the signature fits, be its algorithm weak or not: weak ones are a finding, not a missing path."""
    signed = x509.load_der_x509_certificate(certificate)
    content, signature = signed.tbs_certificate_bytes, signed.signature
    try:
        digest, parameters = signed.signature_hash_algorithm, signed.signature_algorithm_parameters
        match public_key(issuer), digest, parameters:
            case rsa.RSAPublicKey() as key, hashes.HashAlgorithm(), padding.PKCS1v15() | padding.PSS() as scheme:
                key.verify(signature, content, scheme, digest)
            case ec.EllipticCurvePublicKey() as key, _, ec.ECDSA() as scheme:
                key.verify(signature, content, scheme)
            case dsa.DSAPublicKey() as key, hashes.HashAlgorithm(), _:
                key.verify(signature, content, digest)
            case (ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()) as key, None, _:
                key.verify(signature, content)
            case _:
                return False
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
