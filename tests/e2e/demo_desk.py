"""A desk started by `sealdesk run`, as a stranger starts it: everything in one command, ended and started again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from tests.peers.programs import PeerError, free_ports, wait_until

COMMAND = (sys.executable, "-m", "sealdesk.cli")
_STARTED = "Sealdesk is running at"
_TIMEOUT_SECONDS = 120
_IN_DJANGO = "import django; django.setup()\n"


class DemoDesk:
    """A home with its desk; `start` and `stop` as often as wanted. Ends with its block."""

    def __init__(self, home: Path, *options: str) -> None:
        """`options` of `sealdesk run`, for instance --demo."""
        self.home = home
        self.port, self.intake_port = free_ports(2)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SEALDESK_")}
        self.environment = kept | {
            "SEALDESK_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "sealdesk.config.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://localhost:{self.port}/"

    @property
    def data_folder(self) -> Path:
        """Where everything lies that it keeps, the master key excepted."""
        return self.home / "data"

    @property
    def said(self) -> str:
        """What it printed since it was started last."""
        return self._log.read_text(errors="replace")

    @property
    def password(self) -> str:
        """The demo's, as it was printed."""
        found = re.search(r"with the password (\S+)", self.said)
        if found is None:
            raise PeerError(f"no sign-in was printed:\n{self.said}")
        return found[1]

    def start(self) -> None:
        """Returns when it says that it is running."""
        words = [*COMMAND, "run", *self._options, "--port", str(self.port), "--intake-port", str(self.intake_port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)
        wait_until(self._is_running, timeout_seconds=_TIMEOUT_SECONDS, what="the desk")

    def stop(self) -> None:
        """Ends it as Ctrl-C does."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One more command of the same desk, to its end."""
        return self._ran([*COMMAND, *words])

    def ask(self, code: str) -> Any:
        """What the code puts into `answer`, as JSON; it runs in a process with the desk's own settings."""
        done = self.python(f"{code}\nimport json; print(json.dumps(answer))")
        if done.returncode:
            raise PeerError(done.stderr)
        return json.loads(done.stdout)

    def python(self, code: str) -> "subprocess.CompletedProcess[str]":
        """The code in a process with the desk's own settings, to its end."""
        return self._ran([sys.executable, "-c", _IN_DJANGO + code])

    def _ran(self, words: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words, env=self.environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )

    def _is_running(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise PeerError(f"the desk has ended by itself:\n{self.said}")
        return _STARTED in self.said

    @property
    def _log(self) -> Path:
        self.home.mkdir(parents=True, exist_ok=True)
        return self.home / "run.log"
