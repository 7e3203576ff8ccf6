"""From the bytes of a mail to an article, with real keys, a real opening process and a real database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from cryptography import x509
from django.core.files.storage import default_storage
from django.db import connection

from sealdesk.mail import rawmail
from sealdesk.mail.intake.actions import process, receive, release
from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.models import Channel, RawMail, RawState, ReadableAlgorithms, SecurityLogEntry
from sealdesk.mail.outbox.actions import reply
from sealdesk.tickets import attachments
from sealdesk.tickets.models import Article, Ticket, TicketEvent, TicketState
from sealmail.testing.cast import Person

pytestmark = pytest.mark.django_db

BOUNCE = b"""From: MAILER-DAEMON@mx.example\r
To: support@desk.example\r
Subject: Undelivered Mail\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
No such user\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
--b\r
Content-Type: message/rfc822\r
\r
From: support@desk.example\r
Message-ID: %s\r
\r
Hi\r
--b--\r
"""


@pytest.fixture
def channel(support):
    return Channel.objects.create(kind="imap", name="Inbox", group=support, host="localhost", port=143)


@pytest.fixture
def keys(ring, cast, desk_keys, support, billing):
    ring.own(desk_keys["support@desk.example"], support)
    ring.own(desk_keys["billing@desk.example"], billing)
    for person in cast.honest_customers:
        ring.know(*person.keys)


def test_receive_keeps_the_bytes_before_anything_else(channel):
    mail = receive(raw=b"From: a@b.example\r\n\r\nhello", channel=channel)

    assert (mail.state, mail.size, rawmail.read(mail)) == (RawState.STORED, 26, b"From: a@b.example\r\n\r\nhello")
    assert Article.objects.count() == 0


def test_the_same_bytes_on_the_same_channel_are_a_duplicate(channel, write, cast, take_in):
    raw = write(cast.erin)

    first, second = take_in(raw, channel=channel), take_in(raw, channel=channel)

    assert (first.state, second.state) == (RawState.DONE, RawState.DUPLICATE)
    assert Article.objects.count() == 1


def test_the_same_bytes_on_another_channel_are_no_duplicate(channel, write, cast, take_in):
    raw = write(cast.erin)

    assert [take_in(raw, channel=channel).state, take_in(raw).state] == [RawState.DONE, RawState.DONE]


def test_the_same_bytes_for_another_group_are_no_duplicate(support, billing, write, cast):
    raw = write(cast.erin)
    recipients = ["support@desk.example", "billing@desk.example", "billing@desk.example"]

    mails = [receive(raw=raw, envelope_recipients=[recipient]) for recipient in recipients]

    assert [mail.state for mail in mails] == [RawState.STORED, RawState.STORED, RawState.DUPLICATE]
    assert [process(raw_mail=mail.pk).article.ticket.group for mail in mails[:2]] == [support, billing]


def test_a_plain_mail_opens_a_ticket_of_the_group_it_names(support, billing, write, cast, take_in):
    mail = take_in(write(cast.erin, to="billing@desk.example", subject="Invoice", text="Too high"))

    ticket = mail.article.ticket
    assert (ticket.group, ticket.title, ticket.state, ticket.number) == (billing, "Invoice", TicketState.NEW, 10001)
    assert (mail.article.text.strip(), mail.article.sender) == ("Too high", "erin@customer.example")
    assert list(ticket.customer.addresses.values_list("address", flat=True)) == ["erin@customer.example"]


def test_the_envelope_goes_before_the_header(support, billing, write, cast, take_in):
    mail = take_in(write(cast.erin), envelope_recipients=["Billing@desk.example"])

    assert mail.group == billing


@pytest.mark.mission("H1")
def test_mail_that_names_none_of_our_addresses_goes_to_the_channels_group(channel, support, take_in):
    mail = take_in(b"From: x@y.example\r\nTo: undisclosed:;\r\n\r\nhello", channel=channel)

    assert (mail.state, mail.group) == (RawState.DONE, support)


def test_mail_for_nobody_is_kept_with_a_reason(support, take_in):
    mail = take_in(b"From: x@y.example\r\nTo: other@elsewhere.example\r\n\r\nhello")

    assert (mail.state, mail.reason) == (RawState.QUARANTINED, "no_group")


@pytest.mark.parametrize("name", ["carol", "dave"])
def test_a_signed_and_encrypted_mail_is_shown_with_its_verdict(keys, write, cast, take_in, name):
    raw = write(getattr(cast, name), text="Secret words", sign=True, encrypt=True)

    article = take_in(raw).article

    assert (article.encryption, article.signature, article.text.strip()) == ("decrypted", "good", "Secret words")
    assert (article.signature_covers, article.ticket.signature) == ("whole", "good")
    assert article.report["signature"]["verdict"] == "good"


@pytest.mark.mission("S10")
def test_each_layer_is_in_the_security_log(keys, write, cast, take_in):
    article = take_in(write(cast.carol, sign=True, encrypt=True)).article

    log = SecurityLogEntry.objects.filter(article=article).order_by("operation")
    assert [(one.direction, one.operation, one.technology, one.status) for one in log] == [
        ("in", "decrypt", "smime", "decrypted"),
        ("in", "verify", "smime", "good"),
    ]


def test_mail_without_a_key_is_an_article_with_the_body_kept(support, write, cast, take_in):
    article = take_in(write(cast.carol, text="Secret words", sign=True, encrypt=True)).article

    assert (article.encryption, article.signature, article.text.strip()) == ("no_key", "none", "")
    (body,) = article.attachments.all()
    assert len(attachments.read(body)) == body.size > 0


def test_mail_for_another_groups_key_waits_in_that_groups_quarantine(keys, support, billing, write, cast, take_in):
    raw = write(cast.carol, to="billing@desk.example", sign=True, encrypt=True)

    mail = take_in(raw, group=support)

    assert (mail.state, mail.reason, mail.group) == (RawState.QUARANTINED, "other_groups_key", billing)
    assert Article.objects.count() == 0


def test_a_released_mail_is_taken_in_by_the_group_that_can_open_it(keys, support, billing, write, cast, take_in):
    mail = take_in(write(cast.carol, to="billing@desk.example", sign=True, encrypt=True), group=support)

    released = process(raw_mail=release(raw_mail=mail).pk)

    assert (released.state, released.article.ticket.group) == (RawState.DONE, billing)


def test_processing_again_changes_nothing(support, write, cast, take_in):
    mail = take_in(write(cast.erin, attachments=[("a.txt", "text/plain", b"file")]))
    before = (Article.objects.count(), TicketEvent.objects.count(), len(_blobs()))

    again = process(raw_mail=mail.pk)

    assert again.article == mail.article
    assert (Article.objects.count(), TicketEvent.objects.count(), len(_blobs())) == before


def test_whoever_comes_second_leaves_nothing_behind(support, write, cast, monkeypatch):
    mail = receive(raw=write(cast.erin, attachments=[("a.txt", "text/plain", b"file")]))
    from sealdesk.mail.intake import actions

    decide = actions.decide

    def decide_while_another_worker_finishes(facts):
        RawMail.objects.filter(pk=mail.pk).update(state=RawState.QUARANTINED, reason="elsewhere")
        return decide(facts)

    monkeypatch.setattr(actions, "decide", decide_while_another_worker_finishes)
    before = len(_blobs())

    done = process(raw_mail=mail.pk)

    assert (done.state, done.reason, Article.objects.count(), len(_blobs())) == (
        RawState.QUARANTINED,
        "elsewhere",
        0,
        before,
    )


def test_a_failure_leaves_the_mail_with_a_code_and_the_next_mail_is_taken_in(
    support, write, cast, take_in, monkeypatch, caplog
):
    from sealdesk.mail.intake import actions

    def fail(*_):
        raise KeyError("canary words of the mail")

    first = receive(raw=write(cast.erin, subject="First"))
    with monkeypatch.context() as patched:
        patched.setattr(actions, "write_article", fail)
        failed = process(raw_mail=first.pk)
    second = take_in(write(cast.erin, subject="Second"))

    assert (failed.state, failed.reason, failed.article) == (RawState.STORED, "internal_KeyError", None)
    assert second.state == RawState.DONE
    assert "canary" not in caplog.text
    assert process(raw_mail=first.pk).state == RawState.DONE


def test_a_mail_that_fails_for_ever_is_put_aside(support, write, cast):
    mail = receive(raw=write(cast.erin))
    default_storage.delete(mail.blob)
    RawMail.objects.filter(pk=mail.pk).update(attempts=5)

    failed = process(raw_mail=mail.pk)

    assert (failed.state, failed.reason) == (RawState.QUARANTINED, "vault")


@pytest.mark.parametrize(
    ("raw", "state", "reason"),
    [
        pytest.param(b"", RawState.QUARANTINED, "no_content", id="empty"),
        pytest.param(bytes(range(256)) * 40, RawState.QUARANTINED, "no_sender", id="binary"),
        pytest.param(b"no header at all\n\njust words", RawState.QUARANTINED, "no_sender", id="header-less"),
        pytest.param(b"From: a@b.example\r\n", RawState.QUARANTINED, "no_content", id="header only"),
        pytest.param(b"From: a@b.example\r\nSubject: x\r\n", RawState.DONE, "", id="subject only"),
        pytest.param(b"From: a@b.example\r\nContent-Type: text/plain; charset=x-nope\r\n\r\n\xff\xfe words",
                     RawState.DONE, "", id="wrong charset"),
        pytest.param(b"From: a@b.example\r\nSubject: =?utf-8?b?AAA=?= \x00\r\nMessage-ID: <\x00@x>\r\n\r\nx",
                     RawState.DONE, "", id="zero bytes"),
    ],
)  # fmt: skip
def test_bad_mail_ends_as_an_article_or_with_a_reason(channel, take_in, raw, state, reason):
    mail = take_in(raw, channel=channel)

    assert (mail.state, mail.reason) == (state, reason)
    assert rawmail.read(mail) == raw


def test_an_answer_joins_the_ticket_by_its_references(support, write, cast, take_in):
    first = take_in(write(cast.erin, message_id="<1@customer.example>"))

    second = take_in(write(cast.frank, subject="Other words", references=("<0@x>", "<1@customer.example>")))

    assert second.article.ticket == first.article.ticket


def test_attack_a_stranger_who_cites_a_message_id_is_marked(support, write, cast, take_in):
    ticket = take_in(write(cast.erin, message_id="<1@customer.example>")).article.ticket

    strange = take_in(write(cast.mallory, in_reply_to="<1@customer.example>")).article
    again = take_in(write(cast.erin, in_reply_to="<1@customer.example>")).article

    assert (strange.ticket, strange.warnings) == (ticket, ["stranger_joined"])
    assert (again.ticket, again.warnings) == (ticket, [])


def test_a_number_joins_for_the_customer_and_not_for_a_stranger(support, write, cast, take_in):
    ticket = take_in(write(cast.erin)).article.ticket

    same = take_in(write(cast.erin, subject=f"Re: [#{ticket.number}] more"))
    strange = take_in(write(cast.mallory, subject=f"Re: [#{ticket.number}] more"))

    assert same.article.ticket == ticket
    assert strange.article.ticket != ticket
    assert strange.article.warnings == ["stranger_named_ticket"]


def test_a_closed_ticket_comes_back_by_a_person_and_not_by_a_machine(support, write, cast, take_in):
    ticket = take_in(write(cast.erin, message_id="<1@customer.example>")).article.ticket
    Ticket.objects.update(state=TicketState.CLOSED)

    automatic = write(cast.erin, in_reply_to="<1@customer.example>", extra=(("Auto-Submitted", "auto-replied"),))
    states = [take_in(automatic).article.ticket.state]
    states.append(take_in(write(cast.erin, in_reply_to="<1@customer.example>")).article.ticket.state)

    assert states == [TicketState.CLOSED, TicketState.OPEN]
    assert list(ticket.articles.values_list("is_automatic", flat=True)) == [False, True, False]


def test_control_headers_of_inner_layers_are_not_obeyed(keys, write, cast, take_in):
    inner = (("Auto-Submitted", "auto-replied"), ("X-Loop", "yes"))
    article = take_in(_with_inner_headers(write, cast, inner)).article

    assert article.is_automatic is False


def _with_inner_headers(write, cast, inner):
    """A signed mail whose signed part says that it is automatic; the outer header does not."""
    from sealmail.smime import sign

    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in inner)
    entity = lines + b"Content-Type: text/plain; protected-headers=v1\r\n\r\nwords\r\n"
    from sealdesk.core.clock import now

    signed = sign(entity, cast.carol.smime, (cast.ca.certificate,), now())
    header = f"From: {cast.carol.address}\r\nTo: support@desk.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    return header.encode() + signed


def test_the_same_message_id_with_other_bytes_is_kept_and_marked(support, write, cast, take_in):
    take_in(write(cast.erin, message_id="<same@customer.example>"))

    second = take_in(write(cast.mallory, message_id="<same@customer.example>"))

    assert (second.state, second.article.warnings) == (RawState.DONE, ["repeated_message_id"])


def test_events_and_report_columns_hold_no_words(support, write, cast, take_in):
    take_in(write(cast.erin, subject="Canarysubject", text="Canarybody"))

    assert "anary" not in repr(list(TicketEvent.objects.values_list("codes", "kind")))


def test_a_bounce_goes_to_the_ticket_of_the_mail_that_it_carries_back(support, alice, write, cast, take_in):
    ticket = take_in(write(cast.erin)).article.ticket
    sent = reply(ticket=ticket, by=alice, to=["gone@customer.example"], text="Hi", sign=False, encrypt=False)

    article = take_in(BOUNCE % sent.message_id.encode(), envelope_recipients=["support@desk.example"]).article
    stranger = take_in(BOUNCE % b"<never@desk.example>", envelope_recipients=["support@desk.example"])

    assert (article.ticket, article.is_automatic) == (ticket, True)
    assert (stranger.state, stranger.reason) == (RawState.QUARANTINED, "unmapped_bounce")


def test_our_own_mail_that_comes_back_is_a_loop(support, alice, write, cast, take_in):
    ticket = take_in(write(cast.erin)).article.ticket
    sent = reply(ticket=ticket, by=alice, to=["list@customer.example"], text="Hi", sign=False, encrypt=False)

    mail = take_in(write(cast.erin, message_id=sent.message_id))

    assert (mail.state, mail.reason) == (RawState.QUARANTINED, "loop")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b"From: a@b.example\r\nTo: support@desk.example\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\n%d\r\n" % number for number in range(1000))
            + b"--b--\r\n",
            id="a thousand parts",
        ),
        pytest.param(
            b"From: a@b.example\r\nTo: support@desk.example\r\nMIME-Version: 1.0\r\n"
            + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500))
            + b"\r\nwords\r\n",
            id="five hundred deep",
        ),
    ],
)
def test_monstrous_mail_is_settled_and_the_next_is_taken_in(support, write, cast, take_in, raw):
    mail, following = take_in(raw), take_in(write(cast.erin))

    assert mail.state in {RawState.DONE, RawState.QUARANTINED}
    assert (mail.state == RawState.DONE) == (mail.reason == "")
    assert following.state == RawState.DONE


@pytest.mark.parametrize("count", [1, 3])
def test_a_sealed_mail_costs_a_constant_number_of_queries(keys, write, cast, take_in, django_assert_num_queries, count):
    """The first two of a batch ask the key ring; the others find the answers there."""
    take_in(write(cast.carol, sign=True, encrypt=True))
    batch = Batch()
    mails = [receive(raw=write(cast.carol, sign=True, encrypt=True)) for _ in range(count + 1)]
    process(raw_mail=mails[0].pk, batch=batch)

    each = 19 + ReadableAlgorithms.objects.count()  # one more where Carol's mails say what she reads
    with django_assert_num_queries(each * count):  # savepoints of the test's own transaction included
        for mail in mails[1:]:
            process(raw_mail=mail.pk, batch=batch)


@pytest.mark.mission("B2")
@pytest.mark.django_db(transaction=True)  # a copy holds only what was committed
def test_no_file_shows_a_word_of_a_mail_not_even_after_a_failure(
    support, write, cast, take_in, settings, monkeypatch, caplog, tmp_path
):
    raw = write(
        cast.erin, subject="Canarysubject", text="Canarybody", attachments=[("Canaryname", "a/b", b"Canaryfile")]
    )

    with monkeypatch.context() as patched:
        patched.setattr("sealdesk.mail.intake.actions.write_article", _fail)
        failed = take_in(raw)
    assert process(raw_mail=failed.pk).state == RawState.DONE

    found = [path for path in settings.DATA_FOLDER.rglob("*") if path.is_file() and b"anary" in path.read_bytes()]
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        connection.connection.backup(copy)
    database = (tmp_path / "copy").read_bytes()
    assert (found, len(_blobs()) > 2, "anary" in caplog.text) == ([], True, False)
    assert (b"erin@customer.example" in database, b"anary" in database) == (True, False)


def _fail(*_):
    raise ValueError("Canarybody")


def _blobs():
    found = []
    for folder in default_storage.listdir("")[0]:
        found += default_storage.listdir(folder)[1]
    return found


def test_signer_is_the_address_that_wrote_and_not_the_first_in_his_certificate(cast, ring, write, take_in, support):
    names = x509.SubjectAlternativeName([x509.RFC822Name("desk@bank.example"), x509.RFC822Name("carol@bank.example")])
    secret = cast.ca.issue("carol@bank.example", extra=[names])
    ring.know(secret.key)
    author = Person(name="Carol", address="carol@bank.example", smime=secret)

    article = take_in(write(author, sign=True), group=support).article

    assert (article.signature, article.signer_address) == ("good", "carol@bank.example")
