"""Session keys for recipients (RFC 9580 §5.1): reading who they are for, and unwrapping them with OpenSSL. `wrapping`
makes them.

A failed RSA unwrap gives a random key instead of an error (implicit rejection), so that nothing can be learned from
how it fails; such a key then does not open the content.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x448, x25519
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from sealmail.keys.pgp.checking import HASHES
from sealmail.keys.pgp.ciphers import CIPHERS
from sealmail.keys.pgp.packets import Fields, Malformed
from sealmail.keys.pgp.public import RSA_ALGORITHMS, Algorithm, PublicKey, Unsupported, x448_public, x25519_public
from sealmail.keys.pgp.secret import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class WrappedKey:
    """One public-key encrypted session key packet."""

    version: int
    recipient: str
    """Key id (version 3) or fingerprint (version 6) of the recipient's (sub)key; empty: hidden."""
    algorithm: int
    values: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKey:
    """An unwrapped session key."""

    cipher: int | None
    """None in version 6, where the encrypted data name it."""
    key: bytes = field(repr=False)


class WrongKey(Malformed):
    """The session key does not open with this key."""


def read_wrapped(body: bytes) -> WrappedKey:
    """Parses the packet's body. Raises `Malformed` or `Unsupported`."""
    fields = Fields(body)
    version = fields.number(1)
    if version == 3:
        recipient = fields.take(8).hex()
        recipient = "" if recipient == "0" * 16 else recipient
    elif version == 6:
        recipient = fields.take(fields.number(1))[1:].hex()
    else:
        raise Unsupported
    return WrappedKey(version=version, recipient=recipient, algorithm=fields.number(1), values=fields.rest())


def unwrap(wrapped: WrappedKey, public: PublicKey, private: PrivateKey) -> SessionKey:
    """The session key. Raises `WrongKey`, `Malformed` or `Unsupported`."""
    if wrapped.algorithm != public.algorithm:
        raise WrongKey
    fields = Fields(wrapped.values)
    try:
        match private:
            case rsa.RSAPrivateKey() if wrapped.algorithm in RSA_ALGORITHMS:
                value = fields.mpi().rjust((private.key_size + 7) // 8, b"\0")
                return _checked(private.decrypt(value, padding.PKCS1v15()), wrapped.version)
            case x25519.X25519PrivateKey() | ec.EllipticCurvePrivateKey() if wrapped.algorithm == Algorithm.ECDH:
                return _checked(_ecdh(fields, public, private), wrapped.version)
            case x25519.X25519PrivateKey():
                point = fields.take(32)
                return _modern(fields, wrapped.version, point + public.point, private.exchange(x25519_public(point)))
            case x448.X448PrivateKey():
                point = fields.take(56)
                return _modern(fields, wrapped.version, point + public.point, private.exchange(x448_public(point)))
    except (ValueError, InvalidUnwrap):
        raise WrongKey from None
    raise Unsupported


def _checked(content: bytes, version: int) -> SessionKey:
    # RFC 9580 §5.1.3: [cipher], key, sum of the key's octets.
    start = 1 if version == 3 else 0
    key, total = content[start:-2], content[-2:]
    if len(content) < start + 18 or not hmac.compare_digest((sum(key) & 0xFFFF).to_bytes(2, "big"), total):
        raise WrongKey
    return _sized(content[0] if version == 3 else None, key)


def _sized(cipher: int | None, key: bytes) -> SessionKey:
    known = CIPHERS.get(cipher) if cipher is not None else None
    if known is not None and len(key) != known.key_octets:
        raise WrongKey
    return SessionKey(cipher=cipher, key=key)


def _ecdh(fields: Fields, public: PublicKey, private: x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    # RFC 9580 §11.5
    point = fields.mpi()
    wrapped = fields.take(fields.number(1))
    if isinstance(private, x25519.X25519PrivateKey):
        if len(point) != 33 or point[0] != 0x40:
            raise Malformed
        shared = private.exchange(x25519_public(point[1:]))
    else:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(private.curve, point)
        shared = private.exchange(ec.ECDH(), peer)
    padded = aes_key_unwrap(ecdh_key(public, shared), wrapped)
    pad = padded[-1]
    if not 1 <= pad <= len(padded) or padded[-pad:] != bytes([pad]) * pad:
        raise WrongKey
    return padded[:-pad]


def ecdh_key(public: PublicKey, shared: bytes) -> bytes:
    """The key that wraps the session key (RFC 9580 §11.5). Raises `Unsupported`."""
    algorithm, cipher = HASHES.get(public.kdf[0]), CIPHERS.get(public.kdf[1])
    if algorithm is None or cipher is None or cipher.algorithm is not AES:  # RFC 9580 §11.5: AES key wrap
        raise Unsupported
    parameters = b"".join(
        (
            bytes([len(public.curve_id)]) + public.curve_id + bytes([Algorithm.ECDH, 3, 1]) + public.kdf,
            b"Anonymous Sender    ",
            bytes.fromhex(public.fingerprint),
        )
    )
    return hashlib.new(algorithm.name, b"\0\0\0\x01" + shared + parameters).digest()[: cipher.key_octets]


def _modern(fields: Fields, version: int, points: bytes, shared: bytes) -> SessionKey:
    # RFC 9580 §5.1.6 and §5.1.7: the cipher stands in front in the clear, and there is no sum.
    content = Fields(fields.take(fields.number(1)))
    cipher = content.number(1) if version == 3 else None
    return _sized(cipher, aes_key_unwrap(modern_key(points, shared), content.rest()))


def modern_key(points: bytes, shared: bytes) -> bytes:
    """The key that wraps the session key, for X25519 and X448. `points`: the sender's, then the recipient's."""
    is_x25519 = len(points) == 64
    algorithm, octets = (hashes.SHA256(), 16) if is_x25519 else (hashes.SHA512(), 32)
    info = b"OpenPGP X25519" if is_x25519 else b"OpenPGP X448"
    return HKDF(algorithm, octets, None, info).derive(points + shared)
