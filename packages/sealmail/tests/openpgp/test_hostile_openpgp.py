"""OpenPGP that is broken, or means harm: there is a report each time, and good is only what was signed."""

from __future__ import annotations

import bz2
import json
import quopri
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from sealmail import openpgp, reporting
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.keys.reader import read_paths
from sealmail.opening import Opened, open_message
from sealmail.policy import MEGABYTE, Budget, Policy
from sealmail.report import Covers, Encryption, Reason, Signature, Warning
from sealmail.testing import openpgp_key
from sealmail.testing import pgp_forging as making
from sealmail.testing.pgp_forging import (
    BOB,
    ENTITY,
    WORDS,
    armored,
    encrypted,
    literal,
    multipart,
    signed,
    text,
)

pytestmark = pytest.mark.mission("B14")
MALLORY = "mallory@evil.example"
SMALL = ProcessLimits(memory_bytes=1024 * MEGABYTE, cpu_seconds=20, wall_seconds=60)
GOOD, NONE, BAD = Signature.GOOD, Signature.NONE, Signature.BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """Bob, whose key Alice trusts; Alice, whose key is RSA; and Mallory, whose key is trusted for her own address."""

    bob: SecretKey
    alice: SecretKey
    mallory: SecretKey
    now: datetime

    @property
    def keys(self) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[self.bob.key, self.mallory.key], secrets=[self.alice])

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(levels={one.key.fingerprint: TrustLevel.BY_HAND for one in (self.bob, self.mallory)})

    def opened(self, raw: bytes, policy: Policy | None = None) -> Opened:
        """The mail, opened. Where it is good, it is Bob's, and holds his words and nothing else."""
        opened = open_message(raw, self.keys, self.trust, policy or Policy(), self.now)
        if opened.report.signature.verdict is Signature.GOOD:
            facts = opened.report.signature.facts
            assert facts is not None
            assert facts.key == self.bob.key
            assert opened.content.text.strip() == WORDS.strip()
            assert opened.content.attachments == ()
        return opened

    def signature(self, content: bytes, by: SecretKey | None = None) -> bytes:
        """The packet of a detached signature, Bob's or another one's."""
        return making.signature(content, by or self.bob, self.now)

    def message(self, packets: bytes) -> bytes:
        """These packets, encrypted to Alice."""
        return making.encrypted_packets(packets, self.alice.key, self.now)

    def encrypted(self, packets: bytes) -> bytes:
        """A PGP/MIME mail with these packets inside."""
        return encrypted(armored(self.message(packets)))


@pytest.fixture(scope="module")
def world(cast) -> Hostile:
    now = datetime.now(UTC) + timedelta(minutes=1)
    return Hostile(bob=cast.bob, alice=cast.alice, mallory=openpgp_key(MALLORY), now=now)


@pytest.fixture(scope="module")
def sealed(world: Hostile, gpg) -> dict[str, bytes]:
    """Mails of Bob's that are good as they are."""
    headers = making.HEADERS
    block = gpg("--clear-sign", "--local-user", BOB, stdin=WORDS.encode()).replace(b"\n", b"\r\n")
    both = ("--armor", "--sign", "--local-user", BOB, "--encrypt", "--recipient", making.ALICE)
    return {
        "signed": headers + openpgp.sign(ENTITY, world.bob, world.now),
        "both": headers + openpgp.encrypt(ENTITY, [world.alice.key], world.bob, world.now),
        "clear-signed": text(block),
        "inline both": text(gpg(*both, stdin=WORDS.encode()).replace(b"\n", b"\r\n")),
    }


def verdict(opened: Opened) -> tuple[Encryption, Signature]:
    return opened.report.encryption.verdict, opened.report.signature.verdict


def seconds(call: Callable[[], object]) -> float:
    """Of the processor, which a busy machine does not stretch."""
    start = time.process_time()
    call()
    return time.process_time() - start


