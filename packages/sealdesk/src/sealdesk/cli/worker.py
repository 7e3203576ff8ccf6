"""`sealdesk worker`: opens mail that came in, seals and sends mail that goes out."""

from __future__ import annotations

import argparse
import threading
from contextlib import ExitStack

from sealdesk.cli.setup import prepare, start_thread, stop_on_signals

NAME = "worker"
HELP = "opens mail that came in, seals and sends mail that goes out; start as many as wanted"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--threads", type=int, default=2, help="mails that are worked on at a time (default: 2)")
    parser.add_argument("--once", action="store_true", help="end when nothing waits any more")


def run(options: argparse.Namespace) -> int:
    """Works until it is stopped."""
    prepare()
    from sealdesk.mail.intake.opening import close_opener
    from sealdesk.mail.worker import Worker

    if options.once:
        worker = Worker()
        while worker.work_once().anything:
            pass
        close_opener()
        return 0
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    with ExitStack() as running:
        for worker in [Worker() for _ in range(max(1, options.threads))]:
            start_thread(worker.run, worker.stop, running)
        stopping.wait()
    return 0
