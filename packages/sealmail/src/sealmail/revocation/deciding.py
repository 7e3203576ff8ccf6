"""What counts when several sources speak, at one time: see docs/decisions/0019."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.x509 import ReasonFlags

from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState
from sealmail.revocation.statement import EVERY_REASON, HOLD, Statement, Word
from sealmail.revocation.times import is_after


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationStatus:
    """What is known about a certificate at a time."""

    state: RevocationState = RevocationState.NOT_CHECKED
    revoked_at: datetime | None = None
    reason: str | None = None
    """The name of the reason in RFC 5280 §5.3.1, where it was revoked."""
    known_until: datetime | None = None
    """When the data that says so goes, or went, out of date."""

    def finding(self, at: datetime) -> Finding | None:
        """Hard revocation counts at any time, soft only from its date on."""
        if self.revoked_at is None:
            return None
        if self.reason not in _SOFT:
            return Finding.REVOKED_HARD
        return Finding.REVOKED_SOFT if self.revoked_at <= at else None


_SOFT = {
    reason.value
    for reason in (
        ReasonFlags.superseded,
        ReasonFlags.cessation_of_operation,
        ReasonFlags.affiliation_changed,
        ReasonFlags.certificate_hold,
    )
}
"""Reasons that say nothing bad about the time before; all others do, and so does a missing reason. Withdrawn privileges
are not among them: CAs give that reason where the owner lied to them, so that the name was wrong from the beginning.
"""


def decide(statements: Sequence[Statement], policy: Policy, at: datetime) -> RevocationStatus:
    """One status from everything that authentic sources say about one certificate."""
    believed = [one for one in statements if one.word is Word.REVOKED or not one.is_weak]
    lasting = [one for one in believed if one.word is Word.REVOKED and not one.is_hold]
    if lasting:
        return _revoked(lasting, at)
    good = [one for one in believed if one.word is Word.GOOD]
    holds = [one for one in believed if one.is_hold]
    if holds and not _is_lifted(holds, good):
        return _revoked(holds, at)
    return _not_revoked(good, [one for one in believed if one.word is Word.UNKNOWN], policy, at)


def _revoked(statements: Sequence[Statement], at: datetime) -> RevocationStatus:
    """The one that says the worst; of those the earliest."""
    statuses = [
        RevocationStatus(
            state=RevocationState.REVOKED, revoked_at=one.revoked_at, reason=one.reason, known_until=one.good_until
        )
        for one in statements
    ]
    return min(statuses, key=lambda one: _badness(one, at))


def _is_lifted(holds: Iterable[Statement], good: Iterable[Statement]) -> bool:
    """Whether a source that would have named the hold, and is newer than all that do, does not."""
    newest = max(one.made_at for one in holds)
    return any(one.made_at > newest and ReasonFlags(HOLD) in one.reasons for one in good)


def _not_revoked(
    good: Sequence[Statement], unknown: Sequence[Statement], policy: Policy, at: datetime
) -> RevocationStatus:
    """Good as long as every reason is covered by something in force, and no newer answer knows nothing of it."""
    current = [one.made_at for one in unknown if not is_after(at, one.good_until, policy)]
    if current and max(current) > max((one.made_at for one in good), default=_LONG_AGO):
        return RevocationStatus(state=RevocationState.UNKNOWN)
    latest = [max((one.good_until for one in good if reason in one.reasons), default=None) for reason in EVERY_REASON]
    known = [until for until in latest if until is not None]
    if not known or len(known) < len(latest):
        return RevocationStatus(state=RevocationState.UNKNOWN)
    until = min(known)
    state = RevocationState.STALE if is_after(at, until, policy) else RevocationState.GOOD
    return RevocationStatus(state=state, known_until=until)


_LONG_AGO = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


def worst(statuses: Iterable[RevocationStatus], at: datetime) -> RevocationStatus:
    """What must be said of a path: the worst of its certificates, and when the first of the data goes out of date.

    Certificates that nobody could revoke do not count, unless there are no others.
    """
    counted = [one for one in statuses if one.state is not RevocationState.NOT_CHECKED]
    if not counted:
        return RevocationStatus()
    one = min(counted, key=lambda status: _badness(status, at))
    known = [status.known_until for status in counted if status.known_until is not None]
    return RevocationStatus(
        state=one.state, revoked_at=one.revoked_at, reason=one.reason, known_until=min(known, default=None)
    )


def findings_of(statuses: Iterable[RevocationStatus], policy: Policy, at: datetime) -> frozenset[Finding]:
    """What the statuses of a path's certificates come to. One that is not known counts where the policy says so."""
    statuses = list(statuses)
    found = {finding for status in statuses if (finding := status.finding(at)) is not None}
    if policy.revocation_required and any(status.state in _NOT_KNOWN for status in statuses):
        found.add(Finding.REVOCATION_UNKNOWN)
    return frozenset(found)


_NOT_KNOWN = {RevocationState.UNKNOWN, RevocationState.STALE}
_FINDINGS = (Finding.REVOKED_HARD, Finding.REVOKED_SOFT, None)
_STATES = (
    RevocationState.REVOKED,
    RevocationState.UNKNOWN,
    RevocationState.STALE,
    RevocationState.GOOD,
    RevocationState.NOT_CHECKED,
)


def _badness(status: RevocationStatus, at: datetime) -> tuple[int, int, datetime]:
    """Smallest first."""
    return _STATES.index(status.state), _FINDINGS.index(status.finding(at)), status.revoked_at or _LONG_AGO
