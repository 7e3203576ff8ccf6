"""What our signatures say about ourselves: what we read, and which certificate replies shall be encrypted to."""

from __future__ import annotations

from functools import cache

from sealmail.ber import encode_oid
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.smime import algorithms, der

ENCRYPTION_KEY_PREFERENCE = encode_oid("1.2.840.113549.1.9.16.2.11")


@cache
def capabilities() -> bytes:
    """SMIMECapabilities: what we read, best first, ciphers before what protects their keys (RFC 8551 §2.5.2)."""
    return der.sequence(*_ciphers(), *_KEMS, *_agreements(), _OAEP)


def encryption_key_preference(certificate: Key) -> bytes:
    """SMIMEEncryptionKeyPreference, by issuer and serial number (RFC 8551 §2.5.3)."""
    outline = outline_of(certificate.material)
    return der.implicit(0, der.sequence(outline.issuer, der.integer(outline.serial)))


_CHACHA20_POLY1305 = encode_oid("1.2.840.113549.1.9.16.3.18")
_PREFERRED = (
    algorithms.AES256_GCM.oid,
    algorithms.AES256_CBC.oid,
    _CHACHA20_POLY1305,
    algorithms.AES192_GCM.oid,
    algorithms.AES192_CBC.oid,
    algorithms.AES128_GCM.oid,
    algorithms.AES128_CBC.oid,
)


def _ciphers() -> list[bytes]:
    """Without parameters (RFC 3565 §5.1, RFC 8103 §4); only what is read here, and nothing weak."""
    return [der.algorithm(oid) for oid in _PREFERRED if oid in algorithms.CIPHERS]


def _agreements() -> list[bytes]:
    """Key agreement, each with the key wrap that goes with it as parameter (RFC 5753 §6, RFC 8418 §8)."""
    schemes = (algorithms.STD_DH_SHA256, algorithms.STD_DH_SHA384, algorithms.STD_DH_SHA512, algorithms.HKDF_SHA256)
    wrap = der.algorithm(algorithms.AES256_WRAP)
    return [der.algorithm(scheme, wrap) for scheme in schemes]


_OAEP = der.algorithm(algorithms.RSA_OAEP, der.oaep_parameters(algorithms.SHA256.oid))
_KEMS = tuple(der.algorithm(oid) for oid, name in algorithms.ML_KEM.items() if name != "ML-KEM-512")
"""Without parameters (RFC 9936 §2.4); the smallest is not read here."""
