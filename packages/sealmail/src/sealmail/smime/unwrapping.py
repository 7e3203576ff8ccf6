"""The content key out of a recipient info, with a private key of ours: RSA, and agreement on curves; encapsulation is
in `kem`.

A failed RSA unwrap is no error here: the work goes on with a random key, so that nobody can learn from us whether the
padding was right (RFC 3218 §2.3.2). Called by `decrypting`.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from sealmail.ber import Element, Malformed, context
from sealmail.keys.certificate import algorithm_text
from sealmail.smime import algorithms, der, kem
from sealmail.smime.algorithms import Unsupported
from sealmail.smime.cms import Algorithm, KeyAgreement, KeyEncapsulation, KeyTransport, Recipient, algorithm


def unwrap(recipient: Recipient, private: PrivateKeyTypes, *, key_bytes: int) -> bytes:
    """A content key of this length. Raises Unsupported, Malformed; a wrong key in RSA is answered by a random one."""
    if isinstance(recipient, KeyTransport):
        return _transported(recipient, private, key_bytes)
    if isinstance(recipient, KeyEncapsulation):
        return kem.unwrap(recipient, private)
    return _agreed(recipient, private)


def key_scheme(recipient: Recipient, private: PrivateKeyTypes) -> str:
    """How the content key was protected, for people: "RSA", "RSA-OAEP", "ECDH P-256", "X25519", "ML-KEM-768"."""
    if isinstance(recipient, KeyTransport):
        return "RSA-OAEP" if recipient.algorithm.oid == algorithms.RSA_OAEP else "RSA"
    if isinstance(recipient, KeyEncapsulation):
        return algorithms.ML_KEM.get(recipient.algorithm.oid, "unknown")
    match private:
        case ec.EllipticCurvePrivateKey():
            return f"ECDH {algorithm_text(private.public_key()).removeprefix('EC ')}"
        case x25519.X25519PrivateKey():
            return "X25519"
        case x448.X448PrivateKey():
            return "X448"
        case _:
            return "unknown"


def _transported(recipient: KeyTransport, private: PrivateKeyTypes, key_bytes: int) -> bytes:
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Unsupported("key transport to a key that is not RSA")
    scheme = _transport_padding(recipient.algorithm)
    instead = secrets.token_bytes(key_bytes)
    try:
        key = private.decrypt(recipient.encrypted_key, scheme)
    except (ValueError, UnsupportedAlgorithm):
        return instead
    # OpenSSL answers bad padding with random octets of a random length, hence the check of the length.
    return key if len(key) == key_bytes else instead


def _transport_padding(scheme: Algorithm) -> padding.AsymmetricPadding:
    if scheme.oid == algorithms.RSA_ENCRYPTION:
        return padding.PKCS1v15()
    if scheme.oid == algorithms.RSA_OAEP:
        return _oaep(scheme.parameters)
    raise Unsupported("key transport")


def _oaep(parameters: Element | None) -> padding.OAEP:
    """RSAES-OAEP-params (RFC 4055 §4.1): everything left out is SHA-1, and an empty label."""
    digest = mask = algorithms.SHA1
    label = None
    if parameters is not None and parameters.size:
        fields = parameters.fields()
        if given := fields.optional(context(0)):
            digest = hash_of(algorithm(given.fields(given.tag).take()))
        if given := fields.optional(context(1)):
            mask = mask_hash(algorithm(given.fields(given.tag).take()))
        if given := fields.optional(context(2)):
            source = algorithm(given.fields(given.tag).take())
            label = None if source.parameters is None else source.parameters.octets()
    return padding.OAEP(padding.MGF1(mask.primitive), digest.primitive, label or None)


def hash_of(identifier: Algorithm) -> algorithms.Hash:
    """The hash that an AlgorithmIdentifier names; raises Unsupported."""
    if (found := algorithms.HASHES.get(identifier.oid)) is None:
        raise Unsupported("hash")
    return found


def mask_hash(identifier: Algorithm) -> algorithms.Hash:
    """The hash of a mask generation function, which must be MGF1 (RFC 4055 §2.2)."""
    if identifier.oid != algorithms.RSA_MGF1 or identifier.parameters is None:
        raise Unsupported("mask generation")
    return hash_of(algorithm(identifier.parameters))


def _agreed(recipient: KeyAgreement, private: PrivateKeyTypes) -> bytes:
    scheme = recipient.algorithm.oid
    digest = algorithms.AGREEMENTS.get(scheme) or algorithms.HKDF_AGREEMENTS.get(scheme)
    if digest is None or recipient.algorithm.parameters is None or recipient.originator is None:
        raise Unsupported("key agreement")
    wrap = algorithm(recipient.algorithm.parameters)
    if (size := algorithms.WRAPS.get(wrap.oid)) is None:
        raise Unsupported("key wrap")
    shared = _shared_secret(recipient.originator, private)
    kek = derive(
        shared,
        digest,
        wrap=wrap.raw,
        key_bytes=size,
        user_material=recipient.user_material,
        hkdf=scheme in algorithms.HKDF_AGREEMENTS,
    )
    try:
        if wrap.oid == algorithms.TRIPLE_DES_WRAP:
            return _triple_des_unwrap(kek, recipient.encrypted_key)
        return aes_key_unwrap(kek, recipient.encrypted_key)
    except (InvalidUnwrap, ValueError):
        raise Malformed("the wrapped key does not fit") from None


def derive(
    shared: bytes,
    digest: algorithms.Hash,
    *,
    wrap: bytes,
    key_bytes: int,
    user_material: bytes | None,
    hkdf: bool = False,
) -> bytes:
    """The key-encryption key out of the shared secret with ECC-CMS-SharedInfo (RFC 5753 §7.2): by X9.63, or by HKDF,
    for which the user material is the salt as well (RFC 8418 §2.2).
    """
    material = b"" if user_material is None else der.explicit(0, der.octet_string(user_material))
    bits = der.explicit(2, der.octet_string((key_bytes * 8).to_bytes(4)))
    info = der.sequence(wrap, material, bits)
    if hkdf:
        return HKDF(algorithm=digest.primitive, length=key_bytes, salt=user_material, info=info).derive(shared)
    return X963KDF(algorithm=digest.primitive, length=key_bytes, sharedinfo=info).derive(shared)


def _triple_des_unwrap(kek: bytes, wrapped: bytes) -> bytes:
    """RFC 3217 §3.2; raises ValueError for what does not fit."""
    if len(wrapped) != 40:
        raise ValueError
    reversed_ = _triple_des(kek, _TRIPLE_DES_VECTOR, wrapped)[::-1]
    plain = _triple_des(kek, reversed_[:8], reversed_[8:])
    key, check = plain[:24], plain[24:]
    if not constant_time.bytes_eq(algorithms.SHA1.digest(key)[:8], check):
        raise ValueError
    return key


_TRIPLE_DES_VECTOR = bytes.fromhex("4adda22c79e82105")


def _triple_des(kek: bytes, vector: bytes, content: bytes) -> bytes:
    decryptor = Cipher(TripleDES(kek), modes.CBC(vector)).decryptor()
    return decryptor.update(content) + decryptor.finalize()


def _shared_secret(originator: Element, private: PrivateKeyTypes) -> bytes:
    """Agrees with the sender's one-time key: OriginatorPublicKey (RFC 5652 §6.2.2)."""
    fields = originator.fields(context(1))
    fields.take()
    point = fields.take().bits()
    try:
        match private:
            case ec.EllipticCurvePrivateKey():
                # The point is checked to lie on our curve while it is read, which an invalid-curve attack needs undone.
                return private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(private.curve, point))
            case x25519.X25519PrivateKey():
                return private.exchange(x25519.X25519PublicKey.from_public_bytes(point))
            case x448.X448PrivateKey():
                return private.exchange(x448.X448PublicKey.from_public_bytes(point))
            case _:
                raise Unsupported("key agreement with a key of another kind")
    except ValueError:
        raise Malformed("the sender's key does not fit ours") from None
