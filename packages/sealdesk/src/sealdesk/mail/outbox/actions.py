"""What agents ask for: an answer, a new mail, another try. Rows only; sealing and sending are the worker's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from sealdesk.core.clock import now
from sealdesk.mail.messageids import answer_subject, chain, new_message_id, tagged
from sealdesk.mail.models import Copy, CopyState, Delivery, Outgoing, OutgoingState
from sealdesk.mail.outbox.planning import Recipients, default_sender, recipients_of, sender_for
from sealdesk.people.actions import ensure_customer
from sealdesk.people.models import Agent, Group, SenderAddress
from sealdesk.people.rules import check_can_read_group
from sealdesk.tickets.actions import add_outgoing_article, open_ticket
from sealdesk.tickets.attachments import stored
from sealdesk.tickets.content import ArticleContent, NewAttachment
from sealdesk.tickets.errors import TicketError
from sealdesk.tickets.models import Article, ArticleKind, Ticket, TicketState
from sealdesk.tickets.rules import check_can_answer
from sealmail.keys import Technology


def reply(  # noqa: PLR0913 -- what an agent fills in
    *,
    ticket: Ticket,
    by: Agent,
    to: Iterable[str],
    cc: Iterable[str] = (),
    bcc: Iterable[str] = (),
    subject: str = "",
    text: str,
    sign: bool,
    encrypt: bool,
    technology: Technology | None = None,
    attachments: Sequence[NewAttachment] = (),
) -> Article:
    """An answer in a ticket. Without a subject it gets the ticket's. Invalid where an address is none."""
    check_can_answer(by, ticket)
    recipients = recipients_of(to=to, cc=cc, bcc=bcc)
    last = _last_mail(ticket)
    content = _content(
        sender_for(ticket),
        recipients,
        subject=tagged(subject, ticket.number) if subject else answer_subject(ticket.title, ticket.number),
        text=text,
        answered=last,
    )
    with stored(attachments) as files, transaction.atomic():
        article = add_outgoing_article(ticket=ticket, content=content, attachments=files, by=by)
        _queue(article, recipients, sign=sign, encrypt=encrypt, technology=technology)
    return article


def compose(  # noqa: PLR0913 -- what an agent fills in
    *,
    group: Group,
    by: Agent,
    to: Iterable[str],
    cc: Iterable[str] = (),
    bcc: Iterable[str] = (),
    subject: str,
    text: str,
    sign: bool,
    encrypt: bool,
    technology: Technology | None = None,
    attachments: Sequence[NewAttachment] = (),
) -> Article:
    """A new ticket that begins with a mail of ours; its customer is the first recipient."""
    check_can_read_group(by, group)
    recipients = recipients_of(to=to, cc=cc, bcc=bcc)
    sender = default_sender(group)
    with stored(attachments) as files, transaction.atomic():
        customer = ensure_customer(address=recipients.everybody[0], name="")
        ticket = open_ticket(group=group, customer=customer, title=subject, by=by, state=TicketState.OPEN)
        content = _content(sender, recipients, subject=tagged(subject, ticket.number), text=text, answered=None)
        article = add_outgoing_article(ticket=ticket, content=content, attachments=files, by=by)
        _queue(article, recipients, sign=sign, encrypt=encrypt, technology=technology)
    return article


@transaction.atomic
def seal_again(*, outgoing: Outgoing, by: Agent) -> Outgoing:
    """A mail that was refused is planned anew, with the keys of today."""
    check_can_answer(by, outgoing.article.ticket)
    if outgoing.state != OutgoingState.REFUSED:
        raise TicketError("Only a mail that was refused can be sealed again.")
    outgoing.state, outgoing.attempts, outgoing.leased_until = OutgoingState.WAITING, 0, None
    outgoing.save(update_fields=["state", "attempts", "leased_until"])
    outgoing.deliveries.update(state=CopyState.QUEUED, code="", sentence="", updated_at=now())
    return outgoing


@transaction.atomic
def send_again(*, copy: Copy, by: Agent) -> Copy:
    """Somebody decided that a copy whose fate is unknown, or that failed, shall be sent once more."""
    check_can_answer(by, copy.outgoing.article.ticket)
    if copy.state not in {CopyState.UNKNOWN, CopyState.FAILED}:
        raise TicketError("Only a copy that failed, or whose fate is unknown, can be sent again.")
    copy.state, copy.attempts, copy.leased_until, copy.next_try_at = CopyState.RETRY, 0, None, now()
    copy.save(update_fields=["state", "attempts", "leased_until", "next_try_at"])
    again = copy.deliveries.filter(state__in=(CopyState.UNKNOWN, CopyState.FAILED))
    again.update(state=CopyState.RETRY, code="", sentence="", updated_at=now())
    return copy


def _last_mail(ticket: Ticket) -> Article | None:
    mails = ticket.articles.exclude(kind=ArticleKind.NOTE).exclude(message_id="")
    return mails.order_by("-created_at", "-id").only("message_id", "references").first()


def _content(
    sender: SenderAddress, recipients: Recipients, *, subject: str, text: str, answered: Article | None
) -> ArticleContent:
    return ArticleContent(
        subject=subject,
        text=text,
        sender=sender.address,
        sender_name=sender.name or sender.group.name,
        to=recipients.to,
        cc=recipients.cc,
        bcc=recipients.bcc,
        message_id=new_message_id(sender.address),
        in_reply_to=answered.message_id if answered else "",
        references=chain(answered.references, answered.message_id) if answered else (),
    )


def _queue(
    article: Article, recipients: Recipients, *, sign: bool, encrypt: bool, technology: Technology | None
) -> Outgoing:
    outgoing = Outgoing.objects.create(
        article=article, sign=sign, encrypt=encrypt, technology=technology.value if technology else "auto"
    )
    fields = (("to", recipients.to), ("cc", recipients.cc), ("bcc", recipients.bcc))
    Delivery.objects.bulk_create(
        Delivery(outgoing=outgoing, address=address, field=field, updated_at=article.created_at)
        for field, addresses in fields
        for address in addresses
    )
    return outgoing
