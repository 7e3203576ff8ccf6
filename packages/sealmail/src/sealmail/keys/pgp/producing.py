"""New key packets: making key pairs, and writing public and secret key packets (RFC 9580 §5.5.2, §5.5.3).

Version 4 for reach, version 6 by choice. Keys come from OpenSSL's generator; the time of creation is a parameter.
"""

from __future__ import annotations

import hashlib
import os
import struct
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealmail.keys.pgp.ciphers import AES256, CIPHERS, AEADMode, aead
from sealmail.keys.pgp.packets import Fields, Tag, mpi
from sealmail.keys.pgp.passphrase import read_derivation
from sealmail.keys.pgp.public import Algorithm, PublicKey, read_public
from sealmail.keys.pgp.secret import PrivateKey

_ED25519_LEGACY = bytes.fromhex("092b06010401da470f01")
_CURVE25519_LEGACY = bytes.fromhex("0a2b060104019755010501")
_KDF = b"\x03\x01\x08\x07"  # SHA-256 and AES-128, as RFC 9580 §11.5.1 has them for Curve25519
_CODED_COUNT = 0xF0
"""33 million octets hashed for each try of a passphrase (RFC 9580 §3.7.1.3); a tenth of a second."""
_ARGON2 = (3, 4, 16)
"""Passes, lanes and memory (64 MiB): the second choice of RFC 9106 §4, which fits into the limits of opening."""


class Suite(StrEnum):
    """What a new key is made of."""

    CURVE25519 = "curve25519"
    """Version 4: Ed25519 and ECDH over Curve25519 in the forms that GnuPG reads since 2.1."""
    RSA_3072 = "rsa3072"
    RSA_4096 = "rsa4096"
    """Version 4, for peers that know nothing else."""
    VERSION_6 = "v6"
    """Version 6 with Ed25519 and X25519 (RFC 9580); GnuPG does not read it."""

    @property
    def version(self) -> int:
        """Of the key packets."""
        return 6 if self is Suite.VERSION_6 else 4


def signing_pair(suite: Suite, at: datetime) -> tuple[PublicKey, PrivateKey]:
    """A new primary key, created at `at`."""
    if suite in _RSA_BITS:
        return _rsa_pair(_RSA_BITS[suite], at)
    private = ed25519.Ed25519PrivateKey.generate()
    point = private.public_key().public_bytes_raw()
    if suite is Suite.VERSION_6:
        return _public(6, Algorithm.ED25519, point, at), private
    return _public(4, Algorithm.EDDSA_LEGACY, _ED25519_LEGACY + _native(point), at), private


def encryption_pair(suite: Suite, at: datetime) -> tuple[PublicKey, PrivateKey]:
    """A new subkey to encrypt to, created at `at`."""
    if suite in _RSA_BITS:
        return _rsa_pair(_RSA_BITS[suite], at)
    private = x25519.X25519PrivateKey.generate()
    point = private.public_key().public_bytes_raw()
    if suite is Suite.VERSION_6:
        return _public(6, Algorithm.X25519, point, at), private
    return _public(4, Algorithm.ECDH, _CURVE25519_LEGACY + _native(point) + _KDF, at), private


_RSA_BITS = {Suite.RSA_3072: 3072, Suite.RSA_4096: 4096}


def _rsa_pair(bits: int, at: datetime) -> tuple[PublicKey, PrivateKey]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    numbers = private.public_key().public_numbers()
    return _public(4, Algorithm.RSA, mpi(numbers.n) + mpi(numbers.e), at), private


def _public(version: int, algorithm: Algorithm, material: bytes, at: datetime) -> PublicKey:
    head = bytes([version]) + struct.pack(">I", int(at.timestamp())) + bytes([algorithm])
    size = struct.pack(">I", len(material)) if version == 6 else b""
    return read_public(head + size + material)[0]


def _native(point: bytes) -> bytes:
    return mpi(int.from_bytes(b"\x40" + point, "big"))  # RFC 9580 §11.2.1


def secret_packet(public: PublicKey, private: PrivateKey, passphrase: str, *, is_primary: bool) -> bytes:
    """The body of a secret key packet, protected where there is a passphrase.

    Version 6: AES-256-OCB under Argon2. Version 4: AES-256-CFB under an iterated SHA-256, which GnuPG 2.2 reads.
    """
    content = secret_content(public, private)
    if not passphrase:
        total = b"" if public.version == 6 else (sum(content) & 0xFFFF).to_bytes(2, "big")
        return public.body + b"\0" + content + total
    if public.version == 6:
        return public.body + _under_aead(public, content, passphrase, is_primary=is_primary)
    return public.body + _under_cfb(content, passphrase)


def _under_cfb(content: bytes, passphrase: str) -> bytes:
    specifier = b"\x03\x08" + os.urandom(8) + bytes([_CODED_COUNT])
    iv, cipher = os.urandom(16), CIPHERS[AES256]
    key = read_derivation(Fields(specifier)).key(passphrase, cipher.key_octets)
    check = hashlib.sha1(content, usedforsecurity=False).digest()  # RFC 9580 §5.5.3 has no other for this form
    return bytes([254, AES256]) + specifier + iv + cipher.cfb_encrypt(key, iv, content + check)


def _under_aead(public: PublicKey, content: bytes, passphrase: str, *, is_primary: bool) -> bytes:
    passes, lanes, memory = _ARGON2
    salt, cipher, mode = os.urandom(16), CIPHERS[AES256], AEADMode.OCB
    nonce = os.urandom(mode.nonce_octets)
    specifier = b"\x04" + salt + bytes([passes, lanes, memory])
    derivation = Argon2id(salt=salt, length=cipher.key_octets, iterations=passes, lanes=lanes, memory_cost=1 << memory)
    tag = bytes([0xC0 | (Tag.SECRET_KEY if is_primary else Tag.SECRET_SUBKEY)])
    info = tag + bytes([public.version, AES256, mode])
    key = HKDF(hashes.SHA256(), cipher.key_octets, None, info).derive(derivation.derive(passphrase.encode()))
    parameters = bytes([AES256, mode, len(specifier)]) + specifier + nonce
    return (
        bytes([253, len(parameters)]) + parameters + aead(mode, cipher, key).encrypt(nonce, content, tag + public.body)
    )


def secret_content(public: PublicKey, private: PrivateKey) -> bytes:
    """The algorithm's secret fields, unprotected (RFC 9580 §5.5.5)."""
    match private:
        case rsa.RSAPrivateKey():
            return _rsa_content(private.private_numbers())
        case dsa.DSAPrivateKey():
            return mpi(private.private_numbers().x)
        case ec.EllipticCurvePrivateKey():
            return mpi(private.private_numbers().private_value)
        case x25519.X25519PrivateKey() if public.algorithm == Algorithm.ECDH:
            return mpi(int.from_bytes(_clamped(private.private_bytes_raw())[::-1], "big"))
        case ed25519.Ed25519PrivateKey() if public.algorithm == Algorithm.EDDSA_LEGACY:
            return mpi(int.from_bytes(private.private_bytes_raw(), "big"))
    return private.private_bytes_raw()


def _clamped(scalar: bytes) -> bytes:
    # GnuPG takes the scalar as it is, so that it has to be stored in the form in which it is used (RFC 7748 §5).
    return bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])


def _rsa_content(numbers: rsa.RSAPrivateNumbers) -> bytes:
    # RFC 9580 §5.5.5.1: p is the smaller prime, and the fourth number is p^-1 mod q.
    p, q = sorted((numbers.p, numbers.q))
    return b"".join(mpi(one) for one in (numbers.d, p, q, pow(p, -1, q)))
