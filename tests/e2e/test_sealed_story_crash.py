"""No mail is lost and none comes twice when the fetcher dies: it commits before the server hears of it."""

import imaplib
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cast import ERIN, SUPPORT
from tests.e2e.desk import Desk
from tests.e2e.tap import Tap
from tests.peers.dovecot import Dovecot
from tests.peers.mail import File, Letter, plain
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

MAILS = 20


@pytest.fixture
def tap(dovecot: Dovecot) -> Iterator[Tap]:
    with Tap(dovecot.imap_port) as tap:
        yield tap


@pytest.fixture
def desk(dovecot: Dovecot, tap: Tap) -> Iterator[Desk]:
    """A desk whose only process is its console; the test starts the others."""
    with Desk(loops=()) as desk:
        server = {"host": tap.host, "port": tap.port, "user": SUPPORT, "password": dovecot.password}
        desk.console.ask("create_mailbox", **server)
        yield desk


@pytest.fixture
def letters(postfix: Postfix, dovecot: Dovecot) -> list[Letter]:
    """Twenty mails that wait in the mailbox."""
    if dovecot.count(SUPPORT):
        dovecot.empty(SUPPORT)
    scan = File(name="scan.bin", type="application/octet-stream", content=bytes(range(256)) * 2000)
    letters = [
        Letter(sender=ERIN.address, recipients=[SUPPORT], subject=f"Mail {number}", text="See\n", attachments=[scan])
        for number in range(MAILS)
    ]
    for letter in letters:
        postfix.send(plain(letter), ERIN.address, [SUPPORT])
    dovecot.wait_for(SUPPORT, MAILS)
    return letters


def seen(dovecot: Dovecot) -> int:
    """How many mails the server was told that the desk has."""
    with imaplib.IMAP4(dovecot.host, dovecot.imap_port, timeout=30) as connection:
        connection.login(SUPPORT, dovecot.password)
        connection.select("INBOX", readonly=True)
        return len(connection.search(None, "SEEN")[1][0].split())


def killed_in_the_middle(desk: Desk, tap: Tap, word: bytes, times: int) -> None:
    """Starts a fetcher and kills it with SIGKILL when that word came by on its line for that time."""
    desk.console.ask("forget_leases")  # the time of the one that died has run out
    tap.falls_silent(word, times)
    fetcher = desk.child("fetch")
    try:
        assert tap.reached.wait(timeout=30), desk.log()
    finally:
        fetcher.send_signal(signal.SIGKILL)
        fetcher.wait()
    assert fetcher.returncode == -signal.SIGKILL


@pytest.mark.mission("H1")
def test_killed_fetcher_loses_no_mail_and_doubles_none(
    desk: Desk, tap: Tap, dovecot: Dovecot, letters: list[Letter]
) -> None:
    # It dies when it is about to tell the server for the seventh time: the seventh mail is here, and only the server
    # does not know.
    killed_in_the_middle(desk, tap, b"+FLAGS", 7)
    assert (desk.console.ask("stored"), seen(dovecot)) == (7, 6)

    # The next one begins with the mail that the server thinks unread, and dies while the fifth mail is half here.
    killed_in_the_middle(desk, tap, b"BODY[]", 5)
    assert (desk.console.ask("stored"), seen(dovecot)) == (7 + 4, 10)

    # The third one lives, and so does a worker.
    tap.stays_open()
    desk.console.ask("forget_leases")
    assert desk.run("fetch", "--once").strip() == f"{MAILS - 10} mails taken"
    desk.run("worker", "--once")
    mails = desk.console.taken_in()

    assert Counter(mail.state for mail in mails) == {"done": MAILS, "duplicate": 1}
    assert sorted(mail.message_id for mail in mails if mail.article) == sorted(each.message_id for each in letters)
    assert (len({mail.article for mail in mails if mail.article}), seen(dovecot)) == (MAILS, MAILS)


@pytest.mark.mission("H1")
def test_killed_worker_loses_no_mail_and_doubles_none(desk: Desk, dovecot: Dovecot, letters: list[Letter]) -> None:
    desk.run("fetch", "--once")
    worker = desk.child("worker")
    desk.console.wait_for_articles(1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert desk.console.ask("articles") < MAILS  # else it was not killed in the middle

    desk.console.ask("forget_leases")
    desk.run("worker", "--once")
    mails = desk.console.taken_in()

    assert sorted(mail.message_id for mail in mails) == sorted(each.message_id for each in letters)
    assert {mail.state for mail in mails} == {"done"}
