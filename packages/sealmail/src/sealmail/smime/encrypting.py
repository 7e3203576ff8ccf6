"""Encrypts MIME entities to certificates: AES-256, in CBC or GCM; RSA key transport, agreement on curves,
encapsulation with ML-KEM.

Which certificates, and whether they may still be used, is decided by whoever plans the mail. Bcc recipients must get a
message of their own: a structure names everybody who can open it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, mlkem, padding, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealmail import ber
from sealmail.errors import InputError, UsageError
from sealmail.keys.certificate import outline_of, public_key
from sealmail.keys.model import Key, Use
from sealmail.smime import algorithms, cms, der, entity, kem
from sealmail.smime.algorithms import Hash
from sealmail.smime.unwrapping import derive

_BLOCK = 16
_CODE = 16
_NONCE = 12


def encrypt(content: bytes, recipients: Sequence[Key], *, gcm: bool = False, oaep: Collection[str] = ()) -> bytes:
    """An application/pkcs7-mime entity with `content`, a canonical MIME entity, that each of the recipients can open.

    `gcm`: authenticated (RFC 5083), for recipients who are known to read it. `oaep`: fingerprints of the RSA keys among
    the recipients whose content key goes under RSA-OAEP instead of PKCS#1 v1.5. Raises UsageError without recipients,
    InputError for a certificate whose key cannot be encrypted to, or is meant for signing only.
    """
    if not recipients:
        raise UsageError("Nobody to encrypt to.")
    key = secrets.token_bytes(algorithms.AES256_CBC.key_bytes)
    infos = [_recipient_info(one, key, oaep=one.fingerprint in oaep) for one in dict.fromkeys(recipients)]
    if gcm:
        return entity.opaque(_authenticated(content, key, infos), smime_type="authEnveloped-data")
    return entity.opaque(_enveloped(content, key, infos), smime_type="enveloped-data")


def _enveloped(content: bytes, key: bytes, infos: Sequence[bytes]) -> bytes:
    vector = secrets.token_bytes(_BLOCK)
    padding_size = _BLOCK - len(content) % _BLOCK
    encryptor = Cipher(AES(key), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(content), encryptor.update(bytes((padding_size,)) * padding_size)
    cipher = der.algorithm(algorithms.AES256_CBC.oid, der.octet_string(vector))
    return _wrapped(
        cms.ENVELOPED_DATA,
        der.integer(_version(infos)),
        der.set_of(infos),
        *_encrypted_content(cipher, *encrypted, encryptor.finalize()),
    )


def _version(infos: Sequence[bytes]) -> int:
    """RFC 5652 §6.1: 3 with one recipient info of the other kinds, 2 with one that is not key transport by name."""
    tags = {info[0] for info in infos}
    if ber.context(4) in tags:
        return 3
    return 0 if tags == {ber.SEQUENCE} else 2


def _authenticated(content: bytes, key: bytes, infos: Sequence[bytes]) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    sealed = memoryview(AESGCM(key).encrypt(nonce, content, None))
    parameters = der.sequence(der.octet_string(nonce), der.integer(_CODE))  # RFC 5084 §3.2
    cipher = der.algorithm(algorithms.AES256_GCM.oid, parameters)
    return _wrapped(
        cms.AUTH_ENVELOPED_DATA,
        der.integer(0),
        der.set_of(infos),
        *_encrypted_content(cipher, sealed[:-_CODE]),
        der.octet_string(bytes(sealed[-_CODE:])),
    )


_Octets = bytes | memoryview


def _wrapped(content_type: bytes, *pieces: _Octets) -> bytes:
    """ContentInfo (RFC 5652 §3) around the fields that the pieces are.

    What was encrypted is as large as the mail, and is copied only here.
    """
    fields = _headed(ber.SEQUENCE, *pieces)
    return b"".join(_headed(ber.SEQUENCE, der.oid(content_type), *_headed(ber.context(0), *fields)))


def _encrypted_content(cipher: bytes, *encrypted: _Octets) -> tuple[_Octets, ...]:
    """EncryptedContentInfo (RFC 5652 §6.1), in pieces."""
    content = _headed(ber.context(0, constructed=False), *encrypted)
    return _headed(ber.SEQUENCE, der.oid(cms.DATA), cipher, *content)


def _headed(tag: int, *pieces: _Octets) -> tuple[_Octets, ...]:
    return ber.header(tag, sum(map(len, pieces))), *pieces


def key_scheme(recipient: Key, *, oaep: bool = False) -> str:
    """How the content key will be protected for a recipient, for people, in the words of `EncryptionFacts.key_scheme`.

    Raises InputError for a key that cannot be encrypted to.
    """
    match public_key(recipient.material):
        case rsa.RSAPublicKey():
            return "RSA-OAEP" if oaep else "RSA"
        case ec.EllipticCurvePublicKey():
            return f"ECDH {recipient.algorithm.removeprefix('EC ')}"
        case x25519.X25519PublicKey() | x448.X448PublicKey():
            return recipient.algorithm
        case mlkem.MLKEM768PublicKey() | mlkem.MLKEM1024PublicKey() as public:
            return kem.scheme(public)
        case _:
            raise InputError(_NOT_FOR_ENCRYPTING)


_NOT_FOR_ENCRYPTING = "The certificate's key cannot be encrypted to."


def _recipient_info(recipient: Key, key: bytes, *, oaep: bool) -> bytes:
    if Use.ENCRYPT not in recipient.uses:
        raise InputError("The certificate is not meant for encrypting.")
    public = public_key(recipient.material)
    outline = outline_of(recipient.material)
    name = der.sequence(outline.issuer, der.integer(outline.serial))
    if isinstance(public, rsa.RSAPublicKey):
        scheme, identifier = (_OAEP, _OAEP_ALGORITHM) if oaep else (padding.PKCS1v15(), _PKCS1_ALGORITHM)
        return der.sequence(der.integer(0), name, identifier, der.octet_string(public.encrypt(key, scheme)))
    if isinstance(public, mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey):
        return kem.recipient_info(public, name, key)
    return _agreement(public, name, key)


_PKCS1_ALGORITHM = der.algorithm(algorithms.RSA_ENCRYPTION, der.null())
_OAEP = padding.OAEP(padding.MGF1(algorithms.SHA256.primitive), algorithms.SHA256.primitive, None)
_OAEP_ALGORITHM = der.algorithm(algorithms.RSA_OAEP, der.oaep_parameters(algorithms.SHA256.oid))


def _agreement(public: CertificatePublicKeyTypes | None, name: bytes, key: bytes) -> bytes:
    """KeyAgreeRecipientInfo with a one-time key of ours (RFC 5753 §3.1, RFC 8418 §3.1)."""
    one_time = _one_time(public)
    wrap = der.algorithm(algorithms.AES256_WRAP)
    kek = derive(
        one_time.shared,
        one_time.digest,
        wrap=wrap,
        key_bytes=32,
        user_material=None,
        hkdf=one_time.scheme in algorithms.HKDF_AGREEMENTS,
    )
    info = der.sequence(
        der.integer(3),
        der.explicit(0, der.implicit(1, one_time.originator)),
        der.algorithm(one_time.scheme, wrap),
        der.sequence(der.sequence(name, der.octet_string(aes_key_wrap(kek, key)))),
    )
    return der.implicit(1, info)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneTime:
    """A fresh key of ours for one recipient."""

    originator: bytes
    """Its public half as OriginatorPublicKey."""
    shared: bytes
    """What it agrees on with the recipient's key."""
    scheme: bytes
    digest: Hash


