"""Correspondence of people with one certificate for signing and one for encrypting, and one address for both: the
examples of RFC 9216, from their PKCS#12 files.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealmail.addresses import Mailbox
from sealmail.errors import Reason
from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, Use
from sealmail.keys.reader import read
from sealmail.mime import Draft
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.sealing import Plan, SealRequest, plan, seal
from sealmail.testing import export_armored

pytestmark = pytest.mark.vectors

AT = datetime(2026, 6, 1, tzinfo=UTC)
PEOPLE = ("alice", "bob", "carlos", "dana")
PAIRS = [
    ("alice", "bob"),
    ("bob", "alice"),
    ("carlos", "dana"),
    ("dana", "carlos"),
    ("alice", "dana"),
    ("carlos", "bob"),
]


class Examples:
    """What the folder holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cas = [self.certificate(f"ca.{kind}") for kind in ("rsa", "25519", "rsa.cross", "25519.cross")]
        self.trust = MemoryTrust(anchors=[Anchor(key=key) for key in self.cas[:2]])

    def certificate(self, name: str) -> Key:
        (key,) = read((self._folder / f"{name}.crt").read_bytes()).keys
        return key

    def certificates(self, name: str) -> dict[str, Key]:
        """Of one person, by what they are for."""
        files = sorted(self._folder.glob(f"{name}.*.crt"))
        return {file.name.split(".")[1]: self.certificate(file.name.removesuffix(".crt")) for file in files}

    def store(self, owner: str, *others: Key) -> MemoryKeyStore:
        secrets = read((self._folder / f"{owner}.p12").read_bytes(), (owner,)).secrets
        assert len(secrets) == 2
        public = [key for name in PEOPLE for key in self.certificates(name).values()]
        return MemoryKeyStore(keys=[*self.cas, *(others or public)], secrets=secrets)

    def plan(self, sender: str, *recipients: str, store: MemoryKeyStore | None = None) -> Plan:
        to = tuple(f"{name}@smime.example" for name in recipients)
        request = SealRequest(sender=f"{sender}@smime.example", to=to, sign=True, encrypt=True)
        return plan(request, store or self.store(sender), self.trust, Policy(), AT)

    def opened(self, raw: bytes, owner: str) -> Opened:
        return open_message(raw, self.store(owner), self.trust, Policy(), AT)


@pytest.fixture(scope="module")
def examples(vectors: Path) -> Examples:
    return Examples(vectors / "rfc9216" / "pem")


def draft(sender: str) -> Draft:
    return Draft(from_=(Mailbox("", f"{sender}@smime.example"),), subject="x", text="Words.\n")


@pytest.mark.mission("S8")
@pytest.mark.parametrize(("sender", "recipient"), PAIRS)
def test_rfc9216_each_certificate_is_used_for_its_purpose(examples: Examples, sender: str, recipient: str) -> None:
    own, theirs = examples.certificates(sender), examples.certificates(recipient)

    (copy,) = examples.plan(sender, recipient).copies

    assert (copy.signer, copy.encrypts_to) == (own["sign"], own["encrypt"])
    assert copy.encrypt_to == (theirs["encrypt"], own["encrypt"])
    assert all(Use.SIGN not in key.uses for key in copy.encrypt_to)


@pytest.mark.mission("B16")
@pytest.mark.parametrize(("sender", "recipient"), PAIRS)
def test_rfc9216_mail_is_read_by_both_and_can_be_answered(examples: Examples, sender: str, recipient: str) -> None:
    store = examples.store(sender)
    (copy,) = seal(examples.plan(sender, recipient), draft(sender), store, AT)

    for reader in (sender, recipient):
        opened = examples.opened(copy.raw, reader)
        assert opened.report.encryption.verdict is Encryption.DECRYPTED
        assert (opened.report.signature.verdict, opened.content.text) == (Signature.GOOD, "Words.\n")

    received = examples.opened(copy.raw, recipient)
    assert {key for key in received.report.keys_seen if not key.is_ca} == set(examples.certificates(sender).values())
    # The answer needs nothing but what the mail brought.
    answer = examples.plan(recipient, sender, store=examples.store(recipient, *received.report.keys_seen))
    assert answer.refusals == ()
    assert answer.copies[0].encrypt_to[0] == examples.certificates(sender)["encrypt"]


@pytest.mark.mission("S8")
@pytest.mark.parametrize("recipient", PEOPLE)
def test_rfc9216_nothing_is_encrypted_to_a_certificate_for_signing(examples: Examples, recipient: str) -> None:
    sender = "bob" if recipient == "alice" else "alice"
    signing = examples.certificates(recipient)["sign"]

    made = examples.plan(sender, recipient, store=examples.store(sender, signing))

    assert [copy.encrypt for copy in made.copies] == [False]
    assert all(isinstance(reason, Reason) for reason in made.refusals)
    assert "no_encryption_use" in {reason.code for reason in made.refusals}


@pytest.mark.mission("B16")
def test_rfc9216_mail_is_opened_and_verified_by_openssl(examples: Examples, vectors: Path, tmp_path: Path) -> None:
    folder = vectors / "rfc9216" / "pem"
    (copy,) = seal(examples.plan("alice", "bob"), draft("alice"), examples.store("alice"), AT)
    (tmp_path / "ca.pem").write_text(export_armored(examples.cas[0]))
    keys = ["-recip", folder / "bob.encrypt.crt", "-inkey", folder / "bob.encrypt.key"]
    trusted = ["-CAfile", tmp_path / "ca.pem", "-attime", str(int(AT.timestamp()))]

    inner = subprocess.run(["openssl", "cms", "-decrypt", *keys], input=copy.raw, capture_output=True, check=True)
    words = subprocess.run(["openssl", "cms", "-verify", *trusted], input=inner.stdout, capture_output=True, check=True)

    assert words.stdout.endswith(b"Words.\r\n")


def test_rfc9216_plan_without_own_encryption_certificate_names_none(examples: Examples) -> None:
    both = examples.store("alice").secrets(examples.certificates("alice")["sign"].ids)
    signing = [one for one in both if Use.SIGN in one.key.uses]
    keys = [*examples.cas, *examples.certificates("bob").values()]

    made = examples.plan("alice", "bob", store=MemoryKeyStore(keys=keys, secrets=signing))

    assert made.copies[0].encrypts_to is None
    assert made.copies[0].encrypt_to == (examples.certificates("bob")["encrypt"],)
