"""What can happen to a ticket, and the row that says so: codes and ids, never words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sealdesk.core.clock import now
from sealdesk.people.models import Agent
from sealdesk.tickets.models import Article, Ticket, TicketEvent


class EventKind(StrEnum):
    """The kinds of events in a ticket's history."""

    OPENED = "opened"
    MAIL_IN = "mail_in"
    MAIL_OUT = "mail_out"
    MAIL_REFUSED = "mail_refused"
    MAIL_RETRIED = "mail_retried"
    NOTE = "note"
    STATE = "state"
    ASSIGNED = "assigned"


def record(
    ticket: Ticket,
    kind: EventKind,
    *,
    by: Agent | None,
    at: datetime | None = None,
    article: Article | None = None,
    codes: Mapping[str, Any] | None = None,
) -> TicketEvent:
    """Writes the event, in the transaction of the change."""
    return TicketEvent.objects.create(
        ticket=ticket, kind=kind.value, at=at or now(), by=by, article=article, codes=dict(codes or {})
    )
