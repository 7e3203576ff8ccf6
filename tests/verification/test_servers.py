"""Mail goes SMTP → Postfix → LMTP → Dovecot → IMAP, and what was signed arrives as it was signed."""

import os
import shutil
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cast import DAVE, ERIN, SUPPORT
from tests.peers.dovecot import Certificate, Dovecot, imap_over_tls
from tests.peers.gpg import GnuPGFactory
from tests.peers.mail import File, Letter, pgp_signed, plain
from tests.peers.openssl import server_certificate
from tests.peers.postfix import Postfix
from tests.peers.programs import Server, free_ports, greets, short_folder, wait_until
from tests.peers.reading import Reader

pytestmark = pytest.mark.sockets
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix can only be started by root")

LETTER = Letter(sender=ERIN.address, recipients=[SUPPORT], subject="My order", text="Where is it?\n")


def sent_part(received: bytes) -> bytes:
    """What the sender wrote: the servers put their trace headers in front of it (RFC 5321 §4.4)."""
    return received[received.index(b"\r\nFrom: ") + 2 :]


@pytest.fixture
def mailbox(dovecot: Dovecot, request: pytest.FixtureRequest) -> str:
    """A mailbox that no other test writes to."""
    return f"{request.node.name.replace('_', '-')[:60]}@desk.example"


def test_mail_arrives_byte_for_byte(postfix: Postfix, dovecot: Dovecot, mailbox: str) -> None:
    raw = plain(LETTER)

    postfix.send(raw, ERIN.address, [mailbox])

    assert [sent_part(each) for each in dovecot.wait_for(mailbox)] == [raw]


@pytest.mark.parametrize(
    "body",
    [
        b"8bit: Gr\xc3\xbc\xc3\x9fe, latin: Gr\xfc\xdfe\r\n",
        b"trailing blanks  \t \r\n\r\n\r\n",
        b".\r\n..\r\n.dots\r\n",
        b"From here on\r\n>From there\r\n",
        b"a long line " + b"x" * 5000 + b"\r\n",
        b"-- \r\nsignature\r\n",
    ],
    ids=["8bit", "blanks", "dots", "from", "long", "dashes"],
)
def test_mail_body_is_not_rewritten(
    postfix: Postfix, dovecot: Dovecot, body: bytes, request: pytest.FixtureRequest
) -> None:
    mailbox = f"body-{request.node.callspec.id}@desk.example"
    raw = b"From: erin@shop.example\r\nSubject: x\r\n\r\n" + body

    postfix.send(raw, ERIN.address, [mailbox])

    assert [sent_part(each) for each in dovecot.wait_for(mailbox)] == [raw]


def test_mail_of_25_mb_arrives(postfix: Postfix, dovecot: Dovecot, mailbox: str) -> None:
    scan = File(name="scan.bin", type="application/octet-stream", content=bytes(range(256)) * 100_000)
    raw = plain(Letter(sender=ERIN.address, recipients=[mailbox], subject="Scan", text="See\n", attachments=[scan]))

    postfix.send(raw, ERIN.address, [mailbox])
    (received,) = dovecot.wait_for(mailbox)

    assert sent_part(received) == raw
    assert Reader().read(received).attachments == (scan,)


def test_signed_mail_still_verifies_on_arrival(
    postfix: Postfix, dovecot: Dovecot, gpg_factory: GnuPGFactory, mailbox: str
) -> None:
    dave, desk = gpg_factory.customer(DAVE.address), gpg_factory.empty()
    (fingerprint,) = desk.import_(dave.export_public())

    postfix.send(pgp_signed(LETTER, dave), DAVE.address, [mailbox])
    (received,) = dovecot.wait_for(mailbox)

    assert Reader(gpg=desk).read(received).good_signers == (fingerprint,)


def test_mailboxes_are_apart_and_can_be_emptied(postfix: Postfix, dovecot: Dovecot) -> None:
    postfix.send(plain(LETTER), ERIN.address, ["one@desk.example", "two@desk.example"])
    dovecot.wait_for("one@desk.example")
    dovecot.wait_for("two@desk.example")

    dovecot.empty("one@desk.example")

    assert (dovecot.count("one@desk.example"), dovecot.count("two@desk.example")) == (0, 1)


def test_mail_for_a_foreign_domain_is_refused(postfix: Postfix) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        postfix.send(plain(LETTER), ERIN.address, ["somebody@elsewhere.example"])

    assert refused.value.recipients["somebody@elsewhere.example"][0] == 550


@needs_root
def test_mail_waits_in_the_queue_while_the_store_is_down() -> None:
    (nobody_listens,) = free_ports(1)
    with Postfix(domains=["desk.example"], lmtp_port=nobody_listens) as postfix:
        postfix.send(plain(LETTER), ERIN.address, [SUPPORT])

        (queued,) = postfix.queue()

    assert (queued.sender, queued.recipients) == (ERIN.address, (SUPPORT,))


@needs_root
def test_servers_leave_nothing_behind() -> None:
    with Dovecot() as dovecot, Postfix(domains=["desk.example"], lmtp_port=dovecot.lmtp_port) as postfix:
        folders = [dovecot.folder, postfix.folder]
        ports = [dovecot.imap_port, dovecot.lmtp_port, postfix.smtp_port]

    assert [folder.exists() for folder in folders] == [False, False]
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", ports[2])


def test_dovecot_speaks_tls_with_the_certificate_it_was_given(tmp_path: Path) -> None:
    with short_folder("tls", mode=0o755) as folder:
        certificate, key = server_certificate(folder)
        with (
            Dovecot(tls=Certificate(certificate=certificate, key=key)) as dovecot,
            imap_over_tls(dovecot, certificate, SUPPORT) as connection,
        ):
            assert connection.select("INBOX") == ("OK", [b"0"])


def test_server_that_ends_at_once_is_told_apart_from_a_slow_one(tmp_path: Path) -> None:
    server = Server(["false"], log=tmp_path / "log")

    with pytest.raises(Exception, match="ended at once"):
        server.wait_for_greetings({free_ports(1)[0]: b"220"})
    server.stop()


@needs_root
def test_servers_go_down_with_tests_that_are_killed() -> None:
    story = (
        "import os, signal\n"
        "from tests.peers.dovecot import Dovecot\n"
        "from tests.peers.postfix import Postfix\n"
        "with Dovecot() as dovecot, Postfix(domains=['desk.example'], lmtp_port=dovecot.lmtp_port) as postfix:\n"
        "    print(dovecot.imap_port, postfix.smtp_port, dovecot.folder, postfix.folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    repository = Path(__file__).parents[2]

    killed = subprocess.run([sys.executable, "-c", story], cwd=repository, capture_output=True, text=True, check=False)
    imap_port, smtp_port, *folders = killed.stdout.split()

    silent = "the servers to go down"
    wait_until(lambda: not greets(int(imap_port), b"* OK"), timeout_seconds=10, what=silent)
    wait_until(lambda: not greets(int(smtp_port), b"220 "), timeout_seconds=10, what=silent)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
