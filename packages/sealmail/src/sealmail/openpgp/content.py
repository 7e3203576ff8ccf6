"""What lies inside an encrypted or signed OpenPGP message: compression, literal data, signatures (RFC 9580 §10.3).

Compressed data are inflated here, piece by piece against one limit, because a few kilobytes can stand for gigabytes.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from sealmail.errors import LimitExceeded
from sealmail.keys.pgp.packets import Fields, Malformed, Packet, Tag, walk

MAXIMUM_NESTING = 4
"""Compressed packets inside each other; real messages have one."""
_PIECE = 1 << 20


class Compression(Malformed):
    """The compression is of a kind that we do not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A literal with the signatures around it."""

    literal: bytes = field(repr=False)
    signatures: tuple[bytes | None, ...] = ()
    """Bodies of signature packets, the innermost first; None: one was announced and is missing."""


def read_content(data: bytes, limit: int) -> Content:
    """The one message in these packets.

    Raises `Malformed` for anything else than one literal with its signatures, `LimitExceeded` past `limit` octets of
    inflated data.
    """
    literal: bytes | None = None
    announced = 0
    before: list[bytes] = []
    after: list[bytes] = []
    for packet in _flattened(data, _Inflation(limit), MAXIMUM_NESTING):
        match packet.tag:
            case Tag.MARKER | Tag.PADDING | Tag.TRUST:
                continue
            case Tag.ONE_PASS if literal is None:
                announced += 1
            case Tag.SIGNATURE:
                (before if literal is None else after).append(packet.body)
            case Tag.LITERAL if literal is None:
                literal = _literal(packet.body)
            case _ if packet.tag < 40:  # RFC 9580 §4.3: unknown packets from 40 on may be passed over
                raise Malformed
    if literal is None or len(after) > announced:
        raise Malformed
    missing = [None] * (announced - len(after))
    return Content(literal=literal, signatures=(*after, *missing, *reversed(before)))


def _literal(body: bytes) -> bytes:
    # RFC 9580 §5.9: format, file name and date are not signed in version 3 and 4, so they are not used.
    fields = Fields(body)
    fields.take(1)
    fields.take(fields.number(1))
    fields.take(4)
    return fields.rest()


def _flattened(data: bytes, inflation: _Inflation, depth: int) -> Iterator[Packet]:
    for packet in walk(data):
        if packet.tag != Tag.COMPRESSED:
            yield packet
        elif depth == 0:
            raise LimitExceeded
        else:
            yield from _flattened(inflation.inflate(packet.body), inflation, depth - 1)


class _Inflation:
    """Inflates packets until their sizes together reach a limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def inflate(self, body: bytes) -> bytes:
        if not body:
            raise Malformed
        kind, content = body[0], body[1:]
        try:
            plain = self._inflated(kind, content)
        except (zlib.error, OSError, EOFError, ValueError):
            raise Malformed from None
        return plain

    def _inflated(self, kind: int, content: bytes) -> bytes:
        match kind:
            case 0:
                return content
            case 1:
                return self._deflate(zlib.decompressobj(-15), content)
            case 2:
                return self._deflate(zlib.decompressobj(), content)
            case 3:
                return self._bzip2(content)
        raise Compression

    def _deflate(self, stream: zlib._Decompress, content: bytes) -> bytes:
        pieces: list[bytes] = []
        while not stream.eof:
            piece = stream.decompress(content, min(_PIECE, self._left + 1))
            self._spend(piece)
            pieces.append(piece)
            if not piece and not stream.unconsumed_tail:
                break
            content = stream.unconsumed_tail
        if not stream.eof:
            raise Malformed
        return b"".join(pieces)

    def _bzip2(self, content: bytes) -> bytes:
        stream = bz2.BZ2Decompressor()
        pieces: list[bytes] = []
        while not stream.eof:
            piece = stream.decompress(content, min(_PIECE, self._left + 1))
            self._spend(piece)
            pieces.append(piece)
            content = b""
            if not piece and stream.needs_input:
                raise Malformed
        return b"".join(pieces)

    def _spend(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise LimitExceeded
