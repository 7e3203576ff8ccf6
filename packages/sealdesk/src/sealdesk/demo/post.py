"""The customers' mail server: takes what the desk sends and keeps it in the vault; hands in what customers write.

Everything travels by SMTP over loopback. What is for nobody in the demo is thrown away: it cannot reach anybody.
"""

from __future__ import annotations

import hashlib
import smtplib
import uuid
from collections.abc import Iterator, Sequence

from sealdesk.core.clock import now
from sealdesk.demo import drawer
from sealdesk.demo.errors import DemoError
from sealdesk.demo.people import CUSTOMERS, people
from sealdesk.mail.models import Channel, ChannelKind, Security
from sealmail.addresses import canonical

_CHANNEL = "Demo"
_TIMEOUT_SECONDS = 30
NOT_RUNNING = "The desk is not running. Start it with: sealdesk run --demo"


def deliver(raw: bytes, recipients: Sequence[str]) -> None:
    """Puts the mail into the inbox of each recipient who is one of the customers."""
    here = people()
    known = {here[who].address for who in CUSTOMERS} if here else set()
    for address in known.intersection(map(canonical, recipients)):
        drawer.put(f"{_inbox(address)}/{now():%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}", raw)


def received(address: str) -> Iterator[bytes]:
    """The mails that an address got, oldest first."""
    for name in drawer.names(_inbox(address)):
        yield drawer.take(name) or b""


def hand_in(raw: bytes, *, sender: str, recipient: str) -> None:
    """Sends a mail to the running desk; it has it when this returns. DemoError where no desk is running."""
    port = _port()
    if port is None:
        raise DemoError(NOT_RUNNING)
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=_TIMEOUT_SECONDS) as server:
            server.sendmail(sender, [recipient], raw)
    except smtplib.SMTPException:
        raise DemoError("The desk did not take the mail. Its own window says why.") from None
    except OSError:
        raise DemoError(NOT_RUNNING) from None


def is_running() -> bool:
    """Whether the desk takes mail at the moment."""
    port = _port()
    try:
        with smtplib.SMTP("127.0.0.1", port or 0, timeout=_TIMEOUT_SECONDS):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def set_port(port: int) -> None:
    """The desk sends by this port of loopback, and customers hand in by it."""
    Channel.objects.update_or_create(
        kind=ChannelKind.SMTP,
        name=_CHANNEL,
        defaults={"host": "127.0.0.1", "port": port, "security": Security.NONE},
    )


def _port() -> int | None:
    channel = Channel.objects.filter(kind=ChannelKind.SMTP, name=_CHANNEL).first()
    return channel.port if channel else None


def _inbox(address: str) -> str:
    """Addresses come from mail: as a hash they are always fit for a file name."""
    return f"inbox/{hashlib.sha256(address.encode()).hexdigest()[:16]}"
