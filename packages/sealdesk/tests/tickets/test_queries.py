from __future__ import annotations

import pytest

from sealdesk.tickets.actions import assign, change_state
from sealdesk.tickets.models import TicketState
from sealdesk.tickets.queries import (
    OPEN_STATES,
    Owned,
    TicketFilter,
    attachment_for,
    counts_for,
    events_after,
    ticket_page,
    tickets_for,
)

pytestmark = pytest.mark.django_db


def numbers(tickets):
    return [ticket.number for ticket in tickets]


def test_agents_see_the_tickets_of_their_groups_last_changed_first(make_ticket, billing, alice, bob):
    mine, theirs, newer = make_ticket(), make_ticket(group=billing), make_ticket()

    assert numbers(tickets_for(alice)) == [newer.number, mine.number]
    assert numbers(tickets_for(bob)) == [theirs.number]


def test_filters_by_group_state_and_owner(make_ticket, support, billing, alice):
    first, second, third = make_ticket(), make_ticket(), make_ticket()
    change_state(ticket=first, state=TicketState.CLOSED, by=alice)
    assign(ticket=second, owner=alice, by=alice)

    assert numbers(tickets_for(alice, TicketFilter(states=OPEN_STATES))) == [second.number, third.number]
    assert numbers(tickets_for(alice, TicketFilter(states=(TicketState.CLOSED,)))) == [first.number]
    assert numbers(tickets_for(alice, TicketFilter(owned=Owned.MINE))) == [second.number]
    assert set(numbers(tickets_for(alice, TicketFilter(owned=Owned.NOBODY)))) == {first.number, third.number}
    assert numbers(tickets_for(alice, TicketFilter(group=billing.pk))) == []


def test_counts_are_of_what_the_agent_may_read(make_ticket, support, billing, alice, django_assert_num_queries):
    closed, mine = make_ticket(), make_ticket()
    make_ticket(), make_ticket(group=billing)
    change_state(ticket=closed, state=TicketState.CLOSED, by=alice)
    assign(ticket=mine, owner=alice, by=alice)

    with django_assert_num_queries(1):
        counts = counts_for(alice)

    assert (counts.by_state[TicketState.NEW], counts.by_state[TicketState.CLOSED]) == (2, 1)
    assert (counts.by_group, counts.mine) == ({support.pk: 2}, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_takes_one_query(make_ticket, alice, django_assert_num_queries, count):
    for _ in range(count):
        make_ticket()

    with django_assert_num_queries(1):
        shown = [(one.title, one.group.name, one.customer.name, one.owner) for one in tickets_for(alice)]

    assert shown == [("Lamp", "Support", "Carol", None)] * count


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_takes_four_queries(make_ticket, alice, django_assert_num_queries, count):
    number = make_ticket(mails=count).number

    with django_assert_num_queries(4):
        page = ticket_page(alice, number)
        names = [file.name for article in page.articles for file in article.attachments.all()]

    assert names == [f"{one}.txt" for one in range(count)]
    assert [event.kind for event in page.events] == ["opened"] + ["mail_in"] * count


def test_pages_and_files_of_other_groups_are_not_there(make_ticket, bob):
    ticket = make_ticket()
    attachment = ticket.articles.get().attachments.get()

    assert (ticket_page(bob, ticket.number), attachment_for(bob, attachment.pk)) == (None, None)


def test_events_are_followed_by_cursor(make_ticket):
    make_ticket()
    first = events_after(0, limit=1)

    assert [event.kind for event in first + events_after(first[-1].pk, limit=10)] == ["opened", "mail_in"]
