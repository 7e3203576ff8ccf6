"""Ticket numbers: given out one by one, never twice, without gaps on rollback."""

from __future__ import annotations

from django.db.models import F

from sealdesk.tickets.models import TicketCounter

_COUNTER = 1


def next_number() -> int:
    """The next number. Only inside a transaction: the row stays locked until it ends."""
    if not TicketCounter.objects.filter(pk=_COUNTER).update(last_number=F("last_number") + 1):
        TicketCounter.objects.get_or_create(pk=_COUNTER)
        TicketCounter.objects.filter(pk=_COUNTER).update(last_number=F("last_number") + 1)
    return TicketCounter.objects.values_list("last_number", flat=True).get(pk=_COUNTER)
