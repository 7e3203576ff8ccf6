"""Whole S/MIME mails that other projects made: what their makers say of them is what we say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealmail import smime
from sealmail.keys import Anchor, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel, Use
from sealmail.keys.found import Found
from sealmail.keys.reader import read_paths
from sealmail.mime import parse
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Reason, Signature, Warning

pytestmark = pytest.mark.vectors
TODAY = datetime(2026, 1, 1, tzinfo=UTC)
GOOD, BAD, UNSIGNED = (Signature.GOOD, None), Signature.BAD, (Signature.NONE, None)
MALLEABLE, WEAK = Warning.MALLEABLE_ENCRYPTION, Warning.WEAK_ENCRYPTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody with keys and trust in files, at one time."""

    files: tuple[Path, ...]
    trusted: tuple[Path, ...]
    passphrases: tuple[str, ...] = ()
    at: datetime = TODAY

    def open(self, raw: bytes) -> Opened:
        found, trusted = _found(self.files, self.passphrases), _found(self.trusted)
        keys = MemoryKeyStore(keys=[*found.keys, *trusted.keys], secrets=found.secrets, revocations=found.revocations)
        anchors = [Anchor(key=key) for key in trusted.keys if key.is_ca]
        by_hand = {key.fingerprint: TrustLevel.BY_HAND for key in trusted.keys if not key.is_ca}
        return open_message(raw, keys, MemoryTrust(anchors=anchors, levels=by_hand), Policy(), self.at)

    def inspect(self, mail: Path) -> dict:
        """The same by the command."""
        options = [word for file in self.files for word in ("--keys", file)]
        options += [word for file in self.trusted for word in ("--trust", file)]
        options += [word for passphrase in self.passphrases for word in ("--passphrase", passphrase)]
        command = [sys.executable, "-m", "sealmail", "inspect", mail, "--json", "--at", self.at.isoformat(), *options]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def _found(files: Iterable[Path], passphrases: Sequence[str] = ()) -> Found:
    return read_paths([(file.name, file.read_bytes()) for file in files], passphrases)[0]


def said(opened: Opened) -> tuple[Encryption, tuple[Signature, Reason | None]]:
    signature = opened.report.signature
    return opened.report.encryption.verdict, (signature.verdict, signature.reason)


@pytest.fixture(scope="session")
def lamps(vectors: Path) -> Path:
    return vectors / "rfc9216" / "pem"


@pytest.fixture(scope="session")
def bob(lamps: Path) -> Reader:
    """Bob of RFC 9216, who trusts the RSA CA of the examples."""
    return Reader(files=(lamps / "bob.p12",), trusted=(lamps / "ca.rsa.crt",), passphrases=("bob",))


@pytest.mark.mission("S3")
@pytest.mark.parametrize("owner", ["alice", "bob", "carlos", "dana"])
def test_rfc9216_key_files_hold_two_pairs(lamps: Path, owner: str) -> None:
    found = _found([lamps / f"{owner}.p12"], [owner])

    assert sorted(sorted(secret.key.uses) for secret in found.secrets) == [[Use.ENCRYPT], [Use.SIGN]]
    assert len(found.keys) == 3
    assert {secret.key.addresses for secret in found.secrets} == {(f"{owner}@smime.example",)}
    assert found.unmatched == found.locked == found.problems == ()


@pytest.mark.mission("B16")
@pytest.mark.parametrize("owner", ["carlos", "dana"])
@pytest.mark.parametrize(
    ("with_cross_certificate", "expected"),
    [(True, GOOD), (False, (Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER))],
)
def test_rfc9216_other_ca_is_reached_by_the_cross_certificate_only(
    lamps: Path, owner: str, *, with_cross_certificate: bool, expected: tuple[Signature, Reason | None]
) -> None:
    secret = _pair(lamps, owner, Use.SIGN)
    extra = (lamps / "ca.25519.cross.crt",) if with_cross_certificate else ()
    reader = Reader(files=extra, trusted=(lamps / "ca.rsa.crt",))

    entity = smime.sign(b"Content-Type: text/plain\r\n\r\nHello.\r\n", secret, [], TODAY)

    assert said(reader.open(b"From: %s@smime.example\r\n" % owner.encode() + entity)) == (Encryption.NONE, expected)


def _pair(lamps: Path, owner: str, use: Use) -> SecretKey:
    return next(one for one in _found([lamps / f"{owner}.p12"], [owner]).secrets if use in one.key.uses)


RFC9788 = [
    ("signed/C.2.1-smime-one-part-hp", Encryption.NONE, []),
    ("signed/C.2.2-smime-multipart-hp", Encryption.NONE, []),
    ("signed/C.2.3-smime-one-part-complex-hp", Encryption.NONE, ["attachment.png"]),
    ("encrypted-reenveloped/C.3.1-smime-signed-enc-hp-baseline", Encryption.DECRYPTED, []),
    ("encrypted-reenveloped/C.3.3-smime-signed-enc-hp-shy", Encryption.DECRYPTED, []),
]


