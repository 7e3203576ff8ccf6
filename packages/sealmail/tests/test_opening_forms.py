"""The many names and encodings under which S/MIME arrives, and compression, through `open_message`."""

from __future__ import annotations

import subprocess
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealmail import mime, smime
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey
from sealmail.opening import Opened, open_message
from sealmail.policy import Budget, Policy
from sealmail.report import Covers, Encryption, Reason, Signature, Warning
from sealmail.smime import cms, der
from sealmail.testing import CA, export_pem, forging

NOW = datetime.now(UTC)
CAROL, DESK = "carol@bank.example", "support@desk.example"
HEAD = f"From: {CAROL}\r\nTo: {DESK}\r\nSubject: Contract\r\nMIME-Version: 1.0\r\n".encode()
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe words.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Carol, the desk, and the CA that both trust."""

    ca: CA
    carol: SecretKey
    desk: SecretKey

    def opens(self, raw: bytes, policy: Policy | None = None) -> Opened:
        store = MemoryKeyStore(keys=[self.carol.key], secrets=[self.desk])
        return open_message(raw, store, MemoryTrust(anchors=[self.ca.anchor]), policy or Policy(), NOW)


@pytest.fixture(scope="module")
def world() -> World:
    ca = CA.create()
    return World(ca=ca, carol=ca.issue(CAROL), desk=ca.issue(DESK))


def binary(sealed: bytes) -> bytes:
    """The CMS in an entity of ours."""
    return mime.parse(sealed).decoded()


@pytest.fixture(scope="module")
def structures(world: World) -> dict[str, bytes]:
    """The same words signed, encrypted, both, and compressed."""
    signed = smime.sign_opaque(ENTITY, world.carol, [], NOW)
    return {
        "signed": binary(signed),
        "encrypted": binary(smime.encrypt(ENTITY, [world.desk.key])),
        "authenticated": binary(smime.encrypt(ENTITY, [world.desk.key], gcm=True)),
        "both": binary(smime.encrypt(signed, [world.desk.key])),
        "compressed": forging.compressed_data(ENTITY),
    }


SEEN = {
    "signed": (Signature.GOOD, Encryption.NONE),
    "encrypted": (Signature.NONE, Encryption.DECRYPTED),
    "authenticated": (Signature.NONE, Encryption.DECRYPTED),
    "both": (Signature.GOOD, Encryption.DECRYPTED),
    "compressed": (Signature.NONE, Encryption.NONE),
}

HEADERS = {
    "as the standard says": "application/pkcs7-mime; smime-type={type}; name=smime.p7m",
    "old type": "application/x-pkcs7-mime; name=smime.p7m",
    "without any parameter": "application/pkcs7-mime",
    "wrong smime-type": "application/pkcs7-mime; smime-type=certs-only; name=smime.p7c",
    "other wrong smime-type": "application/pkcs7-mime; smime-type=nonsense",
    "octets with a name": "application/octet-stream; name=smime.p7m",
    "octets with another name": 'application/octet-stream; name="SMIME.P7M "',
    "octets named like a signature": "application/octet-stream; name=smime.p7s",
    "compressed name": "application/octet-stream; name=smime.p7z",
    "type of a signature": "application/x-pkcs7-signature; name=smime.p7m",
    "type of certificates": "application/x-pkcs7-certificates; name=smime.p7m",
    "invented type": "application/p7m; name=x.p7m",
    "text with a name": "text/plain; name=smime.p7m",
    "newest type": "application/cms; encapsulatingContent=signedData",
}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": lambda data: b"Content-Transfer-Encoding: base64\r\n\r\n" + lines(data),
    "binary": lambda data: b"Content-Transfer-Encoding: binary\r\n\r\n" + data,
    "quoted-printable": lambda data: (
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + b"=\r\n".join(data[i : i + 25].hex("=").upper().encode().join((b"=", b"")) for i in range(0, len(data), 25))
    ),
    "base64 that is not declared": lambda data: b"\r\n" + lines(data),
    "armour": lambda data: b"\r\n-----BEGIN PKCS7-----\r\n" + lines(data) + b"-----END PKCS7-----\r\n",
    "armour in base64": lambda data: (
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + lines(b"-----BEGIN CMS-----\n" + b64encode(data) + b"\n-----END CMS-----\n")
    ),
}


def lines(data: bytes) -> bytes:
    encoded = b64encode(data)
    return b"".join(encoded[i : i + 64] + b"\r\n" for i in range(0, len(encoded), 64))


@pytest.mark.mission("A3")
@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_each_name_of_smime_is_recognised(world: World, structures: dict[str, bytes], kind: str, header: str) -> None:
    type_ = "signed-data" if kind == "signed" else "enveloped-data"
    head = HEAD + f"Content-Type: {header.format(type=type_)}\r\n".encode()

    result = world.opens(head + ENCODINGS["base64"](structures[kind]))

    assert (result.report.signature.verdict, result.report.encryption.verdict) == SEEN[kind]
    assert (result.content.text, result.content.attachments) == ("The words.\n", ())


@pytest.mark.mission("A3")
@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("header", ["as the standard says", "octets with a name"])
def test_each_encoding_of_smime_is_undone(
    world: World, structures: dict[str, bytes], kind: str, encoding: Callable[[bytes], bytes], header: str
) -> None:
    head = HEAD + f"Content-Type: {HEADERS[header].format(type='enveloped-data')}\r\n".encode()

    result = world.opens(head + encoding(structures[kind]))

    assert (result.report.signature.verdict, result.report.encryption.verdict) == SEEN[kind]
    assert result.content.text == "The words.\n"


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "application/octet-stream",
        "application/pdf; name=smime.p7m",
        "application/octet-stream; name=smime.p7m.pdf",
        "image/png; name=smime.p7m",
    ],
)
def test_what_is_not_named_smime_stays_what_it_is(world: World, structures: dict[str, bytes], header: str) -> None:
    head = HEAD + f"Content-Type: {header}\r\n".encode()

    result = world.opens(head + ENCODINGS["armour"](structures["both"]))

    assert (result.report.signature.verdict, result.report.encryption.verdict) == (Signature.NONE, Encryption.NONE)
    assert "The words." not in result.content.text


def test_armour_in_the_middle_of_words_is_not_opened(world: World, structures: dict[str, bytes]) -> None:
    head = HEAD + b"Content-Type: text/plain; name=smime.p7m\r\n"
    armour = ENCODINGS["armour"](structures["both"])

    result = world.opens(head + b"\r\nPay Mallory.\r\n" + armour)

    assert result.report.encryption.verdict is Encryption.NONE
    assert "The words." not in result.content.text


@pytest.mark.parametrize("start", [b"M", b"-----BEGIN CMS-----\n"], ids=["base64", "armour"])
def test_what_is_nearly_base64_is_told_apart_at_once(world: World, start: bytes) -> None:
    """A pattern that tries each place again would take hours."""
    head = HEAD + b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\n"
    started = time.process_time()

    result = world.opens(head + start + b" \n" * 2_000_000 + b"!")

    assert result.report.encryption.verdict is Encryption.DAMAGED
    assert time.process_time() - started < 5


def test_a_name_alone_makes_no_layer(world: World) -> None:
    result = world.opens(HEAD + b"Content-Type: application/octet-stream; name=smime.p7m\r\n\r\nMy notes.\r\n")

    assert (result.report.signature.verdict, result.report.encryption.verdict) == (Signature.NONE, Encryption.NONE)
    assert [file.data for file in result.content.attachments] == [b"My notes.\r\n"]


def detached(world: World, *, type_: str, header: str) -> bytes:
    """Carol's multipart/signed with another header and another type for the signature."""
    sealed = smime.sign(ENTITY, world.carol, [], NOW)
    boundary = mime.parse(sealed).params["boundary"]
    body = sealed.split(b"\r\n\r\n", 1)[1]
    old = b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
    assert old in body
    named = body.replace(old, f"Content-Type: {type_}\r\n".encode())
    return HEAD + f'Content-Type: multipart/signed; boundary="{boundary}"{header}\r\n\r\n'.encode() + named


