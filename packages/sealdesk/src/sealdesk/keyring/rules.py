"""Who may change the key ring, and what a key must be like to get in."""

from __future__ import annotations

from sealdesk.core.errors import NotAllowed
from sealdesk.people.models import Agent
from sealdesk.people.rules import can_administer


def check_can_manage_keys(by: Agent | None) -> None:
    """Keys, trust and switches are for administrators."""
    if not can_administer(by):
        raise NotAllowed("Only administrators can change keys and certificates.")


def can_manage_keys(by: Agent | None) -> bool:
    return can_administer(by)


def check_can_download_secret(by: Agent | None) -> None:
    """A right of its own: who manages keys need not hold them in hand."""
    if not can_administer(by):
        raise NotAllowed("Only administrators can download private keys.")
