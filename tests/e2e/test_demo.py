"""The demo as a stranger meets it: one command, believable mail, customers who write and read."""

import re

import pytest

from tests.e2e.crawling import crawl, sign_in
from tests.e2e.demo_desk import DemoDesk
from tests.peers.programs import wait_until

ARRIVED = """
from sealdesk.mail.models import RawMail
mails = RawMail.objects.order_by("received_at").select_related("article__ticket__group")
answer = [
    [mail.article.ticket.group.name, mail.article.sender, mail.article.encryption, mail.article.signature,
     mail.article.signature_reason, mail.article.technology]
    if mail.article else [mail.state, mail.reason]
    for mail in mails
]
"""
TICKETS = """
from sealdesk.tickets.models import Ticket
tickets = Ticket.objects.order_by("number")
answer = [[one.number, one.articles.count(), one.title] for one in tickets]
"""
DELIVERIES = """
from sealdesk.mail.models import Delivery
rows = Delivery.objects.order_by("outgoing__article__created_at")
answer = [[one.address, one.state, one.technology, one.code] for one in rows]
"""
SIGN_INS = """
from sealdesk.people.models import Agent
from sealdesk.people.queries import groups_of
answer = [
    [agent.email, agent.is_staff, [group.name for group in groups_of(agent)], agent.check_password({password!r})]
    for agent in Agent.objects.order_by("email")
]
"""
LAST = """
from sealdesk.tickets.models import Article
found = [one for one in Article.objects.filter(kind="incoming").order_by("created_at") if one.subject == {subject!r}]
answer = [
    [one.ticket.number, one.sender, one.text, one.encryption, one.signature, one.technology, one.ticket.group.name]
    for one in found
]
"""
ANSWER = """
from sealdesk.mail.outbox.actions import reply
from sealdesk.people.models import Agent
from sealdesk.tickets.models import Ticket
ticket = Ticket.objects.get(number={number})
by = Agent.objects.get(email="alice@desk.example")
article = reply(ticket=ticket, by=by, to=[{to!r}], text={text!r}, sign=True, encrypt=True)
answer = str(article.pk)
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with DemoDesk(tmp_path_factory.mktemp("demo") / "home", "--demo") as desk:
        yield desk


@pytest.mark.mission("H6")
def test_the_demo_shows_every_kind_of_mail(desk):
    arrived, deliveries = desk.ask(ARRIVED), desk.ask(DELIVERIES)

    assert arrived[:15] == [  # others come with other tests
        ["Support", "carol@bank.example", "none", "good", "", "smime"],
        ["Support", "carol@bank.example", "decrypted", "good", "", "smime"],
        ["Legal", "dave@law.example", "decrypted", "good", "", "openpgp"],
        ["Support", "dave@law.example", "none", "good", "", "openpgp"],
        ["Support", "dave@law.example", "decrypted", "none", "", "openpgp"],
        ["Support", "erin@shop.example", "none", "none", "", ""],
        ["Support", "erin@shop.example", "none", "none", "", ""],
        ["Support", "carol@bank.example", "none", "unverified", "untrusted_issuer", "smime"],
        ["Support", "frank@clinic.example", "none", "bad", "content_changed", "openpgp"],
        ["Support", "frank@clinic.example", "none", "unverified", "expired", "smime"],
        ["Support", "frank@clinic.example", "no_key", "none", "", "smime"],
        ["Support", "dave@law.example", "damaged", "none", "", "openpgp"],
        ["Support", "frank@clinic.example", "decrypted", "good", "", "openpgp"],
        ["Legal", "carol@bank.example", "decrypted", "good", "", "smime"],
        ["Support", "carol@bank.example", "decrypted", "good", "", "smime"],
    ]
    assert deliveries[:2] == [
        ["carol@bank.example", "sent", "smime", "250"],
        ["dave@law.example", "sent", "openpgp", "250"],
    ]


@pytest.mark.mission("H6")
def test_a_second_start_keeps_everything_and_adds_nothing(tmp_path):
    with DemoDesk(tmp_path / "home", "--demo") as desk:
        before, password = desk.ask(TICKETS), desk.password
        desk.stop()
        sent, read = desk.run("demo", "send", "--as", "erin", "Parcels"), desk.run("demo", "inbox", "carol")
        desk.start()
        after, password_after = desk.ask(TICKETS), desk.password

    assert after == before
    assert password_after == password
    assert [count for _, count, _ in before] == [1, 3, 1, 2, *[1] * 10]  # one answered and followed up, one answered
    assert (sent.returncode, sent.stderr) == (1, "The desk is not running. Start it with: sealdesk run --demo\n")
    assert (read.returncode, "your token was locked" in read.stdout) == (0, True)
    assert read.stderr.startswith("The desk is not running, so nothing new arrives.")


def test_both_agents_sign_in_with_what_is_printed(desk):
    assert desk.address in desk.said
    assert desk.ask(SIGN_INS.format(password=desk.password)) == [
        ["alice@desk.example", True, ["Legal", "Support"], True],
        ["bob@desk.example", False, ["Legal"], True],
    ]


@pytest.mark.parametrize(
    ("agent", "tickets"),
    [("alice@desk.example", range(10001, 10015)), ("bob@desk.example", (10003, 10014))],
)
def test_every_page_that_an_agent_can_reach_opens(desk, agent, tickets):
    pages, failed = crawl(desk.address, sign_in(desk.address, agent, desk.password))

    numbers = {int(found[1]) for found in map(re.compile(r"/tickets/(\d+)/").fullmatch, pages) if found}
    assert failed == {}
    assert {number for number in numbers if number <= 10014} == set(tickets)  # later ones come with other tests


@pytest.mark.parametrize(
    ("who", "address", "technology"),
    [
        ("carol", "carol@bank.example", "smime"),
        ("dave", "dave@law.example", "openpgp"),
        ("frank", "frank@clinic.example", "smime"),
    ],
)
def test_a_customer_writes_and_reads_the_answer(desk, who, address, technology):
    subject, text = f"Where is my invoice, asks {who}", f"Only {who} shall read this answer."

    sent = desk.run(
        "demo", "send", "--as", who, "--to", "legal@desk.example", "--technology", technology, "--sign", "--encrypt",
        subject, "--text", "It was due on Monday.",
    )  # fmt: skip
    wait_until(lambda: desk.ask(LAST.format(subject=subject)) != [], timeout_seconds=30, what="the ticket")
    ((number, *opened),) = desk.ask(LAST.format(subject=subject))
    desk.ask(ANSWER.format(number=number, to=address, text=text))
    wait_until(lambda: text in desk.run("demo", "inbox", who).stdout, timeout_seconds=30, what="the answer")
    newest = desk.run("demo", "inbox", who).stdout.split("\n--- ")[-1]

    assert (sent.returncode, sent.stderr) == (0, "")
    assert opened == [address, "It was due on Monday.", "decrypted", "good", technology, "Legal"]
    assert f"Re: {subject} [#{number}]" in newest
    assert "Encryption: decrypted." in newest
    assert "Signature:  good." in newest
    assert f"Signed by:  Legal, {technology} key " in newest


def test_what_cannot_be_sealed_is_not_sent(desk):
    before = len(desk.ask(ARRIVED))

    refused = desk.run("demo", "send", "--as", "erin", "--sign", "Parcels")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "There is no private key with a certificate for erin@shop.example.\n"
    assert len(desk.ask(ARRIVED)) == before


@pytest.mark.parametrize("words", [("demo", "send", "--as", "carol", "Hello"), ("demo", "inbox", "carol")])
def test_without_a_demo_that_is_said(tmp_path, words):
    asked = DemoDesk(tmp_path / "home").run(*words)

    assert asked.returncode == 1
    assert asked.stderr == "There is no demo here yet. Start it with: sealdesk run --demo\n"


def test_a_desk_in_use_is_left_alone(tmp_path):
    desk = DemoDesk(tmp_path / "home", "--demo")
    desk.run("migrate")
    desk.ask("from sealdesk.people.models import Group\nGroup.objects.create(name='Sales')\nanswer = None")

    started = desk.run("run", "--demo", "--port", str(desk.port), "--intake-port", str(desk.intake_port))

    assert started.returncode == 2
    assert started.stderr.startswith("This desk is in use, and the demo needs one of its own.")
    assert desk.ask("from sealdesk.people.models import Group\nanswer = Group.objects.count()") == 1


def test_the_demo_listens_on_this_machine_only(tmp_path):
    started = DemoDesk(tmp_path / "home").run("run", "--demo", "--host", "0.0.0.0")  # noqa: S104 -- what is refused

    assert started.returncode == 2
    assert started.stderr.startswith("The demo is for this machine only")


def test_a_taken_port_is_said(desk, tmp_path):
    started = DemoDesk(tmp_path / "home").run("run", "--port", str(desk.port))

    assert started.returncode == 2
    assert started.stderr == f"Another program listens on port {desk.port}. Choose another one with --port.\n"
