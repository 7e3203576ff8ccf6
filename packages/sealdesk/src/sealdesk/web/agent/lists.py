"""The lists of tickets: which there are, what they count, and the page that shows one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from sealdesk.people.models import Agent
from sealdesk.people.queries import groups_of
from sealdesk.tickets.models import Ticket, TicketState
from sealdesk.tickets.queries import (
    OPEN_STATES,
    PENDING_STATES,
    Owned,
    TicketFilter,
    count_for,
    found_by,
    tickets_for,
)
from sealdesk.web.access import AgentRequest, agent_page
from sealdesk.web.presenters.badge import Seal, ticket_seal
from sealdesk.web.presenters.states import TICKET_STATES
from sealdesk.web.presenters.wording import Face

PAGE_LENGTH = 40
_UNFINISHED = OPEN_STATES | PENDING_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A list that the top bar offers."""

    slug: str
    label: str
    wanted: TicketFilter
    key: str = ""
    empty: str


VIEWS: Sequence[View] = (
    View(
        slug="new",
        label="New",
        wanted=TicketFilter(states={TicketState.NEW}),
        empty="Mail that nobody has answered yet appears here.",
    ),
    View(
        slug="open",
        label="Open",
        wanted=TicketFilter(states=OPEN_STATES),
        key="g i",
        empty="Everything is answered. New mail to one of your groups appears here by itself.",
    ),
    View(
        slug="mine",
        label="Mine",
        wanted=TicketFilter(states=_UNFINISHED, owned=Owned.MINE),
        empty="Tickets that you own appear here. Open one and press a to take it.",
    ),
    View(
        slug="unassigned",
        label="Unassigned",
        wanted=TicketFilter(states=_UNFINISHED, owned=Owned.NOBODY),
        empty="Every ticket has an owner.",
    ),
    View(
        slug="all",
        label="All",
        wanted=TicketFilter(states=_UNFINISHED | {TicketState.CLOSED}),
        key="g a",
        empty="Mail to one of your groups’ addresses becomes a ticket and appears here.",
    ),
    View(
        slug="closed",
        label="Closed",
        wanted=TicketFilter(states={TicketState.CLOSED}),
        empty="Tickets that were closed appear here.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedView:
    """A list with how many tickets are in it."""

    slug: str
    label: str
    key: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One line of a list."""

    ticket: Ticket
    seal: Seal | None
    address: str
    state: Face
    is_new: bool


def views_with_counts(agent: Agent) -> list[CountedView]:
    """All lists with their counters."""
    return [
        CountedView(slug=view.slug, label=view.label, key=view.key, count=count_for(agent, view.wanted))
        for view in VIEWS
    ]


@agent_page
@require_GET
def home(request: AgentRequest) -> HttpResponse:  # noqa: ARG001 -- the decorator asks for it
    """The list that an agent starts with."""
    return redirect("tickets", "open")


@agent_page
@require_GET
def counters(request: AgentRequest, current: str) -> HttpResponseBase:
    """The lists with fresh counters, for the top bar."""
    return render(request, "components/_views.html", {"views": views_with_counts(request.user), "current": current})


@agent_page
@require_GET
def tickets(request: AgentRequest, slug: str) -> HttpResponseBase:
    """One list, newest change first."""
    view = next((view for view in VIEWS if view.slug == slug), None)
    if view is None:
        raise Http404
    group, words = _uuid(request.GET.get("group", "")), request.GET.get("q", "").strip()[:320]
    found = tickets_for(request.user, _narrowed(view.wanted, group))
    if words:
        found = found_by(found, words)
    page = Paginator(found.prefetch_related("customer__addresses"), PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {
        "view": view,
        "view_slug": view.slug,
        "q": words,
        "page": page,
        "rows": [_row(ticket) for ticket in page.object_list],
        "groups": list(groups_of(request.user)),
        "chosen": group,
        "query": _query(group, words),
        "empty": _empty(request.user, view, words),
    }
    return render(request, "agent/list.html", context)


def _narrowed(wanted: TicketFilter, group: UUID | None) -> TicketFilter:
    return TicketFilter(group=group, states=wanted.states, owned=wanted.owned)


def _row(ticket: Ticket) -> ListRow:
    state = TicketState(ticket.state)
    addresses = [one.address for one in ticket.customer.addresses.all()]
    return ListRow(
        ticket=ticket,
        seal=ticket_seal(ticket),
        address=addresses[0] if addresses else "",
        state=TICKET_STATES[state],
        is_new=state is TicketState.NEW,
    )


def _query(group: UUID | None, words: str) -> str:
    given = {name: str(value) for name, value in (("group", group), ("q", words)) if value}
    return f"{urlencode(given)}&" if given else ""


def _empty(agent: Agent, view: View, words: str) -> dict[str, str]:
    if words:
        return {
            "title": "Nothing found",
            "sentence": "Search finds ticket numbers, and names and addresses of customers.",
        }
    if not groups_of(agent).exists():
        return {
            "title": "You are in no group yet",
            "sentence": "An administrator adds you to groups; their mail appears here.",
        }
    link = {} if view.slug == "all" else {"link": reverse("tickets", args=["all"]), "link_label": "Show all tickets"}
    return {"title": "No tickets here", "sentence": view.empty, **link}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
