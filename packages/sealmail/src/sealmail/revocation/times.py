"""How long revocation data counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from sealmail.policy import Policy


def in_force_until(made_at: datetime, next_update: datetime | None, policy: Policy) -> datetime:
    """Until its nextUpdate; without one as long as the policy allows."""
    return next_update or made_at + timedelta(seconds=policy.revocation_maximum_age_seconds)
