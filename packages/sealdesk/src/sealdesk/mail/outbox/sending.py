"""The worker's second step: sealed copies go to the server, and what it says is written down.

SENDING is committed before the server gets the first byte. A process that dies after that leaves a copy whose fate
nobody knows: `sweep` says so, and only a person sends it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from sealdesk.core import leases
from sealdesk.core.clock import now
from sealdesk.core.vault import VaultError
from sealdesk.mail import rawmail
from sealdesk.mail.channels.smtp import deliver
from sealdesk.mail.durability import durable
from sealdesk.mail.models import Channel, ChannelKind, Copy, CopyState, Delivery
from sealdesk.mail.outbox.states import Outcome, Result, copy_state, next_state, wait_after
from sealdesk.people.models import Group
from sealdesk.tickets.actions import reopen_after_refusal

log = logging.getLogger(__name__)

LEASE_SECONDS = 600
"""Longer than a conversation with a server lasts (`smtp.TIMEOUT_SECONDS` for each step); begun anew for each copy."""
_OUTSTANDING = (CopyState.QUEUED, CopyState.RETRY)

Deliver = Callable[..., Mapping[str, Outcome]]
"""As `channels.smtp.deliver`: (channel, sender=…, recipients=…, raw=…) to an outcome for each recipient."""


def send_due(*, by: str, limit: int = 10, deliver: Deliver = deliver) -> int:
    """Sends the copies that are due; how many were tried. `by` names this worker."""
    due = Copy.objects.filter(state__in=_OUTSTANDING).filter(Q(next_try_at=None) | Q(next_try_at__lte=now()))
    claimed = leases.claim(due.order_by("next_try_at"), by=by, seconds=LEASE_SECONDS, limit=limit)
    for pk in claimed:
        send_one(copy=pk, by=by, deliver=deliver)
    return len(claimed)


def send_one(*, copy: UUID, by: str, deliver: Deliver = deliver) -> Copy:
    """One try for the recipients of a copy that still wait."""
    row = Copy.objects.select_related("outgoing__article__ticket__group").get(pk=copy)
    article = row.outgoing.article
    try:
        raw, channel = rawmail.read(row), _channel(article.ticket.group)
    except (OSError, VaultError) as error:  # nothing has left yet, so it may be tried again
        log.error("copy %s cannot be read: %s", row.pk, type(error).__name__)  # noqa: TRY400 -- codes only
        raw, channel = b"", None
    recipients = _begin(row, by)
    if not recipients:
        return row
    if channel is None or not raw:
        outcomes: Mapping[str, Outcome] = dict.fromkeys(recipients, _NO_CHANNEL if raw else _UNREADABLE)
    else:
        outcomes = _try(deliver, channel, article.sender, recipients, raw)
    _end(row, outcomes)
    return row


def sweep() -> int:
    """Copies that were being sent by a worker that is gone: their fate is unknown. How many."""
    lost = Copy.objects.filter(state=CopyState.SENDING, leased_until__lte=now())
    found = list(lost.select_related("outgoing__article__ticket__group"))
    for copy in found:
        _mark_unknown(copy)
    return len(found)


_NO_CHANNEL = Outcome(
    result=Result.TEMPORARY, code="no_channel", sentence="There is no outgoing mail server for this group."
)
_UNREADABLE = Outcome(result=Result.TEMPORARY, code="vault", sentence="The sealed copy could not be read.")
_LOST = Outcome(
    result=Result.UNKNOWN,
    code="lost",
    sentence="The connection ended while the server had the mail. It may have been delivered.",
)


def _channel(group: Group) -> Channel | None:
    """The group's own server, else the one for all."""
    servers = Channel.objects.filter(kind=ChannelKind.SMTP, is_active=True).filter(Q(group=group) | Q(group=None))
    return servers.order_by(F("group").asc(nulls_last=True)).first()


def _begin(row: Copy, by: str) -> list[str]:
    """Commits SENDING, unless somebody else has the copy by now; the recipients that wait."""
    with durable():
        mine = Copy.objects.filter(pk=row.pk, leased_by=by, state__in=_OUTSTANDING)
        until = now() + timedelta(seconds=LEASE_SECONDS)
        if not mine.update(state=CopyState.SENDING, attempts=F("attempts") + 1, leased_until=until):
            return []
        row.refresh_from_db(fields=["state", "attempts"])
        waiting = row.deliveries.filter(state__in=_OUTSTANDING)
        recipients = list(waiting.values_list("address", flat=True))
        waiting.update(state=CopyState.SENDING, updated_at=now())
    return recipients


def _try(
    deliver: Deliver, channel: Channel, sender: str, recipients: Sequence[str], raw: bytes
) -> Mapping[str, Outcome]:
    try:
        return deliver(channel, sender=sender, recipients=recipients, raw=raw)
    except Exception as error:  # noqa: BLE001 -- an error that nobody thought of says nothing about the mail's fate
        log.error("sending failed in an unforeseen way: %s", type(error).__name__)  # noqa: TRY400 -- no traceback: it may hold the mail
        return dict.fromkeys(recipients, _LOST)


def _end(row: Copy, outcomes: Mapping[str, Outcome]) -> None:
    with transaction.atomic():
        deliveries = list(row.deliveries.all())
        for delivery in deliveries:
            outcome = outcomes.get(delivery.address)
            if delivery.state == CopyState.SENDING:
                _note(delivery, outcome or _LOST, row.attempts)
        _settle(row, deliveries)


def _note(delivery: Delivery, outcome: Outcome, attempts: int) -> None:
    delivery.state = next_state(outcome.result, attempts)
    delivery.code, delivery.sentence = outcome.code[:60], outcome.sentence[:500]
    delivery.updated_at = now()


def _settle(row: Copy, deliveries: Sequence[Delivery]) -> None:
    Delivery.objects.bulk_update(deliveries, ["state", "code", "sentence", "updated_at"])
    row.state = copy_state({CopyState(delivery.state) for delivery in deliveries})
    row.next_try_at = now() + wait_after(row.attempts) if row.state == CopyState.RETRY else None
    row.leased_until, row.leased_by = None, ""
    row.save(update_fields=["state", "next_try_at", "leased_until", "leased_by"])
    troubles = [one.code for one in deliveries if one.state in {CopyState.FAILED, CopyState.UNKNOWN}]
    if troubles and row.state != CopyState.RETRY:
        article = row.outgoing.article
        reopen_after_refusal(ticket=article.ticket, article=article, codes=troubles)


def _mark_unknown(copy: Copy) -> None:
    with transaction.atomic():
        still = Copy.objects.filter(pk=copy.pk, state=CopyState.SENDING, leased_until__lte=now())
        if not still.update(state=CopyState.UNKNOWN):
            return
        deliveries = list(copy.deliveries.all())
        for delivery in deliveries:
            if delivery.state == CopyState.SENDING:
                _note(delivery, _LOST, copy.attempts)
        _settle(copy, deliveries)
