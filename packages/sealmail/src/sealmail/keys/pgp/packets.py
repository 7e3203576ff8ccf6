"""The packet layer (RFC 9580 §4): walking packets with all their length forms, and writing them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from sealmail.errors import InputError

MAXIMUM_PACKETS = 20_000
"""In one walk; a key with more signatures than that is read up to here and refused."""


class Tag(IntEnum):
    """Packet types that we tell apart (RFC 9580 §5)."""

    PKESK = 1
    SIGNATURE = 2
    SKESK = 3
    ONE_PASS = 4
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    COMPRESSED = 8
    ENCRYPTED = 9
    MARKER = 10
    LITERAL = 11
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17
    PROTECTED = 18
    GNUPG_OCB = 20
    PADDING = 21


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its tag and its body, partial lengths joined."""

    tag: int
    body: bytes = field(repr=False)


class Malformed(InputError):
    """The OpenPGP data is broken or cut off."""


class Fields:
    """Reads the fields of a packet one after another; running out of bytes raises `Malformed`."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._position

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position >= len(self._data)

    def peek(self) -> int:
        """The next byte, which stays; 0 at the end."""
        return 0 if self.at_end else self._data[self._position]

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        end = self._position + length
        if end > len(self._data):
            raise Malformed
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def view(self, length: int) -> memoryview:
        """The next `length` bytes without a copy of them."""
        end = self._position + length
        if end > len(self._data):
            raise Malformed
        piece = memoryview(self._data)[self._position : end]
        self._position = end
        return piece

    def number(self, length: int) -> int:
        """A big-endian number of `length` bytes."""
        if length == 1 and self._position < len(self._data):
            self._position += 1
            return self._data[self._position - 1]
        return int.from_bytes(self.take(length), "big")

    def mpi(self) -> bytes:
        """The bytes of a multiprecision integer, without leading zeros (RFC 9580 §3.2)."""
        return self.take((self.number(2) + 7) // 8)

    def rest(self) -> bytes:
        """Everything left."""
        return self.take(len(self._data) - self._position)


def walk(data: bytes) -> Iterator[Packet]:
    """The packets in `data`, lazily. Raises `Malformed` where a header is broken or a body is cut off."""
    fields = Fields(data)
    for _ in range(MAXIMUM_PACKETS):
        if fields.at_end:
            return
        header = fields.number(1)
        tag = _tag(header)
        if tag not in _STREAMED and _is_streamed(header, fields.peek()):
            raise Malformed
        yield Packet(tag, _body(fields, header))
    raise Malformed("There are too many OpenPGP packets.")


def tags(data: bytes) -> Iterator[int]:
    """The tags of the packets, each before its body is looked at, so that the first is known even where the data are
    cut off. Raises `Malformed` as `walk` does."""
    fields = Fields(data)
    while not fields.at_end:
        header = fields.number(1)
        yield _tag(header)
        _body(fields, header)


# RFC 9580 §4.2.1.4: only packets that hold data may come in pieces, or without a length.
_STREAMED = frozenset({Tag.COMPRESSED, Tag.ENCRYPTED, Tag.LITERAL, Tag.PROTECTED, Tag.GNUPG_OCB})


def _is_streamed(header: int, first: int) -> bool:
    return 224 <= first < 255 if header & 0x40 else header & 3 == 3


def _tag(header: int) -> int:
    if header & 0x80 == 0:
        raise Malformed
    return header & 0x3F if header & 0x40 else header >> 2 & 0x0F


def _body(fields: Fields, header: int) -> bytes:
    return _new_body(fields) if header & 0x40 else _old_body(fields, header & 3)


def _old_body(fields: Fields, length_type: int) -> bytes:
    # RFC 9580 §4.2.2; type 3 runs to the end of the data.
    return fields.rest() if length_type == 3 else fields.take(fields.number(1 << length_type))


def _new_body(fields: Fields) -> bytes:
    # RFC 9580 §4.2.1
    first = fields.number(1)
    if not 224 <= first < 255:
        return fields.take(_last_length(fields, first))
    pieces: list[memoryview] = []
    while 224 <= first < 255:
        pieces.append(fields.view(1 << (first & 0x1F)))
        first = fields.number(1)
    pieces.append(fields.view(_last_length(fields, first)))
    return b"".join(pieces)


def _last_length(fields: Fields, first: int) -> int:
    if first < 192:
        return first
    return ((first - 192) << 8) + fields.number(1) + 192 if first < 224 else fields.number(4)


def packet(tag: int, *body: bytes) -> bytes:
    """The packet in the new format with one definite length; its body may be given in pieces."""
    return b"".join((bytes([0xC0 | tag]), length(sum(map(len, body))), *body))


def length(size: int) -> bytes:
    """A length as packets of the new format and subpackets write it (RFC 9580 §4.2.1, §5.2.3.7)."""
    if size < 192:
        return bytes([size])
    if size < 8384:
        return struct.pack(">H", size - 192 + 0xC000)
    return b"\xff" + struct.pack(">I", size)


def mpi(number: int) -> bytes:
    """The number as a multiprecision integer."""
    bits = number.bit_length()
    return struct.pack(">H", bits) + number.to_bytes((bits + 7) // 8, "big")
