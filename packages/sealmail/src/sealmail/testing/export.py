"""Keys as files, the way people carry them about."""

from __future__ import annotations

from collections.abc import Iterable

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem, x448, x25519
from cryptography.hazmat.primitives.serialization import pkcs12

from sealmail.errors import UsageError
from sealmail.keys import Key, SecretKey, Technology
from sealmail.testing.pki import loaded


def export_pem(secret: SecretKey, passphrase: str | None = None) -> bytes:
    """Private key (PKCS#8, protected where there is a passphrase) and certificate of an S/MIME key, in one PEM file."""
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    private = loaded(secret).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return private + export_armored(secret.key).encode()


def export_pkcs12(secret: SecretKey, passphrase: str | None = None, *, chain: Iterable[Key] = ()) -> bytes:
    """An S/MIME key with its certificate, and those above it, as PKCS#12."""
    protection = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    certificate = x509.load_der_x509_certificate(secret.key.material)
    others = [x509.load_der_x509_certificate(key.material) for key in chain]
    private = loaded(secret)
    if isinstance(private, _NOT_IN_PKCS12):
        raise UsageError("cryptography writes no key of X25519, X448, ML-DSA or ML-KEM into PKCS#12.")
    name = secret.key.name.encode()
    return pkcs12.serialize_key_and_certificates(name, private, certificate, others or None, protection)


_NOT_IN_PKCS12 = (
    x25519.X25519PrivateKey,
    x448.X448PrivateKey,
    mldsa.MLDSA65PrivateKey,
    mlkem.MLKEM768PrivateKey,
    mlkem.MLKEM1024PrivateKey,
)


def export_armored(key: Key | SecretKey) -> str:
    """What people send each other: an OpenPGP key in armor, secret where a secret key is given; for S/MIME the
    certificate in PEM.
    """
    public = key.key if isinstance(key, SecretKey) else key
    if public.technology is Technology.SMIME:
        certificate = x509.load_der_x509_certificate(public.material)
        return certificate.public_bytes(serialization.Encoding.PEM).decode()
    kind = pysequoia.ArmorKind.SecretKey if isinstance(key, SecretKey) else pysequoia.ArmorKind.PublicKey
    return pysequoia.armor(key.material, kind)