@pytest.mark.mission("B6")
@pytest.mark.parametrize(("name", "encryption", "attachments"), RFC9788)
def test_rfc9788_mail_is_alices_with_its_protected_headers(
    vectors: Path, bob: Reader, name: str, encryption: Encryption, attachments: list[str]
) -> None:
    opened = bob.open((vectors / "rfc9788" / f"{name}.eml").read_bytes())

    title = name.partition("-smime-")[2]
    assert (said(opened), opened.report.warnings) == ((encryption, GOOD), ())
    assert (opened.headers.subject, opened.headers.from_is_protected) == (f"smime-{title}", True)
    assert (opened.headers.from_.name, opened.headers.from_.address) == ("Alice", "alice@smime.example")
    assert [(to.name, to.address) for to in opened.headers.to] == [("Bob", "bob@smime.example")]
    assert opened.content.text.startswith(f"This is the\nsmime-{title}\nmessage.")
    assert [file.name for file in opened.content.attachments] == attachments


@pytest.mark.mission("B6")
def test_rfc9788_shy_mail_shows_what_was_hidden_outside(vectors: Path, bob: Reader) -> None:
    opened = bob.open((vectors / "rfc9788" / f"{RFC9788[-1][0]}.eml").read_bytes())

    assert opened.headers.outer_subject == "[...]"
    assert opened.headers.outer_from.name == ""
    assert opened.headers.date.isoformat() == "2021-02-20T10:12:02-05:00"


@pytest.mark.mission("B6")
@pytest.mark.parametrize("name", ["E.1-text-plain-legacy-display", "E.2-text-html-legacy-display"])
def test_rfc9788_payload_sealed_by_us_opens_without_its_legacy_display(
    vectors: Path, lamps: Path, bob: Reader, name: str
) -> None:
    payload = (vectors / "rfc9788" / "payloads" / f"{name}.mime").read_bytes()
    author = parse(payload).headers.first("From").encode()
    signed = smime.sign(payload, _pair(lamps, "alice", Use.SIGN), [], TODAY)

    opened = bob.open(
        b"From: %s\r\nSubject: [...]\r\n" % author + smime.encrypt(signed, [_pair(lamps, "bob", Use.ENCRYPT).key])
    )

    assert opened.report.encryption.verdict is Encryption.DECRYPTED
    assert opened.headers.subject == "Dinner plans"
    assert (
        " ".join(opened.content.text.split()) == "Let's meet at Rama's Roti Shop at 8pm and go to the park from there."
    )


@pytest.fixture(scope="session")
def babbage(vectors: Path) -> Reader:
    """Bob of the older draft about protected headers; its CA ended long ago."""
    folder = vectors / "protected-headers-draft"
    at = datetime(2020, 1, 1, tzinfo=UTC)
    return Reader(files=(folder / "bob.p12",), trusted=(folder / "sample-ca.pem",), passphrases=("bob",), at=at)


OPEN, SECRET = "The FooCorp contract", "BarCorp contract signed, let's go!"
DRAFT = [
    ("smime-onepart-signed", Encryption.NONE, GOOD, OPEN, "Bob, we need to cancel", ()),
    ("smime-multipart-signed", Encryption.NONE, GOOD, OPEN, "Bob, we need to cancel", ()),
    ("smime-sign+enc", Encryption.DECRYPTED, GOOD, SECRET, "Hi Bob!\n\nI just signed", (WEAK,)),
    ("smime-sign+enc+legacy-disp", Encryption.DECRYPTED, GOOD, SECRET, "Hi Bob!\n\nI just signed", (WEAK,)),
    ("smime-enc+legacy-disp", Encryption.DECRYPTED, UNSIGNED, SECRET, "Hi Bob!\n\nI just signed", (MALLEABLE, WEAK)),
]


@pytest.mark.mission("B6")
@pytest.mark.parametrize(("name", "encryption", "signature", "subject", "begins", "warnings"), DRAFT)
def test_older_protected_headers_are_restored(
    vectors: Path, babbage: Reader, name: str, encryption: Encryption, signature, subject: str, begins: str, warnings
) -> None:
    opened = babbage.open((vectors / "protected-headers-draft" / f"{name}.eml").read_bytes())

    assert (said(opened), opened.report.warnings) == ((encryption, signature), warnings)
    assert opened.headers.subject == subject
    assert opened.headers.from_is_protected is (signature == GOOD)
    assert opened.content.text.startswith(begins)
    assert opened.content.attachments == ()


@pytest.fixture(scope="session")
def user(vectors: Path) -> Reader:
    """Bob and everybody else of RFC 4134, in its time, trusting its CAs. No signature of it is strong enough today."""
    folder = vectors / "rfc4134" / "rfc4134"
    files = (*folder.glob("*.cer"), *folder.glob("*.pri"))
    trusted = (folder / "CarlDSSSelf.cer", folder / "CarlRSASelf.cer")
    return Reader(files=files, trusted=trusted, at=datetime(2001, 1, 1, tzinfo=UTC))


