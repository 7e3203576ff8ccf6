"""ASCII armor (RFC 9580 §6), read leniently and written plainly. Linear in the size of the text."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pysequoia

from sealmail.errors import InputError
from sealmail.mime.transfer import encode_base64

_BEGIN = b"-----BEGIN PGP "
_END = b"-----END PGP "
_DASHES = b"-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One armored block: its label ("MESSAGE", "PUBLIC KEY BLOCK", …) and its decoded bytes."""

    label: str
    data: bytes = field(repr=False)


def is_binary(data: bytes) -> bool:
    """Whether the bytes start with an OpenPGP packet rather than with text (RFC 9580 §4.2: bit 7 is always set)."""
    return bool(data) and data[0] >= 0x80 and not data.startswith(b"\xef\xbb\xbf")


def dearmor(data: bytes) -> bytes:
    """The binary packets: those bytes themselves, or the first armored block in them.

    Raises `InputError` where there is neither.
    """
    if is_binary(data):
        return data
    if (plain := _plain(data)) is not None:
        return plain
    block = next(blocks(data), None)
    if block is None:
        raise InputError("There is no OpenPGP data here.")
    return block.data


def blocks(text: bytes) -> Iterator[Block]:
    """Every armored block in a text, in order. Text around them is passed over; a missing end line is forgiven."""
    lines = iter(text.splitlines())
    for line in lines:
        start = line.strip()
        if start.startswith(_BEGIN) and start.endswith(_DASHES):
            label = start[len(_BEGIN) : -len(_DASHES)].decode("ascii", "replace")
            if label != "SIGNED MESSAGE":
                yield Block(label=label, data=_decoded(lines))


def _plain(text: bytes) -> bytes | None:
    """What is in a message that is the whole text and holds nothing unusual, without a look at each of its lines."""
    end = text.find(b"\n" + _END + b"MESSAGE")
    blank = _BLANK_LINE.search(text, 0, max(end, 0))
    if not text.startswith(_BEGIN + b"MESSAGE") or blank is None:
        return None
    begin, *headers = text[: blank.start()].splitlines()
    if not begin.strip().endswith(_DASHES) or any(b":" not in one or _END in one for one in headers):
        return None
    start = blank.end()
    checksum = text.rfind(b"\n=", max(start, end - _LONGEST_CHECKSUM), end)
    if checksum >= 0 and _CHECKSUM.fullmatch(text, checksum, end):
        end = checksum
    try:
        return _base64(text[start:end].translate(None, b"\r\n"))
    except InputError:
        return None


_LONGEST_CHECKSUM = 32
"""Octets of such a line with white space behind it. Newer messages have none, and are not searched for it; with more
white space than that a text is read line by line."""
_CHECKSUM = re.compile(rb"\n=\S{4}\s*")
_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")


def _decoded(lines: Iterator[bytes]) -> bytes:
    # The checksum line ("=" and four characters) is passed over: RFC 9580 §6.1 forbids to reject a block for it.
    body: list[bytes] = []
    in_headers = True
    for line in lines:
        text = line.strip()
        if text.startswith(_END):
            break
        if in_headers and (not text or b":" in text):
            in_headers = bool(text)
            continue
        in_headers = False
        if text.startswith(b"=") and len(text) == 5:
            continue
        body.append(text)
    return _base64(b"".join(body))


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise InputError("The armor of this OpenPGP data is broken.") from None


def armored_message(data: bytes) -> bytes:
    """A message in an authenticated container (RFC 9580 §5.13.2) as a block with CRLF line ends and no checksum:
    whoever reads such a container does without, and RFC 9580 §6.1 forbids to write one."""
    return b"".join((b"-----BEGIN PGP MESSAGE-----\r\n\r\n", encode_base64(data), b"-----END PGP MESSAGE-----\r\n"))


def armored(kind: pysequoia.ArmorKind, data: bytes) -> bytes:
    """The block with CRLF line ends and a checksum.

    RFC 9580 §6.1 advises against checksums, but GnuPG 2.2 takes the end line for data where there is neither a checksum
    nor padding before it.
    """
    return pysequoia.armor(data, kind).encode("ascii").replace(b"\n", b"\r\n")
