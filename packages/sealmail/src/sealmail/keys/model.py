"""A key as the rest of Sealdesk sees it: one value for a certificate and for an OpenPGP key.

Holds what was read from the material once. It decides nothing: whether a key may be used at a time is `usability`,
whether it is trusted is `trust`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType


class Technology(StrEnum):
    """How a mail is sealed."""

    SMIME = "smime"
    OPENPGP = "openpgp"


class Use(StrEnum):
    """What the owner's certificate or binding signatures allow a key to do."""

    SIGN = "sign"
    ENCRYPT = "encrypt"
    CERTIFY = "certify"


KeyId = NewType("KeyId", str)
"""A name by which a message or certificate refers to a key; see the functions below for the forms it takes."""


def issuer_and_serial_id(issuer: bytes, serial: int) -> KeyId:
    """The id of a certificate by the DER of its issuer's name and its serial number (RFC 5652 §10.2.4)."""
    return KeyId(f"isn:{hashlib.sha256(issuer).hexdigest()[:32]}:{serial:x}")


def subject_key_id(identifier: bytes) -> KeyId:
    """The id of a certificate by its subject key identifier (RFC 5280 §4.2.1.2)."""
    return KeyId(f"ski:{identifier.hex()}")


def name_id(name: bytes) -> KeyId:
    """The id of all certificates whose subject has this DER; used to find issuers."""
    return KeyId(f"name:{hashlib.sha256(name).hexdigest()}")


def openpgp_id(hexadecimal: str) -> KeyId:
    """The id of an OpenPGP primary key or subkey by fingerprint (40 or 64 digits) or key id (16 digits)."""
    return KeyId(f"pgp:{hexadecimal.lower()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A certificate (S/MIME) or a transferable public key (OpenPGP) with what was read from it."""

    technology: Technology
    fingerprint: str
    """Lower-case hex: SHA-256 of the DER for a certificate, the primary key's fingerprint for OpenPGP."""
    material: bytes = field(repr=False)
    """DER of the certificate, or the binary transferable public key, with no secret in it."""
    name: str
    """For people: the subject's common name, or the name part of the primary user ID; never proof of anything."""
    addresses: tuple[str, ...]
    """Canonical addresses that the key names (subject alternative names; valid user IDs)."""
    ids: frozenset[KeyId]
    algorithm: str
    """For people: "RSA-3072", "EC P-256", "Ed25519", …"""
    valid_from: datetime
    valid_until: datetime | None
    """None: it does not expire. For OpenPGP the primary key's expiry."""
    uses: frozenset[Use]
    is_ca: bool = False
    subject: KeyId | None = None
    issuer: KeyId | None = None
    """For certificates: the name ids of subject and issuer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A secret key together with its public side."""

    key: Key
    material: bytes = field(repr=False)
    """PKCS#8 DER (S/MIME) or the binary transferable secret key (OpenPGP); protected by a passphrase or not."""
    passphrases: tuple[str, ...] = field(default=(), repr=False)
    """Candidates to open `material` with, in order; empty where it is not protected or nobody knows."""
