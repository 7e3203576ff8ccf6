"""People with certificates, the openssl command as the other side, and readers for files of others."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sealmail.keys import Key, SecretKey
from sealmail.keys.certificate import key_from_certificate
from sealmail.testing import CA, export_pem

ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe offer is 100 euros.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody with a certificate, as a secret key and as a PEM file for openssl."""

    secret: SecretKey
    file: Path

    @property
    def key(self) -> Key:
        return self.secret.key


@pytest.fixture(scope="session")
def entity() -> bytes:
    return ENTITY


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="session")
def ca() -> CA:
    return CA.create()


@pytest.fixture(scope="session")
def owners(ca: CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Owner]:
    """One owner for each kind of key, all from one CA; "other" has nothing to do with the rest."""
    folder = tmp_path_factory.mktemp("owners")
    made = {}
    for kind in ("rsa2048", "ec", "ec-p384", "ec-p521", "ed25519", "ed448", "x25519", "x448", "other"):
        secret = ca.issue(f"{kind}@customer.example", key_type="ec" if kind == "other" else kind)
        file = folder / f"{kind}.pem"
        file.write_bytes(export_pem(secret))
        made[kind] = Owner(secret=secret, file=file)
    return made


@pytest.fixture(scope="session", params=["free", "sha384"])
def bound_to_pss(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SecretKey:
    """A key whose certificate binds it to RSASSA-PSS: with any parameters, or with SHA-384 and a salt of 50 octets."""
    folder = tmp_path_factory.mktemp("pss")
    bound = {"rsa_pss_keygen_md": "sha384", "rsa_pss_keygen_mgf1_md": "sha384", "rsa_pss_keygen_saltlen": "50"}
    options = [f"{name}:{value}" for name, value in bound.items()] if request.param == "sha384" else []
    asked = [part for option in ["rsa_keygen_bits:2048", *options] for part in ("-pkeyopt", option)]
    run = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA-PSS", *asked, "-outform", "DER", "-out", "key.der"]
    subprocess.run(run, check=True, cwd=folder)
    names = ["-addext", "subjectAltName=email:pss@customer.example"]
    made = ["-key", "key.der", "-subj", "/CN=PSS", "-sha384", "-outform", "DER", "-out", "certificate.der"]
    subprocess.run(["openssl", "req", "-new", "-x509", *names, *made], check=True, cwd=folder)
    key = key_from_certificate((folder / "certificate.der").read_bytes())
    return SecretKey(key=key, material=(folder / "key.der").read_bytes())


@pytest.fixture
def openssl(tmp_path: Path) -> Callable[..., bytes]:
    """Runs openssl on standard input; what it wrote. Fails where openssl fails."""

    def run(*arguments: str | Path, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["openssl", *map(str, arguments)], input=given, capture_output=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture(scope="session")
def cms_of() -> Callable[[bytes], bytes]:
    """The CMS in the base64 body of an application/pkcs7-mime entity."""
    return lambda sealed: base64.b64decode(sealed.split(b"\r\n\r\n", 1)[1])


@pytest.fixture(scope="session")
def parts_of() -> Callable[[bytes], tuple[bytes, bytes]]:
    """The signed entity and the CMS in a multipart/signed entity of ours."""

    def split(sealed: bytes) -> tuple[bytes, bytes]:
        boundary = b"--" + sealed.split(b'boundary="', 1)[1].split(b'"', 1)[0]
        _, content, signature, _ = sealed.split(boundary)
        return content[2:-2], base64.b64decode(signature.split(b"\r\n\r\n", 1)[1])

    return split


@pytest.fixture(scope="session")
def certificate_in() -> Callable[[Path], Key]:
    """The certificate in a PEM or DER file."""

    def read(file: Path) -> Key:
        data = file.read_bytes()
        if b"-----BEGIN" in data:
            data = x509.load_pem_x509_certificate(data).public_bytes(serialization.Encoding.DER)
        return key_from_certificate(data)

    return read


@pytest.fixture(scope="session")
def secret_in(certificate_in: Callable[[Path], Key]) -> Callable[[Path, Path], SecretKey]:
    """The secret key in a certificate file and a private key file, PEM or DER."""

    def read(certificate: Path, private: Path) -> SecretKey:
        data = private.read_bytes()
        if b"-----BEGIN" in data:
            data = serialization.load_pem_private_key(data, None).private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        return SecretKey(key=certificate_in(certificate), material=data)

    return read
