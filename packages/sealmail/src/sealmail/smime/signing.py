"""Signs MIME entities: detached (multipart/signed) for all mail programs, opaque for what gets encrypted.

The signer's certificate, its purpose and its validity are checked by whoever plans the mail, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key, SecretKey
from sealmail.smime import algorithms, cms, der, entity, secrets
from sealmail.smime.algorithms import Hash
from sealmail.smime.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    SMIME_CAPABILITIES,
)


def sign(content: bytes, signer: SecretKey, chain: Sequence[Key], at: datetime) -> bytes:
    """A multipart/signed entity around `content`, a canonical MIME entity (CRLF) that goes in unchanged.

    `chain`: certificates to send along beside the signer's own. `at`: the signing time to claim. Raises PassphraseError
    where no passphrase opens the key, InputError where it cannot sign.
    """
    with_key = _signer(signer)
    return entity.detached(
        content, _signed_data(content, with_key, chain, at, carries=False), micalg=with_key.digest.micalg
    )


def sign_opaque(content: bytes, signer: SecretKey, chain: Sequence[Key], at: datetime) -> bytes:
    """An application/pkcs7-mime entity of type signed-data, which carries `content`. Otherwise as `sign`."""
    signed = _signed_data(content, _signer(signer), chain, at, carries=True)
    return entity.opaque(signed, smime_type="signed-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """A key that signs, with the algorithms that go with it."""

    key: Key
    private: PrivateKeyTypes
    digest: Hash
    algorithm: bytes
    """AlgorithmIdentifier of the signature."""

    def signature(self, content: bytes) -> bytes:
        match self.private:
            case rsa.RSAPrivateKey():
                return self.private.sign(content, padding.PKCS1v15(), self.digest.primitive)
            case ec.EllipticCurvePrivateKey():
                return self.private.sign(content, ec.ECDSA(self.digest.primitive))
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
                return self.private.sign(content)
            case _:
                raise InputError("The key cannot sign.")


def _signer(secret: SecretKey) -> _Signer:
    private = secrets.load(secret)
    digest, algorithm = _algorithms(private)
    return _Signer(key=secret.key, private=private, digest=digest, algorithm=algorithm)


def _algorithms(private: PrivateKeyTypes) -> tuple[Hash, bytes]:
    match private:
        case rsa.RSAPrivateKey():
            # The identifier that every reader knows: the digest stands beside it (RFC 5754 §3.2).
            return algorithms.SHA256, der.algorithm(algorithms.RSA_ENCRYPTION, der.null())
        case ec.EllipticCurvePrivateKey():
            digest = _digest_for_curve(private.key_size)
            return digest, der.algorithm(_ECDSA[digest.oid])
        case ed25519.Ed25519PrivateKey():
            return algorithms.SHA512, der.algorithm(algorithms.ED25519)  # RFC 8419 §3.1
        case ed448.Ed448PrivateKey():
            return algorithms.SHAKE256, der.algorithm(algorithms.ED448)
        case _:
            raise InputError("The key cannot sign.")


_ECDSA = {digest.oid: oid for oid, digest in algorithms.ECDSA_WITH_HASH.items()}


def _digest_for_curve(bits: int) -> Hash:
    """A hash as strong as the curve (RFC 5753 §8)."""
    if bits > 384:
        return algorithms.SHA512
    return algorithms.SHA384 if bits > 256 else algorithms.SHA256


def _signed_data(content: bytes, signer: _Signer, chain: Sequence[Key], at: datetime, *, carries: bool) -> bytes:
    """ContentInfo with SignedData of version 1 (RFC 5652 §5.1): plain data, signer named by issuer and serial."""
    carried = (der.explicit(0, der.octet_string(content)),) if carries else ()
    certificates = dict.fromkeys((signer.key.material, *(key.material for key in chain)))
    return der.sequence(
        der.oid(cms.SIGNED_DATA),
        der.explicit(
            0,
            der.sequence(
                der.integer(1),
                der.set_of([_digest_algorithm(signer)]),
                der.sequence(der.oid(cms.DATA), *carried),
                der.implicit(0, der.set_of(certificates)),
                der.set_of([_signer_info(content, signer, at)]),
            ),
        ),
    )


def _signer_info(content: bytes, signer: _Signer, at: datetime) -> bytes:
    outline = outline_of(signer.key.material)
    attributes = _attributes(content, signer, at)
    return der.sequence(
        der.integer(1),
        der.sequence(outline.issuer, der.integer(outline.serial)),
        _digest_algorithm(signer),
        der.implicit(0, attributes),
        signer.algorithm,
        der.octet_string(signer.signature(attributes)),
    )


def _digest_algorithm(signer: _Signer) -> bytes:
    return der.algorithm(signer.digest.oid)  # RFC 5754 §2: written without parameters


def _attributes(content: bytes, signer: _Signer, at: datetime) -> bytes:
    """The signed attributes, as the SET that is signed (RFC 5652 §5.4)."""
    certificate = der.octet_string(algorithms.SHA256.digest(signer.key.material))
    return der.set_of(
        (
            _attribute(CONTENT_TYPE, der.oid(cms.DATA)),
            _attribute(MESSAGE_DIGEST, der.octet_string(signer.digest.digest(content))),
            _attribute(SIGNING_TIME, der.time(at)),
            _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(certificate)))),
            _attribute(SMIME_CAPABILITIES, _CAPABILITIES),
        )
    )


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of([value]))


_CAPABILITIES = der.sequence(
    *(
        der.algorithm(cipher.oid)
        for cipher in (algorithms.AES256_GCM, algorithms.AES256_CBC, algorithms.AES128_GCM, algorithms.AES128_CBC)
    )
)
"""What we read, best first (RFC 8551 §2.5.2)."""
