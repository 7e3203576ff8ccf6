"""A whole desk in processes of its own, as an administrator would start it: web, worker and fetcher, on SQLite.

Nothing of Django is loaded into the process of the tests (see tests/e2e/browser.py): its commands and pages make its
data, and a console in a process of its own says what lies behind them.
"""

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.e2e.console import Console
from tests.peers.programs import LOOPBACK, PeerError, Server, free_ports, short_folder, wait_until

SEALDESK = Path(sys.executable).with_name("sealdesk")


class Desk:
    """One desk with a folder of its own. Use it as a context manager. `loops`: what runs beside the pages."""

    def __init__(self, *, loops: Sequence[str] = ("worker", "fetch")) -> None:
        self._loops = tuple(loops)
        self._stack = contextlib.ExitStack()
        self.port = 0

    def __enter__(self) -> Self:
        with self._stack:
            self.home = self._stack.enter_context(short_folder("desk"))
            self.run("migrate")
            self.console = self._stack.enter_context(Console(self._command("manage", "shell"), self._environment()))
            self._start_web()
            for loop in self._loops:
                self._start(loop)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://localhost:{self.port}"

    def run(self, *words: str) -> str:
        """One of its commands, from beginning to end; what it printed."""
        command, environment = self._command(*words), self._environment()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"sealdesk {words} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def child(self, *words: str) -> "subprocess.Popen[bytes]":
        """One of its commands as a child of the tests, to be ended by them in whatever way."""
        with (self.home / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(self._command(*words), env=self._environment(), stdout=log, stderr=log)

    def log(self) -> str:
        """What all its processes wrote."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*.log")))

    def _start_web(self) -> None:
        (self.port,) = free_ports(1)
        self._start("web", "--port", str(self.port))
        wait_until(self._answers, timeout_seconds=30, what=f"the pages of the desk\n{self.log()}")

    def _start(self, *words: str) -> None:
        settings = [f"{name}={value}" for name, value in _settings(self.home).items()]
        server = Server(["env", *settings, *self._command(*words)], log=self.home / f"{words[0]}.log")
        self._stack.callback(server.stop)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/accounts/login/", timeout=10) as response:
                return bool(response.status == 200)
        except urllib.error.HTTPError:
            raise
        except OSError:
            return False

    def _command(self, *words: str) -> list[str]:
        return [str(SEALDESK), *words]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **_settings(self.home)}


def _settings(home: Path) -> dict[str, str]:
    # The tests' own process has settings of its own, which must not reach the desk.
    return {"SEALDESK_HOME": str(home), "SEALDESK_DATA": str(home / "data"), "SEALDESK_DATABASE": ""}
