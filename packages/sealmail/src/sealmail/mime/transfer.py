"""Content transfer encodings and line ends: what travels, and what was meant (RFC 2045 §6). Nothing raises; all of it
takes linear time."""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterator
from enum import StrEnum

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


class TransferEncoding(StrEnum):
    """How the body of a part is encoded for transport."""

    IDENTITY = "identity"  # 7bit, 8bit, binary
    BASE64 = "base64"
    QUOTED_PRINTABLE = "quoted-printable"
    UNKNOWN = "unknown"


def transfer_encoding(value: str | None) -> TransferEncoding:
    """What a Content-Transfer-Encoding field says; a missing or empty one says 7bit (RFC 2045 §6.1)."""
    if (usual := _USUAL_ENCODINGS.get(value)) is not None:
        return usual
    name = re.split(r"[\s;(]", (value or "").strip().strip("\"'"), maxsplit=1)[0].lower()
    if name in {"", "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits"}:
        return TransferEncoding.IDENTITY
    if name in {"base64", "quoted-printable"}:
        return TransferEncoding(name)
    return TransferEncoding.UNKNOWN


_USUAL_ENCODINGS: dict[str | None, TransferEncoding] = {
    None: TransferEncoding.IDENTITY,
    "7bit": TransferEncoding.IDENTITY,
    "8bit": TransferEncoding.IDENTITY,
    "base64": TransferEncoding.BASE64,
    "quoted-printable": TransferEncoding.QUOTED_PRINTABLE,
}


def decode(encoded: bytes, encoding: TransferEncoding) -> bytes:
    """The bytes that were meant. Characters foreign to base64 are skipped, a cut end loses its last group."""
    if encoding is TransferEncoding.BASE64:
        return _from_base64(encoded)
    if encoding is TransferEncoding.QUOTED_PRINTABLE:
        return _from_quoted_printable(encoded)
    return encoded


def canonical_line_ends(data: bytes) -> bytes:
    """`data` with every line end as CRLF: what signatures are made and checked over (RFC 8551 §3.1.1, RFC 3156 §5).

    A carriage return alone is a line end only where there is no line feed at all, as in `parse`; beside line feeds it
    is content, which gpg and openssl leave alone as well.
    """
    feeds = data.count(b"\n")
    if not feeds:
        return data.replace(b"\r", b"\r\n")
    if feeds == data.count(b"\r\n"):
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _from_base64(encoded: bytes) -> bytes:
    end = encoded.find(b"=")
    if end < 0 or not encoded[end:].strip(b"=\r\n"):
        # The usual case, padding at the very end, is what the standard library reads as well, and quicker.
        try:
            return binascii.a2b_base64(encoded)
        except binascii.Error:
            pass
    return _from_damaged_base64(encoded)


def _from_damaged_base64(encoded: bytes) -> bytes:
    kept = encoded.translate(None, _NOT_BASE64)
    end = kept.find(b"=")
    if end >= 0:
        # What follows the padding is not part of the encoding, a footer for example.
        kept = kept[:end]
    if len(kept) % 4 == 1:
        kept = kept[:-1]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def _from_quoted_printable(encoded: bytes) -> bytes:
    # White space at a line's end was added on the way (RFC 2045 §6.7, rule 3).
    if _has_padding(encoded):
        encoded = b"\n".join(_without_padding(line) for line in encoded.split(b"\n"))
    return binascii.a2b_qp(encoded)


def _has_padding(encoded: bytes) -> bool:
    if b" \n" in encoded or b" \r\n" in encoded:
        return True
    return b"\t" in encoded and (b"\t\n" in encoded or b"\t\r\n" in encoded)


def _without_padding(line: bytes) -> bytes:
    return line[:-1].rstrip(b" \t") + b"\r" if line.endswith(b"\r") else line.rstrip(b" \t")


def encode_base64(data: bytes) -> bytes:
    """`data` in base64 with lines of 76 characters and CRLF, the last line ended."""
    view = memoryview(data)
    whole = len(data) // _BLOCK * _BLOCK
    lines = [
        b"\r\n".join(_BLOCK_LINES.unpack(binascii.b2a_base64(view[start : start + _BLOCK], newline=False)))
        for start in range(0, whole, _BLOCK)
    ]
    rest = binascii.b2a_base64(view[whole:], newline=False)
    lines += [rest[start : start + _BASE64_LINE] for start in range(0, len(rest), _BASE64_LINE)]
    return b"\r\n".join((*lines, b""))


_BASE64_LINE = 76
_BLOCK_LINES = struct.Struct(f"{_BASE64_LINE}s" * 128)
_BLOCK = 128 * 57
"""Octets that make 128 lines: few enough to stay in the processor's cache while they are cut."""


def encode_quoted_printable(data: bytes) -> bytes:
    """Text with CRLF line ends in quoted-printable: lines of at most 76 characters, safe to be signed (RFC 3156 §5)."""
    lines = data.split(b"\r\n")
    if _is_harmless(data):
        return b"\r\n".join([line if len(line) <= _LONGEST_PIECE else _quoted_line(line) for line in lines])
    return b"\r\n".join([_quoted_line(line) for line in lines])


def _is_harmless(data: bytes) -> bool:
    """Whether nothing needs quoting in any line, however the lines are broken; a quick look at the whole."""
    if data.translate(None, _PLAIN) or data.startswith((b"From ", b".")) or data.endswith((b" ", b"\t", b".")):
        return False
    return data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r") and not any(
        mark in data for mark in _TO_QUOTE_AT_ENDS
    )


_PLAIN = bytes((set(range(0x20, 0x7F)) | set(b"\t\r\n")) - set(b"="))
_TO_QUOTE_AT_ENDS = (b" \r\n", b"\t\r\n", b"\nFrom ", b"\n.\r")


_LONGEST_PIECE = 73
"""Leaves room for the "=" that joins lines, and for "From " and "." that get two characters longer."""
_NOT_AS_IT_IS = re.compile(rb"[^ \t!-<>-~]")
_TO_QUOTE = re.compile(rb"[^ \t!-<>-~]|[ \t]\Z|\A(?:From |\.\Z)")
_TRAILING_SPACE = re.compile(rb"[ \t]\Z")


def _quoted_line(line: bytes) -> bytes:
    if len(line) <= _LONGEST_PIECE and not _TO_QUOTE.search(line):
        return line
    quoted = _TRAILING_SPACE.sub(_escaped, _NOT_AS_IT_IS.sub(_escaped, line))
    if len(quoted) <= _LONGEST_PIECE:
        return _shielded(quoted)
    return b"=\r\n".join(_shielded(piece) for piece in _pieces(quoted))


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % match[0][0]


def _pieces(quoted: bytes) -> Iterator[bytes]:
    """The line in pieces, none of which ends inside an escaped octet."""
    start = 0
    while start < len(quoted):
        end = start + _LONGEST_PIECE
        if (escape := quoted.rfind(b"=", end - 2, end)) >= 0 and end < len(quoted):
            end = escape
        yield quoted[start:end]
        start = end


def _shielded(piece: bytes) -> bytes:
    # "From " at the start of a line gets a ">" from mailbox files; a lone "." ends an SMTP message.
    return b"=%02X" % piece[0] + piece[1:] if piece.startswith(b"From ") or piece == b"." else piece
