"""Signs MIME entities: detached (multipart/signed) for all mail programs, opaque for what gets encrypted.

The signer's certificate, its purpose and its validity are checked by whoever plans the mail, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key, SecretKey
from sealmail.smime import advertising, algorithms, cms, der, entity, secrets
from sealmail.smime.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    SMIME_CAPABILITIES,
)
from sealmail.smime.forms import SignatureForm, form_of


def sign(
    content: bytes,
    signer: SecretKey,
    chain: Sequence[Key],
    at: datetime,
    *,
    pss: bool = False,
    encrypts_to: Key | None = None,
) -> bytes:
    """A multipart/signed entity around `content`, a canonical MIME entity (CRLF) that goes in unchanged.

    `chain`: certificates to send along beside the signer's own. `at`: the signing time to claim. `pss`: an RSA key
    signs by RSASSA-PSS. `encrypts_to`: the certificate that replies shall be encrypted to, where it is another one; it
    is named, and sent along. Raises PassphraseError where no passphrase opens the key, InputError where it cannot sign.
    """
    with_key = _signer(signer, encrypts_to, pss=pss)
    signed = _signed_data(content, with_key, chain, at, carries=False)
    return entity.detached(content, signed, micalg=with_key.form.micalg)


def sign_opaque(
    content: bytes,
    signer: SecretKey,
    chain: Sequence[Key],
    at: datetime,
    *,
    pss: bool = False,
    encrypts_to: Key | None = None,
) -> bytes:
    """An application/pkcs7-mime entity of type signed-data, which carries `content`. Otherwise as `sign`."""
    signed = _signed_data(content, _signer(signer, encrypts_to, pss=pss), chain, at, carries=True)
    return entity.opaque(signed, smime_type="signed-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """A key that signs, with the algorithms that go with it."""

    key: Key
    private: PrivateKeyTypes
    form: SignatureForm
    encrypts_to: Key | None

    def signature(self, content: bytes) -> bytes:
        digest = self.form.digest.primitive
        match self.form.name, self.private:
            case "RSA", rsa.RSAPrivateKey() as private:
                return private.sign(content, padding.PKCS1v15(), digest)
            case "RSA-PSS", rsa.RSAPrivateKey() as private:
                return private.sign(content, padding.PSS(padding.MGF1(digest), self.form.salt_bytes), digest)
            case "ECDSA", ec.EllipticCurvePrivateKey() as private:
                return private.sign(content, ec.ECDSA(digest))
            case _, (ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey()) as private:
                return private.sign(content)
            case _, (mldsa.MLDSA44PrivateKey() | mldsa.MLDSA65PrivateKey() | mldsa.MLDSA87PrivateKey()) as private:
                return private.sign(content)
            case _:
                raise InputError("The key cannot sign.")


def _signer(secret: SecretKey, encrypts_to: Key | None, *, pss: bool) -> _Signer:
    private = secrets.load(secret)
    other = encrypts_to if encrypts_to is not None and encrypts_to != secret.key else None
    return _Signer(key=secret.key, private=private, form=form_of(secret.key, pss=pss), encrypts_to=other)


def _signed_data(content: bytes, signer: _Signer, chain: Sequence[Key], at: datetime, *, carries: bool) -> bytes:
    """ContentInfo with SignedData of version 1 (RFC 5652 §5.1): plain data, signer named by issuer and serial."""
    carried = (der.explicit(0, der.octet_string(content)),) if carries else ()
    others = (*chain, signer.encrypts_to) if signer.encrypts_to is not None else chain
    certificates = dict.fromkeys(key.material for key in (signer.key, *others))
    return der.sequence(
        der.oid(cms.SIGNED_DATA),
        der.explicit(
            0,
            der.sequence(
                der.integer(1),
                der.set_of([signer.form.digest_identifier]),
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
        signer.form.digest_identifier,
        der.implicit(0, attributes),
        signer.form.identifier,
        der.octet_string(signer.signature(attributes)),
    )


def _attributes(content: bytes, signer: _Signer, at: datetime) -> bytes:
    """The signed attributes, as the SET that is signed (RFC 5652 §5.4)."""
    certificate = der.octet_string(algorithms.SHA256.digest(signer.key.material))
    return der.set_of(
        (
            _attribute(CONTENT_TYPE, der.oid(cms.DATA)),
            _attribute(MESSAGE_DIGEST, der.octet_string(signer.form.digest.digest(content))),
            _attribute(SIGNING_TIME, der.time(at)),
            _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(certificate)))),
            *_about_us(signer),
        )
    )


def _about_us(signer: _Signer) -> Iterator[bytes]:
    yield _attribute(SMIME_CAPABILITIES, advertising.capabilities())
    if signer.encrypts_to is not None:
        preference = advertising.encryption_key_preference(signer.encrypts_to)
        yield _attribute(advertising.ENCRYPTION_KEY_PREFERENCE, preference)


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of([value]))
