"""What somebody on the way can do to a mail without any of its keys. Each takes a whole mail and gives one back."""

import re

from tests.peers.reading import first_part

_BASE64_LINE = re.compile(rb"(?m)^[A-Za-z0-9+/]{48,}\r\n")
_ARMOR_CHECKSUM = re.compile(rb"(?m)^=[A-Za-z0-9+/]{4}\r\n")


def signature_stripped(raw: bytes) -> bytes:
    """The signed content stands where the signed mail was."""
    header, boundary = _header(raw), _boundary(raw)
    return _without_content_type(header) + first_part(raw, boundary)


def signed_byte_changed(raw: bytes) -> bytes:
    """One byte of the text under a signature is another one."""
    assert raw.count(b"invoice.\r\n") == 1
    return raw.replace(b"invoice.\r\n", b"invoicf.\r\n")


def answer_byte_changed(raw: bytes) -> bytes:
    """The same in an answer of the desk."""
    assert raw.count(b"It is paid.") == 1
    return raw.replace(b"It is paid.", b"It is qaid.")


def ciphertext_byte_changed(raw: bytes) -> bytes:
    """One byte in the middle of what is encrypted is another one; the checksum that would give it away is taken off."""
    lines = [*_BASE64_LINE.finditer(raw)]
    at = lines[len(lines) // 2].start()
    # The first of four characters stands for the upper six bits of one byte.
    other = b"A" if raw[at : at + 1] != b"A" else b"B"
    return _ARMOR_CHECKSUM.sub(b"", raw[:at] + other + raw[at + 1 :])


def _header(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def _boundary(raw: bytes) -> str:
    found = re.search(rb'boundary="([^"]+)"', _header(raw))
    assert found is not None
    return found[1].decode()


def _without_content_type(header: bytes) -> bytes:
    return re.sub(rb"(?m)^Content-Type:.*\r\n(?:[ \t].*\r\n)*", b"", header)
