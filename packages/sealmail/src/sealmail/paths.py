"""From a signer's certificate to a trusted CA: which certificates lie between, and what speaks against the path.

A path ends at an anchor that somebody decided to trust, never at a certificate that merely came with the mail. Fetches
nothing. `path_building` finds the ways, the rules for issuers are `path_rules`; times and revocation are looked at
here, each for itself, so that one fact does not hide another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sealmail.keys.model import Key
from sealmail.keys.store import KeyStore
from sealmail.keys.trust import Anchor
from sealmail.path_building import PathSearch, has_signed
from sealmail.path_rules import broken_rule, has_unknown_critical_extension, has_weak_key
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
    judging = _Judging(included=included, keys=keys, anchors=anchors, policy=policy, at=at)
    best: PathFacts | None = None
    for chain, anchor in islice(judging.search.paths(signer), policy.budget.certificates):
        facts = judging.facts(chain, anchor)
        if best is None or _rank(facts) > _rank(best):
            best = facts
        if not facts.findings and all(facts.vouches_for(address) for address in signer.addresses):
            break
    return judging.without_path(signer) if best is None else best


def judge_alone(
    signer: Key, included: Sequence[Key], keys: KeyStore, anchors: Sequence[Anchor], policy: Policy, at: datetime
) -> PathFacts:
    """What speaks against a certificate that is trusted itself, whoever issued it: nothing that lies above it, except
    that its issuer has revoked it.
    """
    return _Judging(included=included, keys=keys, anchors=anchors, policy=policy, at=at).without_path(signer)


def _rank(facts: PathFacts) -> tuple[int, int, int]:
    """A path that is only out of date is better than one that breaks a rule."""
    vouched = sum(facts.vouches_for(address) for address in facts.chain[0].addresses)
    return -len(facts.findings & _BREAKING), -len(facts.findings), vouched


class _Judging:
    """What is asked about paths, with the same witnesses each time."""

    def __init__(
        self, *, included: Sequence[Key], keys: KeyStore, anchors: Sequence[Anchor], policy: Policy, at: datetime
    ) -> None:
        self.search = PathSearch(included=included, keys=keys, anchors=anchors, budget=policy.budget, at=at)
        self._policy = policy
        self._at = at
        self._revocation = Inquiry(keys=keys, included=included, policy=policy, at=at)

    def facts(self, chain: tuple[Key, ...], anchor: Anchor) -> PathFacts:
        findings = self._own_findings(chain[0]) | self._broken_rules(chain)
        for key in chain[1:]:
            findings |= _validity(key, self._at)
        return self._with_revocation(
            PathFacts(chain=chain, anchor=anchor, findings=frozenset(findings), issuer_name=_issuer_name(chain)),
            self._revocation.of_path(chain),
        )

    def without_path(self, signer: Key) -> PathFacts:
        """The certificate's own findings. Its issuer's word on revocation counts even if nobody trusts the issuer."""
        issuers = [signer] if _is_self_signed(signer) else self.search.issuers(signer)
        name = next((issuer.name for issuer in issuers), None)
        found = self._own_findings(signer)
        if self._policy.revocation_required and not issuers:
            found.add(Finding.REVOCATION_UNKNOWN)
        facts = PathFacts(findings=frozenset(found), issuer_name=name)
        return self._with_revocation(facts, [self._revocation.of_one(signer, issuers)])

    def _own_findings(self, key: Key) -> set[Finding]:
        findings = _validity(key, self._at)
        if has_unknown_critical_extension(key.material):
            findings.add(Finding.WRONG_USAGE)
        if has_weak_key(key.material, self._policy.minimum_rsa_bits):
            findings.add(Finding.WEAK_ALGORITHM)
        return findings

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


def _issuer_name(chain: tuple[Key, ...]) -> str:
    return chain[min(1, len(chain) - 1)].name


def _is_self_signed(key: Key) -> bool:
    return key.subject is not None and key.subject == key.issuer and has_signed(key.material, key.material)


def _validity(key: Key, at: datetime) -> set[Finding]:
    if at < key.valid_from:
        return {Finding.NOT_YET_VALID}
    return {Finding.EXPIRED} if key.valid_until is not None and at > key.valid_until else set()
