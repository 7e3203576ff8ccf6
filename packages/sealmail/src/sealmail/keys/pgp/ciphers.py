"""Symmetric ciphers and modes of OpenPGP (RFC 9580 §9.3, §9.6), by OpenSSL."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import CAST5, IDEA, Blowfish, Camellia, TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers import Cipher as OpenSSLCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from sealmail.keys.pgp.public import Unsupported

AES128, AES192, AES256 = 7, 8, 9
Octets = bytes | memoryview
"""What ciphers read: they work on views, so that large mails are not copied for them."""


@dataclass(frozen=True, slots=True)
class Cipher:
    """A block cipher with its number, name and sizes."""

    number: int
    name: str
    key_octets: int
    block_octets: int
    algorithm: Callable[[bytes], BlockCipherAlgorithm]

    @property
    def is_weak(self) -> bool:
        """Blocks of 64 bits: read in old mail, never written (RFC 9580 §9.3)."""
        return self.block_octets < 16

    def cfb_decrypt(self, key: bytes, iv: bytes, data: Octets) -> bytes:
        """Plain CFB over the whole."""
        context = OpenSSLCipher(self.algorithm(key), CFB(iv)).decryptor()
        return context.update(data) + context.finalize()

    def cfb_encrypt(self, key: bytes, iv: bytes, *pieces: bytes) -> bytes:
        """Plain CFB over the pieces as if they were one."""
        context = OpenSSLCipher(self.algorithm(key), CFB(iv)).encryptor()
        return b"".join((*map(context.update, pieces), context.finalize()))


CIPHERS: dict[int, Cipher] = {
    one.number: one
    for one in (
        Cipher(1, "IDEA", 16, 8, IDEA),
        Cipher(2, "3DES", 24, 8, TripleDES),
        Cipher(3, "CAST5", 16, 8, CAST5),
        Cipher(4, "Blowfish", 16, 8, Blowfish),
        Cipher(AES128, "AES-128", 16, 16, AES),
        Cipher(AES192, "AES-192", 24, 16, AES),
        Cipher(AES256, "AES-256", 32, 16, AES),
        Cipher(11, "Camellia-128", 16, 16, Camellia),
        Cipher(12, "Camellia-192", 24, 16, Camellia),
        Cipher(13, "Camellia-256", 32, 16, Camellia),
    )
}
_UNREAD = {10: "Twofish"}


def cipher_name(number: int) -> str:
    """The name of a cipher, also of one that we do not read."""
    known = CIPHERS.get(number)
    return known.name if known else _UNREAD.get(number, f"cipher {number}")


PLAINTEXT = 0
"""The number of "no cipher at all"; refused wherever it stands."""


class AEADMode(IntEnum):
    """Authenticated modes (RFC 9580 §9.6)."""

    EAX = 1
    OCB = 2
    GCM = 3

    @property
    def nonce_octets(self) -> int:
        """The size of a nonce."""
        return {AEADMode.EAX: 16, AEADMode.OCB: 15, AEADMode.GCM: 12}[self]


class AEAD(Protocol):
    """Authenticated encryption with the tag of 16 octets at the end, as `cryptography` has it."""

    def encrypt(self, nonce: bytes, data: Octets, associated_data: bytes | None, /) -> bytes:
        """Ciphertext and tag."""

    def decrypt(self, nonce: bytes, data: Octets, associated_data: bytes | None, /) -> bytes:
        """The plain text; raises `InvalidTag`."""


def read_mode(number: int) -> AEADMode:
    """The mode of a number. Raises `Unsupported`."""
    try:
        return AEADMode(number)
    except ValueError:
        raise Unsupported from None


def aead(mode: AEADMode, cipher: Cipher, key: bytes) -> AEAD:
    """AES in an authenticated mode. Raises `Unsupported` for other ciphers, which nobody combines with them."""
    if cipher.algorithm is not AES:
        raise Unsupported
    match mode:
        case AEADMode.OCB:
            return AESOCB3(key)
        case AEADMode.GCM:
            return AESGCM(key)
        case AEADMode.EAX:
            return _EAX(key)


class _EAX:
    """The mode that OpenSSL lacks (Bellare, Rogaway, Wagner 2004): CTR, under CMACs of nonce, data and ciphertext."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, nonce: bytes, data: Octets, associated_data: bytes | None, /) -> bytes:
        start = self._mac(0, nonce)
        sealed = self._ctr(start, data)
        return sealed + self._tag(start, sealed, associated_data)

    def decrypt(self, nonce: bytes, data: Octets, associated_data: bytes | None, /) -> bytes:
        start, sealed = self._mac(0, nonce), data[:-16]
        if not hmac.compare_digest(self._tag(start, sealed, associated_data), data[-16:]):
            raise InvalidTag
        return self._ctr(start, sealed)

    def _tag(self, start: bytes, sealed: Octets, associated_data: bytes | None) -> bytes:
        parts = (start, self._mac(1, associated_data or b""), self._mac(2, sealed))
        a, b, c = (int.from_bytes(part, "big") for part in parts)
        return (a ^ b ^ c).to_bytes(16, "big")

    def _mac(self, number: int, data: Octets) -> bytes:
        mac = CMAC(AES(self._key))
        mac.update(number.to_bytes(16, "big"))
        mac.update(bytes(data))
        return mac.finalize()

    def _ctr(self, start: bytes, data: Octets) -> bytes:
        context = OpenSSLCipher(AES(self._key), modes.CTR(start)).encryptor()
        return context.update(data) + context.finalize()
