"""Files as people really have them: made by openssl and gpg, not by the code under test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealmail.testing import CA, Cast, export_pem

Program = Callable[..., bytes]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The shared vectors beside the repository."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "shared" / "vectors").is_dir():
            return folder / "shared" / "vectors"
    pytest.skip("shared/vectors is not there")


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast()


@pytest.fixture(scope="session")
def openssl() -> Program:
    """Runs openssl with the arguments and gives what it writes to its standard output."""

    def run(*arguments: str | Path, given: bytes = b"") -> bytes:
        done = subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=True)
        return done.stdout

    return run


@pytest.fixture
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Runs gpg in a home of its own; passphrases go through loopback."""
    # Sockets of gpg-agent have short paths only; the folder of pytest may be too long.
    home = tmp_path_factory.mktemp("g", numbered=True)
    home.chmod(0o700)

    def run(*arguments: str, given: bytes = b"", passphrase: str = "") -> bytes:
        fixed = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback"]
        done = subprocess.run(
            [*fixed, "--passphrase", passphrase, *arguments], input=given, capture_output=True, check=True
        )
        return done.stdout

    yield run
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as files of openssl."""

    key: Path
    certificate: Path
    ca: Path
    fingerprint: str


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """One pair with an RSA key, one with an EC key, by the same CA."""
    folder = tmp_path_factory.mktemp("pairs")
    ca = CA.create()
    (folder / "ca.crt").write_bytes(_certificate_of(export_pem(ca.secret)))
    made = {}
    for kind in ("rsa2048", "ec"):
        secret = ca.issue(f"{kind}@customer.example", name=kind, key_type=kind)
        pem = export_pem(secret)
        key, certificate = folder / f"{kind}.key", folder / f"{kind}.crt"
        key.write_bytes(pem[: pem.index(b"-----BEGIN CERT")])
        certificate.write_bytes(_certificate_of(pem))
        made[kind] = Pair(key, certificate, folder / "ca.crt", secret.key.fingerprint)
    return made


def _certificate_of(pem: bytes) -> bytes:
    return pem[pem.index(b"-----BEGIN CERT") :]
