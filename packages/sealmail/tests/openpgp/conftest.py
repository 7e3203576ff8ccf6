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
        command = ["gpg", "--batch", "--yes", "--no-tty", "--quiet", "--trust-model", "always", "--utf8-strings"]
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

    def key(
        self, user_id: str, algorithm: str, until: str = "never", *, passphrase: str = "", when: str | None = None
    ) -> str:
        """Makes a key with one encryption subkey; its fingerprint."""
        faked = ["--faked-system-time", when + "!"] if when else []
        encryption = {"ed25519": "cv25519"}.get(algorithm, algorithm)
        self(*faked, "--quick-generate-key", user_id, algorithm, "cert,sign", until, passphrase=passphrase)
        fingerprint = self.fingerprint(user_id)
        self(*faked, "--quick-add-key", fingerprint, encryption, "encrypt", until, passphrase=passphrase)
        return fingerprint

    def fingerprint(self, user_id: str) -> str:
        listing = self("--with-colons", "--list-keys", user_id).decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")).lower()

    def public(self, user_id: str) -> bytes:
        return self("--export", user_id)

    def secret(self, user_id: str, passphrase: str = "") -> bytes:
        return self("--export-secret-keys", user_id, passphrase=passphrase)


def new_home() -> GnuPG:
    home = Path(tempfile.mkdtemp(prefix="sd-pgp-", dir="/tmp"))
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


def secret_key(material: bytes, *passphrases: str) -> SecretKey:
    return SecretKey(key=key_from_openpgp(material), material=material, passphrases=passphrases)


@pytest.fixture(scope="session")
def secret_of():
    """Makes a `SecretKey` of exported material."""
    return secret_key


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
        alice=secret_key(gpg.secret("alice@example.org")),
        bob=secret_key(gpg.secret("bob@example.org")),
        carol=secret_key(gpg.secret("carol@example.org", PASSPHRASE), PASSPHRASE),
    )


@pytest.fixture
def store(cast):
    """All public and secret keys of the cast."""
    return MemoryKeyStore(secrets=[cast.alice, cast.bob, cast.carol])


@pytest.fixture(scope="session")
def passphrase():
    return PASSPHRASE


@pytest.fixture
def policy():
    return Policy()


@pytest.fixture
def now():
    """A minute after the keys and mails of the test were made, so that none of them is from the future."""
    return datetime.now(UTC) + timedelta(minutes=1)
