"""Encryption at rest: one master key outside database and files wraps a random data key for each row that holds secrets.

AES-256-GCM throughout. Additional data names the model, row and field, so that a ciphertext moved elsewhere does not
open. Used through `core.sealed` (fields) and `core.blobs` (files); nothing else touches a data key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
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
        return _open(self.secret, sealed, context)


class Vault:
    """What the master key can do: wrap and unwrap data keys, and derive keys for hashing."""

    def __init__(self, master_key: bytes) -> None:
        """`master_key`: 32 random bytes."""
        self._master = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"wrap").derive(master_key)
        self._hashing = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"hash").derive(master_key)

    def new_wrapped_key(self, context: str) -> bytes:
        """A fresh data key, wrapped for storage beside the row that `context` names."""
        return DataKey(self._master).seal(os.urandom(KEY_BYTES), context)

    def unwrap(self, wrapped: bytes, context: str) -> DataKey:
        """The data key of a row."""
        return DataKey(_open(self._master, wrapped, context))

    def keyed_hash(self, purpose: str, value: bytes) -> bytes:
        """32 bytes that are equal for equal values and tell nothing without the master key."""
        mac = hmac.HMAC(self._hashing, hashes.SHA256())
        mac.update(purpose.encode() + b"\x00" + value)
        return mac.finalize()


def _open(key: bytes, sealed: bytes, context: str) -> bytes:
    version, nonce, body = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if version != VERSION:
        raise VaultError("unknown form of vault data")
    try:
        return AESGCM(key).decrypt(nonce, body, context.encode())
    except (InvalidTag, ValueError) as error:
        raise VaultError("vault data does not open under this master key") from error


@lru_cache(maxsize=1)
def vault() -> Vault:
    """The vault of this process."""
    return Vault(load_master_key())
