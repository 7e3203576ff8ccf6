"""The content key by key encapsulation: KEMRecipientInfo (RFC 9629) with ML-KEM (RFC 9936), both ways.

A wrong ciphertext is answered by ML-KEM itself with a secret that nobody knows (FIPS 203 §6.3): it shows only where the
wrapped key does not fit, just as a changed wrapped key does, and both become the same outcome in `decrypting`.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from sealmail import ber
from sealmail.ber import Malformed
from sealmail.smime import algorithms, cms, der
from sealmail.smime.algorithms import Hash, Unsupported
from sealmail.smime.cms import KeyEncapsulation

_KEK_BYTES = 32
_IDENTIFIERS = {name: oid for oid, name in algorithms.ML_KEM.items()}

PublicKey = mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey


def unwrap(recipient: KeyEncapsulation, private: PrivateKeyTypes) -> bytes:
    """The content key. Raises Unsupported, and Malformed for all that does not fit."""
    digest = _derivation(recipient)
    size = algorithms.AES_WRAPS.get(recipient.wrap.oid)
    if size is None:
        raise Unsupported("key wrap")
    # RFC 9629 §3: what is derived has the size that the key wrap takes.
    if recipient.kek_bytes != size:
        raise Malformed("the key does not fit the key wrap")
    wrap = ber.read(recipient.wrap.raw).der()
    shared = _decapsulated(recipient, private)
    kek = derive(shared, digest, wrap=wrap, key_bytes=size, user_material=recipient.user_material)
    try:
        return aes_key_unwrap(kek, recipient.encrypted_key)
    except (InvalidUnwrap, ValueError):
        raise Malformed("the wrapped key does not fit") from None


def _derivation(recipient: KeyEncapsulation) -> Hash:
    """RFC 8619 §2: HKDF goes by an identifier for each hash, without parameters."""
    digest = algorithms.HKDFS.get(recipient.derivation.oid)
    if digest is None or recipient.derivation.parameters is not None:
        raise Unsupported("key derivation")
    return digest


def _decapsulated(recipient: KeyEncapsulation, private: PrivateKeyTypes) -> bytes:
    if not isinstance(private, mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey):
        raise Unsupported("key encapsulation to a key of another kind")
    if algorithms.ML_KEM.get(recipient.algorithm.oid) != scheme(private.public_key()):
        raise Unsupported("key encapsulation")
    try:
        return private.decapsulate(recipient.ciphertext)
    except ValueError:
        raise Malformed("the ciphertext has another size") from None


def derive(shared: bytes, digest: Hash, *, wrap: bytes, key_bytes: int, user_material: bytes | None) -> bytes:
    """The key-encryption key out of the shared secret, bound to what it is for: CMSORIforKEMOtherInfo (RFC 9629 §5).

    `wrap`: the AlgorithmIdentifier of the key wrap, in DER.
    """
    info = other_info(wrap=wrap, key_bytes=key_bytes, user_material=user_material)
    return HKDF(algorithm=digest.primitive, length=key_bytes, salt=None, info=info).derive(shared)


def other_info(*, wrap: bytes, key_bytes: int, user_material: bytes | None) -> bytes:
    """CMSORIforKEMOtherInfo in DER (RFC 9629 §5)."""
    material = b"" if user_material is None else der.explicit(0, der.octet_string(user_material))
    return der.sequence(wrap, der.integer(key_bytes), material)


def recipient_info(public: PublicKey, name: bytes, key: bytes) -> bytes:
    """A recipient info that carries the content key to a public key, whose certificate goes by `name` (DER of a
    RecipientIdentifier).
    """
    shared, ciphertext = public.encapsulate()
    wrap = der.algorithm(algorithms.AES256_WRAP)
    kek = derive(shared, algorithms.SHA256, wrap=wrap, key_bytes=_KEK_BYTES, user_material=None)
    info = der.sequence(
        der.integer(0),
        name,
        der.algorithm(_IDENTIFIERS[scheme(public)]),
        der.octet_string(ciphertext),
        der.algorithm(algorithms.KEM_KDF),
        der.integer(_KEK_BYTES),
        wrap,
        der.octet_string(aes_key_wrap(kek, key)),
    )
    return der.implicit(4, der.sequence(der.oid(cms.KEM_RECIPIENT), info))


def scheme(public: PublicKey) -> str:
    """For people: "ML-KEM-768", "ML-KEM-1024"."""
    return "ML-KEM-768" if isinstance(public, mlkem.MLKEM768PublicKey) else "ML-KEM-1024"
