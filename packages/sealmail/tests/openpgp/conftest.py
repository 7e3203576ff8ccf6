"""Keys made once by the real gpg, and a key store of ours over them."""

import base64
import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sealmail import mime
from sealmail.addresses import Mailbox
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.checking import HASHES, signature_body
from sealmail.keys.pgp.packets import Tag, length, packet, walk
from sealmail.keys.pgp.subpackets import Signature
from sealmail.mime import Draft, build_headers
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.reporting import opened_to_json

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


ENTITY = b"Content-Type: text/plain\r\n\r\nI agree.\r\n"
SCHEMA = Path(__file__).resolve().parents[4] / "docs" / "contract" / "inspect.schema.json"


@pytest.fixture(scope="session")
def entity():
    """What the mails of `signed_mail` and `encrypted_mail` say."""
    return ENTITY


def signed_mail(signature: bytes, sender: str, content: bytes = ENTITY) -> bytes:
    """A PGP/MIME mail with an armored or binary detached signature."""
    part = b"Content-Type: application/pgp-signature\r\n\r\n" + _armored(signature, "SIGNATURE")
    return _headers(sender) + mime.multipart("signed", [content, part], {"protocol": "application/pgp-signature"})


def encrypted_mail(message: bytes, sender: str) -> bytes:
    """A PGP/MIME mail around an encrypted message."""
    version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    body = b"Content-Type: application/octet-stream\r\n\r\n" + _armored(message, "MESSAGE")
    return _headers(sender) + mime.multipart("encrypted", [version, body], {"protocol": "application/pgp-encrypted"})


def _headers(sender: str) -> bytes:
    return build_headers(Draft(from_=(Mailbox("", sender),), subject="Contract"))


def _armored(data: bytes, label: str) -> bytes:
    return data if data.startswith(b"-----") else enarmor(data, label)


def enarmor(data: bytes, label: str) -> bytes:
    begin, end = f"-----BEGIN PGP {label}-----\r\n\r\n", f"-----END PGP {label}-----\r\n"
    return begin.encode() + b64encode(data, 64) + end.encode()


def b64encode(data: bytes, width: int) -> bytes:
    text = base64.b64encode(data)
    return b"".join(text[start : start + width] + b"\r\n" for start in range(0, len(text), width))


@pytest.fixture(scope="session")
def signed():
    return signed_mail


@pytest.fixture(scope="session")
def sealed():
    return encrypted_mail


@pytest.fixture(scope="session")
def inspected():
    """What `sealmail inspect --json` prints of a mail, held against its schema. The `trusted` keys are at hand too."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))

    def inspect(raw: bytes, at: datetime, *, trusted=(), keys=(), secrets=(), policy=None) -> dict:
        store = MemoryKeyStore(keys=[*trusted, *keys], secrets=list(secrets))
        trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in trusted})
        document = opened_to_json(open_message(raw, store, trust, policy or Policy(), at))
        validator.validate(document)
        return document

    return inspect


def written_signature(
    signer: SecretKey,
    at: datetime,
    content: bytes = ENTITY,
    *,
    kind: int = 0,
    hash_id: int = 8,
    hashed: Sequence[tuple[int, bytes]] = (),
    unhashed: Sequence[tuple[int, bytes]] = (),
    plain: bool = False,
) -> bytes:
    """The packet of a signature (version of the key) with any fields: for what no program writes. `plain`: without the
    usual creation time and issuer in the hashed area. Kinds of subpackets from 128 on are critical."""
    component = check_certificate(signer.material).primary
    public = component.public
    private = secret.unlock(component.secret, is_primary=True, passphrases=signer.passphrases)
    usual = [
        (2, struct.pack(">I", int(at.timestamp()))),
        (33, bytes([public.version]) + bytes.fromhex(public.fingerprint)),
    ]
    area, other = _area([*(() if plain else usual), *hashed]), _area(unhashed)
    width = ">I" if public.version == 6 else ">H"
    head = bytes([public.version, kind, public.algorithm, hash_id]) + struct.pack(width, len(area)) + area
    draft = Signature(
        version=public.version,
        type=kind,
        algorithm=public.algorithm,
        hash_id=hash_id,
        hashed=(),
        unhashed=(),
        hashed_part=head,
        salt=os.urandom(HASHES[hash_id].salt_octets) if public.version == 6 else b"",
        values=b"",
    )
    over = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if kind == 1 else content
    body = signature_body(draft, over, private)
    start = len(head) + struct.calcsize(width)
    return packet(Tag.SIGNATURE, head + struct.pack(width, len(other)) + other + body[start:])


def _area(subpackets: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(length(len(body) + 1) + bytes([kind]) + body for kind, body in subpackets)


@pytest.fixture(scope="session")
def write_signature():
    return written_signature


def with_literal(content: bytes, form: bytes = b"b", name: bytes = b"") -> bytes:
    return packet(Tag.LITERAL, form + bytes([len(name)]) + name + bytes(4) + content)


@pytest.fixture(scope="session")
def literal():
    """Makes a literal packet."""
    return with_literal


def _sessions(gpg: GnuPG, *recipients: str, options: Sequence[str] = ()) -> tuple[bytes, bytes]:
    """Session key packets by gpg and the AES-256 key in them, to put before containers that gpg 2.2 does not write."""
    to = [argument for address in recipients for argument in ("--recipient", address)]
    message = gpg(*options, *to, "--cipher-algo", "AES256", "--encrypt", stdin=b"unused")
    done = gpg.run("--show-session-key", "--decrypt", stdin=message).stderr.decode()
    key = bytes.fromhex(done.split("session key: '9:")[1].split("'")[0])
    return b"".join(packet(one.tag, one.body) for one in walk(message) if one.tag == Tag.PKESK), key


@pytest.fixture(scope="session")
def sessions():
    return _sessions
