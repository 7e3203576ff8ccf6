"""The page of a ticket, and what an agent does there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from sealdesk.core.errors import DeskError, Invalid
from sealdesk.mail.outbox import actions as outbox
from sealdesk.mail.outbox.planning import sender_for
from sealdesk.mail.queries import mail_of
from sealdesk.people.models import Agent, SenderAddress
from sealdesk.people.queries import agents
from sealdesk.tickets import actions
from sealdesk.tickets.models import Article, ArticleKind, Ticket, TicketState
from sealdesk.tickets.queries import TicketPage, other_tickets, ticket_page
from sealdesk.tickets.rules import can_answer, can_change_state
from sealdesk.web.access import AgentRequest, agent_page
from sealdesk.web.agent.cards import article_cards
from sealdesk.web.agent.composing import (
    Composer,
    Letter,
    addresses_in,
    composer_for,
    files_from,
    letter_from,
    obstacles,
    released,
)
from sealdesk.web.agent.customers import customer_facts
from sealdesk.web.agent.quoting import quote_of
from sealdesk.web.presenters.history import history_line
from sealdesk.web.presenters.states import TICKET_STATES
from sealmail.report import Encryption


@agent_page
@require_GET
def ticket(request: AgentRequest, number: int) -> HttpResponseBase:
    """The ticket with its conversation."""
    page = _page(request, number)
    return _show(request, page, _composer(page, _first_letter(page)), is_open="reply" in request.GET)


@agent_page
@require_POST
def replies(request: AgentRequest, number: int) -> HttpResponseBase:
    """Sends an answer, or says in place why it cannot leave as shown."""
    page, letter = _page(request, number), letter_from(request)
    if "release" in request.POST:
        return _show(request, page, _composer(page, released(letter, request.POST["release"])), is_open=True)
    try:
        errors = _obstacles(page, letter)
        if not errors:
            return _send(request, page, letter)
    except Invalid as error:
        errors = {name or "sealing": list(sentences) for name, sentences in error.fields.items()}
    except DeskError as error:
        errors = {"sealing": [str(error)]}
    return _show(request, page, _composer(page, letter, errors), is_open=True, status=422)


@agent_page
@require_POST
def reply_preview(request: AgentRequest, number: int) -> HttpResponseBase:
    """The part of the composer that says how the mail will be sealed, for what is typed now."""
    page, letter = _page(request, number), letter_from(request)
    composer = _composer(page, released(letter, request.POST.get("release", "")))
    return render(request, "agent/_sealing.html", {"composer": composer})


@agent_page
@require_POST
def notes(request: AgentRequest, number: int) -> HttpResponse:
    """Writes an internal note."""
    page, text = _page(request, number), request.POST.get("text", "").strip()
    if text:
        actions.add_note(ticket=page.ticket, text=text, by=request.user)
    return redirect("ticket", number)


@agent_page
@require_POST
def state(request: AgentRequest, number: int) -> HttpResponse:
    """Moves the ticket to another state."""
    page = _page(request, number)
    try:
        actions.change_state(ticket=page.ticket, state=TicketState(request.POST.get("state", "")), by=request.user)
    except ValueError:
        messages.error(request, "There is no such state.")
    except DeskError as error:
        messages.error(request, str(error))
    return redirect("ticket", number)


@agent_page
@require_POST
def owner(request: AgentRequest, number: int) -> HttpResponse:
    """Gives the ticket to an agent of its group, or to nobody."""
    page, chosen = _page(request, number), request.POST.get("owner", "")
    agents = {str(agent.pk): agent for agent in _agents(page.ticket)}
    if chosen and chosen not in agents:
        messages.error(request, "This agent is not in the group of the ticket.")
    else:
        actions.assign(ticket=page.ticket, owner=agents.get(chosen), by=request.user)
    return redirect("ticket", number)


def _page(request: AgentRequest, number: int) -> TicketPage:
    page = ticket_page(request.user, number)
    if page is None:
        raise Http404
    return page


def _show(
    request: AgentRequest, page: TicketPage, composer: Composer, *, is_open: bool, status: int = 200
) -> HttpResponseBase:
    context = {
        **_conversation(page),
        **_choices(request.user, page),
        "composer": composer,
        "composer_open": is_open,
        "post_to": reverse("ticket_replies", args=[page.ticket.number]),
        "check_at": reverse("ticket_reply_preview", args=[page.ticket.number]),
        "reply_address": composer.letter.to or "the customer",
    }
    return render(request, "agent/ticket.html", context, status=status)


def _conversation(page: TicketPage) -> dict[str, Any]:
    mails = mail_of(page.articles)
    return {
        "ticket": page.ticket,
        "cards": article_cards(page.articles, mails),
        "history": [history_line(event) for event in page.events][-12:],
    }


def _choices(agent: Agent, page: TicketPage) -> dict[str, Any]:
    ticket = page.ticket
    states = [one for one in TICKET_STATES if one == ticket.state or can_change_state(agent, ticket, one)]
    return {
        "view_slug": "none",
        "back": reverse("home"),
        "can_answer": can_answer(agent, ticket),
        "can_close": ticket.state != TicketState.CLOSED and can_change_state(agent, ticket, TicketState.CLOSED),
        "states": [
            {"code": one.value, "label": TICKET_STATES[one].label} for one in states if one is not TicketState.MERGED
        ],
        "agents": _agents(ticket),
        "customer": customer_facts(ticket.customer, other_tickets(agent, ticket)),
    }


def _composer(page: TicketPage, letter: Letter, errors: Mapping[str, Sequence[str]] | None = None) -> Composer:
    return composer_for(
        letter,
        page.ticket.group,
        sender=_sender(page.ticket),
        answers_encrypted=_answers_encrypted(page),
        quote=quote_of(_last_incoming(page)),
        errors=errors,
    )


def _obstacles(page: TicketPage, letter: Letter) -> dict[str, list[str]]:
    if not letter.text.strip():
        return {"text": ["Write something first."]}
    return obstacles(letter, page.ticket.group, sender=_sender(page.ticket), answers_encrypted=_answers_encrypted(page))


def _send(request: AgentRequest, page: TicketPage, letter: Letter) -> HttpResponse:
    encrypt, sign = letter.wants
    article = outbox.reply(
        ticket=page.ticket,
        by=request.user,
        to=addresses_in(letter.to),
        cc=addresses_in(letter.cc),
        bcc=addresses_in(letter.bcc),
        subject=letter.subject,
        text=letter.whole_text,
        sign=sign,
        encrypt=encrypt,
        technology=letter.technology,
        attachments=files_from(request),
    )
    if "and_close" in request.POST:
        actions.change_state(ticket=page.ticket, state=TicketState.CLOSED, by=request.user)
    return redirect(f"{reverse('ticket', args=[page.ticket.number])}#article-{article.pk}")


def _first_letter(page: TicketPage) -> Letter:
    """An answer to who wrote last; nobody else is added by what a mail says of itself."""
    last = _last_incoming(page)
    addresses = [one.address for one in page.ticket.customer.addresses.all()]
    quote = quote_of(last)
    return Letter(
        to=last.sender if last and last.sender else next(iter(addresses), ""), quote=quote.text if quote else ""
    )


def _answers_encrypted(page: TicketPage) -> bool:
    last = _last_incoming(page)
    return last is not None and last.encryption not in {"", Encryption.NONE.value}


def _last_incoming(page: TicketPage) -> Article | None:
    return next((one for one in reversed(page.articles) if one.kind == ArticleKind.INCOMING), None)


def _agents(ticket: Ticket) -> QuerySet[Agent]:
    """Those who may own it."""
    return agents().filter(memberships__group=ticket.group_id)


def _sender(ticket: Ticket) -> SenderAddress | None:
    try:
        return sender_for(ticket)
    except Invalid:
        return None
