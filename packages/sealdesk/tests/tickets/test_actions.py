from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from sealdesk.core.clock import now
from sealdesk.core.errors import DeskError
from sealdesk.tickets import attachments
from sealdesk.tickets.actions import add_incoming_article, add_note, assign, change_state, open_ticket
from sealdesk.tickets.attachments import stored
from sealdesk.tickets.content import ArticleContent, NewAttachment, VerdictCodes
from sealdesk.tickets.errors import StateChangeRefused
from sealdesk.tickets.models import ArticleKind, Attachment, Ticket, TicketEvent, TicketState

pytestmark = pytest.mark.django_db


def kinds(ticket):
    return list(ticket.events.order_by("id").values_list("kind", flat=True))


def test_numbers_follow_each_other(make_ticket):
    assert [make_ticket(mails=0).number for _ in range(3)] == [10001, 10002, 10003]


def test_a_ticket_that_is_rolled_back_takes_no_number(make_ticket):
    class Stop(Exception):
        pass

    def roll_back():
        with transaction.atomic():
            make_ticket(mails=0)
            raise Stop

    with pytest.raises(Stop):
        roll_back()

    assert (make_ticket(mails=0).number, TicketEvent.objects.count()) == (10001, 1)


def test_a_mail_is_an_article_with_its_verdict_on_the_ticket_too(make_ticket):
    ticket = make_ticket()

    article = ticket.articles.get()
    assert (article.kind, article.signature, article.technology) == (ArticleKind.INCOMING, "good", "smime")
    assert (ticket.signature, ticket.signature_covers, ticket.state) == ("good", "whole", TicketState.NEW)
    assert kinds(ticket) == ["opened", "mail_in"]


def test_attachments_lie_in_the_vault(make_ticket):
    attachment = make_ticket().articles.get().attachments.get()

    with default_storage.open(attachment.blob) as file:
        assert b"file" not in file.read()
    assert (attachments.read(attachment), attachment.name, attachment.size) == (b"file", "0.txt", 4)


def test_attachments_of_an_article_that_fails_are_removed_again():
    names = []

    def fail():
        with stored([NewAttachment(name="a", content_type="t/t", data=b"x")]) as rows:
            names.extend(row.blob for row in rows)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert [default_storage.exists(name) for name in names] == [False]
    assert Attachment.objects.count() == 0


def test_columns_take_what_strangers_write(make_ticket):
    ticket = make_ticket(mails=0)
    content = ArticleContent(
        subject="\x00\ud800", text="\x00", sender_name="\x00\ud800" + "x" * 999, message_id="<\x00" + "y" * 2000
    )

    article = add_incoming_article(ticket=ticket, content=content, verdict=VerdictCodes(), report=None, at=now())

    article.refresh_from_db()
    assert (article.subject, article.text) == ("\x00\ud800", "\x00")
    assert (article.sender_name[:3], len(article.sender_name), len(article.message_id)) == ("?xx", 300, 998)


def test_a_note_is_the_agents_and_changes_no_state(make_ticket, alice):
    ticket = make_ticket()

    note = add_note(ticket=ticket, text="careful", by=alice)

    assert (note.kind, note.created_by, note.text, ticket.state) == (
        ArticleKind.NOTE,
        alice,
        "careful",
        TicketState.NEW,
    )
    assert kinds(ticket)[-1] == "note"


def test_agents_of_other_groups_write_nothing(make_ticket, bob):
    ticket = make_ticket()

    for write in (
        lambda: add_note(ticket=ticket, text="x", by=bob),
        lambda: change_state(ticket=ticket, state=TicketState.CLOSED, by=bob),
        lambda: assign(ticket=ticket, owner=bob, by=bob),
    ):
        with pytest.raises(DeskError):
            write()
    assert kinds(ticket) == ["opened", "mail_in"]


@pytest.mark.mission("H3")
def test_a_state_moves_along_the_table_and_leaves_an_event(make_ticket, alice):
    ticket = make_ticket()

    change_state(ticket=ticket, state=TicketState.CLOSED, by=alice)

    assert Ticket.objects.get(pk=ticket.pk).state == TicketState.CLOSED
    event = ticket.events.order_by("id").last()
    assert (event.kind, event.by, event.codes) == ("state", alice, {"from": "new", "to": "closed"})


def test_a_state_that_the_table_does_not_allow_is_refused_with_a_sentence(make_ticket, alice):
    ticket = make_ticket()
    change_state(ticket=ticket, state=TicketState.CLOSED, by=alice)

    with pytest.raises(StateChangeRefused, match="“Closed” cannot go to “Pending Close”"):
        change_state(ticket=ticket, state=TicketState.PENDING_CLOSE, by=alice)


def test_staying_in_a_state_is_no_event(make_ticket, alice):
    ticket = make_ticket()

    change_state(ticket=ticket, state=TicketState.NEW, by=alice)

    assert kinds(ticket) == ["opened", "mail_in"]


def test_a_ticket_is_given_to_those_who_may_read_it_only(make_ticket, alice, bob):
    ticket = make_ticket()

    assign(ticket=ticket, owner=alice, by=alice)
    with pytest.raises(DeskError):
        assign(ticket=ticket, owner=bob, by=alice)

    assert Ticket.objects.get(pk=ticket.pk).owner == alice


def test_who_opens_a_ticket_owns_it(support, carol, alice):
    assert open_ticket(group=support, customer=carol, title="x", by=alice).owner == alice


@pytest.mark.mission("B2")
def test_the_database_file_shows_no_words(make_ticket):
    from django.db import connection

    ticket = make_ticket(title="Canarytitle")

    with connection.cursor() as cursor:
        cursor.execute("SELECT title FROM tickets_ticket")
        stored_title = bytes(cursor.fetchone()[0])
    assert b"anary" not in stored_title
    assert Ticket.objects.get(pk=ticket.pk).title == "Canarytitle"
