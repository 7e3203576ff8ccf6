"""The parent's side: starts the child, answers its questions, ends it when it goes too far."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sealmail.bounded.codec import decode, encode
from sealmail.bounded.wire import ConnectionLost, Wire
from sealmail.errors import EngineError
from sealmail.keys import Key, KeyId, KeyStore, Technology, TrustBook
from sealmail.opening import Content, MessageHeaders, Opened
from sealmail.policy import MEGABYTE, Policy
from sealmail.report import (
    Covers,
    Encryption,
    EncryptionVerdict,
    Report,
    Signature,
    SignatureStatement,
    Warning,
)

_KEY_QUESTIONS = frozenset({"secrets", "every_secret", "keys_of", "revocations"})
_MOST_ADDRESSES = 4
"""Of a key that was asked for, told with what is decided about it; the child asks for others by itself."""
_MOST_QUESTIONS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """How far the child may go for one mail."""

    memory_bytes: int = 1536 * MEGABYTE
    """Address space of the child, its libraries included."""
    cpu_seconds: int = 20
    wall_seconds: float = 40.0
    message_bytes: int = 512 * MEGABYTE
    """Of one answer of the child."""
    recycle_bytes: int = 160 * MEGABYTE
    """A child that holds more than this after a mail is replaced, to give the memory back."""


class BoundedOpener:
    """Opens mails one after the other in a child process. For one thread at a time; close it when done."""

    def __init__(self, limits: ProcessLimits = ProcessLimits()) -> None:
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_message(self, raw: bytes, keys: KeyStore, trust: TrustBook, policy: Policy, at: datetime) -> Opened:
        """As `sealmail.opening.open_message`, within the limits.

        A mail that goes past them gives an empty content, the outer headers, the warning `opening_failed` and the
        encryption verdict "unsupported" with the reason "over_budget". Raises EngineError only where no child can be
        started.
        """
        with self._lock:
            opened = self._run("message", raw, policy, at, keys, trust)
            if opened is not None:
                return opened
            headers = self._run("headers", raw, policy, at, keys, trust)
        return _failed(headers.headers if headers is not None else MessageHeaders(), at)

    def close(self) -> None:
        """Ends the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _run(
        self, task: str, raw: bytes, policy: Policy, at: datetime, keys: KeyStore, trust: TrustBook
    ) -> Opened | None:
        deadline = time.monotonic() + self._limits.wall_seconds
        wire = self._wire()
        try:
            wire.send(encode((task, raw, policy, at)), deadline=deadline)
            outcome, opened, resident = self._answer_questions(wire, deadline, keys, trust)
        except (ConnectionLost, EngineError):
            self.close()
            return None
        except BaseException:  # a key store that failed in the middle of a dialogue: the child is out of step
            self.close()
            raise
        if outcome != "done" or resident > self._limits.recycle_bytes:
            self.close()
        return opened if outcome == "done" and isinstance(opened, Opened) else None

    def _answer_questions(self, wire: Wire, deadline: float, keys: KeyStore, trust: TrustBook) -> tuple[str, Any, int]:
        for _ in range(_MOST_QUESTIONS):
            kind, *rest = decode(wire.receive(deadline=deadline))
            if kind != "ask":
                return kind, rest[0], rest[1]
            question, arguments = rest
            wire.send(encode(_answer(question, arguments, keys, trust)), deadline=deadline)
        raise ConnectionLost

    def _wire(self) -> Wire:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = self._start()
        assert self._child.stdin is not None  # noqa: S101 -- asked for with PIPE
        assert self._child.stdout is not None  # noqa: S101
        return Wire(self._child.stdout.fileno(), self._child.stdin.fileno(), most_bytes=self._limits.message_bytes)

    def _start(self) -> subprocess.Popen[bytes]:
        limits = [self._limits.memory_bytes, self._limits.cpu_seconds, self._limits.message_bytes]
        try:
            return subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                [sys.executable, "-I", "-m", "sealmail.bounded.child", *map(str, limits)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                close_fds=True,
                bufsize=0,
            )
        except OSError as error:
            raise EngineError("the opening process cannot be started") from error


def _answer(question: str, arguments: tuple[Any, ...], keys: KeyStore, trust: TrustBook) -> object:
    """Only these questions are answered; a child that asks anything else is not ours any more."""
    if question in _KEY_QUESTIONS:
        return getattr(keys, question)(*arguments)
    if question == "keys":
        return _known(*arguments, keys=keys, trust=trust)
    if question == "anchors":
        return trust.anchors()
    if question == "vouch":
        return _vouch(*arguments, keys=keys, trust=trust)
    raise ConnectionLost


def _known(ids: Collection[KeyId], *, keys: KeyStore, trust: TrustBook) -> object:
    """The keys. Where it is one OpenPGP key, the next question would be what is decided about it for an address that
    is mostly its own: that is told along with it."""
    found = keys.keys(ids)
    key = found[0] if len(found) == 1 and found[0].technology is Technology.OPENPGP else None
    addresses = key.addresses[:_MOST_ADDRESSES] if key is not None else ()
    return found, [(key.fingerprint, one, trust.level(key, one), trust.conflicts(key, one)) for one in addresses if key]


def _vouch(key: Key, address: str, wants_path: bool, *, keys: KeyStore, trust: TrustBook) -> object:
    """The decisions about a key and, for the first certificate of a mail, what its path will be judged by."""
    path = (trust.anchors(), keys.revocations(key.issuer)) if wants_path and key.issuer is not None else None
    return trust.level(key, address), trust.conflicts(key, address), path


def _failed(headers: MessageHeaders, at: datetime) -> Opened:
    encryption = EncryptionVerdict(verdict=Encryption.UNSUPPORTED, covers=Covers.WHOLE, reason="over_budget")
    signature = SignatureStatement(verdict=Signature.NONE, covers=Covers.NONE)
    report = Report(at=at, encryption=encryption, signature=signature, warnings=(Warning.OPENING_FAILED,))
    return Opened(content=Content(), headers=headers, report=report)