WEAK_SIGNATURE = (BAD, Reason.WEAK_ALGORITHM)


@pytest.mark.parametrize(
    ("name", "encryption", "signature", "warnings"),
    [
        ("4.8", Encryption.NONE, WEAK_SIGNATURE, ()),
        ("4.9", Encryption.NONE, WEAK_SIGNATURE, ()),
        ("5.3", Encryption.DECRYPTED, UNSIGNED, (MALLEABLE, WEAK)),
    ],
)
def test_rfc4134_mail_opens_and_is_weak(
    vectors: Path, user: Reader, name: str, encryption: Encryption, signature, warnings
) -> None:
    opened = user.open((vectors / "rfc4134" / "rfc4134" / f"{name}.eml").read_bytes())

    assert (said(opened), opened.report.warnings) == ((encryption, signature), warnings)
    assert opened.content.text == "This is some sample content."


@pytest.fixture(scope="session")
def kmail(vectors: Path) -> Reader:
    """The user of KDE's tests, with a small RSA key whose certificate ended in 2013 and is trusted by hand."""
    derived = vectors / "kde-mimetreeparser" / "keys-derived"
    return Reader(files=(derived / "unittest.key", derived / "unittest.crt"), trusted=(derived / "unittest.crt",))


FOX = "The quick brown fox jumped over the lazy dog."
KDE = [
    ("smime-encrypted", Encryption.DECRYPTED, UNSIGNED, FOX),
    ("smime-encrypted-octet-stream", Encryption.DECRYPTED, UNSIGNED, FOX),
    ("smime-opaque-sign", Encryption.NONE, WEAK_SIGNATURE, "A simple signed only test."),
    ("smime-opaque-enc+sign", Encryption.DECRYPTED, WEAK_SIGNATURE, "Encrypted and signed mail."),
    ("smime-signed-encrypted", Encryption.DECRYPTED, WEAK_SIGNATURE, "encrypted message text"),
    ("smime-opaque-signed-encrypted-attachment", Encryption.DECRYPTED, WEAK_SIGNATURE, "This is an Opaque S/MIME"),
    ("smime-signed-apple", Encryption.NONE, (BAD, Reason.CONTENT_CHANGED), "Olá Konqui,"),
    ("smime-signed-charset", Encryption.NONE, (Signature.UNVERIFIED, Reason.UNKNOWN_SIGNER), "test\n"),
    ("smime-cert", Encryption.NONE, UNSIGNED, ""),
]


@pytest.mark.parametrize(("name", "encryption", "signature", "begins"), KDE)
def test_kde_mail_has_the_known_outcome(
    vectors: Path, kmail: Reader, name: str, encryption: Encryption, signature, begins: str
) -> None:
    opened = kmail.open((vectors / "kde-mimetreeparser/autotests/testdata" / f"{name}.mbox").read_bytes())

    assert said(opened) == (encryption, signature)
    assert opened.content.text[: max(len(begins), 1)].rstrip() == begins.rstrip()


@pytest.mark.mission("B14")
@pytest.mark.parametrize("name", ["smime-encrypted-ambiguous-mime", "smime-encrypted-not-so-ambiguous-mime"])
def test_kde_encrypted_part_is_opened_apart_and_not_as_the_text(vectors: Path, kmail: Reader, name: str) -> None:
    opened = kmail.open((vectors / "kde-mimetreeparser/autotests/testdata" / f"{name}.mbox").read_bytes())

    assert opened.content.text.startswith("First message part")
    assert [part.encryption.verdict for part in opened.report.parts] == [Encryption.DECRYPTED]
    assert {Warning.ENCRYPTED_PART, Warning.SIGNED_PART} <= set(opened.report.warnings)


@pytest.mark.parametrize(
    ("reader", "mail", "subject", "encryption", "signature"),
    [
        ("bob", "rfc9788/signed/C.2.2-smime-multipart-hp.eml", "smime-multipart-hp", "none", "good"),
        ("bob", f"rfc9788/{RFC9788[-1][0]}.eml", "smime-signed-enc-hp-shy", "decrypted", "good"),
        ("babbage", "protected-headers-draft/smime-sign+enc+legacy-disp.eml", SECRET, "decrypted", "good"),
        ("user", "rfc4134/rfc4134/4.8.eml", "Example 4.8", "none", "bad"),
        ("kmail", "kde-mimetreeparser/autotests/testdata/smime-encrypted.mbox", "test", "decrypted", "none"),
    ],
)
def test_the_command_says_the_same(
    vectors: Path, request: pytest.FixtureRequest, reader: str, mail: str, subject: str, encryption: str, signature: str
) -> None:
    who: Reader = request.getfixturevalue(reader)

    shown = who.inspect(vectors / mail)

    opened = who.open((vectors / mail).read_bytes())
    verdicts = (shown["encryption"]["verdict"], shown["signature"]["verdict"])
    assert (shown["subject"], *verdicts) == (subject, encryption, signature)
    assert shown["text"] == opened.content.text
    assert shown["warnings"] == [warning.value for warning in opened.report.warnings]
