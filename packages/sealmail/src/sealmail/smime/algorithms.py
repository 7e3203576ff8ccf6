"""The algorithms that mail uses, by object identifier: names for people, and what the primitives need.

Read: everything here. Written: only what `signing` and `encrypting` name. What is weak is decided by the policy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives import hashes

from sealmail.ber import encode_oid
from sealmail.errors import InputError


class Unsupported(InputError):
    """An algorithm that is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hash:
    """A digest algorithm."""

    name: str
    oid: bytes
    primitive: hashes.HashAlgorithm

    @property
    def micalg(self) -> str:
        """The name in a multipart/signed (RFC 8551 §3.5.3.2), which knows only SHA-2 and what came before it."""
        return self.name.lower() if self.name.startswith(("SHA-", "MD5")) else "unknown"

    @property
    def policy_name(self) -> str:
        """The name in a policy: lower case, no dashes."""
        return self.name.lower().replace("-", "")

    def digest(self, content: bytes) -> bytes:
        """The digest of the content."""
        if self.name == "SHAKE256":
            return hashlib.shake_256(content).digest(64)  # RFC 8419 §2.3: 512 bits
        return hashlib.new(self.primitive.name.replace("-", "_"), content, usedforsecurity=False).digest()


def _hash(name: str, oid: str, primitive: hashes.HashAlgorithm) -> Hash:
    return Hash(name=name, oid=encode_oid(oid), primitive=primitive)


SHA1 = _hash("SHA-1", "1.3.14.3.2.26", hashes.SHA1())  # noqa: S303 -- read with a mark, never written
SHA224 = _hash("SHA-224", "2.16.840.1.101.3.4.2.4", hashes.SHA224())
SHA256 = _hash("SHA-256", "2.16.840.1.101.3.4.2.1", hashes.SHA256())
SHA384 = _hash("SHA-384", "2.16.840.1.101.3.4.2.2", hashes.SHA384())
SHA512 = _hash("SHA-512", "2.16.840.1.101.3.4.2.3", hashes.SHA512())
SHAKE256 = _hash("SHAKE256", "2.16.840.1.101.3.4.2.12", hashes.SHAKE256(64))
_MD5 = _hash("MD5", "1.2.840.113549.2.5", hashes.MD5())  # noqa: S303 -- as SHA-1
_SHA3 = (
    _hash("SHA3-224", "2.16.840.1.101.3.4.2.7", hashes.SHA3_224()),
    _hash("SHA3-256", "2.16.840.1.101.3.4.2.8", hashes.SHA3_256()),
    _hash("SHA3-384", "2.16.840.1.101.3.4.2.9", hashes.SHA3_384()),
    _hash("SHA3-512", "2.16.840.1.101.3.4.2.10", hashes.SHA3_512()),
)

SHAKE256_LEN = encode_oid("2.16.840.1.101.3.4.2.18")
"""SHAKE256 with its length as parameter, as beside Ed448 with signed attributes (RFC 8419 §3.1)."""

HASHES: Final = {one.oid: one for one in (_MD5, SHA1, SHA224, SHA256, SHA384, SHA512, *_SHA3, SHAKE256)}
HASHES[SHAKE256_LEN] = SHAKE256

RSA_ENCRYPTION = encode_oid("1.2.840.113549.1.1.1")
RSA_OAEP = encode_oid("1.2.840.113549.1.1.7")
RSA_MGF1 = encode_oid("1.2.840.113549.1.1.8")
RSA_PSS = encode_oid("1.2.840.113549.1.1.10")
EC_PUBLIC_KEY = encode_oid("1.2.840.10045.2.1")
X25519 = encode_oid("1.3.101.110")
X448 = encode_oid("1.3.101.111")
ED25519 = encode_oid("1.3.101.112")
ED448 = encode_oid("1.3.101.113")

ML_DSA: Final = {
    encode_oid("2.16.840.1.101.3.4.3.17"): "ML-DSA-44",
    encode_oid("2.16.840.1.101.3.4.3.18"): "ML-DSA-65",
    encode_oid("2.16.840.1.101.3.4.3.19"): "ML-DSA-87",
}
"""Signatures over the message itself, as keys have it too (RFC 9882 §2); the form over a hash is another algorithm."""
ML_KEM: Final = {
    encode_oid("2.16.840.1.101.3.4.4.1"): "ML-KEM-512",
    encode_oid("2.16.840.1.101.3.4.4.2"): "ML-KEM-768",
    encode_oid("2.16.840.1.101.3.4.4.3"): "ML-KEM-1024",
}
"""Key encapsulation (RFC 9936 §3)."""

RSA_WITH_HASH: Final = {
    RSA_ENCRYPTION: None,  # the digest algorithm of the signer counts
    encode_oid("1.2.840.113549.1.1.4"): _MD5,
    encode_oid("1.2.840.113549.1.1.5"): SHA1,
    encode_oid("1.2.840.113549.1.1.14"): SHA224,
    encode_oid("1.2.840.113549.1.1.11"): SHA256,
    encode_oid("1.2.840.113549.1.1.12"): SHA384,
    encode_oid("1.2.840.113549.1.1.13"): SHA512,
    **{encode_oid(f"2.16.840.1.101.3.4.3.{13 + i}"): one for i, one in enumerate(_SHA3)},
}
ECDSA_WITH_HASH: Final = {
    encode_oid("1.2.840.10045.4.1"): SHA1,
    encode_oid("1.2.840.10045.4.3.1"): SHA224,
    encode_oid("1.2.840.10045.4.3.2"): SHA256,
    encode_oid("1.2.840.10045.4.3.3"): SHA384,
    encode_oid("1.2.840.10045.4.3.4"): SHA512,
    **{encode_oid(f"2.16.840.1.101.3.4.3.{9 + i}"): one for i, one in enumerate(_SHA3)},
}
DSA_WITH_HASH: Final = {
    encode_oid("1.2.840.10040.4.1"): None,
    encode_oid("1.2.840.10040.4.3"): SHA1,
    encode_oid("2.16.840.1.101.3.4.3.2"): SHA256,
}


