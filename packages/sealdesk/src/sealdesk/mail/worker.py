"""The worker: claims what waits, in batches, and works it off; as many of them as wanted, on as many machines.

All state lies in rows. A worker that dies leaves leases that run out, and another one goes on.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from dataclasses import dataclass
from time import monotonic

from django.db import close_old_connections, connection
from django.db.models import F

from sealdesk.core import leases
from sealdesk.mail.intake.actions import process
from sealdesk.mail.intake.opening import close_opener
from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.models import RawMail, RawState
from sealdesk.mail.outbox import sealing, sending

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
SWEEP_SECONDS = 15
_PAUSE_SECONDS = 5
_BATCH = 20
_LEASE_SECONDS = 180
"""Mails of a worker that died wait so long. One that is slower does no harm: whoever writes second writes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one round did, in numbers."""

    taken_in: int = 0
    sealed: int = 0
    sent: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was something to do."""
        return bool(self.taken_in or self.sealed or self.sent)


class Worker:
    """Works until it is stopped. For one thread."""

    def __init__(self) -> None:
        # Unique for each start: a lease of a worker that died must never look like ours.
        self.name = f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self._stopping = threading.Event()
        self._swept_at = 0.0

    def run(self) -> None:
        """Rounds until `stop`; a database that is away is waited for."""
        log.info("worker %s begins", self.name)
        try:
            while not self._stopping.is_set():
                if not self._round():
                    self._stopping.wait(IDLE_SECONDS)
        finally:
            close_opener()
            connection.close()
            log.info("worker %s has ended", self.name)

    def stop(self) -> None:
        """Ends `run` after the mail at hand. May be called from any thread and from a signal handler."""
        self._stopping.set()

    def work_once(self) -> Done:
        """One round over everything that waits."""
        if monotonic() - self._swept_at > SWEEP_SECONDS:
            sending.sweep()
            self._swept_at = monotonic()
        return Done(
            taken_in=self._take_in(),
            sealed=sealing.seal_due(by=self.name),
            sent=sending.send_due(by=self.name),
        )

    def _round(self) -> bool:
        close_old_connections()
        try:
            return self.work_once().anything
        except Exception as error:  # noqa: BLE001 -- leases run out, so what failed is found again; the worker goes on
            log.error("worker %s: %s", self.name, type(error).__name__)  # noqa: TRY400 -- no values in logs
            self._stopping.wait(_PAUSE_SECONDS)
            return False

    def _take_in(self) -> int:
        claimed, batch = self._claim(), Batch()
        for position, pk in enumerate(claimed):
            if self._stopping.is_set():
                self._give_back(claimed[position:])
                return position
            process(raw_mail=pk, batch=batch)
        return len(claimed)

    def _claim(self) -> list[uuid.UUID]:
        """New mails in batches. One that made a worker die before comes alone, so that it harms no other."""
        waiting = RawMail.objects.filter(state=RawState.STORED).order_by("received_at")
        for mails, limit in ((waiting.filter(attempts=0), _BATCH), (waiting.filter(attempts__gt=0), 1)):
            claimed = leases.claim(mails, by=self.name, seconds=_LEASE_SECONDS, limit=limit)
            if claimed:
                RawMail.objects.filter(pk__in=claimed).update(attempts=F("attempts") + 1)
                return claimed
        return []

    def _give_back(self, claimed: list[uuid.UUID]) -> None:
        RawMail.objects.filter(pk__in=claimed).update(attempts=F("attempts") - 1)
        leases.release(RawMail, claimed, by=self.name)