@pytest.mark.parametrize("form", ["signed", "both", "clear-signed", "inline both"])
def test_a_mail_cut_off_anywhere_has_a_report(world: Hostile, sealed: dict[str, bytes], form: str) -> None:
    raw = sealed[form]
    assert world.opened(raw).report.signature.verdict is GOOD

    verdicts = [world.opened(raw[:length]).report.signature.verdict for length in range(len(raw))]

    # A missing end line of armor or of a multipart is forgiven; whatever is good is whole (see `Hostile.opened`).
    assert GOOD not in verdicts[: raw.index(b"-----BEGIN PGP ") + 100]


ARMOR = [
    pytest.param(lambda block: block.replace(b"-----END", b"=AAAA\r\n-----END"), True, id="wrong checksum"),
    pytest.param(lambda block: block.replace(b"\r\n\r\n", b"\r\n Odd\r\n\r\n", 1), False, id="header without a name"),
    pytest.param(lambda block: block.replace(b"\r\n\r\n", b"\r\nX: 1\r\nX:\r\n\r\n", 1), True, id="odd headers"),
    pytest.param(
        lambda block: block.replace(b"\r\n\r\n", b"\r\nC: " + b"x" * 100_000 + b"\r\n\r\n", 1), True, id="long header"
    ),
    pytest.param(lambda block: block.replace(b"\r\n", b"\n"), True, id="LF"),
    pytest.param(lambda block: block.replace(b"\r\n", b"\n", 9), True, id="mixed line ends"),
    pytest.param(lambda block: block.partition(b"-----END")[0], True, id="no end line"),
    pytest.param(lambda block: block.replace(b"-----", b"- -----"), False, id="dash-escaped"),
    pytest.param(lambda block: block[:60] + b"\0" + block[60:], False, id="NUL"),
    pytest.param(lambda block: block.replace(b"\r\n", b"   \r\n"), True, id="blanks at line ends"),
    pytest.param(lambda block: block.replace(b"-----BEGIN", b"  -----BEGIN"), True, id="indented"),
    pytest.param(lambda block: b"Hello.\r\n\r\n" + block, True, id="text before"),
    pytest.param(lambda block: block.replace(b"MESSAGE", b"SIGNATURE"), True, id="another label"),
    pytest.param(lambda block: block + block, True, id="twice"),
    pytest.param(lambda block: block[:40] + b"\xff\xfe" + block[40:], False, id="not ASCII"),
    pytest.param(lambda _: b"", False, id="nothing"),
]


@pytest.mark.parametrize(("change", "opens"), ARMOR)
def test_odd_armor_opens_or_is_damaged(world: Hostile, change: Callable[[bytes], bytes], *, opens: bool) -> None:
    block = armored(world.message(literal(ENTITY)))

    opened = world.opened(encrypted(change(block)))

    assert verdict(opened) == (Encryption.DECRYPTED if opens else Encryption.DAMAGED, NONE)
    assert (opened.content.text == WORDS) is opens


def test_armor_in_one_line_of_ten_megabytes_opens_in_time(world: Hostile) -> None:
    message = world.message(literal(ENTITY + b"x" * 10 * MEGABYTE))
    block = b"-----BEGIN PGP MESSAGE-----\r\n\r\n" + b64encode(message) + b"\r\n-----END PGP MESSAGE-----\r\n"

    results: list[Opened] = []
    took = seconds(lambda: results.append(world.opened(encrypted(block))))

    assert verdict(results[0]) == (Encryption.DECRYPTED, NONE)
    assert took < 5


def deflated(data: bytes) -> bytes:
    return packet(Tag.COMPRESSED, b"\x02" + zlib.compress(data, 9))


BOMBS = {
    "zlib": lambda: deflated(literal(bytes(200 * MEGABYTE))),
    "bzip2": lambda: packet(Tag.COMPRESSED, b"\x03" + bz2.compress(literal(bytes(30 * MEGABYTE)), 9)),
    "deep": lambda: nested(100),
    "many": lambda: deflated(literal(bytes(2 * MEGABYTE))) * 30,
    "bomb in a bomb": lambda: deflated(deflated(literal(bytes(30 * MEGABYTE)))),
}


