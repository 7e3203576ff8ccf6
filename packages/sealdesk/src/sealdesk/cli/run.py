"""`sealdesk run`: the whole desk in one command: database, master key, pages, worker, fetcher."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from contextlib import ExitStack

from sealdesk.cli import web
from sealdesk.cli.setup import migrate_database, prepare, start_thread, stop_on_signals

NAME = "run"
HELP = "the whole desk in one command, on this machine"
INTAKE_PORT = 8025
_WORKERS = 2
_STOP_SECONDS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--demo", action="store_true", help="with groups, customers, keys and mails to look at")
    parser.add_argument("--host", default="127.0.0.1", help="where the pages are served (default: this machine only)")
    parser.add_argument("--port", type=int, default=web.DEFAULT_PORT, help=f"default: {web.DEFAULT_PORT}")
    parser.add_argument("--intake-port", type=int, default=INTAKE_PORT, help=f"loopback SMTP; default: {INTAKE_PORT}")


def run(options: argparse.Namespace) -> int:
    """Starts everything, says where it is, and waits for Ctrl-C."""
    prepare()
    migrate_database()
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    with ExitStack() as running:
        _start_loopback(options, running)
        _start_loops(running)
        server = web.start(host=options.host, port=options.port)
        running.callback(_end, server)
        return _wait(stopping, server, options)


def _start_loopback(options: argparse.Namespace, running: ExitStack) -> None:
    from sealdesk.mail.channels.loopback import LoopbackServer

    if not options.demo:
        return
    from sealdesk import demo

    server = LoopbackServer(port=options.intake_port, deliver_elsewhere=demo.deliver)
    server.start()
    running.callback(server.stop)
    for line in demo.load(intake_port=server.port):
        print(line, flush=True)


def _start_loops(running: ExitStack) -> None:
    from sealdesk.mail.fetcher import Fetcher
    from sealdesk.mail.worker import Worker

    loops: list[Worker | Fetcher] = [Fetcher(), *(Worker() for _ in range(_WORKERS))]
    for loop in loops:
        start_thread(loop.run, loop.stop, running)


def _wait(stopping: threading.Event, server: subprocess.Popen[bytes], options: argparse.Namespace) -> int:
    is_announced = False
    while not stopping.wait(0.3):
        if not is_announced and web.is_up(host=options.host, port=options.port):
            is_announced = True
            print(f"Sealdesk is running at http://localhost:{options.port}/ (Ctrl-C stops it)", flush=True)
        if server.poll() is not None:
            print(f"The web server has ended by itself (exit code {server.returncode}).", file=sys.stderr)
            return 1
    return 0


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
