"""Encrypted data packets: opening and making the protected ones (RFC 9580 §5.13), opening GnuPG's own (tag 20).

Plain text leaves only after its integrity was checked as a whole. Packets without protection (tag 9) are not opened.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealmail.errors import InputError
from sealmail.keys.pgp.ciphers import (
    AES128,
    AES256,
    CIPHERS,
    PLAINTEXT,
    AEADMode,
    Cipher,
    aead,
    cipher_name,
    read_mode,
)
from sealmail.keys.pgp.packets import Fields, Packet, Tag
from sealmail.keys.pgp.public import Unsupported
from sealmail.openpgp.session_keys import SessionKey

_MDC_OCTETS = 22
_TAG_OCTETS = 16
_MAXIMUM_CHUNK = 16
"""2^22 octets, the largest chunk of RFC 9580 §5.13.2; GnuPG writes that size too."""
_OUR_CHUNK = 12
"""2^18 octets."""


class Damaged(InputError):
    """The encrypted data were changed or cut off."""


class NoCipher(InputError):
    """The encrypted data claim to be encrypted without a cipher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The header of an encrypted data packet."""

    tag: int
    version: int
    cipher: int | None
    """None: the session key names it."""
    mode: AEADMode | None
    chunk: int = 0
    salt: bytes = b""
    start: int
    """Where the ciphertext begins in the packet's body."""


def read_container(packet: Packet) -> Container:
    """Reads the header. Raises `Malformed` or `Unsupported`."""
    fields = Fields(packet.body)
    version = fields.number(1)
    if packet.tag == Tag.PROTECTED and version == 1:
        return Container(tag=packet.tag, version=1, cipher=None, mode=None, start=1)
    if (packet.tag, version) not in {(Tag.PROTECTED, 2), (Tag.GNUPG_OCB, 1)}:
        raise Unsupported
    cipher, mode, chunk = fields.number(1), read_mode(fields.number(1)), fields.number(1)
    if chunk > _MAXIMUM_CHUNK:
        raise Unsupported
    salt = fields.take(32 if packet.tag == Tag.PROTECTED else mode.nonce_octets)
    return Container(
        tag=packet.tag, version=version, cipher=cipher, mode=mode, chunk=chunk, salt=salt, start=fields.position
    )


def algorithm_name(container: Container, cipher: int | None) -> str:
    """For people: "AES-256-CFB with MDC", "AES-256-OCB"."""
    name = cipher_name(cipher) if cipher is not None else "unknown cipher"
    return f"{name}-{container.mode.name}" if container.mode else f"{name}-CFB with MDC"


def fits(container: Container, session_key_version: int) -> bool:
    """Whether session keys of this version may stand before this container (RFC 9580 §10.3.2.1). Version 6 leaves the
    cipher to the container; a version 3 that came with it was taken from another message."""
    is_newer = (container.tag, container.version) == (Tag.PROTECTED, 2)
    return session_key_version == (6 if is_newer else 3)


def open_container(packet: Packet, container: Container, session: SessionKey) -> bytes:
    """The packets inside. Raises `Damaged`, `NoCipher` or `Unsupported`."""
    cipher = _cipher(container.cipher if container.cipher is not None else session.cipher)
    agrees = session.cipher is None or session.cipher == cipher.number
    if len(session.key) != cipher.key_octets or not agrees:
        raise Damaged
    if container.mode is None:
        return _open_mdc(memoryview(packet.body)[1:], cipher, session.key)
    return _open_chunks(packet.body, container, container.mode, cipher, session.key)


def _cipher(number: int | None) -> Cipher:
    if number == PLAINTEXT:
        raise NoCipher
    cipher = CIPHERS.get(number) if number is not None else None
    if cipher is None:
        raise Unsupported
    return cipher


