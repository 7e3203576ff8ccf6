"""What commands share: Django ready, the database up to date, signals that end a loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack

_JOIN_SECONDS = 60


def prepare() -> None:
    """Loads the settings (which makes data folder and master key on first run) and the apps."""
    import django

    django.setup()


def migrate_database(*, quiet: bool = True) -> None:
    """Brings the database up to date."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0 if quiet else 1)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Calls `stop` when Ctrl-C is pressed or the service is ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())


def start_thread(work: Callable[[], None], stop: Callable[[], None], running: ExitStack) -> None:
    """Does `work` beside; when `running` ends, calls `stop` and waits until the work at hand is done."""
    thread = threading.Thread(target=work)
    thread.start()
    running.callback(thread.join, _JOIN_SECONDS)
    running.callback(stop)  # called before the join: what was registered last comes first