@pytest.mark.mission("A3")
@pytest.mark.parametrize(
    "header",
    [
        '; protocol="application/pkcs7-signature"; micalg=sha-256',
        '; protocol="application/x-pkcs7-signature"; micalg=md5',
        "; protocol=application/octet-stream",
        "; micalg=nonsense",
        "",
    ],
)
@pytest.mark.parametrize(
    "type_",
    [
        "application/pkcs7-signature; name=smime.p7s",
        "application/x-pkcs7-signature",
        "application/octet-stream; name=smime.p7s",
        "application/pkcs7-mime; name=smime.p7s",
    ],
)
def test_each_form_of_a_detached_signature_is_checked(world: World, header: str, type_: str) -> None:
    result = world.opens(detached(world, type_=type_, header=header))

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.GOOD, None)
    assert (result.content.text, result.content.attachments) == ("The words.\n", ())


@pytest.mark.parametrize(
    ("type_", "header"),
    [
        ("application/pkcs7-signature; name=smime.p7s", '; protocol="application/pgp-signature"'),
        ("application/octet-stream; name=smime.txt", '; protocol="application/pkcs7-signature"'),
        ("text/plain", ""),
    ],
    ids=["other technology", "other name", "no name"],
)
def test_a_detached_signature_that_is_not_certain_is_malformed(world: World, type_: str, header: str) -> None:
    raw = detached(world, type_=type_, header=header).replace(b'filename="smime.p7s"', b'filename="signature"')

    result = world.opens(raw)

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.MALFORMED)


