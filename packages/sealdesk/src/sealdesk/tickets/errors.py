"""What the desk refuses about tickets, in sentences for the agent."""

from __future__ import annotations


class TicketError(Exception):
    """This is not possible with this ticket."""

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = sentence or self.__class__.__doc__ or ""
        super().__init__(self.sentence)


class StateChangeRefused(TicketError):
    """The ticket cannot go from its state to that one."""