def nested(depth: int) -> bytes:
    """Compressed data in compressed data; what goes on for ever, as a quine does, begins like this."""
    data = literal(ENTITY)
    for _ in range(depth):
        data = deflated(data)
    return data


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_the_limits(world: Hostile, bomb: str) -> None:
    raw = world.encrypted(BOMBS[bomb]())
    policy = Policy() if bomb == "zlib" else Policy(budget=Budget(payload_bytes=16 * MEGABYTE))

    with BoundedOpener(SMALL) as opener:
        opened = opener.open_message(raw, world.keys, world.trust, policy, world.now)

    assert Warning.OPENING_FAILED not in opened.report.warnings
    assert opened.report.encryption.verdict in {Encryption.REFUSED, Encryption.DAMAGED}
    assert opened.report.encryption.verdict is Encryption.REFUSED or bomb == "many"
    assert opened.content.text == ""


def test_a_bomb_that_is_only_signed_is_malformed(world: Hostile) -> None:
    policy = Policy(budget=Budget(payload_bytes=MEGABYTE))

    opened = world.opened(text(armored(deflated(literal(bytes(20 * MEGABYTE))))), policy)

    assert (opened.report.signature.verdict, opened.report.signature.reason) == (BAD, Reason.MALFORMED)


def test_compression_as_deep_as_programs_write_it_opens(world: Hostile) -> None:
    assert world.opened(world.encrypted(nested(2))).content.text == WORDS


UNKNOWN = [
    pytest.param(packet(Tag.MARKER, b"PGP"), True, id="marker"),
    pytest.param(packet(Tag.PADDING, bytes(50)), True, id="padding"),
    pytest.param(packet(60, b"experiment"), True, id="not critical"),
    pytest.param(packet(39, b"critical"), False, id="critical"),
    pytest.param(packet(0, b"reserved"), False, id="reserved"),
    pytest.param(packet(Tag.USER_ID, BOB.encode()), False, id="user ID"),
    pytest.param(packet(Tag.LITERAL, b""), False, id="empty literal"),
    pytest.param(literal(b"Content-Type: text/plain\r\n\r\nPay Mallory."), False, id="another literal"),
]


@pytest.mark.parametrize(("extra", "opens"), UNKNOWN)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_packets_beside_the_literal_are_passed_over_or_make_it_damaged(
    world: Hostile, extra: bytes, place: str, *, opens: bool
) -> None:
    packets = extra + literal(ENTITY) if place == "before" else literal(ENTITY) + extra

    opened = world.opened(world.encrypted(packets))

    assert verdict(opened) == (Encryption.DECRYPTED if opens else Encryption.DAMAGED, NONE)
    assert opened.content.text == (WORDS if opens else "")


def test_partial_lengths_of_one_octet_open(world: Hostile) -> None:
    body = literal(ENTITY)[2:]
    partial = bytes([0xC0 | Tag.LITERAL]) + b"".join(b"\xe0" + bytes([octet]) for octet in body[:-1])

    assert world.opened(world.encrypted(partial + b"\x01" + body[-1:])).content.text == WORDS
    endless = bytes([0xC0 | Tag.LITERAL]) + b"\xe0x" * 200_000
    assert verdict(world.opened(world.encrypted(endless))) == (Encryption.DAMAGED, NONE)


@pytest.mark.parametrize("crowd", [b"\xca\x00", b"\xd5\x00", packet(60, b"")], ids=["marker", "padding", "private"])
def test_millions_of_packets_are_not_all_looked_at(world: Hostile, crowd: bytes) -> None:
    many = crowd * (4 * MEGABYTE)
    parts = [b'Content-Type: application/octet-stream; name="a.pgp"\r\n\r\n' + many, b"\r\nWords.\r\n"]

    assert seconds(lambda: openpgp.kind(many)) < 1
    assert seconds(lambda: world.opened(multipart("mixed", *parts))) < 10
    assert verdict(world.opened(world.encrypted(crowd * 30_000 + literal(ENTITY)))) == (Encryption.DAMAGED, NONE)


