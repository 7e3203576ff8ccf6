"""Certificates and public keys as text files that every program reads."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pysequoia import ArmorKind

from sealdesk.keyring.models import StoredKey
from sealmail.keys import Technology
from sealmail.keys.pgp.armor import armored


def public_text(key: StoredKey) -> bytes:
    """PEM of a certificate, ASCII armor of a public key; no secret is in `material`."""
    material = bytes(key.material)
    if key.technology == Technology.SMIME:
        return x509.load_der_x509_certificate(material).public_bytes(Encoding.PEM)
    return armored(ArmorKind.PublicKey, material)
