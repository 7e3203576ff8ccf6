"""What the desk refuses about tickets, in sentences for the agent."""

from __future__ import annotations

from sealdesk.core.errors import DeskError


class TicketError(DeskError):
    """This is not possible with this ticket."""


class StateChangeRefused(TicketError):
    """The ticket cannot go from its state to that one."""
