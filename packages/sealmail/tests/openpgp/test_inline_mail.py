"""OpenPGP in the text of a mail itself, as programs without PGP/MIME send it, made by gpg and opened whole."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable
from datetime import datetime

import pytest

from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Covers, Encryption, Reason, Signature, Warning

ALICE, BOB = "alice@example.org", "bob@example.org"
WORDS = "Liebe Grüße,\n- ein Strich am Anfang\nFrom the desk   \n.\n"


@pytest.fixture
def opened(cast, store: MemoryKeyStore, now: datetime) -> Callable[[bytes], Opened]:
    """Opens a mail as a desk that trusts Alice's key and has all secret keys of the cast."""
    trust = MemoryTrust(levels={cast.alice.key.fingerprint: TrustLevel.BY_HAND})
    return lambda raw: open_message(raw, store, trust, Policy(), now)


def mail(body: bytes, content_type: str = "text/plain; charset=utf-8", encoding: str = "8bit") -> bytes:
    head = f"From: Alice <{ALICE}>\r\nTo: {BOB}\r\nSubject: inline\r\nMIME-Version: 1.0\r\n"
    head += f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def encrypted(gpg, words: str = WORDS, *options: str) -> bytes:
    return gpg("--armor", "--encrypt", "--recipient", BOB, *options, stdin=words.encode())


def clearsigned(gpg, words: str = WORDS) -> bytes:
    return gpg("--clear-sign", "--local-user", ALICE, stdin=words.encode())


def verdicts(result: Opened) -> tuple[Encryption, Covers, Signature, Covers]:
    report = result.report
    return report.encryption.verdict, report.encryption.covers, report.signature.verdict, report.signature.covers


WHOLE = Covers.WHOLE


def test_encrypted_text_is_decrypted_as_the_whole_mail(gpg, opened) -> None:
    result = opened(mail(encrypted(gpg)))

    assert verdicts(result) == (Encryption.DECRYPTED, WHOLE, Signature.NONE, Covers.NONE)
    assert (result.content.text, result.content.attachments) == (WORDS, ())


def test_signed_and_encrypted_text_is_good(gpg, opened) -> None:
    result = opened(mail(encrypted(gpg, WORDS, "--sign", "--local-user", ALICE)))

    assert verdicts(result) == (Encryption.DECRYPTED, WHOLE, Signature.GOOD, WHOLE)
    assert result.content.text == WORDS


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_clear_signed_text_is_good_and_shown_without_its_dashes(gpg, opened, encoding: str) -> None:
    block = clearsigned(gpg)
    coded = {"8bit": block, "quoted-printable": quopri.encodestring(block), "base64": base64.encodebytes(block)}

    result = opened(mail(coded[encoding], encoding=encoding))

    assert verdicts(result) == (Encryption.NONE, Covers.NONE, Signature.GOOD, WHOLE)
    # Blanks at the end of lines are not signed (RFC 9580 §7.2), so they are not shown.
    assert result.content.text == WORDS.replace("desk   \n", "desk\n").removesuffix("\n")


def test_clear_signed_text_survives_the_spaces_of_flowed_text(gpg, opened) -> None:
    block = clearsigned(gpg, "From here\n on\n").replace(b"\n on", b"\n  on").replace(b"\nFrom", b"\n From")

    result = opened(mail(block, "text/plain; charset=utf-8; format=flowed"))

    assert result.report.signature.verdict is Signature.GOOD
    assert result.content.text == "From here\n on"


def test_changed_clear_signed_text_is_bad(gpg, opened) -> None:
    result = opened(mail(clearsigned(gpg).replace(b"From the desk", b"From the disk")))

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.CONTENT_CHANGED)
    assert "disk" in result.content.text


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda block: block.replace(b"Hash:", b"Pay Mallory.\nHash:", 1), id="words among the headers"),
        pytest.param(lambda block: block.replace(b"Hash:", b"Comment: pay Mallory\nHash:", 1), id="another header"),
        pytest.param(
            lambda block: block.replace(b"- - ein", b"- ein", 1).replace(b"From the", b"-- hidden\nFrom the"),
            id="a line that begins with a dash",
        ),
        pytest.param(
            lambda block: block.replace(
                b"-----BEGIN PGP SIGNATURE", b"- \n-----BEGIN PGP MESSAGE-----\n-----BEGIN PGP SIGNATURE"
            ),
            id="a block in the block",
        ),
    ],
)
def test_words_that_were_slipped_into_a_clear_signed_block_make_it_bad(gpg, opened, forge) -> None:
    result = opened(mail(forge(clearsigned(gpg))))

    assert result.report.signature.verdict is Signature.BAD


