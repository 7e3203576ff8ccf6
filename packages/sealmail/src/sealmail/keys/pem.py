"""Finding PEM blocks and OpenPGP armor in any text (RFC 7468, RFC 9580 §6): what stands around and between them is
skipped, and so are indentation, quoting marks, and line ends of every kind inside them.

Looks at labels and base64 only; what the bytes are is for `reader` to find out.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARKER = re.compile(rb"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 .#/]{0,63}?)-----")
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block between a BEGIN and an END line."""

    label: str
    """What the BEGIN line says, for example "CERTIFICATE"."""
    text: bytes = field(repr=False)
    """The whole block, markers included, without white space at the ends of lines."""
    body: bytes | None = field(repr=False)
    """The decoded bytes; None where the block is cut off or is not base64. Never decoded for OpenPGP, whose armor has
    rules of its own.
    """

    @property
    def is_openpgp(self) -> bool:
        """Whether it is OpenPGP armor."""
        return self.label.startswith("PGP ")

    @property
    def is_encrypted(self) -> bool:
        """Whether OpenSSL's traditional encryption protects it (RFC 1421 §4.6.1.1). PKCS#8 has a protection of its own,
        and its label says so."""
        return self.label != "ENCRYPTED PRIVATE KEY" and b"\nProc-Type: 4,ENCRYPTED\n" in self.text


def blocks(text: bytes) -> Iterator[Block]:
    """Every block of the text in its order, those without an END line included. One pass; never raises."""
    start: re.Match[bytes] | None = None
    for marker in _MARKER.finditer(text):
        if marker[1] == b"BEGIN":
            if start is not None:
                yield _cut_off(start)
            start = marker
        elif start is not None and marker[2] == start[2]:
            yield _block(start, text[start.end() : marker.start()])
            start = None
    if start is not None:
        yield _cut_off(start)


def _cut_off(start: re.Match[bytes]) -> Block:
    return Block(label=start[2].decode(), text=start[0], body=None)


def _block(start: re.Match[bytes], inside: bytes) -> Block:
    label = start[2]
    lines = _lines(inside, may_be_quoted=not label.startswith(b"PGP "))
    whole = b"\n".join([start[0], *lines, b"-----END " + label + b"-----", b""])
    body = None if label.startswith(b"PGP ") else _decoded(lines)
    return Block(label=label.decode(), text=whole, body=body)


def _lines(inside: bytes, *, may_be_quoted: bool) -> list[bytes]:
    """Without what programs put around lines, none of which can be base64: white space, marks of quoting, and line ends
    that were written out as in JSON.
    """
    for odd, plain in _ODD_SPACES:
        inside = inside.replace(odd, plain)
    lines = [line.strip() for line in inside.strip().splitlines()]
    return [_QUOTING.sub(b"", line) for line in lines] if may_be_quoted else lines


_ODD_SPACES = (
    (b"\\r", b"\r"),
    (b"\\n", b"\n"),
    (b"\xc2\xa0", b" "),  # no-break space
    (b"\xe2\x80\x8b", b""),  # zero-width space
    (b"\xef\xbb\xbf", b""),  # byte order mark of a file that was put behind another
)
_QUOTING = re.compile(rb"^[>|][>|\s]*")


def _decoded(lines: list[bytes]) -> bytes | None:
    """The base64 of the lines after the headers of RFC 1421, where there are any."""
    at = 0
    if lines and _HEADER.match(lines[0]):
        at = lines.index(b"") if b"" in lines else len(lines)
    try:
        return binascii.a2b_base64(b"".join(b"".join(lines[at:]).split()), strict_mode=True) or None
    except binascii.Error:
        return None
