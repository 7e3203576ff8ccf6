"""`sealdesk run`: the whole desk in one command: database, master key, pages, worker, fetcher."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import threading
from contextlib import ExitStack

from sealdesk.cli import web
from sealdesk.cli.setup import migrate_database, prepare, start_thread, stop_on_signals
from sealdesk.core.errors import DeskError

NAME = "run"
HELP = "the whole desk in one command, on this machine"
INTAKE_PORT = 8025
_WORKERS = 2
_STOP_SECONDS = 20
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--demo", action="store_true", help="with groups, customers, keys and mails to look at")
    parser.add_argument("--host", default="127.0.0.1", help="where the pages are served (default: this machine only)")
    parser.add_argument("--port", type=int, default=web.DEFAULT_PORT, help=f"default: {web.DEFAULT_PORT}")
    parser.add_argument("--intake-port", type=int, default=INTAKE_PORT, help=f"loopback SMTP; default: {INTAKE_PORT}")


def run(options: argparse.Namespace) -> int:
    """Starts everything, says where it is, and waits for Ctrl-C."""
    objection = _objection(options)
    if objection:
        print(objection, file=sys.stderr)
        return 2
    prepare()
    migrate_database()
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    with ExitStack() as running:
        try:
            words = _start_demo(options, running) if options.demo else []
        except DeskError as error:
            print(error.sentence, file=sys.stderr)
            return 2
        _start_loops(running)
        server = web.start(host=options.host, port=options.port)
        running.callback(_end, server)
        address = f"Sealdesk is running at http://localhost:{options.port}/ (Ctrl-C stops it)"
        return _wait(stopping, server, options, [address, *words])


def _objection(options: argparse.Namespace) -> str | None:
    """Why it cannot run like this; None: it can."""
    if options.demo and options.host not in _LOOPBACK:
        return "The demo is for this machine only: its customers' mail travels unprotected. Leave --host out."
    ports = {"--port": options.port, **({"--intake-port": options.intake_port} if options.demo else {})}
    taken = next((name for name, port in ports.items() if web.is_up(host=options.host, port=port)), None)
    return f"Another program listens on port {ports[taken]}. Choose another one with {taken}." if taken else None


def _start_demo(options: argparse.Namespace, running: ExitStack) -> list[str]:
    """The loopback server with the customers behind it; what a person should know, line by line."""
    from sealdesk import demo
    from sealdesk.mail.channels.loopback import LoopbackServer

    server = LoopbackServer(port=options.intake_port, deliver_elsewhere=demo.deliver)
    server.start()
    running.callback(server.stop)
    sign_in = demo.load(intake_port=server.port)
    command = _command()
    return [
        f"Sign in as {' or '.join(sign_in.agents)} with the password {sign_in.password}",
        "Try:",
        "  open a ticket, and a badge on it: how the mail was sealed, and who signed it",
        f'  {command} demo send --as carol --technology smime --sign --encrypt "Is it safe?"',
        f"  answer it in the browser, then: {command} demo inbox carol",
        "(in a second terminal, in this folder)",
    ]


def _command() -> str:
    """How the person who started this can start another command for the same desk."""
    home = os.environ.get("SEALDESK_HOME")
    return " ".join([*([f"SEALDESK_HOME={shlex.quote(home)}"] if home else []), shlex.quote(sys.argv[0])])


def _start_loops(running: ExitStack) -> None:
    from sealdesk.mail.fetcher import Fetcher
    from sealdesk.mail.worker import Worker

    loops: list[Worker | Fetcher] = [Fetcher(), *(Worker() for _ in range(_WORKERS))]
    for loop in loops:
        start_thread(loop.run, loop.stop, running)


def _wait(
    stopping: threading.Event, server: subprocess.Popen[bytes], options: argparse.Namespace, words: list[str]
) -> int:
    is_announced = False
    while not stopping.wait(0.3):
        if not is_announced and web.is_up(host=options.host, port=options.port):
            is_announced = True
            print("\n".join(words), flush=True)
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
