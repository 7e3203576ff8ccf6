"""What lies inside an encrypted or signed OpenPGP message: compression, literal data, signatures (RFC 9580 §10.3).

Compressed data are inflated here, piece by piece against one limit, because a few kilobytes can stand for gigabytes.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from sealmail.errors import LimitExceeded
from sealmail.keys.pgp.packets import Fields, Malformed, Packet, Tag, walk

MAXIMUM_NESTING = 4
"""Compressed packets inside each other; real messages have one."""
_PIECE = 1 << 20


_ENCRYPTED = frozenset({Tag.PKESK, Tag.SKESK, Tag.ENCRYPTED, Tag.PROTECTED, Tag.GNUPG_OCB})
_PASSED_OVER = frozenset({Tag.MARKER, Tag.TRUST, Tag.PADDING})


class Compression(Malformed):
    """The compression is of a kind that we do not read."""


class NestedEncryption(Malformed):
    """What was encrypted or signed is an encrypted message in its turn, which no mail program makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A literal with the signatures around it."""

    literal: bytes = field(repr=False)
    signatures: tuple[bytes | None, ...] = ()
    """Bodies of signature packets, the innermost first; None: one was announced and is missing."""
    notarizations: int = 0
    """How many of them, the outermost, were announced as over the signatures inside them too."""


def is_passed_over(packet: Packet) -> bool:
    """Whether a packet means nothing for a message: marker, padding, GnuPG's own notes, and kinds from 40 on, which
    may be unknown (RFC 9580 §4.3, §5.8, §5.14)."""
    return packet.tag in _PASSED_OVER or packet.tag >= 40


def read_content(data: bytes, limit: int) -> Content:
    """The one message in these packets: a literal, alone, compressed or between its signatures (RFC 9580 §10.3).

    Raises `Malformed` for anything else, also for further packets behind it; `LimitExceeded` past `limit` octets of
    inflated data.
    """
    return _message(data, _Inflation(limit), MAXIMUM_NESTING)


def _message(data: bytes, inflation: _Inflation, depth: int) -> Content:
    packets = [packet for packet in walk(data) if not is_passed_over(packet)]
    opening = list(takewhile(lambda one: one.tag in {Tag.ONE_PASS, Tag.SIGNATURE}, packets))
    core, *after = packets[len(opening) :] or (None,)
    if core is None:
        raise Malformed
    if core.tag in _ENCRYPTED:
        raise NestedEncryption
    if any(packet.tag != Tag.SIGNATURE for packet in after):
        raise Malformed
    inner = _core(core, inflation, depth)
    if not opening and not after:
        return inner
    return replace(
        inner,
        signatures=inner.signatures + tuple(_paired(opening, after)),
        notarizations=inner.notarizations + len(opening) if inner.notarizations else _notarizations(opening),
    )


def _core(packet: Packet, inflation: _Inflation, depth: int) -> Content:
    if packet.tag == Tag.LITERAL:
        return Content(literal=_literal(packet.body))
    if packet.tag != Tag.COMPRESSED:
        raise Malformed
    if depth == 0:
        raise LimitExceeded
    return _message(inflation.inflate(packet.body), inflation, depth - 1)


def _paired(opening: Sequence[Packet], after: Sequence[Packet]) -> Iterator[bytes | None]:
    """The signatures from the innermost on: what a one-pass packet announced stands behind, the last one first."""
    behind = iter(after)
    for packet in reversed(opening):
        if packet.tag == Tag.SIGNATURE:
            yield packet.body
        else:
            announced = next(behind, None)
            yield announced.body if announced else None
    if next(behind, None) is not None:
        raise Malformed


def _notarizations(opening: Sequence[Packet]) -> int:
    # RFC 9580 §5.4: the last octet is zero where the next one-pass packet is about the same data.
    nested = [packet.tag == Tag.ONE_PASS and packet.body[-1:] not in {b"", b"\0"} for packet in opening[:-1]]
    return max((number for number, one in enumerate(nested, 1) if one), default=0)


def _literal(body: bytes) -> bytes:
    # RFC 9580 §5.9: format, file name and date are not signed in version 3 and 4, so they are not used.
    fields = Fields(body)
    fields.take(1)
    fields.take(fields.number(1))
    fields.take(4)
    return fields.rest()


class _Inflation:
    """Inflates packets until their sizes together reach a limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def inflate(self, body: bytes) -> bytes:
        if not body:
            raise Malformed
        kind, content = body[0], memoryview(body)[1:]
        try:
            plain = self._inflated(kind, content)
        except (zlib.error, OSError, EOFError, ValueError):
            raise Malformed from None
        return plain

    def _inflated(self, kind: int, content: memoryview) -> bytes:
        match kind:
            case 0:
                return bytes(content)
            case 1:
                return self._deflate(zlib.decompressobj(-15), content)
            case 2:
                return self._deflate(zlib.decompressobj(), content)
            case 3:
                return self._bzip2(content)
        raise Compression

    def _deflate(self, stream: zlib._Decompress, content: bytes | memoryview) -> bytes:
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

    def _bzip2(self, content: bytes | memoryview) -> bytes:
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
