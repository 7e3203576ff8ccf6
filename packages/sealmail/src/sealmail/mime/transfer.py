"""Content transfer encodings and line ends: what travels, and what was meant (RFC 2045 §6). Nothing raises; all of it
takes linear time."""

from __future__ import annotations

import binascii
import re
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
    name = re.split(r"[\s;(]", (value or "").strip().strip("\"'"), maxsplit=1)[0].lower()
    if name in {"", "7bit", "8bit", "binary", "7-bit", "8-bit", "8bits", "7bits"}:
        return TransferEncoding.IDENTITY
    if name in {"base64", "quoted-printable"}:
        return TransferEncoding(name)
    return TransferEncoding.UNKNOWN


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
    if b" \n" in encoded or b" \r\n" in encoded or b"\t\n" in encoded or b"\t\r\n" in encoded:
        encoded = b"\n".join(_without_padding(line) for line in encoded.split(b"\n"))
    return binascii.a2b_qp(encoded)


def _without_padding(line: bytes) -> bytes:
    return line[:-1].rstrip(b" \t") + b"\r" if line.endswith(b"\r") else line.rstrip(b" \t")