class Mode(StrEnum):
    """How a content cipher is used."""

    CBC = "CBC"
    GCM = "GCM"
    CCM = "CCM"
    POLY1305 = "Poly1305"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cipher:
    """A content cipher that is read."""

    name: str
    oid: bytes
    key_bytes: int
    block_bytes: int
    mode: Mode = Mode.CBC
    is_weak: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Whether a change is noticed (RFC 5083)."""
        return self.mode is not Mode.CBC


def _aes(bits: int, mode: Mode, number: int) -> Cipher:
    oid = encode_oid(f"2.16.840.1.101.3.4.1.{number}")
    return Cipher(name=f"AES-{bits}-{mode}", oid=oid, key_bytes=bits // 8, block_bytes=16, mode=mode)


AES128_CBC, AES192_CBC, AES256_CBC = (_aes(bits, Mode.CBC, n) for bits, n in ((128, 2), (192, 22), (256, 42)))
AES128_GCM, AES192_GCM, AES256_GCM = (_aes(bits, Mode.GCM, n) for bits, n in ((128, 6), (192, 26), (256, 46)))
AES128_CCM, AES192_CCM, AES256_CCM = (_aes(bits, Mode.CCM, n) for bits, n in ((128, 7), (192, 27), (256, 47)))
CHACHA20_POLY1305 = Cipher(
    name="ChaCha20-Poly1305",
    oid=encode_oid("1.2.840.113549.1.9.16.3.18"),  # RFC 8103 §3
    key_bytes=32,
    block_bytes=1,
    mode=Mode.POLY1305,
)
TRIPLE_DES = Cipher(name="3DES-CBC", oid=encode_oid("1.2.840.113549.3.7"), key_bytes=24, block_bytes=8, is_weak=True)

CIPHERS: Final = {
    one.oid: one
    for one in (
        *(AES128_CBC, AES192_CBC, AES256_CBC),
        *(AES128_GCM, AES192_GCM, AES256_GCM),
        *(AES128_CCM, AES192_CCM, AES256_CCM),
        *(CHACHA20_POLY1305, TRIPLE_DES),
    )
}
CEK_HKDF_SHA256 = encode_oid("1.2.840.113549.1.9.16.3.31")
"""Not a cipher, but how the key of one is derived (RFC 9709 §2)."""
ZLIB = encode_oid("1.2.840.113549.1.9.16.3.8")
"""The one compression (RFC 3274 §2)."""
REFUSED_CIPHERS: Final = {
    encode_oid("1.2.840.113549.3.2"): "RC2-CBC",
    encode_oid("1.2.840.113549.3.4"): "RC4",
    encode_oid("1.3.14.3.2.7"): "DES-CBC",
}
"""So weak that plain text from them means nothing; they are not opened."""

AES_WRAPS: Final = {
    encode_oid("2.16.840.1.101.3.4.1.5"): 16,
    encode_oid("2.16.840.1.101.3.4.1.25"): 24,
    encode_oid("2.16.840.1.101.3.4.1.45"): 32,
}
"""Key wrap by object identifier, with the size of its key in bytes (RFC 3565 §2.3.2)."""
AES256_WRAP = encode_oid("2.16.840.1.101.3.4.1.45")

TRIPLE_DES_WRAP = encode_oid("1.2.840.113549.1.9.16.3.6")
"""RFC 3217 §3, by senders of long ago."""
WRAPS: Final = {**AES_WRAPS, TRIPLE_DES_WRAP: 24}

STD_DH_SHA256 = encode_oid("1.3.132.1.11.1")
STD_DH_SHA384 = encode_oid("1.3.132.1.11.2")
STD_DH_SHA512 = encode_oid("1.3.132.1.11.3")
HKDF_SHA256 = encode_oid("1.2.840.113549.1.9.16.3.19")
HKDF_SHA512 = encode_oid("1.2.840.113549.1.9.16.3.21")
AGREEMENTS: Final = {
    encode_oid("1.3.133.16.840.63.0.2"): SHA1,
    encode_oid("1.3.133.16.840.63.0.3"): SHA1,
    **{
        encode_oid(f"1.3.132.1.{scheme}.{i}"): one
        for scheme in (11, 14)
        for i, one in enumerate((SHA224, SHA256, SHA384, SHA512))
    },
}
"""ECDH schemes with the hash of their key derivation (RFC 5753 §7.1.4).

The cofactor forms (14) are here too: on the curves in use the cofactor is one, so that they are the same.
"""
HKDF_AGREEMENTS: Final = {
    HKDF_SHA256: SHA256,
    encode_oid("1.2.840.113549.1.9.16.3.20"): SHA384,
    HKDF_SHA512: SHA512,
}
"""ECDH schemes that derive by HKDF, with its hash (RFC 8418 §2.2)."""

HKDFS: Final = {
    encode_oid("1.2.840.113549.1.9.16.3.28"): SHA256,
    encode_oid("1.2.840.113549.1.9.16.3.29"): SHA384,
    encode_oid("1.2.840.113549.1.9.16.3.30"): SHA512,
}
"""Key derivation of its own, as key encapsulation names it (RFC 8619 §2), with its hash."""
KEM_KDF = encode_oid("1.2.840.113549.1.9.16.3.28")
"""The one that everybody who reads ML-KEM has (RFC 9936 §2.2)."""
