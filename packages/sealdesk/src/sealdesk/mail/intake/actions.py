"""Takes mail in: `receive` keeps the bytes before anybody is told, `process` makes an article of them.

Whatever goes wrong in between, the raw mail stays, with its state and a reason; running `process` again is harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from uuid import UUID

from django.db import transaction

from sealdesk.core.clock import now
from sealdesk.core.vault import vault
from sealdesk.mail import rawmail
from sealdesk.mail.durability import durable
from sealdesk.mail.intake.decision import Decision, Fate, QuarantineReason, decide
from sealdesk.mail.intake.facts import gather, owning_group
from sealdesk.mail.intake.failures import note_failure
from sealdesk.mail.intake.opening import open_for
from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.intake.routing import receiving_group
from sealdesk.mail.intake.writing import new_attachments, write_article
from sealdesk.mail.models import Channel, RawMail, RawState
from sealdesk.people.models import Group
from sealdesk.tickets.attachments import stored
from sealmail.opening import Opened

_DIGEST_PURPOSE = "raw mail"


def receive(
    *,
    raw: bytes,
    channel: Channel | None = None,
    group: Group | None = None,
    envelope_recipients: Sequence[str] = (),
) -> RawMail:
    """Stores a mail and commits: when this returns, the server may be told that we have it.

    The same bytes for the same recipients on the same channel once more are kept and marked as a duplicate. A server
    that hands in one mail for two of our groups in two transactions means both.
    """
    mail = RawMail(
        channel=channel,
        group=group,
        envelope_recipients=[str(address)[:320] for address in envelope_recipients],
        received_at=now(),
        size=len(raw),
        digest=vault().keyed_hash(_DIGEST_PURPOSE, raw),
    )
    with ExitStack() as undo:
        undo.callback(rawmail.store(mail, raw))
        with durable():
            if _was_received(mail):
                mail.state = RawState.DUPLICATE
            mail.save(force_insert=True)
        undo.pop_all()
    return mail


def _was_received(mail: RawMail) -> bool:
    earlier = RawMail.objects.filter(channel=mail.channel, digest=mail.digest)
    recipients = set(mail.envelope_recipients)
    return any(recipients <= set(known) for known in earlier.values_list("envelope_recipients", flat=True))


def process(*, raw_mail: UUID, batch: Batch | None = None) -> RawMail:
    """Opens a stored mail, decides, and writes it down in one transaction. Never raises for what is in the mail.

    Mails that are processed together share a `batch`, so that the key ring is not asked the same for each.
    """
    mail = RawMail.objects.select_related("channel__group", "group").get(pk=raw_mail)
    if mail.state != RawState.STORED:
        return mail
    try:
        _process(mail, batch)
    except _DoneElsewhere:
        mail.refresh_from_db()
    except Exception as error:  # noqa: BLE001 -- no mail is lost to an error, and the next one must not wait for it
        note_failure(mail, error)
    return mail


def release(*, raw_mail: RawMail, group: Group | None = None) -> RawMail:
    """Lets a quarantined mail be processed again, for this group where one is given."""
    if raw_mail.state == RawState.QUARANTINED:
        raw_mail.state, raw_mail.reason, raw_mail.attempts, raw_mail.leased_until = RawState.STORED, "", 0, None
        raw_mail.group = group or raw_mail.group
        raw_mail.save(update_fields=["state", "reason", "attempts", "leased_until", "group"])
    return raw_mail


class _DoneElsewhere(Exception):
    """Another worker has taken this mail in meanwhile."""


def _process(mail: RawMail, batch: Batch | None) -> None:
    raw = rawmail.read(mail)
    group = receiving_group(mail, raw)
    if group is None:
        _quarantine(mail, None, QuarantineReason.NO_GROUP)
        return
    opened = open_for(group, raw, mail.received_at, batch)
    decision = decide(gather(opened, group))
    if decision.fate is Fate.QUARANTINE:
        _quarantine_opened(mail, opened, decision, group)
    else:
        _accept(mail, opened, decision, group)


def _accept(mail: RawMail, opened: Opened, decision: Decision, group: Group) -> None:
    with stored(new_attachments(opened)) as attachments, transaction.atomic():
        if not _still_stored(mail):
            raise _DoneElsewhere
        mail.group, mail.state, mail.reason = group, RawState.DONE, ""
        mail.article = write_article(mail, opened, decision, group, attachments)
        mail.save(update_fields=["group", "state", "reason", "article"])


def _quarantine_opened(mail: RawMail, opened: Opened, decision: Decision, group: Group) -> None:
    reason = decision.reason or QuarantineReason.OPENING_FAILED
    if reason is QuarantineReason.OTHER_GROUPS_KEY:
        group = owning_group(opened, group) or group
    _quarantine(mail, group, reason)


def _quarantine(mail: RawMail, group: Group | None, reason: QuarantineReason) -> None:
    with transaction.atomic():
        if not _still_stored(mail):
            raise _DoneElsewhere
        mail.group, mail.state, mail.reason = group, RawState.QUARANTINED, reason.value
        mail.save(update_fields=["group", "state", "reason"])


def _still_stored(mail: RawMail) -> bool:
    """Asked under the lock of the writing transaction: whoever came first has made the article."""
    return RawMail.objects.select_for_update().filter(pk=mail.pk, state=RawState.STORED).exists()
