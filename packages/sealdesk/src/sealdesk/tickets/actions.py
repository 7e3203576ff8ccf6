"""Every write to tickets: keyword-only, `by` says who (None: the desk itself). Each writes its event with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from sealdesk.core.clock import now
from sealdesk.people.models import Agent, Customer, Group
from sealdesk.tickets.content import ArticleContent, VerdictCodes, readable
from sealdesk.tickets.events import EventKind, record
from sealdesk.tickets.models import Article, ArticleKind, Attachment, Ticket, TicketState
from sealdesk.tickets.numbering import next_number
from sealdesk.tickets.rules import check_can_change_state, check_can_read
from sealdesk.tickets.states import after_answer, after_incoming, after_refusal

Codes = Mapping[str, Any]


@transaction.atomic(savepoint=False)
def open_ticket(
    *, group: Group, customer: Customer, title: str, by: Agent | None, state: TicketState = TicketState.NEW
) -> Ticket:
    """A new ticket without articles; an agent who opens one owns it."""
    at = now()
    ticket = Ticket.objects.create(
        number=next_number(),
        title=title,
        group=group,
        customer=customer,
        owner=by,
        state=state,
        created_at=at,
        updated_at=at,
    )
    record(ticket, EventKind.OPENED, by=by, at=at)
    return ticket


@transaction.atomic(savepoint=False)
def add_incoming_article(
    *,
    ticket: Ticket,
    content: ArticleContent,
    verdict: VerdictCodes,
    report: dict[str, Any] | None,
    attachments: Sequence[Attachment] = (),
    at: datetime,
    reopens: bool = True,
    codes: Codes | None = None,
) -> Article:
    """A mail of a customer. `attachments`: rows made by `attachments.stored`, not saved yet."""
    article = _article(ticket, ArticleKind.INCOMING, content, by=None, at=at, verdict=verdict, report=report)
    _attach(article, attachments)
    state = after_incoming(TicketState(ticket.state), reopens=reopens)
    _touch(ticket, state=state, more=verdict.ticket_columns())
    record(ticket, EventKind.MAIL_IN, by=None, article=article, codes=codes)
    return article


@transaction.atomic(savepoint=False)
def add_outgoing_article(
    *, ticket: Ticket, content: ArticleContent, attachments: Sequence[Attachment] = (), by: Agent | None
) -> Article:
    """A mail of ours; how it was sealed is filled in when it is."""
    article = _article(ticket, ArticleKind.OUTGOING, content, by=by, at=now(), verdict=VerdictCodes(), report=None)
    _attach(article, attachments)
    _touch(ticket, state=after_answer(TicketState(ticket.state)))
    record(ticket, EventKind.MAIL_OUT, by=by, article=article)
    return article


@transaction.atomic
def add_note(*, ticket: Ticket, text: str, attachments: Sequence[Attachment] = (), by: Agent) -> Article:
    """An internal note; no customer ever sees it."""
    check_can_read(by, ticket)
    content = ArticleContent(subject="", text=text)
    article = _article(ticket, ArticleKind.NOTE, content, by=by, at=now(), verdict=VerdictCodes(), report=None)
    _attach(article, attachments)
    _touch(ticket)
    record(ticket, EventKind.NOTE, by=by, article=article)
    return article


@transaction.atomic
def change_state(*, ticket: Ticket, state: TicketState, by: Agent) -> Ticket:
    """Moves a ticket along the table of states."""
    check_can_change_state(by, ticket, state)
    if ticket.state != state:
        _change_state(ticket, state, by=by)
    return ticket


@transaction.atomic
def assign(*, ticket: Ticket, owner: Agent | None, by: Agent) -> Ticket:
    """Gives the ticket to an agent who may read it, or to nobody."""
    check_can_read(by, ticket)
    if owner is not None:
        check_can_read(owner, ticket)
    ticket.owner = owner
    _touch(ticket, fields=("owner",))
    record(ticket, EventKind.ASSIGNED, by=by, codes={"owner": str(owner.pk) if owner else None})
    return ticket


@transaction.atomic(savepoint=False)
def reopen_after_refusal(*, ticket: Ticket, article: Article, codes: Sequence[str]) -> Ticket:
    """Our own mail could not leave: the ticket comes back to the agents."""
    state = after_refusal(TicketState(ticket.state))
    _touch(ticket, state=state)
    record(ticket, EventKind.MAIL_REFUSED, by=None, article=article, codes={"reasons": sorted(set(codes))})
    return ticket


def _article(
    ticket: Ticket,
    kind: ArticleKind,
    content: ArticleContent,
    *,
    by: Agent | None,
    at: datetime,
    verdict: VerdictCodes,
    report: dict[str, Any] | None,
) -> Article:
    return Article.objects.create(
        ticket=ticket,
        kind=kind,
        created_at=at,
        created_by=by,
        sender=content.sender,
        sender_name=readable(content.sender_name, 300),
        is_automatic=content.is_automatic,
        to=list(content.to),
        cc=list(content.cc),
        bcc=list(content.bcc),
        subject=content.subject,
        text=content.text,
        html=content.html,
        message_id=readable(content.message_id, 998),
        in_reply_to=readable(content.in_reply_to, 998),
        references=[readable(reference, 998) for reference in content.references],
        report=report,
        **verdict.columns(),
    )


def _attach(article: Article, attachments: Sequence[Attachment]) -> None:
    for attachment in attachments:
        attachment.article = article
    if attachments:
        Attachment.objects.bulk_create(attachments)


def _touch(
    ticket: Ticket,
    *,
    state: TicketState | None = None,
    more: Mapping[str, str] | None = None,
    fields: Sequence[str] = (),
) -> None:
    changes: dict[str, Any] = {"updated_at": now(), **(more or {})}
    if state is not None:
        changes["state"] = state
    for name, value in changes.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=[*changes, *fields])


def _change_state(ticket: Ticket, state: TicketState, *, by: Agent | None) -> None:
    before = ticket.state
    _touch(ticket, state=state)
    record(ticket, EventKind.STATE, by=by, codes={"from": before, "to": state.value})
