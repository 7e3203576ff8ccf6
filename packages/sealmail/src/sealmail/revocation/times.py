"""How long revocation data counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sealmail.policy import Policy


def in_force_until(made_at: datetime, next_update: datetime | None, policy: Policy) -> datetime:
    """Until its nextUpdate; without one as long as the policy allows."""
    try:
        return next_update or made_at + timedelta(seconds=policy.revocation_maximum_age_seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def is_after(later: datetime, earlier: datetime, policy: Policy) -> bool:
    """Whether `later` really is, clocks of other people considered. "The year 9999" is a time like any other here."""
    return later - earlier > timedelta(seconds=policy.revocation_skew_seconds)