def _one_time(public: CertificatePublicKeyTypes | None) -> _OneTime:
    match public:
        case ec.EllipticCurvePublicKey():
            fresh = ec.generate_private_key(public.curve)
            point = fresh.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            return _fresh(algorithms.EC_PUBLIC_KEY, point, fresh.exchange(ec.ECDH(), public), _curve_scheme(public))
        case x25519.X25519PublicKey():
            ours = x25519.X25519PrivateKey.generate()
            # HKDF is what RFC 8551 §2.3 asks every agent to read with X25519.
            point = ours.public_key().public_bytes_raw()
            return _fresh(algorithms.X25519, point, ours.exchange(public), algorithms.HKDF_SHA256)
        case x448.X448PublicKey():
            mine = x448.X448PrivateKey.generate()
            point = mine.public_key().public_bytes_raw()
            return _fresh(algorithms.X448, point, mine.exchange(public), algorithms.HKDF_SHA512)
        case _:
            raise InputError(_NOT_FOR_ENCRYPTING)


def _fresh(kind: bytes, point: bytes, shared: bytes, scheme: bytes) -> _OneTime:
    digest = (algorithms.AGREEMENTS | algorithms.HKDF_AGREEMENTS)[scheme]
    originator = der.sequence(der.algorithm(kind), der.bit_string(point))
    return _OneTime(originator=originator, shared=shared, scheme=scheme, digest=digest)


def _curve_scheme(public: ec.EllipticCurvePublicKey) -> bytes:
    """A key derivation as strong as the curve (RFC 5753 §8)."""
    if public.key_size > 384:
        return algorithms.STD_DH_SHA512
    return algorithms.STD_DH_SHA384 if public.key_size > 256 else algorithms.STD_DH_SHA256
