"""Keys made once by the real gpg, and a key store of ours over them."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.policy import Policy

NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
PASSPHRASE = "wohl bekomm's"


@dataclass
class GnuPG:
    """The gpg command with a home of its own."""

    home: Path

    def __call__(self, *arguments: str, stdin: bytes = b"", passphrase: str = "", ok: bool = True) -> bytes:
        return self.run(*arguments, stdin=stdin, passphrase=passphrase, ok=ok).stdout

    def run(
        self, *arguments: str, stdin: bytes = b"", passphrase: str = "", ok: bool = True
    ) -> subprocess.CompletedProcess:
        command = ["gpg", "--batch", "--yes", "--no-tty", "--quiet", "--trust-model", "always"]
        command += ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
            env={**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C"},
        )
        assert done.returncode == 0 or not ok, done.stderr.decode()
        return done

    def key(self, user_id: str, algorithm: str, *usage: str, passphrase: str = "", when: str | None = None) -> str:
        """Makes a key with one encryption subkey; its fingerprint."""
        faked = ["--faked-system-time", when + "!"] if when else []
        encryption = {"ed25519": "cv25519"}.get(algorithm, algorithm)
        self(*faked, "--quick-generate-key", user_id, algorithm, "cert,sign", *(usage or ("never",)), passphrase=passphrase)
        fingerprint = self.fingerprint(user_id)
        self(*faked, "--quick-add-key", fingerprint, encryption, "encrypt", *(usage or ("never",)), passphrase=passphrase)
        return fingerprint

    def fingerprint(self, user_id: str) -> str:
        listing = self("--with-colons", "--list-keys", user_id).decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def public(self, user_id: str) -> bytes:
        return self("--export", user_id)

    def secret(self, user_id: str, passphrase: str = "") -> bytes:
        return self("--export-secret-keys", user_id, passphrase=passphrase)


def new_home():
    home = Path(tempfile.mkdtemp(prefix="sd-pgp-", dir="/tmp"))  # noqa: S108 -- gpg's sockets need a short path
    return GnuPG(home)


@pytest.fixture(scope="session")
def gpg():
    """Alice (RSA-3072), Bob (Ed25519) and Carol (RSA-2048 with a passphrase)."""
    program = new_home()
    program.key("Alice <alice@example.org>", "rsa3072")
    program.key("Bob <bob@example.org>", "ed25519")
    program.key("Carol <carol@example.org>", "rsa2048", passphrase=PASSPHRASE)
    yield program
    _remove(program)


@pytest.fixture
def fresh_gpg():
    """A home of its own, for keys that a test changes."""
    program = new_home()
    yield program
    _remove(program)


def _remove(program):
    subprocess.run(["gpgconf", "--homedir", str(program.home), "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(program.home, ignore_errors=True)


def secret_of(material: bytes, *passphrases: str) -> SecretKey:
    return SecretKey(key=key_from_openpgp(material), material=material, passphrases=passphrases)


@dataclass
class Cast:
    alice: SecretKey
    bob: SecretKey
    carol: SecretKey

    @property
    def everybody(self) -> list[Key]:
        return [self.alice.key, self.bob.key, self.carol.key]


@pytest.fixture(scope="session")
def cast(gpg):
    return Cast(
        alice=secret_of(gpg.secret("alice@example.org")),
        bob=secret_of(gpg.secret("bob@example.org")),
        carol=secret_of(gpg.secret("carol@example.org", PASSPHRASE), PASSPHRASE),
    )


@pytest.fixture
def store(cast):
    """All public keys, and the secret keys of Alice and Bob and Carol."""
    return MemoryKeyStore(secrets=[cast.alice, cast.bob, cast.carol])


@pytest.fixture
def policy():
    return Policy()


@pytest.fixture
def now():
    return NOW
