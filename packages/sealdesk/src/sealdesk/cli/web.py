"""`sealdesk web`: the pages, by a server in processes of its own."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from contextlib import suppress

NAME = "web"
HELP = "serves the pages; start as many as wanted"
DEFAULT_PORT = 8000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine only)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")


def run(options: argparse.Namespace) -> int:
    """Becomes the server."""
    words = command(host=options.host, port=options.port, workers=options.workers)
    os.execv(words[0], words)  # noqa: S606 -- our own interpreter and a pinned server


def start(*, host: str, port: int, workers: int = 1) -> subprocess.Popen[bytes]:
    """Starts the server as a child that signals of the terminal do not reach: it ends with whoever started it."""
    leash = [sys.executable, "-m", "sealdesk.cli.leash", str(os.getpid())]
    words = [*leash, *command(host=host, port=port, workers=workers)]
    return subprocess.Popen(words, start_new_session=True)  # noqa: S603 -- as above


def is_up(*, host: str, port: int) -> bool:
    """Whether something listens there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def command(*, host: str, port: int, workers: int) -> list[str]:
    """The words that start the server."""
    return [
        sys.executable,
        *("-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"),
        *("--respawn-failed-workers", "sealdesk.config.wsgi:application"),
    ]
