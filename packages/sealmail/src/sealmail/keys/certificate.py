"""From a certificate's DER to a `Key`: the only place where that is done. Nothing is decided here about trust or time.

Called by the key reader and by the S/MIME engine, which also asks for the public key itself.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, mlkem, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.mail_names import mail_names
from sealmail.keys.model import Key, Technology, Use, issuer_and_serial_id, name_id, subject_key_id

MAXIMUM_BYTES = 256 * 1024
"""Of one certificate; post-quantum ones have some 20 kB."""

MOST_ADDRESSES = 256
"""Of one certificate; it is not known for more, so that nobody fills a store with names by sending certificates."""
_REMEMBERED = 2048
"""Certificates: more than one address ever has, or choosing among them would read each anew every time. Some 10 MB."""

_MAIL_PURPOSES = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
ML_DSA_KEYS = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)
"""Public keys of ML-DSA (RFC 9881), which sign."""
ML_KEM_KEYS = (mlkem.MLKEM768PublicKey, mlkem.MLKEM1024PublicKey)
"""Public keys of ML-KEM (RFC 9935), to which is encrypted. ML-KEM-512 is not in the library."""
_AGREEING = (ec.EllipticCurvePublicKey, x25519.X25519PublicKey, x448.X448PublicKey)
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises for certificates and extensions that are broken, or of a kind that it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateOutline:
    """The parts of a certificate that others refer to, exactly as they are encoded."""

    serial: int
    issuer: bytes
    subject: bytes
    public_key_info: bytes
    public_key_bits: bytes


@lru_cache(maxsize=_REMEMBERED)
def key_from_certificate(der: bytes) -> Key:
    """The `Key` of an X.509 certificate (RFC 5280). Raises InputError where the bytes are no certificate we can read.

    Addresses are taken only from the subject alternative name (rfc822Name and SmtpUTF8Mailbox), never from the subject
    (RFC 8550 §3). One that cannot be read is left out and takes no other with it; whether a CA may speak for them is
    asked of the path.
    """
    outline = outline_of(der)
    try:
        certificate = x509.load_der_x509_certificate(der)
        public = public_key(der)
        return Key(
            technology=Technology.SMIME,
            fingerprint=hashlib.sha256(der).hexdigest(),
            material=der,
            name=_name(certificate),
            addresses=_addresses(certificate.extensions),
            ids=frozenset(
                {
                    issuer_and_serial_id(outline.issuer, outline.serial),
                    subject_key_id(_key_identifier(certificate.extensions, outline)),
                    name_id(outline.subject),
                }
            ),
            algorithm=algorithm_text(public),
            valid_from=certificate.not_valid_before_utc,
            valid_until=certificate.not_valid_after_utc,
            uses=_uses(certificate.extensions, public),
            is_ca=_is_ca(certificate.extensions),
            subject=name_id(outline.subject),
            issuer=name_id(outline.issuer),
        )
    except UNREADABLE as error:
        # Names and extensions are read late: a certificate that loaded may still turn out to be broken.
        raise InputError("The certificate cannot be read.") from error


@lru_cache(maxsize=_REMEMBERED)
def public_key(der: bytes) -> CertificatePublicKeyTypes | None:
    """The public key in a certificate; None where its algorithm or its numbers are not usable."""
    try:
        return x509.load_der_x509_certificate(der).public_key()
    except UNREADABLE:
        return None


@lru_cache(maxsize=_REMEMBERED)
def outline_of(der: bytes) -> CertificateOutline:
    """Serial number, names and key of a certificate, cut out and not encoded anew. Raises InputError."""
    if len(der) > MAXIMUM_BYTES:
        raise InputError("The certificate is too large.")
    certificate = ber.read(der)
    if certificate.stop != len(der):
        raise InputError("Something follows the certificate.")
    fields = certificate.fields().take().fields()
    fields.optional(ber.context(0))
    serial = fields.take(ber.INTEGER).integer()
    if serial <= 0:
        raise InputError("The certificate's serial number is not positive.")  # RFC 5280 §4.1.2.2
    fields.take(ber.SEQUENCE)
    issuer = fields.take(ber.SEQUENCE).raw
    fields.take(ber.SEQUENCE)
    subject = fields.take(ber.SEQUENCE).raw
    info = fields.take(ber.SEQUENCE)
    key_fields = info.fields()
    key_fields.take(ber.SEQUENCE)
    bits = key_fields.take(ber.BIT_STRING).bits()
    return CertificateOutline(
        serial=serial, issuer=issuer, subject=subject, public_key_info=info.raw, public_key_bits=bits
    )


def algorithm_text(public: CertificatePublicKeyTypes | None) -> str:
    """The algorithm of a public key, for people."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"EC {_CURVES.get(public.curve.name, public.curve.name)}"
    if isinstance(public, (rsa.RSAPublicKey, dsa.DSAPublicKey)):
        return f"{'RSA' if isinstance(public, rsa.RSAPublicKey) else 'DSA'}-{public.key_size}"
    return next((name for kind, name in _SIMPLE.items() if isinstance(public, kind)), "unknown")


