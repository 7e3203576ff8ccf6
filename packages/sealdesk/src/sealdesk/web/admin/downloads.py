"""Certificates and public keys as text files that every program reads."""

from __future__ import annotations

import base64
import textwrap

from sealdesk.keyring.models import StoredKey
from sealmail.keys import Technology

_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x1864CFB


def public_text(key: StoredKey) -> str:
    """PEM of a certificate (RFC 7468), ASCII armor of a public key (RFC 9580 §6)."""
    material = bytes(key.material)
    lines = "\n".join(textwrap.wrap(base64.b64encode(material).decode(), 64))
    if key.technology == Technology.SMIME:
        return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    check = base64.b64encode(_crc24(material).to_bytes(3)).decode()
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}\n={check}\n-----END PGP PUBLIC KEY BLOCK-----\n"


def _crc24(data: bytes) -> int:
    """The checksum that older programs still ask for (RFC 9580 §6.1)."""
    value = _CRC_START
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= _CRC_POLYNOMIAL
    return value & 0xFFFFFF
