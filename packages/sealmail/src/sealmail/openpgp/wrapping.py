"""Brings a session key to one recipient's (sub)key (RFC 9580 §5.1), by OpenSSL. `session_keys` is the other way."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, x448, x25519
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealmail.keys.pgp.packets import mpi
from sealmail.keys.pgp.public import (
    CURVE_25519,
    Algorithm,
    PublicKey,
    Unsupported,
    x448_public,
    x25519_public,
)
from sealmail.openpgp.session_keys import ecdh_key, modern_key


def wrapped(session_key: bytes, cipher: int, public: PublicKey, *, with_aead: bool) -> bytes:
    """The body of the packet: version 6 for AEAD containers, which name the cipher themselves, else version 3.

    Raises `Unsupported` for keys that we cannot encrypt to, and where the numbers make no key.
    """
    named = _recipient(public, with_aead=with_aead) + bytes([public.algorithm])
    told = b"" if with_aead else bytes([cipher])
    try:
        return named + _values(session_key, told, public)
    except (ValueError, UnsupportedAlgorithm):
        raise Unsupported from None


def _recipient(public: PublicKey, *, with_aead: bool) -> bytes:
    # RFC 9580 §5.1.1, §5.1.2
    if not with_aead:
        return b"\x03" + bytes.fromhex(public.key_id)
    fingerprint = bytes.fromhex(public.fingerprint)
    return bytes([6, len(fingerprint) + 1, public.version]) + fingerprint


def _values(session_key: bytes, told: bytes, public: PublicKey) -> bytes:
    # RFC 9580 §5.1.3: [cipher], key, sum of the key's octets.
    total = (sum(session_key) & 0xFFFF).to_bytes(2, "big")
    match public.algorithm:
        case Algorithm.RSA | Algorithm.RSA_ENCRYPT:
            encrypted = public.rsa.encrypt(told + session_key + total, padding.PKCS1v15())
            return mpi(int.from_bytes(encrypted, "big"))
        case Algorithm.ECDH:
            return _ecdh(told + session_key + total, public)
        case Algorithm.X25519:
            mine = x25519.X25519PrivateKey.generate()
            shared = mine.exchange(x25519_public(public.point))
            return _modern(session_key, told, mine.public_key().public_bytes_raw(), public.point, shared)
        case Algorithm.X448:
            mine_448 = x448.X448PrivateKey.generate()
            shared = mine_448.exchange(x448_public(public.point))
            return _modern(session_key, told, mine_448.public_key().public_bytes_raw(), public.point, shared)
    raise Unsupported


def _ecdh(content: bytes, public: PublicKey) -> bytes:
    # RFC 9580 §11.5
    point, shared = _exchanged(public)
    pad = 8 - len(content) % 8
    sealed = aes_key_wrap(ecdh_key(public, shared), content + bytes([pad]) * pad)
    return mpi(int.from_bytes(point, "big")) + bytes([len(sealed)]) + sealed


def _exchanged(public: PublicKey) -> tuple[bytes, bytes]:
    """A fresh point in its wire format (RFC 9580 §11.2), and the secret shared with the recipient."""
    if public.curve is CURVE_25519:
        mine = x25519.X25519PrivateKey.generate()
        return b"\x40" + mine.public_key().public_bytes_raw(), mine.exchange(x25519_public(public.point))
    if public.curve is None or public.curve.weierstrass is None:
        raise Unsupported
    curve = public.curve.weierstrass
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(curve, public.point)
    ephemeral = ec.generate_private_key(curve)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return point, ephemeral.exchange(ec.ECDH(), theirs)


def _modern(session_key: bytes, told: bytes, point: bytes, recipient: bytes, shared: bytes) -> bytes:
    # RFC 9580 §5.1.6 and §5.1.7: the cipher stands in front in the clear, and there is no sum.
    sealed = told + aes_key_wrap(modern_key(point + recipient, shared), session_key)
    return point + bytes([len(sealed)]) + sealed
