"""A mail server on loopback that takes mail for this desk, for the demo and for tests. 250 is said after the commit.

It signs nobody in and is not for networks. Mail for addresses that are not ours goes to `deliver_elsewhere`, where one
is given: so the demo's customers get what the desk sends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import closing

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import close_old_connections, connection

from sealdesk.mail.intake.actions import receive
from sealdesk.people.models import SenderAddress
from sealmail.addresses import canonical

log = logging.getLogger(__name__)
logging.getLogger("mail.log").setLevel(logging.WARNING)  # the library writes down each conversation

DeliverElsewhere = Callable[[bytes, Sequence[str]], None]


class LoopbackServer:
    """Listens on 127.0.0.1 in a thread of its own until it is stopped."""

    def __init__(self, *, port: int, deliver_elsewhere: DeliverElsewhere | None = None) -> None:
        """`port`: 0 takes a free one; see `port` after `start`."""
        self._controller = _Controller(
            _Handler(deliver_elsewhere),
            hostname="127.0.0.1",
            port=port,
            data_size_limit=settings.MAIL_SIZE_LIMIT,
            ident="Sealdesk",
            decode_data=False,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    def start(self) -> None:
        """Begins to listen; OSError where the port is taken."""
        self._controller.start()

    def stop(self) -> None:
        """Ends it; a mail that is being taken is finished first."""
        self._controller.stop()


class _Controller(Controller):
    """Knows which port it got where it asked for any free one."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library is typed in part


class _Handler:
    def __init__(self, deliver_elsewhere: DeliverElsewhere | None) -> None:
        self._deliver_elsewhere = deliver_elsewhere

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 -- the library's name
        content = envelope.content
        raw, recipients = content if isinstance(content, bytes) else b"", list(envelope.rcpt_tos)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._take, raw, recipients)
        except Exception as error:  # noqa: BLE001 -- whatever failed: not taken, the sender comes again
            log.error("mail was not taken: %s", type(error).__name__)  # noqa: TRY400 -- no traceback: it may hold the mail
            return "451 4.3.0 Not taken now, please come again"
        return "250 2.0.0 Taken"

    def _take(self, raw: bytes, recipients: Sequence[str]) -> None:
        close_old_connections()
        with closing(connection):
            ours = _own(recipients)
            if ours or self._deliver_elsewhere is None:
                receive(raw=raw, envelope_recipients=ours or recipients)
            theirs = [recipient for recipient in recipients if recipient not in ours]
            if theirs and self._deliver_elsewhere is not None:
                self._deliver_elsewhere(raw, theirs)


def _own(recipients: Sequence[str]) -> list[str]:
    addresses = {canonical(recipient): recipient for recipient in recipients}
    named = [address for address in addresses if address]
    ours = SenderAddress.objects.filter(address__in=named).values_list("address", flat=True)
    return [addresses[address] for address in ours]
