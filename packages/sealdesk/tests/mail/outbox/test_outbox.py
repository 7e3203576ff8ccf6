"""From an agent's answer to sealed copies at the server's door. The server is a value; sealing is real."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sealdesk.core.clock import now
from sealdesk.core.errors import DeskError, Invalid
from sealdesk.mail import rawmail
from sealdesk.mail.models import Channel, Copy, CopyState, Delivery, Outgoing, OutgoingState, SecurityLogEntry
from sealdesk.mail.outbox.actions import compose, reply, seal_again, send_again
from sealdesk.mail.outbox.planning import preview, recipients_of
from sealdesk.mail.outbox.sealing import seal_due
from sealdesk.mail.outbox.sending import send_due, sweep
from sealdesk.mail.outbox.states import WAITS, Outcome, Result
from sealdesk.tickets.content import NewAttachment
from sealdesk.tickets.models import ArticleKind, Ticket, TicketState
from sealmail.keys import Technology
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature

pytestmark = pytest.mark.django_db

SUPPORT = "support@desk.example"
SENT = Outcome(result=Result.SENT, code="250")
BUSY = Outcome(result=Result.TEMPORARY, code="450", sentence="Later")
NOBODY = Outcome(result=Result.PERMANENT, code="550", sentence="No such user")


class Server:
    """Answers as told, and remembers what it was given."""

    def __init__(self, **answers):
        self.answers = answers
        self.seen = []

    def __call__(self, _channel, *, sender, recipients, raw):
        self.seen.append((sender, tuple(recipients), raw))
        return {one: self.answers.get(one.partition("@")[0], SENT) for one in recipients}


@pytest.fixture
def channel(db):
    return Channel.objects.create(kind="smtp", name="Out", host="localhost", port=25)


@pytest.fixture
def keys(ring, cast, desk_keys, support):
    ring.own(desk_keys[SUPPORT], support)
    for person in cast.honest_customers:
        ring.know(*person.keys)


@pytest.fixture
def ticket(support, write, cast, take_in):
    return take_in(write(cast.carol, subject="Lamp", message_id="<lamp@customer.example>")).article.ticket


def answer(ticket, by, to, *, sign=False, encrypt=False, **more):
    return reply(ticket=ticket, by=by, to=to, text="Turn it on.", sign=sign, encrypt=encrypt, **more)


def states(article):
    rows = Delivery.objects.filter(outgoing__article=article).order_by("address")
    return {row.address.partition("@")[0]: row.state for row in rows}


def test_a_reply_is_an_article_with_a_delivery_for_each_recipient(ticket, alice, support):
    article = answer(ticket, alice, ["Carol@customer.example"], cc=["dave@customer.example"], bcc=["e@x.example"])

    assert (article.kind, article.created_by, article.sender) == (ArticleKind.OUTGOING, alice, SUPPORT)
    assert (article.subject, article.in_reply_to) == (f"Re: Lamp [#{ticket.number}]", "<lamp@customer.example>")
    assert article.references == ["<lamp@customer.example>"]
    assert article.message_id.endswith("@desk.example>")
    assert states(article) == dict.fromkeys(("carol", "dave", "e"), CopyState.QUEUED)
    assert Ticket.objects.get(pk=ticket.pk).state == TicketState.OPEN


def test_a_wrong_address_is_a_sentence_at_its_field_and_stores_nothing(ticket, alice):
    with pytest.raises(Invalid) as caught:
        answer(ticket, alice, ["carol@customer.example"], cc=["not an address"])

    assert caught.value.fields == {"cc": ("“not an address” is not an e-mail address.",)}
    assert Outgoing.objects.count() == 0


def test_nobody_to_write_to_is_refused(ticket, alice):
    with pytest.raises(Invalid):
        answer(ticket, alice, ["  "])


def test_agents_of_other_groups_cannot_answer(ticket, bob):
    with pytest.raises(DeskError):
        answer(ticket, bob, ["carol@customer.example"])


def test_compose_opens_a_ticket_of_the_agent(alice, support):
    article = compose(
        group=support, by=alice, to=["new@x.example"], subject="Hello", text="Hi", sign=False, encrypt=False
    )

    ticket = article.ticket
    assert (ticket.owner, ticket.state, ticket.title) == (alice, TicketState.OPEN, "Hello")
    assert article.subject == f"Hello [#{ticket.number}]"


@pytest.mark.mission("B3")
def test_each_recipient_gets_a_copy_that_suits_him(keys, channel, ticket, alice, cast):
    article = answer(
        ticket,
        alice,
        ["carol@customer.example"],
        bcc=["frank@customer.example"],
        sign=True,
        encrypt=True,
        attachments=[NewAttachment(name="plan.txt", content_type="text/plain", data=b"the plan")],
    )
    server = Server()

    seal_due(by="w")
    send_due(by="w", deliver=server)

    assert states(article) == {"carol": CopyState.SENT, "frank": CopyState.SENT}
    assert [(sender, to) for sender, to, _ in server.seen] == [
        (SUPPORT, ("carol@customer.example",)),
        (SUPPORT, ("frank@customer.example",)),
    ]
    for (_, _, raw), person in zip(server.seen, (cast.carol, cast.frank), strict=True):
        opened = _opened(raw, person, cast, keys)
        assert b"frank" not in raw.partition(b"\r\n\r\n")[0].lower()
        assert opened.content.text.strip() == "Turn it on."
        assert [one.data for one in opened.content.attachments] == [b"the plan"]
        assert opened.report.encryption.verdict is Encryption.DECRYPTED
        assert opened.report.signature.verdict is not Signature.NONE


def test_copies_lie_in_the_vault_and_the_plan_with_the_article(keys, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"], sign=True, encrypt=True)

    seal_due(by="w")

    copy = Copy.objects.get(outgoing__article=article)
    assert (copy.technology, copy.is_signed, copy.is_encrypted) == ("smime", True, True)
    assert b"Subject" in rawmail.read(copy)
    article.refresh_from_db()
    assert article.report["copies"][0]["recipients"] == ["carol@customer.example"]
    log = SecurityLogEntry.objects.filter(article=article).order_by("operation")
    assert [(one.direction, one.operation, one.status) for one in log] == [
        ("out", "encrypt", "done"),
        ("out", "sign", "done"),
    ]


def test_what_cannot_be_sealed_is_refused_with_a_reason_and_never_sent(keys, channel, ticket, alice):
    Ticket.objects.filter(pk=ticket.pk).update(state=TicketState.CLOSED)
    article = answer(ticket, alice, ["carol@customer.example", "erin@customer.example"], sign=True, encrypt=True)
    server = Server()

    seal_due(by="w")
    send_due(by="w", deliver=server)

    rows = {row.address.partition("@")[0]: row for row in Delivery.objects.filter(outgoing__article=article)}
    assert {name: row.state for name, row in rows.items()} == dict.fromkeys(("carol", "erin"), CopyState.REFUSED)
    assert (rows["erin"].code, rows["carol"].code) == ("no_key", "mail_refused")
    assert "erin@customer.example" in rows["erin"].sentence
    assert server.seen == []
    assert (Copy.objects.count(), Ticket.objects.get(pk=ticket.pk).state) == (0, TicketState.OPEN)


def test_a_refused_mail_leaves_once_the_key_is_there(ring, desk_keys, support, channel, ticket, alice, cast):
    ring.own(desk_keys[SUPPORT], support)
    article = answer(ticket, alice, ["carol@customer.example"], sign=True, encrypt=True)
    seal_due(by="w")
    before = states(article)
    ring.know(*cast.carol.keys)

    seal_again(outgoing=Outgoing.objects.get(article=article), by=alice)
    seal_due(by="w")
    send_due(by="w", deliver=Server())

    assert (before, states(article)) == ({"carol": CopyState.REFUSED}, {"carol": CopyState.SENT})


def test_the_composers_preview_is_what_is_sent(keys, ticket, alice, support):
    recipients = recipients_of(to=["carol@customer.example"], cc=["erin@customer.example"])
    shown = preview(group=support, recipients=recipients, sign=True, encrypt=True)
    article = answer(ticket, alice, recipients.to, cc=recipients.cc, sign=True, encrypt=True)

    seal_due(by="w")

    article.refresh_from_db()
    assert article.report["refusals"] == [
        {"code": one.code, "sentence": one.sentence, "address": one.address} for one in shown.refusals
    ]


def test_the_technology_of_the_last_good_mail_is_preferred(keys, write, cast, take_in, support):
    def technology_for_frank():
        recipients = recipients_of(to=["frank@customer.example"])
        (planned,) = preview(group=support, recipients=recipients, sign=True, encrypt=True).recipients
        return planned.technology

    before = technology_for_frank()
    take_in(write(cast.frank, sign=True, technology=Technology.OPENPGP))

    assert (before, technology_for_frank()) == (Technology.SMIME, Technology.OPENPGP)


def test_a_busy_server_is_asked_again_later(channel, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"])
    server = Server(carol=BUSY)
    seal_due(by="w")

    tried = [send_due(by="w", deliver=server), send_due(by="w", deliver=server)]

    copy = Copy.objects.get(outgoing__article=article)
    assert (tried, copy.state, copy.attempts) == ([1, 0], CopyState.RETRY, 1)
    assert timedelta() < copy.next_try_at - now() <= WAITS[0]


def test_only_those_who_wait_are_tried_again(channel, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example", "dave@customer.example", "erin@customer.example"])
    server = Server(carol=BUSY, dave=NOBODY)
    seal_due(by="w")
    send_due(by="w", deliver=server)
    Copy.objects.update(next_try_at=now())
    server.answers.pop("carol")

    send_due(by="w", deliver=server)

    assert server.seen[1][1] == ("carol@customer.example",)
    assert states(article) == {"carol": CopyState.SENT, "dave": CopyState.FAILED, "erin": CopyState.SENT}
    assert Copy.objects.get().state == CopyState.FAILED


def test_a_recipient_whom_the_server_does_not_know_is_shown_with_its_words(channel, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"])
    seal_due(by="w")

    send_due(by="w", deliver=Server(carol=NOBODY))

    row = Delivery.objects.get(outgoing__article=article)
    assert (row.state, row.code, row.sentence) == (CopyState.FAILED, "550", "No such user")
    assert ticket.events.order_by("id").last().codes == {"reasons": ["550"]}


def test_without_a_server_mail_waits_with_a_sentence(ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"])
    seal_due(by="w")

    send_due(by="w", deliver=Server())

    row = Delivery.objects.get(outgoing__article=article)
    assert (row.state, row.code) == (CopyState.RETRY, "no_channel")


def test_a_copy_of_a_dead_worker_is_unknown_and_never_sent_by_itself(channel, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"])
    seal_due(by="w")

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with pytest.raises(Killed):
        send_due(by="w", deliver=die)
    during = Copy.objects.get().state
    Copy.objects.update(leased_until=now() - timedelta(seconds=1))
    server = Server()
    swept = [sweep(), sweep()]
    send_due(by="other", deliver=server)

    assert (during, swept, server.seen) == (CopyState.SENDING, [1, 0], [])
    assert states(article) == {"carol": CopyState.UNKNOWN}

    send_again(copy=Copy.objects.get(), by=alice)
    send_due(by="other", deliver=server)

    assert (len(server.seen), states(article)) == (1, {"carol": CopyState.SENT})


def test_an_error_that_nobody_thought_of_is_unknown_too(channel, ticket, alice, caplog):
    article = answer(ticket, alice, ["carol@customer.example"])
    seal_due(by="w")

    def fail(*_, **__):
        raise RuntimeError("canary")

    send_due(by="w", deliver=fail)

    assert states(article) == {"carol": CopyState.UNKNOWN}
    assert "canary" not in caplog.text


def test_what_is_on_its_way_is_not_sent_again_by_hand(channel, ticket, alice):
    answer(ticket, alice, ["carol@customer.example"])
    seal_due(by="w")

    with pytest.raises(DeskError):
        send_again(copy=Copy.objects.get(), by=alice)


def test_sealing_twice_makes_no_second_copy(channel, ticket, alice):
    article = answer(ticket, alice, ["carol@customer.example"])
    outgoing = Outgoing.objects.get(article=article)

    seal_due(by="w")
    Outgoing.objects.update(leased_until=None)
    again = seal_due(by="w")

    assert (again, Copy.objects.count()) == (0, 1)
    outgoing.refresh_from_db()
    assert outgoing.state == OutgoingState.SEALED


def _opened(raw, person, cast, _):
    from sealmail.keys import MemoryKeyStore, MemoryTrust

    return open_message(raw, MemoryKeyStore(secrets=person.secrets), MemoryTrust(), Policy(), now())