def test_ten_thousand_signatures_are_not_all_checked(world: Hostile) -> None:
    signature = world.signature(ENTITY)
    one = world.opened(signed(ENTITY, signature))
    raw = signed(ENTITY, signature * 10_000)
    assert one.report.signature.verdict is GOOD

    results: list[Opened] = []
    took = seconds(lambda: results.append(world.opened(raw)))

    assert took < 5
    (layer,) = results[0].report.layers
    assert len(layer.signers) <= Policy().budget.signers + 1
    assert layer.signers[-1].why == "too_many_signatures"


def test_ten_thousand_signatures_in_an_encrypted_mail_are_not_all_checked(world: Hostile) -> None:
    announced = packet(Tag.ONE_PASS, b"\x03\x00\x08\x16" + bytes(8) + b"\x01")
    packets = announced * 9_000 + literal(ENTITY) + world.signature(ENTITY) * 9_000

    results: list[Opened] = []
    took = seconds(lambda: results.append(world.opened(world.encrypted(packets))))

    assert took < 5
    assert len(results[0].report.layers[-1].signers) <= Policy().budget.signers + 1


def key_block(world: Hostile, kind: str) -> bytes:
    """Fifty megabytes that begin like a key."""
    material = world.bob.key.material
    match kind:
        case "many keys":
            return material * (50 * MEGABYTE // len(material))
        case "large picture":
            return material + packet(Tag.USER_ATTRIBUTE, bytes(50 * MEGABYTE))
        case "many user IDs":
            return material + packet(Tag.USER_ID, b"<x@example.org>") * (50 * MEGABYTE // 17)
        case _:
            return material + packet(Tag.SIGNATURE, bytes(100)) * (50 * MEGABYTE // 102)


@pytest.mark.parametrize("kind", ["many keys", "large picture", "many user IDs", "many signatures"])
def test_a_key_block_of_fifty_megabytes_stays_within_the_limits(world: Hostile, sealed, kind: str) -> None:
    block = key_block(world, kind)
    part = b"Content-Type: application/pgp-keys\r\nContent-Transfer-Encoding: binary\r\n\r\n" + block

    with BoundedOpener(SMALL) as opener:
        raw = multipart("mixed", b"Content-Type: text/plain\r\n\r\nMy key.\r\n", part)
        opened = opener.open_message(raw, world.keys, world.trust, Policy(), world.now)

    assert Warning.OPENING_FAILED not in opened.report.warnings
    assert opened.content.text.strip() == "My key."
    assert len(opened.report.keys_seen) <= Policy().budget.certificates


USER_IDS = [
    f"Bob <{BOB}>, Mallory <{MALLORY}>",
    f"{BOB} <{MALLORY}>",
    f"<{BOB}> <{MALLORY}>",
    f"Mallory <{MALLORY}>\n<{BOB}>",
    f"<{BOB}\0{MALLORY}>",
    f"<{BOB}\n>",
    f"<{BOB}\x00>",
    f"<\u202e{BOB}>",
    f"<{BOB}\u200b>",
    f"<bob@example.org@{MALLORY}>",
    f"{BOB}, {MALLORY}",
    f"(<{BOB}>) {MALLORY}",
    f'"<{BOB}>" <{MALLORY}>',
]


@pytest.mark.parametrize("user_id", USER_IDS, ids=ascii)
def test_a_user_id_with_tricks_signs_for_nobody_else(world: Hostile, user_id: str) -> None:
    """Mallory's key is trusted by hand, for the addresses that it names."""
    secret = openpgp_key(None, name=user_id)
    raw = making.HEADERS + openpgp.sign(ENTITY, secret, world.now)
    trust = MemoryTrust(levels={secret.key.fingerprint: TrustLevel.BY_HAND})

    opened = open_message(raw, MemoryKeyStore(keys=[secret.key]), trust, Policy(), world.now)

    assert opened.report.signature.verdict is not GOOD
    assert BOB not in secret.key.addresses
    json.dumps(reporting.opened_to_json(opened))


NAMES = [
    b"_CONSOLE",
    b"[GNUPG:] GOODSIG 0123456789ABCDEF Bob <bob@example.org>",
    b"\n[GNUPG:] VALIDSIG ",
    b"../../etc/x",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_in_a_literal_is_not_shown_and_signs_nothing(world: Hostile, name: bytes) -> None:
    opened = world.opened(world.encrypted(literal(ENTITY, name)))

    assert verdict(opened) == (Encryption.DECRYPTED, NONE)
    assert opened.content.text == WORDS
    assert name.decode().strip() not in json.dumps(reporting.opened_to_json(opened))


EMPTY_PARTS = {
    "detached": lambda world: signed(b"", world.signature(b"")),
    "preamble": lambda world: (
        making.HEADERS
        + b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
        + b"Pay Mallory.\r\n--b\r\n\r\n--b\r\n"
        + making.signature_part(armored(world.signature(b""), "SIGNATURE"))
        + b"\r\n--b--\r\nPay Mallory.\r\n"
    ),
    "inline": lambda world: text(armored(literal(b"") + world.signature(b"")) + b"Pay Mallory.\r\n"),
}


@pytest.mark.parametrize("form", EMPTY_PARTS)
def test_a_signature_over_nothing_speaks_for_no_words(world: Hostile, form: str) -> None:
    opened = open_message(EMPTY_PARTS[form](world), world.keys, world.trust, Policy(), world.now)

    shown = opened.content.text if opened.report.signature.covers is Covers.WHOLE else ""
    assert "Mallory" not in shown


def good_part_texts(opened: Opened) -> list[str]:
    pairs = zip(opened.report.parts, opened.parts, strict=True)
    return [part.content.text.strip() for report, part in pairs if report.signature.verdict is GOOD]


def test_clear_signed_text_with_lines_of_dashes_hides_none(world: Hostile, sealed: dict[str, bytes]) -> None:
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
def test_headers_put_into_clear_signed_text_make_it_bad(world: Hostile, sealed: dict[str, bytes], line: bytes) -> None:
    block = sealed["clear-signed"]

    for raw in (block.replace(b"Hash:", line + b"Hash:"), block.replace(b"\r\n\r\nPay", b"\r\n" + line + b"\r\nPay")):
        assert raw != block
        assert world.opened(raw).report.signature.verdict is BAD


def test_clear_signed_inside_clear_signed_is_one_text_and_never_two(world: Hostile, gpg, sealed) -> None:
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


def test_two_messages_in_one_armor_show_no_words_of_the_second(world: Hostile) -> None:
    one, other = world.message(literal(ENTITY)), world.message(literal(b"\r\nPay Mallory."))

    opened = world.opened(encrypted(armored(one + other)))

    assert "Mallory" not in opened.content.text


def test_two_signed_messages_in_one_armor_are_malformed(world: Hostile) -> None:
    one = literal(ENTITY) + world.signature(ENTITY)

    for packets in (one + one, world.signature(ENTITY) + literal(ENTITY) + literal(ENTITY)):
        opened = world.opened(text(armored(packets)))
        assert opened.report.signature.verdict in {BAD, NONE}


def test_html_with_armor_inside_is_not_opened(world: Hostile, sealed: dict[str, bytes]) -> None:
    for form in ("clear-signed", "inline both"):
        block = sealed[form].partition(b"\r\n\r\n")[2]
        raw = text(b"<p>Pay Mallory.</p><pre>\r\n" + block + b"</pre>", "text/html; charset=utf-8")

        opened = world.opened(raw)

        assert verdict(opened) == (Encryption.NONE, NONE)
        assert opened.parts == ()


def test_armor_in_quoted_printable_with_soft_breaks_opens(world: Hostile, sealed: dict[str, bytes]) -> None:
    for form in ("clear-signed", "inline both"):
        block = sealed[form].partition(b"\r\n\r\n")[2]
        coded = quopri.encodestring(block.replace(b"\r\n", b"\n").replace(b"-----", b"=2D=2D=2D=2D=2D"))
        soft = b"=\n".join(coded.replace(b"=3D2D", b"=2D").split(b"=\n"))

        assert world.opened(text(soft, encoding="quoted-printable")).report.signature.verdict is GOOD


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(lambda body: [body, making.VERSION], Encryption.DECRYPTED, id="swapped"),
        pytest.param(lambda body: [body], Encryption.DECRYPTED, id="no version"),
        pytest.param(lambda _: [making.VERSION], Encryption.DAMAGED, id="no body"),
        pytest.param(lambda _: [], Encryption.DAMAGED, id="nothing"),
        pytest.param(lambda body: [making.VERSION, body, body], Encryption.DAMAGED, id="two bodies"),
        pytest.param(lambda body: [making.VERSION, b"\r\nPay.", body], Encryption.DAMAGED, id="words between"),
        pytest.param(lambda body: [making.VERSION, body, b"\r\nPay Mallory."], Encryption.DAMAGED, id="words behind"),
        pytest.param(
            lambda body: [b"Content-Type: application/pgp-encrypted\r\n\r\nPay Mallory.", body],
            Encryption.DECRYPTED,
            id="words in the version",
        ),
    ],
)
def test_multipart_encrypted_of_other_parts(world: Hostile, parts: Callable, expected: Encryption) -> None:
    body = making.body_part(armored(world.message(literal(ENTITY))))

    opened = world.opened(multipart(making.ENCRYPTED, *parts(body)))

    assert verdict(opened) == (expected, NONE)
    assert opened.content.text == (WORDS if expected is Encryption.DECRYPTED else "")


@pytest.mark.parametrize(
    ("subtype", "expected"),
    [
        (making.SIGNED, GOOD),
        ("signed", GOOD),
        ("signed; micalg=pgp-md5; protocol=application/pgp-signature", GOOD),
        ("signed; micalg=; protocol=nonsense", GOOD),
        ("signed; protocol=application/pkcs7-signature", BAD),
        ("signed; protocol=application/pgp-encrypted", GOOD),
        ("encrypted; protocol=application/pgp-signature", NONE),
        ("mixed", NONE),
    ],
)
def test_what_multipart_signed_says_of_itself_proves_nothing(world: Hostile, subtype: str, expected: Signature) -> None:
    signature = making.signature_part(armored(world.signature(ENTITY), "SIGNATURE"))
    forged = making.signature_part(armored(world.signature(ENTITY, world.mallory), "SIGNATURE"))

    assert world.opened(multipart(subtype, ENTITY, signature)).report.signature.verdict is expected
    assert world.opened(multipart(subtype, ENTITY, forged)).report.signature.verdict is not GOOD


EXCHANGE = [
    pytest.param(lambda body: [b"\r\n", making.VERSION, body], Covers.WHOLE, id="as Exchange does"),
    pytest.param(lambda body: [b"\r\nPay Mallory.", making.VERSION, body], Covers.PART, id="words before"),
    pytest.param(lambda body: [b"\r\n", making.VERSION, body, b"\r\nPay Mallory."], Covers.PART, id="words behind"),
    pytest.param(
        lambda body: [b"\r\n", b"Content-Type: text/plain\r\n\r\nVersion: 1\r\n", body], Covers.WHOLE, id="text version"
    ),
    pytest.param(
        lambda body: [b"Content-Type: text/html\r\n\r\n<b>Pay Mallory.</b>", making.VERSION, body],
        Covers.PART,
        id="HTML before",
    ),
]


@pytest.mark.parametrize(("parts", "covers"), EXCHANGE)
def test_what_exchange_mangled_is_whole_only_alone(world: Hostile, parts: Callable, covers: Covers) -> None:
    packets = literal(ENTITY) + world.signature(ENTITY)
    body = making.body_part(armored(world.message(world.signature(ENTITY) + literal(ENTITY))))
    assert packets

    opened = world.opened(multipart("mixed", *parts(body)))

    assert (opened.report.encryption.verdict, opened.report.encryption.covers) == (Encryption.DECRYPTED, covers)
    assert (opened.report.signature.verdict is GOOD) is (covers is Covers.WHOLE)


@pytest.mark.parametrize("name", ["a.pgp", "a.gpg", "a.asc", "GpgOL_MIME_structure.mime", "encrypted.asc"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff\xe0" + b"JFIF" * 50,
        b"Words.",
        b"\x85",
        b"\xc1\xff\xff\xff\xff\xff",
        b"-----BEGIN PGP ",
        b"\x99\x01",
    ],
)
def test_files_that_are_something_else_stay_files(world: Hostile, name: str, content: bytes) -> None:
    file = f'Content-Type: application/octet-stream; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    raw = multipart("mixed", b"\r\nSee the file.", file.encode() + b64encode(content))

    opened = world.opened(raw)

    assert opened.report.signature.verdict is NONE
    assert opened.content.text.strip() == "See the file."


def test_a_message_in_several_mails_is_told(world: Hostile) -> None:
    block = armored(world.message(literal(ENTITY)))
    for label in (b"MESSAGE, PART 1/2", b"MESSAGE, PART 2/2", b"MESSAGE, PART 7"):
        opened = world.opened(text(block.replace(b"MESSAGE", label)))

        assert verdict(opened) == (Encryption.UNSUPPORTED, NONE)
        assert opened.report.layers[0].facts.why == "partitioned"


LINES = {
    "message": b"-----BEGIN PGP MESSAGE-----\r\n",
    "signed": b"-----BEGIN PGP SIGNED MESSAGE-----\r\n",
    "keys": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n",
    "signature": b"-----BEGIN PGP SIGNATURE-----\r\n",
    "ends": b"-----END PGP MESSAGE-----\r\n",
    "pairs": b"-----BEGIN PGP MESSAGE-----\r\n\r\n-----END PGP MESSAGE-----\r\n",
    "crossed": b"-----BEGIN PGP MESSAGE-----\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n-----END PGP SIGNATURE-----\r\n",
}


@pytest.mark.parametrize("line", LINES)
def test_a_hundred_thousand_lines_of_armor_take_no_longer_than_their_size(world: Hostile, line: str) -> None:
    raw = text(LINES[line] * 100_000)

    assert seconds(lambda: world.opened(raw)) < 5


def test_keys_in_a_signed_mail_change_no_verdict(world: Hostile) -> None:
    """Mallory's key, which names Bob, comes with the mail that it signed."""
    forger = openpgp_key(BOB)
    found = key_from_openpgp(forger.key.material)
    entity = b"Content-Type: application/pgp-keys\r\n\r\n" + armored(found.material, "PUBLIC KEY BLOCK")
    content = (
        b"Content-Type: multipart/mixed; boundary=k\r\n\r\n--k\r\n" + ENTITY + b"\r\n--k\r\n" + entity + b"--k--\r\n"
    )

    opened = world.opened(making.HEADERS + openpgp.sign(content, forger, world.now))

    assert opened.report.signature.verdict is Signature.UNVERIFIED


def test_any_key_file_cut_off_is_read_without_harm(world: Hostile) -> None:
    material = world.alice.material

    for length in range(1, len(material), 7):
        cut = material[:length]
        found, _ = read_paths([("binary", cut), ("armored", armored(cut, "PRIVATE KEY BLOCK"))])
        assert {one.key.fingerprint for one in found.secrets} <= {world.alice.key.fingerprint}
