"""What a certificate must have to be added for a person: stricter than what is accepted in mail, so that a mistake
shows on the first day.

Verifying follows RFC 8550, which allows more; see `certificate`. Called before a certificate is stored.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, x448, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail.errors import Reason
from sealmail.keys.certificate import ML_DSA_KEYS, ML_KEM_KEYS, public_key
from sealmail.keys.model import Key, Technology

_UNREADABLE = (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


def import_problems(key: Key) -> tuple[Reason, ...]:
    """Every attribute that keeps the certificate out, with which and why; empty: it may be added.

    A CA certificate (Basic Constraints CA:TRUE) and an OpenPGP key have none. Validity is not asked here: an expired
    certificate still opens and explains old mail. Codes: no_address, unreadable_address, no_key_usage, wrong_key_usage,
    wrong_extended_key_usage, wrong_algorithm, unreadable_attributes.
    """
    if key.is_ca or key.technology is not Technology.SMIME:
        return ()
    try:
        extensions = x509.load_der_x509_certificate(key.material).extensions
    except _UNREADABLE:
        return (Reason(code="unreadable_attributes", sentence="The attributes of the certificate cannot be read."),)
    return (
        *_algorithm_problems(key),
        *_address_problems(key, extensions),
        *_usage_problems(key, extensions),
        *_extended_usage_problems(extensions),
    )


def _algorithm_problems(key: Key) -> list[Reason]:
    public = public_key(key.material)
    if public is not None and not isinstance(public, dsa.DSAPublicKey):
        return []
    sentence = f"Public key algorithm: it must be RSA or EC (or Ed25519, X25519, ML-DSA, ML-KEM), not {key.algorithm}."
    return [Reason(code="wrong_algorithm", sentence=sentence)]


def _address_problems(key: Key, extensions: x509.Extensions) -> list[Reason]:
    if key.addresses:
        return []
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        sentence = "Subject Alternative Name: it is missing, but it must hold at least one e-mail address."
        return [Reason(code="no_address", sentence=sentence)]
    if names.get_values_for_type(x509.RFC822Name):
        sentence = "Subject Alternative Name: its e-mail address is not a valid one."
        return [Reason(code="unreadable_address", sentence=sentence)]
    sentence = "Subject Alternative Name: it holds no e-mail address, but at least one is needed."
    return [Reason(code="no_address", sentence=sentence)]


def _usage_problems(key: Key, extensions: x509.Extensions) -> list[Reason]:
    wanted = _wanted_usages(key)
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        sentence = f"Key Usage: it is missing, but it must hold {' or '.join(wanted.values())}."
        return [Reason(code="no_key_usage", sentence=sentence)]
    if any(getattr(usage, name) for name in wanted):
        return []
    if len(wanted) == 1:
        sentence = (
            f"Key Usage: it does not hold {next(iter(wanted.values()))}, the only use for a key of {key.algorithm}."
        )
    else:
        sentence = (
            f"Key Usage: it holds neither {' nor '.join(wanted.values())}, so it can neither sign nor encrypt mail."
        )
    return [Reason(code="wrong_key_usage", sentence=sentence)]


def _wanted_usages(key: Key) -> dict[str, str]:
    """Bits of the key usage, one of which must be there, by their names in `cryptography`
    (RFC 8410 §5, RFC 9881 §5, RFC 9935 §5).
    """
    public = public_key(key.material)
    signing, agreeing = {"digital_signature": "Digital Signature"}, {"key_agreement": "Key Agreement"}
    enciphering = {"key_encipherment": "Key Encipherment"}
    if isinstance(public, ML_DSA_KEYS):
        return signing
    if isinstance(public, ML_KEM_KEYS):
        return enciphering
    match public:
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return signing
        case x25519.X25519PublicKey() | x448.X448PublicKey():
            return agreeing
        case ec.EllipticCurvePublicKey():
            return signing | agreeing
        case _:
            return signing | enciphering


def _extended_usage_problems(extensions: x509.Extensions) -> list[Reason]:
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return []
    if ExtendedKeyUsageOID.EMAIL_PROTECTION in purposes:
        return []
    sentence = (
        "Extended Key Usage: it is there but does not hold E-mail Protection, so the certificate is not meant for mail."
    )
    return [Reason(code="wrong_extended_key_usage", sentence=sentence)]
