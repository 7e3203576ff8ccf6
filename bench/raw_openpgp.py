"""The bare primitives of OpenPGP for keys of one kind: no packet, no armor, no key to load."""

from __future__ import annotations

import hashlib
import os

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from bench.coding import deflated
from bench.raw import key_operations

_KEY = os.urandom(32)
_NONCE = os.urandom(15)


class RawOpenPGP:
    """The primitives for mails of one size. Opening: as gpg makes them, compressed where it can; sealing: as we do."""

    def __init__(self, kind: str, content: bytes, *, compressed: bool) -> None:
        """`kind`: "rsa3072", "cv25519" or "v6"."""
        self._is_modern = kind == "v6"
        self._agreement, self._signature = key_operations("cv25519" if self._is_modern else kind)
        self._content = content
        self._wrapped = None if kind.startswith("rsa") else aes_key_wrap(_KEY[:16], _KEY)
        self._sealed = self._cipher(deflated(content) if compressed else content, encrypt=True)
        self._content_hash = "sha512" if compressed else "sha256"
        """gpg goes by what the recipient likes best."""

    def open(self) -> None:
        """Unwraps the session key, decrypts and checks that it is whole, hashes, verifies."""
        self._agreement.unwrap()
        if self._wrapped is not None:
            hashlib.sha256(_KEY)
            aes_key_unwrap(_KEY[:16], self._wrapped)
        self._cipher(self._sealed, encrypt=False)
        self._signature.verify(hashlib.new(self._content_hash, self._content).digest()[:32])

    def seal(self) -> None:
        """Hashes, signs, encrypts, and wraps the session key for two."""
        self._signature.sign(hashlib.sha256(self._content).digest())
        self._cipher(self._content, encrypt=True)
        for _ in range(2):
            self._agreement.wrap()
            if self._wrapped is not None:
                hashlib.sha256(_KEY)
                aes_key_wrap(_KEY[:16], _KEY)

    def _cipher(self, octets: bytes, *, encrypt: bool) -> bytes:
        if self._is_modern:
            box = AESOCB3(_KEY)
            return box.encrypt(_NONCE, octets, None) if encrypt else box.decrypt(_NONCE, octets, None)
        hashlib.sha1(octets, usedforsecurity=False)
        cipher = Cipher(AES(_KEY), CFB(bytes(16)))
        work = cipher.encryptor() if encrypt else cipher.decryptor()
        return work.update(octets)
