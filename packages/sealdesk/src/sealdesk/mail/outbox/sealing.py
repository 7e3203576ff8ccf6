"""The worker's first step: a waiting mail becomes sealed copies, or is refused with reasons; never clear text."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from sealdesk.core import leases
from sealdesk.core.clock import now
from sealdesk.keyring.store import DeskKeys
from sealdesk.mail import rawmail, securitylog
from sealdesk.mail.intake.failures import failure_code
from sealdesk.mail.models import Copy, CopyState, Delivery, Outgoing, OutgoingState
from sealdesk.mail.outbox.planjson import plan_to_json
from sealdesk.mail.outbox.planning import Recipients, preview
from sealdesk.people.models import SenderAddress
from sealdesk.tickets import attachments
from sealdesk.tickets.actions import reopen_after_refusal
from sealdesk.tickets.models import Article
from sealmail.addresses import Mailbox
from sealmail.errors import Reason, Refused
from sealmail.keys import Technology
from sealmail.mime import Draft, DraftAttachment
from sealmail.sealing import Plan, SealedCopy, seal

log = logging.getLogger(__name__)

LEASE_SECONDS = 300
MOST_ATTEMPTS = 5
_WAIT = timedelta(seconds=30)


def seal_due(*, by: str, limit: int = 10) -> int:
    """Seals what waits; how many mails. `by` names this worker."""
    waiting = Outgoing.objects.filter(state=OutgoingState.WAITING).order_by("article__created_at")
    claimed = leases.claim(waiting, by=by, seconds=LEASE_SECONDS, limit=limit)
    for pk in claimed:
        seal_one(outgoing=pk)
    return len(claimed)


def seal_one(*, outgoing: UUID) -> Outgoing:
    """Plans and seals one mail with the keys of this moment."""
    row = Outgoing.objects.select_related("article__ticket__group").get(pk=outgoing)
    if row.state != OutgoingState.WAITING:
        return row
    try:
        _seal(row)
    except Exception as error:  # noqa: BLE001 -- the mail stays, with a code; the next one must not wait for it
        _note_failure(row, error)
    return row


def _seal(row: Outgoing) -> None:
    article, at = row.article, now()
    group = article.ticket.group
    sender = SenderAddress.objects.filter(address=article.sender, group=group).first()
    plan = preview(
        group=group,
        recipients=Recipients(to=tuple(article.to), cc=tuple(article.cc), bcc=tuple(article.bcc)),
        sign=row.sign,
        encrypt=row.encrypt,
        technology=None if row.technology == "auto" else Technology(row.technology),
        sender=sender,
        at=at,
    )
    try:
        sealed = seal(plan, draft_of(article), DeskKeys([group]), at)
    except Refused as refused:
        _refuse(row, plan, refused.reasons)
    else:
        _store(row, plan, sealed)


def draft_of(article: Article) -> Draft:
    """The article as a message that is to be sent."""
    files = tuple(
        DraftAttachment(one.name, one.content_type, attachments.read(one)) for one in article.attachments.all()
    )
    return Draft(
        from_=(Mailbox(article.sender_name, article.sender),),
        to=_mailboxes(article.to),
        cc=_mailboxes(article.cc),
        subject=article.subject,
        text=article.text,
        html=article.html,
        attachments=files,
        message_id=article.message_id,
        date=article.created_at,
        in_reply_to=article.in_reply_to or None,
        references=tuple(article.references),
    )


def _mailboxes(addresses: Sequence[str]) -> tuple[Mailbox, ...]:
    return tuple(Mailbox("", address) for address in addresses)


def _store(row: Outgoing, plan: Plan, sealed: Sequence[SealedCopy]) -> None:
    """The bytes of all copies first, then all rows at once: a mail is never half queued."""
    copies = [_copy(row, position, one) for position, one in enumerate(sealed)]
    with ExitStack() as undo:
        for copy, one in zip(copies, sealed, strict=True):
            undo.callback(rawmail.store(copy, one.raw))
        with transaction.atomic():
            if _still_waiting(row):
                Copy.objects.bulk_create(copies)
                _assign(row, plan, copies, sealed)
                _finish(row, plan, OutgoingState.SEALED)
                securitylog.log_sealed(plan.copies, row.article, now())
                undo.pop_all()


def _copy(row: Outgoing, position: int, sealed: SealedCopy) -> Copy:
    planned = sealed.planned
    return Copy(
        outgoing=row,
        position=position,
        technology=planned.technology.value if planned.technology else "",
        is_signed=planned.sign,
        is_encrypted=planned.encrypt,
        next_try_at=now(),
    )


def _assign(row: Outgoing, plan: Plan, copies: Sequence[Copy], sealed: Sequence[SealedCopy]) -> None:
    """Tells each delivery which copy it is and which key it was encrypted to."""
    copy_of = {address: copy for copy, one in zip(copies, sealed, strict=True) for address in one.planned.recipients}
    keys = {recipient.address: recipient.key for recipient in plan.recipients}
    deliveries = list(row.deliveries.all())
    for delivery in deliveries:
        copy, key = copy_of[delivery.address], keys[delivery.address]
        delivery.copy, delivery.technology, delivery.state = copy, copy.technology, CopyState.QUEUED
        delivery.key_fingerprint = key.fingerprint if key and copy.is_encrypted else ""
        delivery.updated_at = now()
    Delivery.objects.bulk_update(deliveries, ["copy", "technology", "state", "key_fingerprint", "updated_at"])


def _refuse(row: Outgoing, plan: Plan | None, reasons: Sequence[Reason]) -> None:
    """Nothing is sent; each recipient says why, and the ticket comes back."""
    with transaction.atomic():
        if not _still_waiting(row):
            return
        deliveries = list(row.deliveries.all())
        for delivery in deliveries:
            reason = next((one for one in reasons if one.address == delivery.address), None)
            delivery.state = CopyState.REFUSED
            delivery.code = (reason.code if reason else "mail_refused")[:60]
            delivery.sentence = (reason or _first_general(reasons, deliveries)).sentence[:500]
            delivery.updated_at = now()
        Delivery.objects.bulk_update(deliveries, ["state", "code", "sentence", "updated_at"])
        _finish(row, plan, OutgoingState.REFUSED)
        if plan is not None:
            securitylog.log_refused(plan.request, reasons, row.article, now())
        codes = [reason.code for reason in reasons]
        reopen_after_refusal(ticket=row.article.ticket, article=row.article, codes=codes)


def _first_general(reasons: Sequence[Reason], deliveries: Sequence[Delivery]) -> Reason:
    """For a recipient who is not to blame: the reason that holds for all, else that others held it up."""
    recipients = {delivery.address for delivery in deliveries}
    held_up = Reason(code="mail_refused", sentence="Not sent, because it could not be sealed for everybody.")
    return next((reason for reason in reasons if reason.address not in recipients), held_up)


def _finish(row: Outgoing, plan: Plan | None, state: OutgoingState) -> None:
    row.state, row.leased_until, row.leased_by = state, None, ""
    row.save(update_fields=["state", "leased_until", "leased_by"])
    if plan is not None:
        row.article.report = plan_to_json(plan)
        row.article.save(update_fields=["report"])


def _still_waiting(row: Outgoing) -> bool:
    return Outgoing.objects.select_for_update().filter(pk=row.pk, state=OutgoingState.WAITING).exists()


def _note_failure(row: Outgoing, error: Exception) -> None:
    """Tries again later; past the last try the mail is refused with a sentence of ours."""
    code = failure_code(error)
    log.error("outgoing mail %s could not be sealed: %s", row.pk, code)
    row.attempts += 1
    if row.attempts >= MOST_ATTEMPTS:
        sentence = "The desk could not seal this mail because of an error of its own. Ask an administrator."
        _refuse(row, None, [Reason(code=code, sentence=sentence)])
        return
    row.leased_until = now() + _WAIT * 2**row.attempts
    row.save(update_fields=["attempts", "leased_until"])