def _open_mdc(ciphertext: memoryview, cipher: Cipher, key: bytes) -> bytes:
    # RFC 9580 §5.13.1. The repeated octets of the prefix are not looked at: they would be an oracle, and the digest
    # covers them.
    plain = cipher.cfb_decrypt(key, bytes(cipher.block_octets), ciphertext)
    prefix = cipher.block_octets + 2
    if len(plain) < prefix + _MDC_OCTETS:
        raise Damaged
    digest = hashlib.sha1(memoryview(plain)[:-20], usedforsecurity=False).digest()
    if not hmac.compare_digest(plain[-_MDC_OCTETS:], b"\xd3\x14" + digest):
        raise Damaged
    return plain[prefix:-_MDC_OCTETS]


def _open_chunks(body: bytes, container: Container, mode: AEADMode, cipher: Cipher, key: bytes) -> bytes:
    info, key, start = _chunk_keys(container, mode, cipher, key)
    box = aead(mode, cipher, key)
    size = (1 << container.chunk + 6) + _TAG_OCTETS
    end = len(body) - _TAG_OCTETS
    if end < container.start:
        raise Damaged
    view, pieces = memoryview(body), list[bytes]()
    try:
        for number, position in enumerate(range(container.start, end, size)):
            sealed = view[position : min(position + size, end)]
            pieces.append(box.decrypt(_nonce(container, start, number), sealed, _associated(container, info, number)))
        plain = b"".join(pieces)
        last = _associated(container, info, len(pieces)) + struct.pack(">Q", len(plain))
        box.decrypt(_nonce(container, start, len(pieces)), body[end:], last)
    except (InvalidTag, ValueError):
        raise Damaged from None
    return plain


def _chunk_keys(container: Container, mode: AEADMode, cipher: Cipher, key: bytes) -> tuple[bytes, bytes, bytes]:
    """What is authenticated with every chunk, the message key, and the start of the nonces."""
    info = bytes([0xC0 | container.tag, container.version, cipher.number, mode, container.chunk])
    if container.tag == Tag.GNUPG_OCB:
        return info, key, container.salt
    # RFC 9580 §5.13.2
    nonce_octets = mode.nonce_octets - 8
    derived = HKDF(hashes.SHA256(), cipher.key_octets + nonce_octets, container.salt, info).derive(key)
    return info, derived[: cipher.key_octets], derived[cipher.key_octets :]


def _nonce(container: Container, start: bytes, number: int) -> bytes:
    counter = struct.pack(">Q", number)
    if container.tag == Tag.GNUPG_OCB:  # LibrePGP §5.16: the number is added into the low octets without carry
        return start[:-8] + bytes(a ^ b for a, b in zip(start[-8:], counter, strict=True))
    return start + counter


def _associated(container: Container, info: bytes, number: int) -> bytes:
    return info + struct.pack(">Q", number) if container.tag == Tag.GNUPG_OCB else info


def seal_mdc(content: bytes, key: bytes) -> bytes:
    """Body of a version 1 protected packet; AES, by the size of the key (16 or 32 octets)."""
    cipher = _aes_for(key)
    prefix = os.urandom(cipher.block_octets)
    pieces = (prefix, prefix[-2:], content, b"\xd3\x14")
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return b"\x01" + cipher.cfb_encrypt(key, bytes(cipher.block_octets), *pieces, digest.digest())


def seal_ocb(content: bytes, key: bytes) -> bytes:
    """Body of a version 2 protected packet; AES in OCB mode, by the size of the key (16 or 32 octets)."""
    cipher, mode = _aes_for(key), AEADMode.OCB
    header = Container(
        tag=Tag.PROTECTED, version=2, cipher=cipher.number, mode=mode, chunk=_OUR_CHUNK, salt=os.urandom(32), start=36
    )
    info, message_key, start = _chunk_keys(header, mode, cipher, key)
    box = aead(mode, cipher, message_key)
    size, view = 1 << _OUR_CHUNK + 6, memoryview(content)
    pieces = [
        box.encrypt(_nonce(header, start, number), view[position : position + size], info)
        for number, position in enumerate(range(0, len(content), size))
    ]
    last = box.encrypt(_nonce(header, start, len(pieces)), b"", info + struct.pack(">Q", len(content)))
    return b"".join((bytes([2, cipher.number, mode, _OUR_CHUNK]), header.salt, *pieces, last))


def _aes_for(key: bytes) -> Cipher:
    return CIPHERS[AES128 if len(key) == 16 else AES256]