_SIMPLE: dict[type, str] = {
    ed25519.Ed25519PublicKey: "Ed25519",
    ed448.Ed448PublicKey: "Ed448",
    x25519.X25519PublicKey: "X25519",
    x448.X448PublicKey: "X448",
    mldsa.MLDSA44PublicKey: "ML-DSA-44",
    mldsa.MLDSA65PublicKey: "ML-DSA-65",
    mldsa.MLDSA87PublicKey: "ML-DSA-87",
    mlkem.MLKEM768PublicKey: "ML-KEM-768",
    mlkem.MLKEM1024PublicKey: "ML-KEM-1024",
}
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}


def _name(certificate: x509.Certificate) -> str:
    """The common name, else the organisation, else nothing. It is for people and proves nothing."""
    with warnings.catch_warnings():
        # A name longer than RFC 5280 allows, or empty, is worth no warning on a page that nobody reads.
        warnings.simplefilter("ignore", UserWarning)
        subject = certificate.subject
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in subject.get_attributes_for_oid(kind):
            return attribute.value if isinstance(attribute.value, str) else ""
    return ""


def _addresses(extensions: x509.Extensions) -> tuple[str, ...]:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    readable = dict.fromkeys(address.text for address in mail_names(names) if address is not None)
    return tuple(islice(readable, MOST_ADDRESSES))


def _key_identifier(extensions: x509.Extensions, outline: CertificateOutline) -> bytes:
    try:
        return extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        # RFC 5280 §4.2.1.2 (1): a name for the key, which nothing relies on for security.
        return hashlib.sha1(outline.public_key_bits, usedforsecurity=False).digest()


def _uses(extensions: x509.Extensions, public: CertificatePublicKeyTypes | None) -> frozenset[Use]:
    uses = _allowed_by_usage(extensions, public)
    if not _is_for_mail(extensions):
        uses -= {Use.SIGN, Use.ENCRYPT}
    if isinstance(public, (x25519.X25519PublicKey, x448.X448PublicKey, *ML_KEM_KEYS)):
        uses -= {Use.SIGN, Use.CERTIFY}
    if isinstance(public, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey, dsa.DSAPublicKey, *ML_DSA_KEYS)):
        uses -= {Use.ENCRYPT}
    return frozenset(uses)


def _allowed_by_usage(extensions: x509.Extensions, public: CertificatePublicKeyTypes | None) -> set[Use]:
    """What the key usage allows; where it is absent, everything (RFC 8550 §4.4.2)."""
    certifies = {Use.CERTIFY} if _is_ca(extensions) else set()
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return {Use.SIGN, Use.ENCRYPT} | certifies
    uses = certifies if usage.key_cert_sign else set()
    if usage.digital_signature or usage.content_commitment:
        uses = uses | {Use.SIGN}
    encrypts = usage.key_agreement if isinstance(public, _AGREEING) else usage.key_encipherment
    return uses | {Use.ENCRYPT} if encrypts else uses


def _is_for_mail(extensions: x509.Extensions) -> bool:
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return not _MAIL_PURPOSES.isdisjoint(purposes)


def _is_ca(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
