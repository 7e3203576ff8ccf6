"""Fetches new mail from an IMAP folder. A mail is committed here before the server sees any sign that we have it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError

from sealdesk.core.clock import now
from sealdesk.mail.intake.actions import receive
from sealdesk.mail.models import Channel, Security

TIMEOUT_SECONDS = 60
_BATCH = 50


class FetchFailed(Exception):
    """The server was not reached or did not do what was asked; the message is a sentence without words of any mail."""


def fetch(channel: Channel, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Takes in what is new in the channel's folder; how many mails. Notes on the channel how it went.

    `goes_on` is asked before each mail; with False the rest stays on the server for the next time.
    """
    try:
        with _signed_in(channel) as client:
            taken, left = _fetch(client, channel, goes_on)
    except (OSError, IMAPClientError) as error:
        _note(channel, _sentence(error))
        raise FetchFailed(_sentence(error)) from error
    _note(channel, f"{left} mails are larger than the limit; they stay on the server." if left else "")
    return taken


def check(channel: Channel) -> None:
    """Signs in and looks into the folder; raises FetchFailed with a sentence."""
    try:
        with _signed_in(channel) as client:
            client.select_folder(channel.folder, readonly=True)
    except (OSError, IMAPClientError) as error:
        raise FetchFailed(_sentence(error)) from error


@contextmanager
def _signed_in(channel: Channel) -> Iterator[IMAPClient]:
    context = ssl.create_default_context()
    client = IMAPClient(
        channel.host,
        port=channel.port,
        ssl=channel.security == Security.TLS,
        ssl_context=context if channel.security == Security.TLS else None,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        if channel.security == Security.STARTTLS:
            client.starttls(ssl_context=context)
        client.login(channel.username, channel.password or "")
        yield client
    finally:
        with suppress(OSError, IMAPClientError):
            client.logout()


def _fetch(client: IMAPClient, channel: Channel, goes_on: Callable[[], bool]) -> tuple[int, int]:
    """How many mails were taken, and how many lie there unread because they are too large."""
    selected = client.select_folder(channel.folder)
    _check_uid_validity(channel, int(selected[b"UIDVALIDITY"]))
    new = _new_uids(client, channel.last_uid)
    taken = 0
    for start in range(0, len(new), _BATCH):
        sizes = client.fetch(new[start : start + _BATCH], [b"RFC822.SIZE"])
        for uid in sorted(sizes):  # one that was asked for may have been expunged meanwhile
            if not goes_on():
                return taken, _too_large(client)
            if int(sizes[uid][b"RFC822.SIZE"]) <= settings.MAIL_SIZE_LIMIT:
                taken += _take(client, channel, uid)
            channel.last_uid = uid
            channel.save(update_fields=["last_uid"])
    return taken, _too_large(client)


def _too_large(client: IMAPClient) -> int:
    """Asked of the server each time, so that the channel says it until somebody has read or removed them there."""
    return len(client.search(["UNSEEN", "LARGER", settings.MAIL_SIZE_LIMIT]))


def _check_uid_validity(channel: Channel, validity: int) -> None:
    """RFC 3501 §2.3.1.1: with another UIDVALIDITY the UIDs that we know mean nothing; duplicates are told by hash."""
    if channel.uid_validity != validity:
        channel.uid_validity, channel.last_uid = validity, 0
        channel.save(update_fields=["uid_validity", "last_uid"])


def _new_uids(client: IMAPClient, last: int) -> list[int]:
    # "n:*" always names at least the last mail, even where its UID is lower (RFC 3501 §6.4.8).
    return sorted(uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last)


def _take(client: IMAPClient, channel: Channel, uid: int) -> int:
    """Commits one mail and only then lets the server know; 0 where it is gone."""
    answer: dict[int, dict[bytes, Any]] = client.fetch([uid], [b"BODY.PEEK[]"])
    raw = answer.get(uid, {}).get(b"BODY[]")
    if raw is None:
        return 0
    receive(raw=raw, channel=channel)
    _acknowledge(client, channel, uid)
    return 1


def _acknowledge(client: IMAPClient, channel: Channel, uid: int) -> None:
    client.add_flags([uid], [SEEN], silent=True)
    if not channel.done_folder:
        return
    if client.has_capability("MOVE"):
        client.move([uid], channel.done_folder)
    else:
        client.copy([uid], channel.done_folder)
        client.delete_messages([uid], silent=True)
        client.expunge()


def _note(channel: Channel, error: str) -> None:
    channel.last_run_at, channel.last_error = now(), error[:300]
    channel.save(update_fields=["last_run_at", "last_error"])


def _sentence(error: Exception) -> str:
    match error:
        case ssl.SSLError():
            return "No safe connection: the server's certificate or protocol is not acceptable."
        case OSError():
            return f"The server was not reached: {error.strerror or type(error).__name__}."
        case _:
            return f"The server refused: {type(error).__name__}."
