"""What this desk accepts: one policy for opening, sealing and every page that says what would happen."""

from __future__ import annotations

from django.conf import settings

from sealmail.policy import Policy


def desk_policy() -> Policy:
    """The library's defaults, with what the settings say of revocation."""
    return Policy(revocation_required=settings.REVOCATION == "hard")
