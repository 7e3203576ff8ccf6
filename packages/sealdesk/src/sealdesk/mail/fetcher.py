"""The fetcher: looks into each incoming channel now and then. As many of them as wanted: channels are leased."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from datetime import timedelta

from django.db import close_old_connections, connection
from django.db.models import Q

from sealdesk.core import leases
from sealdesk.core.clock import now
from sealdesk.mail.channels import imap
from sealdesk.mail.models import Channel, ChannelKind

log = logging.getLogger(__name__)

POLL_SECONDS = 15
_LEASE_SECONDS = 120
"""Renewed with each mail. The channel of a fetcher that died waits so long; twice what a server may take to answer."""
_IDLE_SECONDS = 1.0
_PAUSE_SECONDS = 5


class Fetcher:
    """Fetches until it is stopped. For one thread."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._stopping = threading.Event()

    def run(self) -> None:
        """Looks into channels that are due, until `stop`."""
        try:
            while not self._stopping.is_set():
                self._round()
                self._stopping.wait(_IDLE_SECONDS)
        finally:
            connection.close()

    def stop(self) -> None:
        """Ends `run` after the channel at hand. May be called from any thread and from a signal handler."""
        self._stopping.set()

    def fetch_due(self) -> int:
        """Looks into every channel that is due; how many mails were taken."""
        last = now() - timedelta(seconds=POLL_SECONDS)
        channels = Channel.objects.filter(kind=ChannelKind.IMAP, is_active=True)
        due = channels.filter(Q(last_run_at=None) | Q(last_run_at__lte=last)).order_by("last_run_at")
        return sum(map(self._fetch, leases.claim(due, by=self.name, seconds=_LEASE_SECONDS, limit=10)))

    def _round(self) -> None:
        close_old_connections()
        try:
            self.fetch_due()
        except Exception as error:  # noqa: BLE001 -- the mail is still on the server; the fetcher goes on
            log.error("fetcher %s: %s", self.name, type(error).__name__)  # noqa: TRY400 -- no values in logs
            self._stopping.wait(_PAUSE_SECONDS)

    def _fetch(self, pk: uuid.UUID) -> int:
        try:
            return imap.fetch(Channel.objects.select_related("group").get(pk=pk), lambda: self._goes_on(pk))
        except imap.FetchFailed as error:
            log.warning("channel %s: %s", pk, error)
            return 0
        finally:
            leases.release(Channel, [pk], by=self.name)

    def _goes_on(self, pk: uuid.UUID) -> bool:
        """Whether the channel is still ours and nobody wants us to stop."""
        return not self._stopping.is_set() and leases.renew(Channel, [pk], by=self.name, seconds=_LEASE_SECONDS) == 1
