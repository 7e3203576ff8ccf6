"""Messages over two pipes: the size, the frames' lengths, then the frames. Reads have a deadline and a limit."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import time

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 20
_FIRST_CHUNK = 1 << 16
"""Holds most messages; room for a large chunk costs more than reading a small one."""
_MOST_FRAMES = 100_000


class ConnectionLost(Exception):
    """The other side has gone, sent nonsense, or took too long."""


class Wire:
    """One end of the connection."""

    def __init__(self, reader: int, writer: int, *, most_bytes: int) -> None:
        """`reader`, `writer`: file descriptors. `most_bytes`: a message larger than this is refused."""
        self._reader = reader
        self._writer = writer
        self._most_bytes = most_bytes
        self._arrivals = select.poll()
        self._arrivals.register(reader, select.POLLIN)
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)

    def send(self, frames: list[bytes], *, deadline: float | None = None) -> None:
        """Writes a message; ConnectionLost where the other side does not take it before `deadline` (monotonic)."""
        lengths = b"".join(_LENGTH.pack(len(frame)) for frame in frames)
        size = _LENGTH.size + len(lengths) + sum(map(len, frames))
        message = b"".join((_LENGTH.pack(size), _LENGTH.pack(len(frames)), lengths, *frames))
        self._write(memoryview(message), deadline)

    def receive(self, *, deadline: float | None = None) -> list[bytes]:
        """Reads a message; ConnectionLost at the end of the stream or at the deadline."""
        message = self._read_message(deadline)
        count = _LENGTH.unpack_from(message)[0]
        if count > _MOST_FRAMES or _LENGTH.size * (count + 1) > len(message):
            raise ConnectionLost
        frames, start = [], _LENGTH.size * (count + 1)
        for number in range(1, count + 1):
            length = _LENGTH.unpack_from(message, _LENGTH.size * number)[0]
            frames.append(bytes(message[start : start + length]))
            start += length
        if start != len(message):
            raise ConnectionLost
        return frames

    def _write(self, view: memoryview, deadline: float | None) -> None:
        while view:
            try:
                view = view[os.write(self._writer, view[:_CHUNK]) :]
            except BlockingIOError:
                room = select.poll()
                room.register(self._writer, select.POLLOUT)
                _wait(room, deadline)
            except OSError as error:
                raise ConnectionLost from error

    def _read_message(self, deadline: float | None) -> memoryview:
        """One whole message. Nothing follows it: each side speaks only when it is its turn."""
        buffer = bytearray(self._read_some(_FIRST_CHUNK, deadline))
        while len(buffer) < _LENGTH.size:
            buffer += self._read_some(_FIRST_CHUNK, deadline)
        size = _LENGTH.unpack_from(buffer)[0]
        if not _LENGTH.size <= size <= self._most_bytes:
            raise ConnectionLost
        while len(buffer) < _LENGTH.size + size:
            buffer += self._read_some(_CHUNK, deadline)
        if len(buffer) != _LENGTH.size + size:
            raise ConnectionLost
        return memoryview(buffer)[_LENGTH.size :]

    def _read_some(self, size: int, deadline: float | None) -> bytes:
        # The other side has nearly always still to write: to wait first is cheaper than to find that out by reading.
        _wait(self._arrivals, deadline)
        try:
            data = os.read(self._reader, size)
        except OSError as error:
            raise ConnectionLost from error
        if not data:
            raise ConnectionLost
        return data


def widen(descriptor: int) -> None:
    """Lets a large mail pass a pipe in a few steps instead of hundreds of changes between the processes."""
    # Refused for descriptors that are no pipes, and where a user has used up what the system allows him.
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK)


def _wait(poll: select.poll, deadline: float | None) -> None:
    if deadline is None:
        poll.poll()
    elif not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise ConnectionLost
