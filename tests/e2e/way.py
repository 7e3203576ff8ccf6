"""The way between the customers and the desk, where somebody may sit who reads and changes mail.

Mail of both sides enters Postfix through it. Nobody sits there until a test says so.
"""

import asyncio
import contextlib
import smtplib
from collections.abc import Callable, Iterator
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers.postfix import Postfix
from tests.peers.programs import LOOPBACK, free_ports

Change = Callable[[bytes], bytes]
"""What is done to a mail on its way."""


def unchanged(raw: bytes) -> bytes:
    """What an honest server does."""
    return raw


class _Patient(SMTP):
    line_length_limit = 1 << 20


class _LongLines(Controller):
    """Takes lines as long as Postfix does; the limit of RFC 5321 §4.5.3.1.6 is for others to keep."""

    def factory(self) -> SMTP:
        return _Patient(self.handler, **self.SMTP_kwargs)


class Way:
    """An SMTP server that hands on what it gets. Use it as a context manager."""

    host = LOOPBACK

    def __init__(self, postfix: Postfix) -> None:
        self._postfix = postfix
        self._change: Change = unchanged

    def __enter__(self) -> Self:
        (self.port,) = free_ports(1)
        self._controller = _LongLines(self, hostname=self.host, port=self.port, data_size_limit=None)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def send(self, raw: bytes, sender: str, recipient: str) -> None:
        """Hands in a customer's mail, as his mail program does."""
        with smtplib.SMTP(self.host, self.port, timeout=60) as connection:
            connection.sendmail(sender, [recipient], raw, mail_options=["BODY=8BITMIME"])

    @contextlib.contextmanager
    def held(self, change: Change) -> Iterator[None]:
        """While somebody sits on the way, every mail is changed."""
        self._change = change
        try:
            yield
        finally:
            self._change = unchanged

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- the library's name
        """Takes a mail, changes it where somebody sits here, and hands it on before it says so."""
        await asyncio.get_running_loop().run_in_executor(None, self._hand_on, envelope)
        return "250 2.0.0 Handed on"

    def _hand_on(self, envelope: Envelope) -> None:
        raw = envelope.original_content
        assert raw is not None
        self._postfix.send(self._change(raw), envelope.mail_from or "", envelope.rcpt_tos)
