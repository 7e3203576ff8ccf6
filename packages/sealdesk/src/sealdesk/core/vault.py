"""Encryption at rest: one master key outside database and files wraps a random data key for each row with secrets.

AES-256-GCM throughout. Additional data names the model, row and field, so that a ciphertext moved elsewhere does not
open. Used through `core.sealed` (fields), `core.blobs` (files) and `core.hashing`; nothing else touches a key, the
demo's own drawer excepted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealdesk.core.masterkey import load_master_key

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = b"\x01"


class VaultError(Exception):
    """Something in the vault does not open: it was changed, moved, or belongs to another master key."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one row, in clear while in memory."""

    secret: bytes = field(repr=False)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypts `plain`; `context` is what it belongs to (model, row, field) and must be given again to open it."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + AESGCM(self.secret).encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The plain bytes; VaultError where key, context or bytes do not fit."""
        version, nonce, body = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if version != VERSION:
            raise VaultError("unknown form of vault data")
        try:
            return AESGCM(self.secret).decrypt(nonce, body, context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise VaultError("vault data does not open under this master key") from error

    def derive(self, purpose: bytes, salt: bytes) -> bytes:
        """32 bytes for a use of their own, so that nonces of different uses can never meet under one key."""
        return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(self.secret)


class Vault:
    """What the master key can do: make, wrap and unwrap data keys."""

    def __init__(self, master_key: bytes) -> None:
        """`master_key`: 32 random bytes."""
        self._wrapping = DataKey(DataKey(master_key).derive(b"wrap", b""))

    def new_wrapped_key(self, context: str) -> bytes:
        """A fresh data key, wrapped for storage beside the row that `context` names."""
        return self.wrap(DataKey(os.urandom(KEY_BYTES)), context)

    def wrap(self, key: DataKey, context: str) -> bytes:
        """A data key in the form in which it is stored."""
        return self._wrapping.seal(key.secret, context)

    def unwrap(self, wrapped: bytes, context: str) -> DataKey:
        """The data key of a row; VaultError where it belongs to another row or master key."""
        return DataKey(self._wrapping.open(wrapped, context))

    def keyed_hash(self, purpose: str, value: bytes) -> bytes:
        """The same as `core.hashing.hashing_key(purpose).digest(value)`, for a single value."""
        from sealdesk.core.hashing import hashing_key

        return hashing_key(purpose, vault=self).digest(value)


@lru_cache(maxsize=1)
def vault() -> Vault:
    """The vault of this process."""
    return Vault(load_master_key())
