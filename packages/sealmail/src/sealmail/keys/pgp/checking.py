"""Verifying and making one signature: what goes into its digest (RFC 9580 §5.2.4), and the algorithm over it."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature

from sealmail.errors import InputError
from sealmail.keys.pgp.packets import Fields, mpi
from sealmail.keys.pgp.public import CAN_SIGN, Algorithm, PublicKey, Unsupported
from sealmail.keys.pgp.subpackets import Signature, SignatureType


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash algorithm (RFC 9580 §9.5) under its usual name, without dashes."""

    name: str
    for_openssl: hashes.HashAlgorithm
    salt_octets: int = 0
    """Of version 6 signatures; 0: not allowed in them."""


SHA256, SHA512 = 8, 10
HASHES: dict[int, Hash] = {
    1: Hash("md5", hashes.MD5()),  # noqa: S303 -- old mail is checked with what it was made with; policy calls it weak
    2: Hash("sha1", hashes.SHA1()),  # noqa: S303 -- as above
    SHA256: Hash("sha256", hashes.SHA256(), 16),
    9: Hash("sha384", hashes.SHA384(), 24),
    SHA512: Hash("sha512", hashes.SHA512(), 32),
    11: Hash("sha224", hashes.SHA224(), 16),
    12: Hash("sha3_256", hashes.SHA3_256(), 16),
    14: Hash("sha3_512", hashes.SHA3_512(), 32),
}
_OTHER_NAMES = {3: "ripemd160"}

SigningKey = (
    rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


def hash_name(hash_id: int) -> str:
    """The name of a hash algorithm as policies write it."""
    known = HASHES.get(hash_id)
    return known.name if known else _OTHER_NAMES.get(hash_id, f"hash {hash_id}")


def canonical_text(content: bytes) -> bytes:
    """The content with CRLF line ends, as signatures over text see it; nothing else is changed."""
    if content.count(b"\n") == content.count(b"\r\n"):
        return content  # the usual case; to count takes half of the time of a copy
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def signed_content(signature: Signature, content: bytes) -> bytes:
    """What a signature over a document is over."""
    return canonical_text(content) if signature.type == SignatureType.TEXT else content


def over_user_id(signature: Signature, primary: PublicKey, user_id: bytes) -> bytes:
    """What a certification of a user ID is over."""
    head = b"" if signature.version == 3 else b"\xb4" + struct.pack(">I", len(user_id))
    return primary.prefixed + head + user_id


def holds(signature: Signature, key: PublicKey, content: bytes) -> bool:
    """Whether the key made this signature over this content.

    Raises `Unsupported` where algorithm, hash or version are not known, `Malformed` where the values cannot be read.
    """
    if (signature.version == 6) is not (key.version == 6):
        return False
    if signature.algorithm != key.algorithm or key.algorithm not in CAN_SIGN:
        if signature.algorithm not in CAN_SIGN:
            raise Unsupported
        return False
    algorithm = _hash(signature)
    digest = _digest(signature, algorithm, content)
    try:
        _verify(key, signature.values, digest, Prehashed(algorithm.for_openssl))
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm:
        raise Unsupported from None
    return True


def digest_of(signature: Signature, content: bytes) -> bytes:
    """The digest that a signature is over; its first two octets stand in the packet. Raises `Unsupported`."""
    return _digest(signature, _hash(signature), content)


def _hash(signature: Signature) -> Hash:
    algorithm = HASHES.get(signature.hash_id)
    if algorithm is None:
        raise Unsupported
    if signature.version == 6 and (not algorithm.salt_octets or len(signature.salt) != algorithm.salt_octets):
        raise Unsupported  # RFC 9580 §5.2.3: the salt has the size that belongs to the hash
    return algorithm


def _digest(signature: Signature, algorithm: Hash, content: bytes) -> bytes:
    digest = hashlib.new(algorithm.name, signature.salt, usedforsecurity=False)
    digest.update(content)
    digest.update(signature.hashed_part)
    if signature.version != 3:
        digest.update(bytes([signature.version, 0xFF]) + struct.pack(">I", len(signature.hashed_part)))
    return digest.digest()


def _verify(key: PublicKey, values: bytes, digest: bytes, prehashed: Prehashed) -> None:
    fields = Fields(values)
    public = key.verifying
    match public:
        case rsa.RSAPublicKey():
            value = fields.mpi().rjust((public.key_size + 7) // 8, b"\0")
            public.verify(value, digest, padding.PKCS1v15(), prehashed)
        case dsa.DSAPublicKey():
            public.verify(_dss(fields), digest, prehashed)
        case ec.EllipticCurvePublicKey():
            public.verify(_dss(fields), digest, ec.ECDSA(prehashed))
        case ed25519.Ed25519PublicKey() if key.algorithm == Algorithm.EDDSA_LEGACY:
            public.verify(fields.mpi().rjust(32, b"\0") + fields.mpi().rjust(32, b"\0"), digest)
        case ed25519.Ed25519PublicKey():
            public.verify(fields.take(64), digest)
        case ed448.Ed448PublicKey():
            public.verify(fields.take(114), digest)


def _dss(fields: Fields) -> bytes:
    return encode_dss_signature(int.from_bytes(fields.mpi(), "big"), int.from_bytes(fields.mpi(), "big"))


def signature_body(draft: Signature, content: bytes, key: SigningKey) -> bytes:
    """The body of the signature packet that `draft` describes (its `values` are not used), made by `key`."""
    algorithm = HASHES[draft.hash_id]
    digest = _digest(draft, algorithm, content)
    salt = bytes([len(draft.salt)]) + draft.salt if draft.version == 6 else b""
    unhashed = bytes(4 if draft.version == 6 else 2)
    return (
        draft.hashed_part + unhashed + digest[:2] + salt + _sign(draft, key, digest, Prehashed(algorithm.for_openssl))
    )


def _sign(draft: Signature, key: SigningKey, digest: bytes, prehashed: Prehashed) -> bytes:
    match key:
        case rsa.RSAPrivateKey():
            return mpi(int.from_bytes(key.sign(digest, padding.PKCS1v15(), prehashed), "big"))
        case dsa.DSAPrivateKey():
            return b"".join(mpi(one) for one in decode_dss_signature(key.sign(digest, prehashed)))
        case ec.EllipticCurvePrivateKey():
            return b"".join(mpi(one) for one in decode_dss_signature(key.sign(digest, ec.ECDSA(prehashed))))
        case ed25519.Ed25519PrivateKey() if draft.algorithm == Algorithm.EDDSA_LEGACY:
            value = key.sign(digest)
            return mpi(int.from_bytes(value[:32], "big")) + mpi(int.from_bytes(value[32:], "big"))
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            return key.sign(digest)
    raise InputError("This key cannot sign.")
