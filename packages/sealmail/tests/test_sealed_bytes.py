"""What is signed is what is sent: whatever the draft holds, openssl and we verify it after a journey by SMTP."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust
from sealmail.mime import Draft, DraftAttachment, attachments, parse
from sealmail.mime.building import is_seven_bit
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Signature
from sealmail.sealing import Letter, SealRequest, SmimeForm, letter_from_draft, letter_from_message, plan, seal
from sealmail.testing import CA, export_armored

NOW = datetime.now(UTC)
DESK, CAROL = "support@desk.example", "carol@bank.example"
HEAD = f"From: {DESK}\nTo: {CAROL}\nSubject: x\nMIME-Version: 1.0\n".encode()
INNER = "From: Jürgen <j@x.example>\nSubject: Grüße\n\nhällo \n.\nFrom me\n".encode()
PLAIN_INNER = b"From: j@x.example\nSubject: Gr\n\nhello \n.\nFrom me\n"


class Sender:
    """The desk, and everybody who receives its mail."""

    def __init__(self) -> None:
        self.ca = CA.create()
        self.desk, self.carol = self.ca.issue(DESK), self.ca.issue(CAROL)
        self.keys = MemoryKeyStore(keys=[self.ca.certificate, self.carol.key], secrets=[self.desk])
        self.trust = MemoryTrust(anchors=[self.ca.anchor])

    def seal(self, letter: Letter, *, encrypt: bool = False, opaque: bool = False) -> bytes:
        request = SealRequest(sender=DESK, to=(CAROL,), sign=True, encrypt=encrypt, smime=SmimeForm(opaque=opaque))
        return seal(plan(request, self.keys, self.trust, Policy(), NOW), letter, self.keys, NOW)[0].raw

    def opened(self, raw: bytes) -> Opened:
        store = MemoryKeyStore(keys=[self.ca.certificate], secrets=[self.carol])
        return open_message(raw, store, self.trust, Policy(), NOW)


@pytest.fixture(scope="module")
def sender() -> Sender:
    return Sender()


def as_sent(raw: bytes) -> bytes:
    return raw


def by_smtp(raw: bytes) -> bytes:
    """Lines of CRLF with dots stuffed, and off again; kept with LF, as a mailbox on Unix; sent on with CRLF."""
    assert raw.replace(b"\r\n", b"").count(b"\r") + raw.replace(b"\r\n", b"").count(b"\n") == 0
    stuffed = [b"." + line if line.startswith(b".") else line for line in raw.split(b"\r\n")]
    stored = b"\n".join(line.removeprefix(b".") for line in stuffed)
    return stored.replace(b"\n", b"\r\n")


def by_careless_servers(raw: bytes) -> bytes:
    """As servers of old did it: spaces stripped from line ends, ">" put before "From "."""
    head, mark, body = by_smtp(raw).partition(b"\r\n\r\n")
    lines = [line.rstrip(b" \t") for line in body.split(b"\r\n")]
    return head + mark + b"\r\n".join(b">" + line if line.startswith(b"From ") else line for line in lines)


TEXTS = {
    "plain": b"Words.\n",
    "empty": b"",
    "no line end": b"Words.",
    "bare line feeds": b"one\ntwo\n",
    "mixed line ends": b"one\r\ntwo\nthree\r\n",
    "bare carriage returns": b"one\rtwo\r\nthree\r",
    "a line of 2000": b"x" * 2000 + b"\n",
    "trailing spaces": b"-- \nCarol \t\n \n",
    "from": b"From here on\n\nFrom there\nfrom\n>From\n",
    "dots": b".\n..\n.x\n.",
    "eight bits": "Grüße, 50 €\n".encode(),
    "many eight bits": "Привет\n".encode() * 30,
    "not utf-8": b"Gr\xfc\xdfe\n",
    "NUL": b"a\x00b\n",
    "looks like a delimiter": b"--sealed-0\n--\n--=_x--\n",
    "blank lines at the end": b"x\n\n\n\n",
}
WAYS = [as_sent, by_smtp, by_careless_servers]


def drafts(text: bytes) -> list[Letter]:
    words = text.decode("utf-8", "replace")
    attachment = DraftAttachment("data.bin", "application/octet-stream", bytes(range(256)) + text)
    one = Draft(from_=(Mailbox("", DESK),), to=(Mailbox("", CAROL),), text=words)
    many = Draft(
        from_=(Mailbox("", DESK),), to=(Mailbox("", CAROL),), text=words, html=f"<p>{words}", attachments=(attachment,)
    )
    typed = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    mixed = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + typed + text + b"\n--b\n"
    patch = b"Content-Type: text/x-diff\n\n" + text + b"\n--b--\n"
    messages = [HEAD + b"\n" + text, HEAD + typed + text, HEAD + mixed + patch]
    return [*map(letter_from_draft, (one, many)), *map(letter_from_message, messages)]


@pytest.mark.mission("B16")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TEXTS)
def test_signed_mail_verifies_here_after_the_journey(sender: Sender, name: str, way: Callable[[bytes], bytes]) -> None:
    for letter in drafts(TEXTS[name]):
        raw = sender.seal(letter)
        opened = sender.opened(way(raw))

        assert is_seven_bit(raw)
        assert opened.report.signature.verdict is Signature.GOOD
        assert opened.content == sender.opened(raw).content
        assert parse(raw).children[0].entity == letter.entity


@pytest.mark.parametrize("name", TEXTS)
def test_signed_mail_verifies_at_openssl_after_the_journey(sender: Sender, tmp_path: Path, name: str) -> None:
    (tmp_path / "ca.pem").write_text(export_armored(sender.ca.certificate))
    command = ["openssl", "cms", "-verify", "-CAfile", tmp_path / "ca.pem", "-purpose", "smimesign"]

    for letter in drafts(TEXTS[name]):
        done = subprocess.run(command, input=by_careless_servers(sender.seal(letter)), capture_output=True, check=False)

        assert (done.returncode, done.stdout) == (0, letter.entity), done.stderr


@pytest.mark.parametrize("name", TEXTS)
def test_encrypted_and_opaque_mail_arrives_unchanged(sender: Sender, name: str) -> None:
    for letter in drafts(TEXTS[name]):
        for encrypt, opaque in ((True, False), (True, True), (False, True)):
            opened = sender.opened(by_careless_servers(sender.seal(letter, encrypt=encrypt, opaque=opaque)))

            assert opened.report.signature.verdict is Signature.GOOD
            assert opened.content == sender.opened(sender.seal(letter)).content


@given(st.binary(max_size=120), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_text_is_signed_as_it_is_sent(sender: Sender, text: bytes, in_message: bool) -> None:
    letter = drafts(text)[4 if in_message else 1]

    opened = sender.opened(by_careless_servers(sender.seal(letter)))

    assert opened.report.signature.verdict is Signature.GOOD


@pytest.mark.parametrize("inner", [INNER, INNER.replace(b"\n", b"\r\n"), b"\xff\xfe" * 20])
def test_attached_message_of_eight_bits_keeps_every_byte_as_a_file(sender: Sender, inner: bytes) -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n--b\n"
    raw += b"Content-Type: message/rfc822\n\n" + inner + b"\n--b--\n"

    opened = sender.opened(by_careless_servers(sender.seal(letter_from_message(raw))))

    (attached,) = opened.content.attachments
    assert opened.report.signature.verdict is Signature.GOOD
    assert (attached.content_type, attached.data) == ("application/octet-stream", inner)


def test_attached_message_of_seven_bits_travels_as_a_message(sender: Sender) -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee. \n--b\n"
    raw += b"Content-Type: message/rfc822\n\n" + PLAIN_INNER + b"\n--b--\n"

    sealed = sender.seal(letter_from_message(raw))
    opened = sender.opened(by_smtp(sealed))

    (attached,) = opened.content.attachments
    assert opened.report.signature.verdict is Signature.GOOD
    assert (attached.content_type, attached.data) == ("message/rfc822", PLAIN_INNER.replace(b"\n", b"\r\n"))


def test_signed_content_of_others_is_never_encoded_anew(sender: Sender) -> None:
    theirs = sender.seal(letter_from_message(HEAD + b"\nTheir words, with a space \n"))
    entity = theirs[theirs.index(b"Content-Type: multipart/signed") :].replace(b"\r\n", b"\n")
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nMine \n--b\n" + entity + b"\n--b--\n"

    letter = letter_from_message(raw)

    kept = parse(letter.entity).children[1].entity
    assert kept == entity.replace(b"\n", b"\r\n")


def test_long_header_lines_are_folded_before_they_are_signed(sender: Sender) -> None:
    long_name = b"n" * 1200
    raw = HEAD + b"References: " + b"<abcdefgh@x.example> " * 80 + b'\nContent-Type: text/plain; name="' + long_name

    letter = letter_from_message(raw + b'"\n\nWords.\n')
    opened = sender.opened(by_smtp(sender.seal(letter)))

    assert is_seven_bit(sender.seal(letter))
    assert parse(letter.entity).params["name"] == long_name.decode()
    assert set(opened.headers.references) == {"<abcdefgh@x.example>"}
    assert opened.report.signature.verdict is Signature.GOOD


def test_binary_attachments_arrive_to_the_byte(sender: Sender) -> None:
    data = bytes(range(256)) * 40 + b"\r\n\n\r.\r\nFrom \n"
    draft = Draft(
        from_=(Mailbox("", DESK),),
        text="See.\n",
        attachments=(DraftAttachment("Größe.bin", "application/x-thing", data), DraftAttachment("0", "a/b", b"")),
    )

    opened = sender.opened(by_careless_servers(sender.seal(letter_from_draft(draft))))

    assert [(one.name, one.data) for one in opened.content.attachments] == [("Größe.bin", data), ("0", b"")]
    assert len(list(attachments(parse(letter_from_draft(draft).entity)))) == 2


@pytest.mark.mission("B14")
@pytest.mark.parametrize("name", ["Bcc", "BCC ", "Resent-Bcc"])
def test_letter_from_message_names_no_blind_recipient(name: str) -> None:
    """RFC 5322 §3.6.6: a mail that was sent on has blind recipients of its own."""
    letter = letter_from_message(HEAD + f"{name}: frank@hidden.example\n\nWords.\n".encode())

    assert [field.name for field in letter.headers] == ["From", "To", "Subject"]
    assert b"frank" not in Sender().seal(letter)