@pytest.mark.mission("B14")
def test_words_around_a_clear_signed_text_stay_visibly_unsigned(gpg, opened) -> None:
    result = opened(mail(b"Pay Mallory.\n\n" + clearsigned(gpg) + b"\nA footer.\n"))

    assert verdicts(result) == (Encryption.NONE, Covers.NONE, Signature.NONE, Covers.PART)
    (part,), (report,) = result.parts, result.report.parts
    assert (report.path, report.signature.verdict, report.signature.covers) == ("1#1", Signature.GOOD, Covers.PART)
    assert "Grüße" in part.content.text
    assert "Mallory" not in part.content.text
    assert result.content.text.startswith("Pay Mallory.\nLiebe Grüße")
    assert Warning.SIGNED_PART in result.report.warnings


@pytest.mark.mission("B14")
def test_words_around_an_encrypted_text_are_kept_apart_from_it(gpg, opened) -> None:
    result = opened(mail(b"In the clear.\n" + encrypted(gpg) + b"A footer.\n"))

    assert verdicts(result)[:2] == (Encryption.DECRYPTED, Covers.PART)
    assert result.content.text == "In the clear.\nA footer."
    assert [part.content.text for part in result.parts] == [WORDS]


@pytest.mark.mission("B14")
def test_a_quoted_block_is_not_opened(gpg, opened) -> None:
    quoted = b"".join(b"> " + line + b"\n" for line in encrypted(gpg).splitlines())

    result = opened(mail(b"You wrote:\n" + quoted))

    assert verdicts(result) == (Encryption.NONE, Covers.NONE, Signature.NONE, Covers.NONE)
    assert result.parts == ()


def multipart(*parts: bytes, subtype: str = "mixed") -> bytes:
    joined = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts)
    return mail(joined + b"--limit--\r\n", f'multipart/{subtype}; boundary="limit"', "7bit")


def entity(content_type: str, body: bytes, name: str | None = None) -> bytes:
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    return f"Content-Type: {content_type}\r\n{disposition}\r\n".encode() + body


def test_what_exchange_made_of_an_encrypted_mail_is_decrypted_as_the_whole(gpg, opened) -> None:
    inside = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{WORDS}"
    raw = multipart(
        entity("text/plain", b"\r\n"),
        entity("application/pgp-encrypted", b"Version: 1\r\n", "ATT00001"),
        entity("application/octet-stream", encrypted(gpg, inside), "encrypted.asc"),
    )

    result = opened(raw)

    assert verdicts(result)[:2] == (Encryption.DECRYPTED, WHOLE)
    assert result.content.text.replace("\r\n", "\n") == WORDS
    assert result.content.attachments == ()


def test_words_beside_what_exchange_made_keep_it_a_part(gpg, opened) -> None:
    raw = multipart(
        entity("text/plain", b"Pay Mallory.\r\n"),
        entity("application/pgp-encrypted", b"Version: 1\r\n"),
        entity("application/octet-stream", encrypted(gpg, "Content-Type: text/plain\r\n\r\nsecret"), "encrypted.asc"),
    )

    result = opened(raw)

    assert verdicts(result)[:2] == (Encryption.DECRYPTED, Covers.PART)
    assert "secret" not in result.content.text


@pytest.mark.parametrize("armor", ["--armor", "--no-armor"])
def test_an_encrypted_file_is_opened_as_a_part_under_its_own_name(gpg, opened, armor: str) -> None:
    sealed = gpg(armor, "--encrypt", "--recipient", BOB, stdin=b"%PDF-1.7 \x00\xff\n")
    file = entity("application/octet-stream", base64.encodebytes(sealed), "Vertrag.pdf.pgp")
    file = file.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)

    result = opened(multipart(entity("text/plain", b"See the file.\r\n"), file))

    assert verdicts(result)[:2] == (Encryption.DECRYPTED, Covers.PART)
    (part,) = result.parts
    assert [(one.name, one.content_type, one.data) for one in part.content.attachments] == [
        ("Vertrag.pdf", "application/pdf", b"%PDF-1.7 \x00\xff\n")
    ]
    assert (result.content.text, result.content.attachments) == ("See the file.\n", ())


def test_the_html_form_of_an_encrypted_text_is_not_shown_beside_it(gpg, opened) -> None:
    block = encrypted(gpg)
    html = entity("text/html", b"<pre>" + block + b"</pre>")

    result = opened(multipart(entity("text/plain", block), html, subtype="alternative"))

    assert verdicts(result)[:2] == (Encryption.DECRYPTED, Covers.PART)
    assert (result.content.text, result.content.html) == ("", None)
    assert [part.content.text for part in result.parts] == [WORDS]


def test_a_text_of_many_blocks_ends_in_text(gpg, opened) -> None:
    block = clearsigned(gpg, "again")

    result = opened(mail(block * 100))

    assert len(result.report.parts) == 16
    assert Warning.CUT_BY_LIMITS in result.report.warnings
