"""Whole OpenPGP mails that other projects made: what their makers say of them is what we say. None is left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sealmail import cli
from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.keys.reader import read_paths
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Warning

pytestmark = pytest.mark.vectors
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a mail is, in words: "verdict covers" or "verdict reason covers", and each sealed part "path: verdicts"."""

    encryption: str = "none none"
    signature: str = "none none"
    text: str
    """How the main text begins."""
    files: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


# "weak_algorithm" stands where their makers say "good", and the signature uses SHA-1.
GOOD, WEAK, MISMATCH = "good whole", "bad weak_algorithm whole", "bad sender_mismatch whole"
WHOLE, PART = "decrypted whole", "decrypted part"
NEWS = "hi..\n\ni noticed a new branch"
TWO = ("attachment1.txt", "attachment2.txt")
SEALED = {
    "crlf-encrypted-with-signature": Expected(
        encryption=WHOLE, text="CRLF file\n\n-- \nThis is a signature\nWith two lines"
    ),
    "crlf-encrypted-with-signature-multipart": Expected(encryption=WHOLE, text="CRLF file\n\n-- \nThis is a signature"),
    "inlinepgpencrypted": Expected(encryption=WHOLE, text="some random text"),
    "inlinepgpencrypted-appendix": Expected(
        encryption=PART, text="____", parts=("1#1: decrypted, none: some random text",)
    ),
    "inlinepgpencrypted-error": Expected(encryption="no_key whole", text="", files=("smime.p7m",)),
    "inlinepgpgencrypted-error": Expected(encryption="no_key whole", text="", files=("smime.p7m",)),
    "internal-pgpencrypted-mime": Expected(encryption=WHOLE, signature=GOOD, text="test text", files=("file.txt",)),
    "multipart-mixed-alternative-inline-pgp": Expected(
        encryption=PART,
        text="Some text before PGP block\nSome text after PGP block",
        parts=("1.1.1#1: decrypted, none: encrypted message text",),
    ),
    "openpgp-encoded": Expected(signature="unverified unknown_signer whole", text="Lorem ipsum"),
    "openpgp-encrypted": Expected(encryption=WHOLE, text="encrypted message text"),
    "openpgp-encrypted+signed": Expected(encryption=WHOLE, signature=GOOD, text="encrypted message text"),
    "openpgp-encrypted-ambiguous-mime": Expected(
        encryption=PART,
        text="First message part.",
        files=("attachment.asc",),
        parts=("3: decrypted, none: this is the main body part",),
    ),
    "openpgp-encrypted-applemail": Expected(encryption=WHOLE, text="test\n"),
    "openpgp-encrypted-attachment": Expected(encryption=WHOLE, signature=GOOD, text="test text", files=("file.txt",)),
    "openpgp-encrypted-attachment-and-non-encrypted-attachment": Expected(
        encryption=PART,
        signature="none part",
        text="",
        files=("image.png",),
        parts=("1: decrypted, good: test text",),
    ),
    "openpgp-encrypted-enigmail1.6": Expected(encryption=WHOLE, text="test\n"),
    "openpgp-encrypted-memoryhole": Expected(encryption=WHOLE, text="very secret mesage\n"),
    "openpgp-encrypted-memoryhole2": Expected(encryption=WHOLE, text="\n  Fsdflkjdslfj\n\n\nHappy Monday!"),
    "openpgp-encrypted-noData": Expected(encryption="damaged whole", text="", files=("encrypted.asc",)),
    "openpgp-encrypted-non-encrypted-attachment": Expected(
        encryption=PART,
        signature="none part",
        text="",
        files=("image.png",),
        parts=("1: decrypted, good: test text",),
    ),
    "openpgp-encrypted-partially-signed-attachments": Expected(
        encryption=PART,
        signature="none part",
        text="",
        parts=(
            "1: decrypted, bad weak_algorithm: This is the main body.",
            "2: decrypted, none: This is an unsigned attachment.",
        ),
    ),
    "openpgp-encrypted-signed-thunderbird": Expected(
        encryption=WHOLE, signature=GOOD, text="sdfsdf\n\n", files=("OpenPGP_0x8D9860C58F246DE6.asc",)
    ),
    "openpgp-encrypted-two-attachments": Expected(encryption=WHOLE, text="this is the main body part", files=TWO),
    # Signed by test@kolab.org, as their makers say, but sent by somebody else.
    "openpgp-inline-charset-encrypted": Expected(
        encryption=WHOLE, signature=MISMATCH, text="asdasd asd asd asdf sadf sdaf sadf öäü"
    ),
    "openpgp-inline-encrypted+nonenc": Expected(
        encryption=PART,
        signature="none part",
        text="Not encrypted not signed :(\nA signed part follows, but this text here is not signed",
        parts=("1#1: decrypted, none: some random text", "1#2: decrypted, good: asdasd asd asd asdf sadf sdaf"),
    ),
    "openpgp-inline-signed": Expected(
        signature="none part", text="Unsigned part\nohno öäü", parts=("1#1: none, good: ohno öäü",)
    ),
    "openpgp-inline-signed-broken": Expected(signature="bad content_changed whole", text="ohno break it öäü"),
    "openpgp-inline-signed-broken2": Expected(
        signature="bad malformed whole",
        text="ohno =F6=E4=FC",
        parts=("1#1: none, bad malformed: -----BEGIN PGP SIGNED MESSAGE-----",),
    ),
    "openpgp-inline-wrong-charset-encrypted": Expected(
        encryption=WHOLE, signature=MISMATCH, text="This is a utf-8 message you see - öäüß@ł€¶ŧ←↓→øþ\n"
    ),
    "openpgp-multipart-embedded": Expected(encryption=WHOLE, text="sdflskjsdf\n", files=("attachment.txt",)),
    "openpgp-multipart-embedded-signed": Expected(
        encryption=WHOLE, signature="unverified untrusted_key whole", text="test\n", files=("attachment.txt",)
    ),
    "openpgp-signed-and-unsigned-attachments-and-parts": Expected(
        signature="none part",
        text="This is some inline text.",
        files=("attachment.txt", "attachment_unsigned.txt"),
        parts=("1: none, bad content_changed: This is some inline text.",),
    ),
    "openpgp-signed-apple": Expected(signature="bad content_changed whole", text="\n\n…\nQuonk", files=("image.png",)),
    "openpgp-signed-base64-mailman-footer": Expected(
        signature="none part", text="Hi,\n\nI've talked to Ben", parts=("1: none, unverified unknown_signer: Hi,",)
    ),
    "openpgp-signed-encrypted": Expected(encryption=WHOLE, signature=WEAK, text="encrypted message text"),
    "openpgp-signed-encrypted-two-attachments": Expected(
        encryption=WHOLE, signature=WEAK, text="this is the main body", files=TWO
    ),
    "openpgp-signed-mailinglist": Expected(
        signature="none part", text=NEWS, parts=("1: none, unverified unknown_signer: hi..",)
    ),
    "openpgp-signed-mailinglist+additional-children": Expected(
        signature="none part", text=NEWS, files=("broken.attachment",), parts=("1: none, bad malformed: hi..",)
    ),
    # No Content-Type: the mail is text, whatever stands in it.
    "openpgp-signed-mailinglist+old": Expected(text="Oh man a header :)"),
    "openpgp-signed-no-protocol": Expected(signature="bad malformed whole", text=NEWS, files=("signature.asc",)),
    "openpgp-signed-sender-mismatch": Expected(signature=MISMATCH, text="This email was signed"),
    "openpgp-signed-two-attachments": Expected(signature=WEAK, text="this is the main body text", files=TWO),
    # What was forwarded is a file: its signatures say nothing about this mail.
    "forward-openpgp-signed-encrypted": Expected(text="bla bla bla", files=("forwarded message",)),
    "forward-openpgp-signed-encrypted-no-from": Expected(text="It is somewhat strange", files=("forwarded message",)),
    "signed-forward-openpgp-signed-encrypted": Expected(
        signature=WEAK, text="bla bla bla", files=("forwarded message",)
    ),
}
PLAIN = {
    "8bitencoded": "And: is it just part of an old European dance craze?",
    "alternative": "If you can see this text it means",
    "alternative-notext": "Some HTML text",
    "applehtmlwithattachments": "Hi,\n\nThis is an HTML message with attachments.",
    "applehtmlwithattachmentsmixed": "Hello\n",
    "attachment": "\n\n\n\nSuperkombipackung",
    "attachment2": "\n\n\n\nSuperkombipackung",
    "cid-links": "\n\n\n\nSuperkombipackung",
    "cid-links-forwarded-inline": "Hi \n\n-------- Original Message",
    "combined": "If you can see this text it means",
    "empty": "",
    "encapsulated-with-attachment": "This is the first encapsulating message.\n",
    "gmail-invitation": "You have been invited to the following event.",
    "html": "HTML text",
    "htmlonly": "SOME HTML text.",
    "htmlonlyexternal": "SOME HTML text.",
    "invitation": "*test1234*\n\nWhen: 2019-08-01",
    "listmessage": "test\n",
    "multirecipients": "test\n",
    "no-content-type": "asdfasdf",
    "outlook": "Hi Christian,\n\nhabs gerade getestet:",
    "plaintext": "If you can see this text it means",
    "plaintextattachment": "sdlkjsdjf",
    "text+html-maillinglist": "https://issues.kolab.org/show_bug.cgi?id=1741",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody with key files; those of `trusted` are trusted by hand."""

    files: tuple[Path, ...]
    trusted: tuple[Path, ...]

    def open(self, raw: bytes) -> Opened:
        """The mail as the library opens it."""
        found = read_paths([(file.name, file.read_bytes()) for file in self.files])[0]
        by_hand = read_paths([(file.name, file.read_bytes()) for file in self.trusted])[0].keys
        trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in by_hand})
        return open_message(raw, MemoryKeyStore(keys=found.keys, secrets=found.secrets), trust, Policy(), AT)

    @property
    def options(self) -> list[str]:
        """The same for the command."""
        options = [word for file in self.files for word in ("--keys", str(file))]
        return [*options, *(word for file in self.trusted for word in ("--trust", str(file))), "--at", AT.isoformat()]


@pytest.fixture(scope="module")
def kde(vectors: Path) -> Owner:
    keys = vectors / "kde-mimetreeparser" / "keys-derived"
    return Owner(files=(keys / "pgp-public-all.asc", keys / "pgp-secret.asc"), trusted=(keys / "pgp-secret.asc",))


@pytest.fixture(scope="module")
def mails(vectors: Path) -> Path:
    return vectors / "kde-mimetreeparser" / "autotests" / "testdata"


def seen(opened: Opened, text: str) -> Expected:
    """What was opened, in the words of `Expected`, with as much of each text as is expected of it."""
    report = opened.report
    parts = tuple(
        f"{part.path}: {part.encryption.verdict.value}, {_words(part.signature.verdict, part.signature.reason)}:"
        for part in report.parts
    )
    return Expected(
        encryption=f"{report.encryption.verdict.value} {report.encryption.covers.value}",
        signature=_words(report.signature.verdict, report.signature.reason, report.signature.covers),
        text=opened.content.text[: len(text)] if text else opened.content.text,
        files=tuple(file.name for file in opened.content.attachments),
        parts=parts,
    )


def _words(*codes: Any) -> str:
    return " ".join(code.value for code in codes if code is not None)


@pytest.mark.mission("P3")
@pytest.mark.parametrize("name", SEALED)
def test_kde_mail_is_what_its_makers_say(name: str, kde: Owner, mails: Path) -> None:
    expected = SEALED[name]

    opened = kde.open((mails / f"{name}.mbox").read_bytes())

    heads = tuple(part.rpartition(": ")[0] + ":" for part in expected.parts)
    begins = [part.rpartition(": ")[2] for part in expected.parts]
    wanted = Expected(
        encryption=expected.encryption,
        signature=expected.signature,
        text=expected.text,
        files=expected.files,
        parts=heads,
    )
    assert seen(opened, expected.text) == wanted
    assert [part.content.text[: len(begin)] for part, begin in zip(opened.parts, begins, strict=True)] == begins


@pytest.mark.parametrize("name", PLAIN)
def test_kde_mail_without_seals_is_plain(name: str, kde: Owner, mails: Path) -> None:
    opened = kde.open((mails / f"{name}.mbox").read_bytes())

    begins = PLAIN[name]
    assert (opened.report.layers, opened.report.parts, opened.report.warnings) == ((), (), ())
    assert (opened.content.text[: len(begins)] if begins else opened.content.text) == begins


def test_every_kde_mail_has_an_expectation(mails: Path) -> None:
    """Those of S/MIME stand in `test_vector_mails.py`, with the other mails of that kind."""
    there = {path.stem for path in mails.glob("*.mbox") if not path.stem.startswith("smime-")}

    assert there == {*SEALED, *PLAIN}


@pytest.mark.mission("B6")
def test_kde_mail_with_a_hidden_subject_shows_it_and_keeps_the_outer_sender(kde: Owner, mails: Path) -> None:
    first, second = (
        kde.open((mails / f"openpgp-encrypted-{name}.mbox").read_bytes()) for name in ("memoryhole", "memoryhole2")
    )

    assert (first.headers.subject, second.headers.subject) == ("hidden subject", "This is the subject")
    # Nobody signed what is inside.
    assert [(one.headers.from_.address, one.report.warnings) for one in (first, second)] == [
        ("test@kolab.org", (Warning.FROM_DIFFERS,)),
        ("doe@example.com", (Warning.FROM_DIFFERS,)),
    ]


@pytest.mark.parametrize("name", SEALED)
def test_the_command_says_the_same_of_kde_mail(
    name: str, kde: Owner, mails: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, expected = mails / f"{name}.mbox", SEALED[name]

    shown = inspected(path, kde, capsys)

    verdict, reason, covers = (shown["signature"][word] for word in ("verdict", "reason", "covers"))
    assert " ".join(filter(None, [verdict, reason, covers])) == expected.signature
    assert f"{shown['encryption']['verdict']} {shown['encryption']['covers']}" == expected.encryption
    assert shown["text"].startswith(expected.text)
    assert tuple(file["name"] for file in shown["attachments"]) == expected.files


def inspected(path: Path, owner: Owner, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.main(["inspect", str(path), "--json", *owner.options]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.fixture(scope="module")
def bob(vectors: Path) -> Owner:
    """Bob of the draft about protected headers, who trusts Alice."""
    folder = vectors / "protected-headers-draft"
    alice = folder / "alice@openpgp.example.pub.asc"
    return Owner(files=(alice, folder / "bob@openpgp.example.sec.asc"), trusted=(alice,))


SECRET, OPEN = "BarCorp contract signed, let's go!", "The FooCorp contract"
DRAFT = {
    "pgpmime-signed": Expected(signature=GOOD, text="Bob, we need to cancel this contract.\n"),
    "pgpmime-sign+enc": Expected(encryption=WHOLE, signature=GOOD, text="Hi Bob!\n\nI just signed"),
    "pgpmime-sign+enc+legacy-disp": Expected(encryption=WHOLE, signature=GOOD, text="Hi Bob!\n\nI just signed"),
    "pgpmime-layered": Expected(encryption=WHOLE, signature=GOOD, text="Hi Bob!\n\nI just signed"),
    "pgpmime-layered+legacy-disp": Expected(encryption=WHOLE, signature=GOOD, text="Hi Bob!\n\nI just signed"),
    "pgpmime-enc+legacy-disp": Expected(encryption=WHOLE, text="Hi Bob!\n\nI just signed"),
    "unfortunately-complex": Expected(
        encryption=WHOLE, signature=GOOD, text="Hi Bob!\n\nI just signed", files=("testharness-config.diff",)
    ),
}


@pytest.mark.mission("B6")
@pytest.mark.parametrize("name", DRAFT)
def test_draft_mail_opens_with_its_protected_subject_and_without_its_legacy_display(
    name: str, bob: Owner, vectors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, expected = vectors / "protected-headers-draft" / f"{name}.eml", DRAFT[name]

    opened, shown = bob.open(path.read_bytes()), inspected(path, bob, capsys)

    subject = SECRET if expected.encryption == WHOLE else OPEN
    assert seen(opened, expected.text) == expected
    assert (opened.headers.subject, shown["subject"]) == (subject, subject)
    assert opened.headers.from_is_protected is (expected.signature == GOOD)
    assert "Subject:" not in opened.content.text
    assert shown["text"] == opened.content.text


def test_every_openpgp_mail_of_the_draft_has_an_expectation(vectors: Path) -> None:
    there = {path.stem for path in (vectors / "protected-headers-draft").glob("*.eml")}

    assert {name for name in there if not name.startswith("smime-")} == {*DRAFT}
