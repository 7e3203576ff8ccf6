"""The bare primitives: the key operations that a mail needs, and AES and SHA over its bytes. No structure, no keys to
load, no certificates, no encoding: the floor below which nobody comes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

_KEY = os.urandom(32)
_SHA256 = hashes.SHA256()
Act = Callable[[], object]


class Agreement(Protocol):
    """How a content key comes to its recipient."""

    def wrap(self) -> None:
        """The sender's operation."""

    def unwrap(self) -> None:
        """The recipient's."""


class Signature(Protocol):
    """How a digest of 32 octets is signed."""

    def sign(self, digest: bytes) -> None:
        """The signer's operation."""

    def verify(self, digest: bytes) -> None:
        """Everybody's."""


def key_operations(kind: str) -> tuple[Agreement, Signature]:
    """Those of new keys: "rsa2048", "rsa3072", "rsa4096", "ec" (P-256) or "cv25519"."""
    return _KINDS[kind]()


class Raw:
    """The primitives for keys of one kind, with mails of one size."""

    def __init__(self, kind: str, content: bytes) -> None:
        """`kind`: as for `key_operations`."""
        self._agreement, self._signature = key_operations(kind)
        self._content = content
        self._padded = bytes(-(-len(content) // 16) * 16)

    def open(self) -> None:
        """Unwraps the content key, decrypts, hashes, verifies."""
        self._agreement.unwrap()
        _aes(self._padded, encrypt=False)
        self._signature.verify(_sha256(self._content))

    def seal(self) -> None:
        """Hashes, signs, encrypts, and wraps the content key for two."""
        self._signature.sign(_sha256(self._content))
        _aes(self._padded, encrypt=True)
        self._agreement.wrap()
        self._agreement.wrap()


class _RSA:
    """Both jobs of an RSA key."""

    def __init__(self, bits: int) -> None:
        self._private = rsa.generate_private_key(65537, bits)
        self._public = self._private.public_key()
        self._wrapped = self._public.encrypt(_KEY, padding.PKCS1v15())
        self._signature = self._signed(bytes(32))

    def wrap(self) -> None:
        self._public.encrypt(_KEY, padding.PKCS1v15())

    def unwrap(self) -> None:
        self._private.decrypt(self._wrapped, padding.PKCS1v15())

    def sign(self, digest: bytes) -> None:
        self._signed(digest)

    def verify(self, _digest: bytes) -> None:
        self._public.verify(self._signature, bytes(32), padding.PKCS1v15(), Prehashed(_SHA256))

    def _signed(self, digest: bytes) -> bytes:
        return self._private.sign(digest, padding.PKCS1v15(), Prehashed(_SHA256))


class _Curve:
    """Agreement and signature on P-256."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._public = self._private.public_key()
        self._signature = self._signed(bytes(32))

    def wrap(self) -> None:
        ec.generate_private_key(ec.SECP256R1()).exchange(ec.ECDH(), self._public)

    def unwrap(self) -> None:
        self._private.exchange(ec.ECDH(), self._public)

    def sign(self, digest: bytes) -> None:
        self._signed(digest)

    def verify(self, _digest: bytes) -> None:
        self._public.verify(self._signature, bytes(32), ec.ECDSA(Prehashed(_SHA256)))

    def _signed(self, digest: bytes) -> bytes:
        return self._private.sign(digest, ec.ECDSA(Prehashed(_SHA256)))


class _X25519:
    """Agreement on Curve25519."""

    def __init__(self) -> None:
        self._private = x25519.X25519PrivateKey.generate()
        self._public = self._private.public_key()

    def wrap(self) -> None:
        x25519.X25519PrivateKey.generate().exchange(self._public)

    def unwrap(self) -> None:
        self._private.exchange(self._public)


class _Ed25519:
    """Signature on Curve25519."""

    def __init__(self) -> None:
        self._private = ed25519.Ed25519PrivateKey.generate()
        self._public = self._private.public_key()
        self._signature = self._private.sign(bytes(32))

    def sign(self, digest: bytes) -> None:
        self._private.sign(digest)

    def verify(self, _digest: bytes) -> None:
        self._public.verify(self._signature, bytes(32))


def _both(one: _RSA | _Curve) -> tuple[Agreement, Signature]:
    return one, one


_KINDS: dict[str, Callable[[], tuple[Agreement, Signature]]] = {
    "rsa2048": lambda: _both(_RSA(2048)),
    "rsa3072": lambda: _both(_RSA(3072)),
    "rsa4096": lambda: _both(_RSA(4096)),
    "ec": lambda: _both(_Curve()),
    "cv25519": lambda: (_X25519(), _Ed25519()),
}


def _aes(data: bytes, *, encrypt: bool) -> None:
    cipher = Cipher(AES(_KEY), modes.CBC(bytes(16)))
    work = cipher.encryptor() if encrypt else cipher.decryptor()
    work.update(data)
    work.finalize()


def _sha256(data: bytes) -> bytes:
    digest = hashes.Hash(_SHA256)
    digest.update(data)
    return digest.finalize()
