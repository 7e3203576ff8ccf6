"""The IMAP channel against Dovecot: what is fetched, when, and what the server is told."""

import imaplib
from collections.abc import Callable, Iterator

import pytest

from sealdesk.mail import rawmail
from sealdesk.mail.channels.imap import FetchFailed, check, fetch
from sealdesk.mail.fetcher import Fetcher
from sealdesk.mail.models import Channel, RawMail
from tests.peers.dovecot import Dovecot

pytestmark = [pytest.mark.sockets, pytest.mark.django_db, pytest.mark.mission("H1")]

RAW = b"From: erin@shop.example\r\nTo: support@desk.example\r\nSubject: %d\r\n\r\nwords\r\n"


@pytest.fixture
def mailbox(request: pytest.FixtureRequest) -> str:
    """A mailbox that no other test writes to."""
    return f"{request.node.name.replace('_', '-')[:60]}@desk.example"


@pytest.fixture
def inbox(dovecot: Dovecot, mailbox: str) -> Iterator[imaplib.IMAP4]:
    """The mailbox, as another program sees it."""
    with imaplib.IMAP4(dovecot.host, dovecot.imap_port) as connection:
        connection.login(mailbox, dovecot.password)
        connection.select("INBOX")
        yield connection


@pytest.fixture
def put(inbox: imaplib.IMAP4) -> Callable[[int], None]:
    """Puts a mail into the mailbox."""

    def putting(number: int) -> None:
        inbox.append("INBOX", "", "", RAW % number)  # type: ignore[arg-type]  # the stubs want a time

    return putting


@pytest.fixture
def channel(dovecot: Dovecot, mailbox: str) -> Channel:
    """A channel to the mailbox."""
    return Channel.objects.create(
        kind="imap",
        name="Inbox",
        host=dovecot.host,
        port=dovecot.imap_port,
        security="none",
        username=mailbox,
        password=dovecot.password,
    )


def flags(inbox: imaplib.IMAP4) -> list[bool]:
    """For each mail whether it is marked as read."""
    inbox.noop()
    _, found = inbox.search(None, "ALL")
    answers = [inbox.fetch(number.decode(), "(FLAGS)")[1][0] for number in found[0].split()]
    return [b"\\Seen" in answer for answer in answers if isinstance(answer, bytes)]


def test_new_mail_is_stored_byte_for_byte_and_marked_as_read(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None]
) -> None:
    put(1)
    put(2)

    taken = fetch(channel)

    assert taken == 2
    assert [rawmail.read(mail) for mail in RawMail.objects.order_by("received_at")] == [RAW % 1, RAW % 2]
    assert flags(inbox) == [True, True]


def test_each_mail_is_fetched_once(channel: Channel, put: Callable[[int], None]) -> None:
    put(1)
    taken = [fetch(channel), fetch(channel)]
    put(2)

    assert [*taken, fetch(channel)] == [1, 0, 1]
    assert RawMail.objects.count() == 2


def test_a_fetcher_that_lost_its_channel_leaves_the_rest_on_the_server(
    channel: Channel, put: Callable[[int], None]
) -> None:
    put(1)
    put(2)
    answers = iter([True, False])

    taken = fetch(channel, lambda: next(answers))

    assert (taken, fetch(channel)) == (1, 1)


def test_mail_that_somebody_has_read_already_is_fetched_too(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None]
) -> None:
    put(1)
    inbox.noop()
    inbox.store("1", "+FLAGS", "\\Seen")

    assert fetch(channel) == 1


def test_with_another_uid_validity_nothing_is_lost_and_nothing_opened_twice(
    channel: Channel, put: Callable[[int], None]
) -> None:
    put(1)
    fetch(channel)
    Channel.objects.update(uid_validity=1, last_uid=10**6)

    fetch(Channel.objects.get())

    assert sorted(RawMail.objects.values_list("state", flat=True)) == ["duplicate", "stored"]


def test_fetched_mail_is_moved_where_a_folder_is_named(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None]
) -> None:
    inbox.create("Done")
    channel.done_folder = "Done"
    put(1)

    fetch(channel)

    inbox.noop()
    assert (inbox.search(None, "ALL")[1], inbox.status("Done", "(MESSAGES)")[1]) == ([b""], [b"Done (MESSAGES 1)"])


def test_what_could_not_be_stored_stays_unread_and_comes_again(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(1)
    with monkeypatch.context() as full:
        full.setattr("sealdesk.core.blobs.default_storage.save", _disk_full)
        with pytest.raises(FetchFailed):
            fetch(channel)
    unread = flags(inbox)

    assert (unread, RawMail.objects.count(), fetch(channel)) == ([False], 0, 1)


def test_too_large_a_mail_stays_on_the_server_and_the_channel_says_so(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None], settings: pytest.FixtureRequest
) -> None:
    settings.MAIL_SIZE_LIMIT = 10  # type: ignore[attr-defined]
    put(1)

    assert fetch(channel) == 0
    assert (flags(inbox), "larger than the limit" in Channel.objects.get().last_error) == ([False], True)


def test_too_large_a_mail_is_said_until_somebody_has_read_it_there(
    channel: Channel, inbox: imaplib.IMAP4, put: Callable[[int], None], settings: pytest.FixtureRequest
) -> None:
    settings.MAIL_SIZE_LIMIT = 10  # type: ignore[attr-defined]
    put(1)
    said = []
    for _ in range(2):
        fetch(channel)
        said.append(Channel.objects.get().last_error)
    flags(inbox)
    inbox.store("1", "+FLAGS", "\\Seen")
    fetch(channel)

    assert said[1] == said[0] != ""
    assert Channel.objects.get().last_error == ""


def test_a_wrong_password_is_a_sentence_on_the_channel(channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
    channel.password = "wrong"
    channel.save()

    assert Fetcher().fetch_due() == 0
    assert Channel.objects.get().last_error == "The server refused: LoginError."
    with pytest.raises(FetchFailed):
        check(channel)
    assert "wrong" not in caplog.text


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left on device")
