"""The history of a ticket, one line per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sealdesk.tickets.events import EventKind
from sealdesk.tickets.models import TicketEvent, TicketState
from sealdesk.web.presenters.states import TICKET_STATES

EVENTS: Mapping[EventKind, str] = {
    EventKind.OPENED: "opened",
    EventKind.MAIL_IN: "mail came in",
    EventKind.MAIL_OUT: "mail written",
    EventKind.MAIL_REFUSED: "mail not sent: could not be sealed as asked",
    EventKind.MAIL_RETRIED: "mail opened and checked again",
    EventKind.NOTE: "note written",
    EventKind.STATE: "state changed",
    EventKind.ASSIGNED: "owner changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One event."""

    text: str
    at: datetime


def history_line(event: TicketEvent) -> HistoryLine:
    """The event in words, with who did it."""
    kinds = {kind.value: kind for kind in EventKind}
    text = EVENTS[kinds[event.kind]] if event.kind in kinds else event.kind.replace("_", " ")
    to = event.codes.get("to")
    if event.kind == EventKind.STATE and to in set(TicketState):
        text = f"state: {TICKET_STATES[TicketState(to)].label}"
    return HistoryLine(text=f"{text}{f', {event.by.email}' if event.by else ''}", at=event.at)