def test_content_inside_and_beside_a_signature_is_malformed(world: World, structures: dict[str, bytes]) -> None:
    """The signature is true for the words that it carries; which words are meant nobody can say."""
    whole = detached(world, type_="application/pkcs7-signature", header="")
    signature = mime.parse(whole).children[1]

    result = world.opens(whole.replace(signature.body, lines(structures["signed"])))

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.MALFORMED)


def test_a_gateways_mixed_mail_with_a_signature_beside_stays_plain(world: World) -> None:
    """Some gateways turn multipart/signed into multipart/mixed; nobody can tell what was covered."""
    raw = detached(world, type_="application/pkcs7-signature; name=smime.p7s", header="")

    result = world.opens(raw.replace(b"multipart/signed", b"multipart/mixed"))

    assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.NONE, Covers.NONE)
    assert result.content.text == "The words.\n"


def opaque(data: bytes) -> bytes:
    return b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n" + ENCODINGS["base64"](data)


@pytest.mark.mission("A3")
def test_compression_inside_and_around_a_signature(world: World, structures: dict[str, bytes]) -> None:
    inside = smime.sign(opaque(forging.compressed_data(ENTITY)), world.carol, [], NOW)
    around = opaque(forging.compressed_data(opaque(structures["signed"])))

    for entity in (inside, around):
        result = world.opens(HEAD + entity)
        assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.GOOD, Covers.WHOLE)
        assert result.content.text == "The words.\n"
        assert len(result.report.layers) == 1


@pytest.mark.mission("A3")
def test_compression_between_encryption_and_signature(world: World, structures: dict[str, bytes]) -> None:
    packed = opaque(forging.compressed_data(opaque(structures["signed"])))

    result = world.opens(HEAD + smime.encrypt(packed, [world.desk.key]))

    assert (result.report.signature.verdict, result.report.encryption.verdict) == (
        Signature.GOOD,
        Encryption.DECRYPTED,
    )
    assert result.content.text == "The words.\n"
    assert result.report.warnings == ()


def test_cms_in_cms_without_mime_is_opened(world: World, structures: dict[str, bytes]) -> None:
    """As `openssl cms -sign -outform DER | openssl cms -encrypt -binary` makes it, and by content type."""
    bare = opaque(binary(smime.encrypt(structures["signed"], [world.desk.key])))
    inner = cms.content_of(structures["signed"], cms.SIGNED_DATA)[1].raw
    packed = opaque(forging.compressed_data(inner, content_type=cms.SIGNED_DATA))

    assert [world.opens(HEAD + one).report.signature.verdict for one in (bare, packed)] == [Signature.GOOD] * 2
    assert [world.opens(HEAD + one).content.text for one in (bare, packed)] == ["The words.\n"] * 2


def test_compression_counts_as_a_layer(world: World) -> None:
    entity = ENTITY
    for _ in range(4):
        entity = opaque(forging.compressed_data(entity))

    assert world.opens(HEAD + entity, Policy(budget=Budget(layers=4))).content.text == "The words.\n"
    cut = world.opens(HEAD + entity, Policy(budget=Budget(layers=3)))
    assert (cut.content.text, cut.report.warnings) == ("", (Warning.CUT_BY_LIMITS,))


