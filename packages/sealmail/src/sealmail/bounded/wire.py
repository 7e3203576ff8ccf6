"""Messages over two pipes: a count of frames, their lengths, then the frames. Reads have a deadline and a limit."""

from __future__ import annotations

import os
import select
import struct
import time

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 20
MOST_FRAMES = 100_000


class ConnectionLost(Exception):
    """The other side has gone, sent nonsense, or took too long."""


class Wire:
    """One end of the connection."""

    def __init__(self, reader: int, writer: int, *, most_bytes: int) -> None:
        """`reader`, `writer`: file descriptors. `most_bytes`: a message larger than this is refused."""
        self._reader = reader
        self._writer = writer
        self._most_bytes = most_bytes

    def send(self, frames: list[bytes], *, deadline: float | None = None) -> None:
        """Writes a message; ConnectionLost where the other side does not take it before `deadline` (monotonic)."""
        head = _LENGTH.pack(len(frames)) + b"".join(_LENGTH.pack(len(frame)) for frame in frames)
        for data in (head, *frames):
            self._write(memoryview(data), deadline)

    def receive(self, *, deadline: float | None = None) -> list[bytes]:
        """Reads a message; ConnectionLost at the end of the stream or at the deadline."""
        (count,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if count > MOST_FRAMES:
            raise ConnectionLost
        lengths = [_LENGTH.unpack(self._read(_LENGTH.size, deadline))[0] for _ in range(count)]
        if sum(lengths) > self._most_bytes:
            raise ConnectionLost
        return [self._read(length, deadline) for length in lengths]

    def _write(self, view: memoryview, deadline: float | None) -> None:
        while view:
            _wait(self._writer, deadline, write=True)
            try:
                # A pipe that is ready takes at least PIPE_BUF bytes without blocking (POSIX write).
                written = os.write(self._writer, view[: select.PIPE_BUF] if deadline else view[:_CHUNK])
            except OSError as error:
                raise ConnectionLost from error
            view = view[written:]

    def _read(self, length: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            _wait(self._reader, deadline)
            try:
                data = os.read(self._reader, min(_CHUNK, length - len(parts)))
            except OSError as error:
                raise ConnectionLost from error
            if not data:
                raise ConnectionLost
            parts += data
        return bytes(parts)


def _wait(descriptor: int, deadline: float | None, *, write: bool = False) -> None:
    if deadline is None:
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if write else select.POLLIN)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise ConnectionLost
