"""Running other people's programs: folders with short paths, free ports, servers in the foreground, waiting."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Debian keeps the servers where only root's PATH looks.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
# The kernel tells the keeper when the tests are killed. A server that changes users would forget such an order.
KEEPER = '"$@" & server=$!; trap "kill $server" TERM; wait $server; wait $server'


class PeerError(Exception):
    """A peer could not do what it was asked; the message holds what the program said."""


def program(name: str) -> str:
    """The full path of a program, or an error that says how to install what is missing."""
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise PeerError(f"{name} is not installed; tools/debian-packages installs it")
    return found


@contextlib.contextmanager
def short_folder(label: str, *, mode: int = 0o700) -> Iterator[Path]:
    """A folder directly under the system's temporary folder: a Unix socket's path may have 107 bytes only."""
    folder = Path(tempfile.mkdtemp(prefix=f"sd-{label}-"))
    folder.chmod(mode)
    try:
        yield folder
    finally:
        # A server that is going down may still remove or add a file of its own.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on; another process may take one before its server does."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float, what: str) -> None:
    """Returns as soon as the condition holds; past the time it raises and says what it waited for."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise PeerError(f"waited {timeout_seconds} s in vain for {what}")
        time.sleep(0.02)


def greets(port: int, greeting: bytes) -> bool:
    """Whether a server on loopback answers a connection with this greeting."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            return connection.recv(len(greeting)) == greeting
    except OSError:
        return False


class Server:
    """A server in the foreground: a child that goes down with the test process, however that one ends."""

    def __init__(self, command: Sequence[str], *, log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [program("setpriv"), "--pdeathsig", "TERM", program("sh"), "-c", KEEPER, "keeper", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def wait_for_greetings(self, greetings: dict[int, bytes], *, timeout_seconds: float = 20) -> None:
        """Returns when every port answers; raises with the server's own log when it ends or stays silent."""
        waiting = dict(greetings)

        def all_answer() -> bool:
            if self._process.poll() is not None:
                raise PeerError(f"the server ended at once:\n{self._said()}")
            for port in [port for port, greeting in waiting.items() if greets(port, greeting)]:
                del waiting[port]
            return not waiting

        wait_until(all_answer, timeout_seconds=timeout_seconds, what=f"greetings on ports {sorted(greetings)}")

    def stop(self) -> None:
        """Asks the server to end, and insists after five seconds."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else "(nothing in its log)"


def started(start: Callable[[], Server]) -> Server:
    """Starts a server, and once more where another process took one of its ports in between."""
    try:
        return start()
    except PeerError:
        return start()
