"""What a certificate says of its own uses, in the words of X.509: to be compared with what was asked for."""

from __future__ import annotations

from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

# Reading "encipher only" where there is no key agreement is an error of its own, so these two are left out.
_KEY_USAGES = {
    "digital_signature": "Digital Signature",
    "content_commitment": "Non Repudiation",
    "key_encipherment": "Key Encipherment",
    "data_encipherment": "Data Encipherment",
    "key_agreement": "Key Agreement",
    "key_cert_sign": "Certificate Sign",
    "crl_sign": "CRL Sign",
}
_PURPOSES = {
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "E-mail Protection",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS Web Client Authentication",
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS Web Server Authentication",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "Any",
}


def key_usage(certificate: bytes) -> str:
    """Key Usage as a list of names; empty where the certificate does not restrict it."""
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None:
        return ""
    return ", ".join(words for name, words in _KEY_USAGES.items() if getattr(usage, name)) or "none"


def extended_key_usage(certificate: bytes) -> str:
    """Extended Key Usage as a list of names; empty where the certificate does not restrict it."""
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    return "" if purposes is None else ", ".join(_PURPOSES.get(one, one.dotted_string) for one in purposes)


_Kind = TypeVar("_Kind", bound=x509.ExtensionType)


def _extension(certificate: bytes, kind: type[_Kind]) -> _Kind | None:
    try:
        return x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError, TypeError):
        return None
