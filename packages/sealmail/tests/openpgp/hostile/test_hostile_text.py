"""OpenPGP in the text of a mail, with tricks: what nobody signed is never shown as signed."""

from __future__ import annotations

import quopri
from base64 import encodebytes

import pytest

from sealmail.bounded import ProcessLimits
from sealmail.opening import Opened, open_message
from sealmail.policy import MEGABYTE, Policy
from sealmail.report import Covers, Encryption, Signature
from sealmail.testing.pgp_forging import (
    BOB,
    ENTITY,
    WORDS,
    armored,
    literal,
    multipart,
    text,
)

pytestmark = pytest.mark.mission("B14")
MALLORY = "mallory@evil.example"
SMALL = ProcessLimits(memory_bytes=1024 * MEGABYTE, cpu_seconds=20, wall_seconds=60)
GOOD, NONE, BAD = Signature.GOOD, Signature.NONE, Signature.BAD


def good_part_texts(opened: Opened) -> list[str]:
    pairs = zip(opened.report.parts, opened.parts, strict=True)
    return [part.content.text.strip() for report, part in pairs if report.signature.verdict is GOOD]


def test_clear_signed_text_with_lines_of_dashes_hides_none(world, sealed: dict[str, bytes]) -> None:
    raw = sealed["clear-signed"]
    hidden = [
        raw.replace(b"Pay 100", b"--x\r\nPay 100"),
        raw.replace(b"Pay 100", b"- \r\nPay 100"),
        raw.replace(b"Pay 100", b"- -----BEGIN PGP SIGNATURE-----\r\nPay 100"),
        raw.replace(b"Pay 100", b"-----\r\nPay 100"),
        raw.replace(b"Pay 100", b"Pay 900 euros.\r\r\nPay 100"),
        raw.replace(b"Pay 100", b"\x0bPay 900\x0c\r\nPay 100"),
        raw.replace(b"euros.\r\n", b"euros.\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\n", 1),
        raw.replace(b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----\r\nPay: 900"),
    ]

    seen = [world.opened(one) for one in hidden]

    assert [one.report.signature.verdict for one in seen][:-1] == [BAD] * (len(hidden) - 1)


INJECTED = [b"Subject: Pay 900\r\n", b"Comment: Pay 900\r\n", b"Pay 900\r\n", b" Pay 900\r\n", b"Charset: utf-7\r\n"]


@pytest.mark.parametrize("line", INJECTED)
def test_headers_put_into_clear_signed_text_make_it_bad(world, sealed: dict[str, bytes], line: bytes) -> None:
    block = sealed["clear-signed"]

    for raw in (block.replace(b"Hash:", line + b"Hash:"), block.replace(b"\r\n\r\nPay", b"\r\n" + line + b"\r\nPay")):
        assert raw != block
        assert world.opened(raw).report.signature.verdict is BAD


def test_clear_signed_inside_clear_signed_is_one_text_and_never_two(world, gpg, sealed) -> None:
    block = sealed["clear-signed"].partition(b"\r\n\r\n")[2]
    outside = gpg("--clear-sign", "--local-user", BOB, stdin=b"Pay 900 euros.\r\n" + block).replace(b"\n", b"\r\n")
    forged = outside.replace(b"- -----", b"-----")

    honest = open_message(text(outside), world.keys, world.trust, Policy(), world.now)

    assert honest.report.signature.verdict is GOOD
    assert honest.content.text.startswith("Pay 900 euros.")
    assert good_part_texts(honest) == ["Pay 100 euros."]
    spoilt = open_message(text(forged), world.keys, world.trust, Policy(), world.now)
    assert spoilt.report.signature.verdict is not GOOD
    assert not any("900" in words for words in good_part_texts(spoilt))


def test_html_with_armor_inside_is_not_opened(world, sealed: dict[str, bytes]) -> None:
    for form in ("clear-signed", "inline both"):
        block = sealed[form].partition(b"\r\n\r\n")[2]
        raw = text(b"<p>Pay Mallory.</p><pre>\r\n" + block + b"</pre>", "text/html; charset=utf-8")

        opened = world.opened(raw)

        assert world.verdict(opened) == (Encryption.NONE, NONE)
        assert opened.parts == ()


def test_armor_in_quoted_printable_with_soft_breaks_opens(world, sealed: dict[str, bytes]) -> None:
    for form in ("clear-signed", "inline both"):
        block = sealed[form].partition(b"\r\n\r\n")[2]
        coded = quopri.encodestring(block.replace(b"\r\n", b"\n").replace(b"-----", b"=2D=2D=2D=2D=2D"))
        soft = b"=\n".join(coded.replace(b"=3D2D", b"=2D").split(b"=\n"))

        assert world.opened(text(soft, encoding="quoted-printable")).report.signature.verdict is GOOD


def test_a_message_in_several_mails_is_told(world) -> None:
    block = armored(world.message(literal(ENTITY)))
    for label in (b"MESSAGE, PART 1/2", b"MESSAGE, PART 2/2", b"MESSAGE, PART 7"):
        opened = world.opened(text(block.replace(b"MESSAGE", label)))

        assert world.verdict(opened) == (Encryption.UNSUPPORTED, NONE)
        assert opened.report.layers[0].facts.why == "partitioned"


def test_armor_that_only_says_to_be_quoted_printable_opens(world) -> None:
    """Decoding takes the padding and the checksum for a soft break and a character."""
    messages = (world.message(literal(ENTITY + b" " * blanks)) for blanks in range(9))
    message = next(one for one in messages if len(one) % 3)
    block = armored(message).replace(b"-----END", b"=F1jx\r\n-----END")
    assert b"=\r\n" in block

    opened = world.opened(text(block, encoding="quoted-printable"))

    assert world.verdict(opened) == (Encryption.DECRYPTED, NONE)
    assert opened.content.text.strip() == WORDS.strip()


@pytest.mark.parametrize(
    ("beside", "covers"), [(b"\r\n", Covers.WHOLE), (b"\r\nPay Mallory.", Covers.PART)], ids=["alone", "with words"]
)
def test_a_mail_that_gpgol_kept_in_a_file_opens_as_the_whole_where_it_is_alone(world, sealed, beside, covers) -> None:
    entity = b"Content-Type: multipart/encrypted" + sealed["both"].partition(b"Content-Type: multipart/encrypted")[2]
    name = b'Content-Type: application/octet-stream; name="GpgOL_MIME_structure.mime"\r\n'
    file = name + b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(b"MIME-Version: 1.0\n" + entity)

    opened = world.opened(multipart("mixed", beside, file))

    assert opened.report.encryption.verdict is (Encryption.DECRYPTED if covers is Covers.WHOLE else Encryption.NONE)
    assert (opened.report.signature.verdict is GOOD) is (covers is Covers.WHOLE)