@pytest.mark.mission("B14")
def test_attack_a_bomb_is_left_packed(world: World) -> None:
    small = Policy(budget=Budget(payload_bytes=1024 * 1024))
    bomb = opaque(forging.compressed_data(ENTITY + b"x" * 1024 * 1024))

    for entity in (bomb, opaque(forging.compressed_data(bomb)), smime.encrypt(bomb, [world.desk.key])):
        result = world.opens(HEAD + entity, small)
        assert result.content.text == ""
        assert [file.name for file in result.content.attachments] == ["smime.p7m"]
        assert Warning.CUT_BY_LIMITS in result.report.warnings


@pytest.mark.mission("B14")
def test_attack_bombs_beside_and_within_each_other_share_one_limit(world: World) -> None:
    small = Policy(budget=Budget(payload_bytes=1024 * 1024))
    half = opaque(forging.compressed_data(ENTITY + b"x" * 600_000))
    nested = opaque(forging.compressed_data(b"X-Fill: " + b"x" * 600_000 + b"\r\n" + half))

    beside = world.opens(HEAD + mime.multipart("mixed", [half, half, half]), small)
    within = world.opens(HEAD + nested, small)

    assert [len(part.content.text) > 600_000 for part in beside.parts] == [True, False, False]
    assert within.content.text == ""
    assert [Warning.CUT_BY_LIMITS in one.report.warnings for one in (beside, within)] == [True, True]


def test_compression_that_is_broken_is_a_file_with_a_warning(world: World) -> None:
    broken = forging.compressed_bytes(zlib.compress(b"words")[:-2])

    result = world.opens(HEAD + opaque(broken))

    assert [file.data for file in result.content.attachments] == [broken]
    assert result.report.warnings == (Warning.STRUCTURE_DEFECTS,)
    assert (result.report.signature.verdict, result.report.encryption.verdict) == (Signature.NONE, Encryption.NONE)


def test_a_compressed_part_beside_others_is_read_apart(world: World) -> None:
    words = b"Content-Type: text/plain\r\n\r\nSee below.\r\n"

    result = world.opens(HEAD + mime.multipart("mixed", [words, opaque(forging.compressed_data(ENTITY))]))

    assert result.content.text.split() == ["See", "below."]
    assert [part.content.text for part in result.parts] == ["The words.\n"]
    assert (result.report.signature.covers, result.report.encryption.covers) == (Covers.NONE, Covers.NONE)


@pytest.mark.mission("A3")
@pytest.mark.parametrize(
    "econtent", ["1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"], ids=["signed", "time stamp"]
)
def test_signed_content_of_another_type(world: World, tmp_path: Path, econtent: str) -> None:
    """By openssl, with the type of signed data around signed data, and with a type that no mail has."""
    signer = tmp_path / "carol.pem"
    signer.write_bytes(export_pem(world.carol))
    inner = cms.content_of(binary(smime.sign_opaque(ENTITY, world.carol, [], NOW)), cms.SIGNED_DATA)[1].raw
    command = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-econtent_type", econtent, "-outform", "DER"]
    done = subprocess.run([*command, "-signer", signer], input=inner, capture_output=True, check=True)

    result = world.opens(HEAD + opaque(done.stdout))

    if econtent.endswith(".7.2"):
        assert (result.report.signature.verdict, result.content.text) == (Signature.GOOD, "The words.\n")
        assert len(result.report.layers) == 2
    else:
        assert (result.report.signature.verdict, result.report.signature.reason) == (
            Signature.UNVERIFIED,
            Reason.UNSUPPORTED,
        )
        assert result.content.text == ""


def test_unknown_kinds_of_cms_are_named_unsupported(world: World) -> None:
    encrypted_data = der.sequence(der.oid(cms.encode_oid("1.2.840.113549.1.7.6")), der.explicit(0, der.sequence()))

    result = world.opens(HEAD + opaque(encrypted_data))

    assert result.report.encryption.verdict is Encryption.UNSUPPORTED


@pytest.mark.mission("B14")
@pytest.mark.parametrize("form", ["detached", "opaque"])
def test_first_lines_of_a_signed_file_are_not_taken_for_headers_and_hidden(world: World, form: str) -> None:
    """A file that somebody signed as it was, put into a mail by somebody else."""
    file = b"Warning: none of this is true.\r\n\r\nPay 900 euros.\r\n"
    sign = smime.sign if form == "detached" else smime.sign_opaque

    result = world.opens(HEAD + sign(file, world.carol, [], NOW))

    assert result.report.signature.verdict is Signature.GOOD
    assert result.content.text.replace("\r\n", "\n") == file.decode().replace("\r\n", "\n")
