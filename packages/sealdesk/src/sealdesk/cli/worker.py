"""`sealdesk worker`: opens mail that came in, seals and sends mail that goes out."""

from __future__ import annotations

import argparse

from sealdesk.cli.setup import prepare, stop_on_signals

NAME = "worker"
HELP = "opens mail that came in, seals and sends mail that goes out; start as many as wanted"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--once", action="store_true", help="end when nothing waits any more")


def run(options: argparse.Namespace) -> int:
    """Works until it is stopped."""
    prepare()
    from sealdesk.mail.intake.opening import close_opener
    from sealdesk.mail.worker import Worker

    worker = Worker()
    if options.once:
        while worker.work_once().anything:
            pass
        close_opener()
        return 0
    stop_on_signals(worker.stop)
    worker.run()
    return 0
