"""Private keys of S/MIME in every form that OpenSSL and its kin write, brought to PKCS#8: PKCS#1, SEC1, PKCS#8, and PEM
with old encryption.

A key that came protected leaves protected, by the same passphrase. The caller is `reader`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from asn1crypto import keys as asn1_keys
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from sealmail import ber
from sealmail.errors import InputError, PassphraseError
from sealmail.keys import private_shape
from sealmail.keys.passwords import Effort, decrypt, spellings

PEM_COST = 1
"""Iterations that OpenSSL's traditional encryption takes."""
_LONGEST_PEM = 20_000
"""Octets of a block with RSA of the largest size, and some room for its headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """A private key for which a certificate is still to be found."""

    public_hash: str
    """Lower-case hex SHA-256 of the DER of its SubjectPublicKeyInfo: what it has in common with its certificate."""
    material: bytes = field(repr=False)
    """PKCS#8 DER, protected by `passphrase` where there is one."""
    algorithm: str
    """For people: "RSA-3072", "EC P-256", "Ed25519", …"""
    passphrase: str | None = field(default=None, repr=False)


def from_der(der: bytes, effort: Effort, protect_with: str | None = None) -> PrivateKey:
    """The unprotected key that `der` holds (PKCS#8, PKCS#1 or SEC1). Raises `InputError`, `LimitExceeded`.

    Its numbers are checked against each other: a key that contradicts itself may give itself away by one signature.
    """
    shape = private_shape.read(der)
    effort.spend(shape.cost)
    try:
        key = _normal(serialization.load_der_private_key(shape.der, None), protect_with)
    except UnsupportedAlgorithm as error:
        raise InputError(shape.unsupported) from error
    except (ValueError, TypeError) as error:
        raise InputError(shape.damaged) from error
    if shape.public is not None and shape.public_hash != key.public_hash:
        raise InputError(f"The private key{shape.in_words} does not fit the public key that stands beside it.")
    return key


def from_encrypted_der(der: bytes, passphrase: str, effort: Effort) -> PrivateKey:
    """The key in a PKCS#8 EncryptedPrivateKeyInfo (RFC 5958 §3). Raises `PassphraseError`, `InputError`,
    `LimitExceeded`.
    """
    try:
        info = asn1_keys.EncryptedPrivateKeyInfo.load(der)
        algorithm, encrypted = info["encryption_algorithm"], bytes(info["encrypted_data"].native)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("The private key is protected in a way that Sealdesk does not read.") from error
    for spelling in spellings(passphrase):
        try:
            plain = decrypt(algorithm, encrypted, spelling, effort)
        except PassphraseError:
            continue
        # One wrong passphrase in 256 leaves bytes that end like padding.
        if _is_private_key(plain):
            return from_der(plain, effort, passphrase)
    raise PassphraseError


def _is_private_key(der: bytes) -> bool:
    try:
        whole = ber.read(der)
        return whole.tag == ber.SEQUENCE and whole.stop == len(der) and next(iter(whole.children())).tag == ber.INTEGER
    except (InputError, StopIteration):
        return False


def from_encrypted_pem(pem: bytes, passphrase: str, effort: Effort) -> PrivateKey:
    """The key in a PEM block with OpenSSL's traditional encryption. Raises `PassphraseError`, `InputError`,
    `LimitExceeded`.
    """
    if len(pem) > _LONGEST_PEM:
        raise InputError("The private key is too large.")
    effort.spend(PEM_COST)
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode())
        # How large it is shows only now that it was checked; what was done is counted against the keys to come.
        effort.spend(private_shape.rsa_cost(key.key_size) if isinstance(key, rsa.RSAPrivateKey) else 1)
        return _normal(key, passphrase)
    except UnsupportedAlgorithm as error:
        raise InputError("The private key is protected in a way that Sealdesk does not read.") from error
    except (ValueError, TypeError) as error:
        raise PassphraseError from error


def public_hash(key: PublicKeyTypes) -> str:
    """Lower-case hex SHA-256 of the public key's SubjectPublicKeyInfo."""
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(encoding, form)).hexdigest()


def _normal(key: PrivateKeyTypes, passphrase: str | None) -> PrivateKey:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:  # an empty passphrase protects nothing
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    material = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, protection)
    return PrivateKey(
        public_hash=public_hash(key.public_key()),
        material=material,
        algorithm=_algorithm(key),
        passphrase=passphrase or None,
    )


_POST_QUANTUM = re.compile("^ML(DSA|KEM)")
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def _algorithm(key: PrivateKeyTypes) -> str:
    match key:
        case rsa.RSAPrivateKey():
            return f"RSA-{key.key_size}"
        case ec.EllipticCurvePrivateKey():
            return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
        case _:
            # Classes are named by their algorithm: Ed25519PrivateKey, MLDSA65PrivateKey, …
            name = type(key).__name__.removesuffix("PrivateKey")
            return _POST_QUANTUM.sub(r"ML-\1-", name)
