"""Messages as GnuPG 2.3 and later write them to keys that ask for it: encrypted with OCB in a packet of GnuPG's own.

Debian's gpg 2.2 opens such messages and does not write them, so one of its messages is encrypted anew under the same
session key, by `cryptography` alone.
"""

import base64
import secrets
import struct

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3

from tests.peers.gpg import GnuPG
from tests.peers.mail import with_crlf

PROTECTED, OCB_PACKET = 18, 20
PREFIX_OCTETS, DIGEST_OCTETS = 18, 22
AES_256, OCB = 9, 2
CHUNK = 0
"""Chunks of 64 octets, so that small messages have several."""


def with_ocb(message: bytes, reader: GnuPG) -> bytes:
    """The same armored message with its content in an OCB packet. The reader is one who can open it."""
    data = _dearmored(message)
    start, body = _protected(data)
    key = reader.session_key(message)
    prefixed = Cipher(algorithms.AES(key), CFB(bytes(16))).decryptor().update(body[1:])
    content = prefixed[PREFIX_OCTETS:-DIGEST_OCTETS]
    return _armored(data[:start] + _packet(_sealed(content, key)))


def _sealed(content: bytes, key: bytes) -> bytes:
    """LibrePGP §5.16: every chunk knows its place, and a last tag how much there is in all."""
    header = bytes([0xC0 | OCB_PACKET, 1, AES_256, OCB, CHUNK])
    nonce, box, size = secrets.token_bytes(15), AESOCB3(key), 1 << CHUNK + 6
    chunks = [content[place : place + size] for place in range(0, len(content), size)]
    sealed = [
        box.encrypt(_nonce(nonce, number), chunk, header + struct.pack(">Q", number))
        for number, chunk in enumerate(chunks)
    ]
    total = header + struct.pack(">QQ", len(chunks), len(content))
    return header[1:] + nonce + b"".join(sealed) + box.encrypt(_nonce(nonce, len(chunks)), b"", total)


def _nonce(start: bytes, number: int) -> bytes:
    return start[:7] + (int.from_bytes(start[7:], "big") ^ number).to_bytes(8, "big")


def _protected(data: bytes) -> tuple[int, bytes]:
    """Where the encrypted packet starts, and its body; gpg writes one length, or partial ones."""
    place = 0
    while True:
        start, is_new = place, data[place] & 0x40
        tag = data[place] & 0x3F if is_new else data[place] >> 2 & 15
        place += 1
        body, is_last = b"", False
        while not is_last:
            size, width, is_last = _length(data, place, None if is_new else data[start] & 3)
            body += data[place + width : place + width + size]
            place += width + size
        if tag == PROTECTED:
            return start, body


def _length(data: bytes, place: int, old: int | None) -> tuple[int, int, bool]:
    """A length, how many octets tell it, and whether it is the last of its packet (RFC 9580 §4.2)."""
    if old is not None:
        return int.from_bytes(data[place : place + (1 << old)], "big"), 1 << old, True
    first = data[place]
    if first < 192:
        return first, 1, True
    if first < 224:
        return (first - 192 << 8) + data[place + 1] + 192, 2, True
    if first < 255:
        return 1 << (first & 31), 1, False
    return int.from_bytes(data[place + 1 : place + 5], "big"), 5, True


def _packet(body: bytes) -> bytes:
    return bytes([0xC0 | OCB_PACKET, 255]) + struct.pack(">I", len(body)) + body


def _dearmored(message: bytes) -> bytes:
    lines = with_crlf(message).partition(b"\r\n\r\n")[2].split(b"\r\n")
    return base64.b64decode(b"".join(line for line in lines if not line.startswith((b"=", b"-----"))))


def _armored(data: bytes) -> bytes:
    return b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(data) + b"-----END PGP MESSAGE-----\n"
