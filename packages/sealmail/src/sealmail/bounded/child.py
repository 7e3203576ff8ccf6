"""The child: opens one mail after the other and asks its parent for keys and trust.

Started by `opener` with its two pipes on standard input and output. Writes nothing else anywhere.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sealmail.bounded.codec import decode, encode
from sealmail.bounded.wire import ConnectionLost, Wire, widen
from sealmail.keys import Anchor, Key, KeyId, SecretKey, Technology, TrustLevel
from sealmail.opening import Opened, open_headers, open_message
from sealmail.policy import Policy


class _Parent:
    """The parent's key store and trust book. Each question is a change of process, which costs as much as a signature
    check; what goes together is asked for together, and nothing is asked for twice in one mail.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._anchors: Sequence[Anchor] | None = None
        self._revocations: dict[KeyId, Sequence[bytes]] = {}
        self._vouched: dict[tuple[str, str], tuple[TrustLevel, bool]] = {}

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        return self._ask("secrets", list(ids))  # type: ignore[no-any-return]  # typed by the codec

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        return self._ask("every_secret", technology)  # type: ignore[no-any-return]

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        found, vouched = self._ask("keys", list(ids))
        self._vouched.update({(fingerprint, address): (*decided,) for fingerprint, address, *decided in vouched})
        return found  # type: ignore[no-any-return]

    def keys_of(self, address: str) -> Sequence[Key]:
        return self._ask("keys_of", address)  # type: ignore[no-any-return]

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        if issuer not in self._revocations:
            self._revocations[issuer] = self._ask("revocations", issuer)
        return self._revocations[issuer]

    def level(self, key: Key, address: str) -> TrustLevel:
        return self._vouch(key, address)[0]

    def conflicts(self, key: Key, address: str) -> bool:
        return self._vouch(key, address)[1]

    def anchors(self) -> Sequence[Anchor]:
        if self._anchors is None:
            self._anchors = self._ask("anchors")
        return self._anchors or ()

    def _vouch(self, key: Key, address: str) -> tuple[TrustLevel, bool]:
        asked = (key.fingerprint, address)
        if asked not in self._vouched:
            level, conflicts, path = self._ask("vouch", key, address, self._anchors is None)
            self._vouched[asked] = level, conflicts
            if path is not None and key.issuer is not None:
                self._anchors, self._revocations[key.issuer] = path
        return self._vouched[asked]

    def _ask(self, question: str, *arguments: object) -> Any:
        self._wire.send(encode(("ask", question, arguments)))
        return decode(self._wire.receive())


def main() -> None:
    """Serves requests until the parent closes the pipe. Arguments: memory in bytes, processor seconds for a mail."""
    memory, cpu_seconds, most_bytes = (int(argument) for argument in sys.argv[1:4])
    wire = Wire(*_take_pipes(), most_bytes=most_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # modules live as long as the process: the collector need not look through them for each mail
    try:
        while True:
            _allow_cpu(cpu_seconds)
            _serve(wire, decode(wire.receive()))
    except ConnectionLost:
        return


def _take_pipes() -> tuple[int, int]:
    """Moves the pipes away from standard input and output, so that no library can write into them by accident."""
    reader, writer = os.dup(0), os.dup(1)
    widen(reader)
    widen(writer)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    return reader, writer


def _allow_cpu(seconds: int) -> None:
    """Sets the limit for the next mail: what was used so far, plus its share."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _serve(wire: Wire, request: tuple[str, bytes, Policy, datetime]) -> None:
    task, raw, policy, at = request
    try:
        opened = _open(task, raw, policy, at, wire)
        wire.send(encode(("done", opened, _resident_bytes())))
    except ConnectionLost:
        raise
    except MemoryError:
        wire.send(encode(("failed", "memory", 0)))
    except BaseException as error:  # noqa: BLE001 -- whatever a hostile mail provokes, the parent must hear of it
        wire.send(encode(("failed", type(error).__name__, 0)))


def _resident_bytes() -> int:
    """Memory in use after the mail. Not `ru_maxrss`: that starts at what the parent used when it forked."""
    return int(os.pread(_statm(), 128, 0).split()[1]) * resource.getpagesize()


@cache
def _statm() -> int:
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _open(task: str, raw: bytes, policy: Policy, at: datetime, wire: Wire) -> Opened:
    if task == "headers":
        return open_headers(raw, policy, at)
    parent = _Parent(wire)
    return open_message(raw, parent, parent, policy, at)


if __name__ == "__main__":
    main()
