"""Builds CMS by hand, right and wrong: what other programs write and ours does not, and what attackers write."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher as PrimitiveCipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sealmail import ber
from sealmail.errors import UsageError
from sealmail.keys import Key, SecretKey
from sealmail.keys.certificate import outline_of, public_key
from sealmail.smime import algorithms, cms, der
from sealmail.smime.attributes import CONTENT_TYPE, MESSAGE_DIGEST
from sealmail.testing.pki import loaded

ECDSA_SHA256 = ber.encode_oid("1.2.840.10045.4.3.2")


def attribute(kind: bytes, *values: bytes) -> bytes:
    """One attribute with its values."""
    return der.sequence(der.oid(kind), der.tagged(ber.SET, b"".join(values)))


def usual_attributes(content: bytes, *, content_type: bytes = cms.DATA) -> list[bytes]:
    """The attributes that every signer has to have, with SHA-256."""
    return [
        attribute(CONTENT_TYPE, der.oid(content_type)),
        attribute(MESSAGE_DIGEST, der.octet_string(algorithms.SHA256.digest(content))),
    ]


def signer_info(
    secret: SecretKey,
    content: bytes,
    attributes: Sequence[bytes] | None,
    *,
    digest: bytes = algorithms.SHA256.oid,
    scheme: bytes | None = None,
    sorts: bool = True,
    sid: bytes | None = None,
    signs: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """SignerInfo. By default an EC key signs with SHA-256; `signs` makes the signature, `scheme` is its identifier,
    `sid` how the signer is named, `sorts` whether the attributes are put in order.
    """
    listed = None if attributes is None else b"".join(sorted(attributes) if sorts else attributes)
    outline = outline_of(secret.key.material)
    return der.sequence(
        der.integer(1),
        sid or der.sequence(outline.issuer, der.integer(outline.serial)),
        der.algorithm(digest),
        *([] if listed is None else [der.tagged(ber.context(0), listed)]),
        scheme or der.algorithm(ECDSA_SHA256),
        der.octet_string((signs or _by_curve(secret))(content if listed is None else der.tagged(ber.SET, listed))),
    )


def _by_curve(secret: SecretKey) -> Callable[[bytes], bytes]:
    private = loaded(secret)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise UsageError("Only EC keys sign without being told how.")
    return lambda content: private.sign(content, ec.ECDSA(hashes.SHA256()))


def signed_data(
    infos: Sequence[bytes],
    content: bytes | None,
    *,
    certificates: Sequence[bytes] = (),
    content_type: bytes = cms.DATA,
    digests: Sequence[bytes] = (algorithms.SHA256.oid,),
) -> bytes:
    """ContentInfo with SignedData around signers and content (None: detached)."""
    carried = [] if content is None else [der.explicit(0, der.octet_string(content))]
    return wrapped(
        cms.SIGNED_DATA,
        der.integer(1),
        der.set_of([der.algorithm(digest) for digest in digests]),
        der.sequence(der.oid(content_type), *carried),
        *([der.tagged(ber.context(0), b"".join(certificates))] if certificates else []),
        der.set_of(infos),
    )


def compressed_data(content: bytes, *, content_type: bytes = cms.DATA, compression: bytes = algorithms.ZLIB) -> bytes:
    """ContentInfo with CompressedData (RFC 3274 §1.1)."""
    return compressed_bytes(zlib.compress(content), content_type=content_type, compression=compression)


def compressed_bytes(packed: bytes, *, content_type: bytes = cms.DATA, compression: bytes = algorithms.ZLIB) -> bytes:
    """The same around what is compressed already, or was never."""
    encapsulated = der.sequence(der.oid(content_type), der.explicit(0, der.octet_string(packed)))
    return wrapped(cms.COMPRESSED_DATA, der.integer(0), der.algorithm(compression), encapsulated)


def transported(recipient: Key, content_key: bytes) -> bytes:
    """KeyTransRecipientInfo for an RSA key."""
    public = public_key(recipient.material)
    if not isinstance(public, rsa.RSAPublicKey):
        raise UsageError("Keys are transported to RSA keys only.")
    outline = outline_of(recipient.material)
    return der.sequence(
        der.integer(0),
        der.sequence(outline.issuer, der.integer(outline.serial)),
        der.algorithm(algorithms.RSA_ENCRYPTION, der.null()),
        der.octet_string(public.encrypt(content_key, padding.PKCS1v15())),
    )


def enveloped_data(infos: Sequence[bytes], cipher: bytes, encrypted: bytes, *, content_type: bytes = cms.DATA) -> bytes:
    """ContentInfo with EnvelopedData. `cipher` is an AlgorithmIdentifier."""
    return wrapped(
        cms.ENVELOPED_DATA, der.integer(0), der.set_of(infos), _encrypted_content(content_type, cipher, encrypted)
    )


def chained(infos: Sequence[bytes], content_key: bytes, content: bytes, *, content_type: bytes = cms.DATA) -> bytes:
    """EnvelopedData with AES in CBC mode."""
    vector = secrets.token_bytes(16)
    oid = {16: algorithms.AES128_CBC.oid, 32: algorithms.AES256_CBC.oid}[len(content_key)]
    encrypted = chained_bytes(content_key, vector, content)
    return enveloped_data(infos, der.algorithm(oid, der.octet_string(vector)), encrypted, content_type=content_type)


def chained_bytes(content_key: bytes, vector: bytes, content: bytes) -> bytes:
    """AES in CBC mode, with the padding of RFC 5652 §6.3."""
    missing = 16 - len(content) % 16
    encryptor = PrimitiveCipher(AES(content_key), modes.CBC(vector)).encryptor()
    return encryptor.update(content + bytes((missing,)) * missing) + encryptor.finalize()


def authenticated_data(
    infos: Sequence[bytes],
    cipher: bytes,
    sealed: bytes,
    *,
    attributes: bytes | None = None,
    content_type: bytes = cms.DATA,
    code_bytes: int = 16,
) -> bytes:
    """ContentInfo with AuthEnvelopedData. `sealed` ends with the code; `attributes` is the content of their set."""
    return wrapped(
        cms.AUTH_ENVELOPED_DATA,
        der.integer(0),
        der.set_of(infos),
        _encrypted_content(content_type, cipher, sealed[:-code_bytes]),
        *([] if attributes is None else [der.tagged(ber.context(1), attributes)]),
        der.octet_string(sealed[-code_bytes:]),
    )


def _encrypted_content(content_type: bytes, cipher: bytes, encrypted: bytes) -> bytes:
    return der.sequence(der.oid(content_type), cipher, der.tagged(ber.context(0, constructed=False), encrypted))


def wrapped(content_type: bytes, *fields: bytes) -> bytes:
    """ContentInfo around the fields of a structure."""
    return der.sequence(der.oid(content_type), der.explicit(0, der.sequence(*fields)))


def signed_by_hand(
    secret: SecretKey,
    content: bytes,
    attributes: Sequence[bytes] | None,
    *,
    content_type: bytes = cms.DATA,
    certificates: Sequence[bytes] | None = None,
    **how: Any,
) -> bytes:
    """An opaque signature by an EC key with SHA-256, made as asked for (see `signer_info`)."""
    info = signer_info(secret, content, attributes, **how)
    return structure([info], content, content_type, certificates or [secret.key.material])


def structure(
    infos: Sequence[bytes], content: bytes | None, content_type: bytes, certificates: Sequence[bytes]
) -> bytes:
    """Signed data with these signers."""
    return signed_data(infos, content, content_type=content_type, certificates=certificates)
