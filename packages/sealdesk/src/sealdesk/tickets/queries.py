"""Every read of tickets: lists with filters and counters, one ticket as a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from sealdesk.people.models import Agent, CustomerAddress
from sealdesk.people.queries import groups_of
from sealdesk.tickets.models import Article, Attachment, Ticket, TicketEvent, TicketState

OPEN_STATES = frozenset({TicketState.NEW, TicketState.OPEN})
PENDING_STATES = frozenset({TicketState.PENDING_REMINDER, TicketState.PENDING_CLOSE})


class Owned(StrEnum):
    """Whose tickets are listed."""

    ANYBODY = "anybody"
    MINE = "mine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Which tickets an agent wants to see; empty means all that he may see."""

    group: UUID | None = None
    states: Collection[TicketState] = ()
    owned: Owned = Owned.ANYBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCounts:
    """How many tickets there are, by state and by group."""

    by_state: Mapping[TicketState, int]
    by_group: Mapping[UUID, int]
    """Only new and open ones."""
    mine: int
    """New and open ones that the agent owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketPage:
    """A ticket with everything that its page shows, read already."""

    ticket: Ticket
    articles: tuple[Article, ...] = field(repr=False)
    """Oldest first; attachments are prefetched."""
    events: tuple[TicketEvent, ...] = field(repr=False)


def visible_to(agent: Agent) -> QuerySet[Ticket]:
    """The tickets that an agent may read."""
    return Ticket.objects.filter(group__in=groups_of(agent))


def tickets_for(agent: Agent, wanted: TicketFilter = TicketFilter()) -> QuerySet[Ticket]:
    """The tickets that an agent may read and wants to see, last changed first; group, customer and owner are joined."""
    tickets = visible_to(agent)
    if wanted.group:
        tickets = tickets.filter(group=wanted.group)
    if wanted.states:
        tickets = tickets.filter(state__in=wanted.states)
    if wanted.owned is not Owned.ANYBODY:
        tickets = tickets.filter(owner=agent if wanted.owned is Owned.MINE else None)
    return tickets.select_related("group", "customer", "owner").order_by("-updated_at", "-number")


def counts_for(agent: Agent) -> TicketCounts:
    """Counters beside the lists; one query."""
    by_state = dict.fromkeys(TicketState, 0)
    by_group: dict[UUID, int] = {}
    mine = 0
    rows = visible_to(agent).values_list("state", "group", "owner").order_by().annotate(Count("pk"))
    for name, group, owner, count in rows:
        state = TicketState(name)
        by_state[state] += count
        if state in OPEN_STATES:
            by_group[group] = by_group.get(group, 0) + count
            mine += count if owner == agent.pk else 0
    return TicketCounts(by_state=by_state, by_group=by_group, mine=mine)


def ticket_page(agent: Agent, number: int) -> TicketPage | None:
    """The page of a ticket, or None where there is none that the agent may read. A constant number of queries."""
    ticket = visible_to(agent).select_related("group", "customer", "owner").filter(number=number).first()
    if ticket is None:
        return None
    attachments = Prefetch("attachments", Attachment.objects.order_by("position"))
    articles = ticket.articles.select_related("created_by").prefetch_related(attachments)
    events = ticket.events.select_related("by").order_by("id")
    return TicketPage(ticket=ticket, articles=tuple(articles), events=tuple(events))


def attachment_for(agent: Agent, attachment_id: UUID) -> Attachment | None:
    """An attachment of a ticket that the agent may read."""
    attachments = Attachment.objects.select_related("article__ticket__group")
    return attachments.filter(pk=attachment_id, article__ticket__group__in=groups_of(agent)).first()


def events_after(cursor: int, limit: int) -> list[TicketEvent]:
    """What happened after the event with this id, in order; for those who follow by cursor."""
    return list(TicketEvent.objects.filter(pk__gt=cursor).order_by("pk")[:limit])


def count_for(agent: Agent, wanted: TicketFilter) -> int:
    """How many tickets a list holds."""
    return tickets_for(agent, wanted).order_by().count()


def found_by(tickets: QuerySet[Ticket], words: str) -> QuerySet[Ticket]:
    """Those whose number is given, or whose customer's name or address holds the words."""
    number = words.removeprefix("#")
    if number.isdecimal() and len(number) < 16:
        return tickets.filter(number=int(number))
    by_name = Q(customer__name__icontains=words)
    addresses = CustomerAddress.objects.filter(address__icontains=words).values("customer")
    return tickets.filter(by_name | Q(customer__in=addresses))


def article_for(agent: Agent, article_id: UUID) -> Article | None:
    """An article of a ticket that the agent may read."""
    articles = Article.objects.select_related("ticket__group")
    return articles.filter(pk=article_id, ticket__group__in=groups_of(agent)).first()


def other_tickets(agent: Agent, ticket: Ticket, limit: int = 5) -> list[Ticket]:
    """Other tickets of the same customer that the agent may read, newest first."""
    others = visible_to(agent).filter(customer=ticket.customer_id).exclude(pk=ticket.pk)
    return list(others.order_by("-updated_at")[:limit])
