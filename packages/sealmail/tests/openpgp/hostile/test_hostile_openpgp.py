"""OpenPGP that is broken, or means harm: there is a report each time, and good is only what was signed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable

import pytest

from sealmail import openpgp, reporting
from sealmail.bounded import ProcessLimits
from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.keys.reader import read_paths
from sealmail.opening import open_message
from sealmail.policy import MEGABYTE, Policy
from sealmail.report import Covers, Encryption, Signature
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


@pytest.mark.parametrize("form", ["signed", "both", "clear-signed", "inline both"])
def test_a_mail_cut_off_anywhere_has_a_report(world, sealed: dict[str, bytes], form: str) -> None:
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
def test_odd_armor_opens_or_is_damaged(world, change: Callable[[bytes], bytes], *, opens: bool) -> None:
    block = armored(world.message(literal(ENTITY)))

    opened = world.opened(encrypted(change(block)))

    assert world.verdict(opened) == (Encryption.DECRYPTED if opens else Encryption.DAMAGED, NONE)
    assert (opened.content.text == WORDS) is opens


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
    world, extra: bytes, place: str, *, opens: bool
) -> None:
    packets = extra + literal(ENTITY) if place == "before" else literal(ENTITY) + extra

    opened = world.opened(world.encrypted(packets))

    assert world.verdict(opened) == (Encryption.DECRYPTED if opens else Encryption.DAMAGED, NONE)
    assert opened.content.text == (WORDS if opens else "")


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
def test_a_user_id_with_tricks_signs_for_nobody_else(world, user_id: str) -> None:
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
def test_the_name_in_a_literal_is_not_shown_and_signs_nothing(world, name: bytes) -> None:
    opened = world.opened(world.encrypted(literal(ENTITY, name)))

    assert world.verdict(opened) == (Encryption.DECRYPTED, NONE)
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
def test_a_signature_over_nothing_speaks_for_no_words(world, form: str) -> None:
    opened = open_message(EMPTY_PARTS[form](world), world.keys, world.trust, Policy(), world.now)

    shown = opened.content.text if opened.report.signature.covers is Covers.WHOLE else ""
    assert "Mallory" not in shown


def test_two_messages_in_one_armor_show_no_words_of_the_second(world) -> None:
    one, other = world.message(literal(ENTITY)), world.message(literal(b"\r\nPay Mallory."))

    opened = world.opened(encrypted(armored(one + other)))

    assert "Mallory" not in opened.content.text


def test_two_signed_messages_in_one_armor_are_malformed(world) -> None:
    one = literal(ENTITY) + world.signature(ENTITY)

    for packets in (one + one, world.signature(ENTITY) + literal(ENTITY) + literal(ENTITY)):
        opened = world.opened(text(armored(packets)))
        assert opened.report.signature.verdict in {BAD, NONE}


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
def test_multipart_encrypted_of_other_parts(world, parts: Callable, expected: Encryption) -> None:
    body = making.body_part(armored(world.message(literal(ENTITY))))

    opened = world.opened(multipart(making.ENCRYPTED, *parts(body)))

    assert world.verdict(opened) == (expected, NONE)
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
def test_what_multipart_signed_says_of_itself_proves_nothing(world, subtype: str, expected: Signature) -> None:
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
def test_what_exchange_mangled_is_whole_only_alone(world, parts: Callable, covers: Covers) -> None:
    body = making.body_part(armored(world.message(world.signature(ENTITY) + literal(ENTITY))))

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
def test_files_that_are_something_else_stay_files(world, name: str, content: bytes) -> None:
    file = f'Content-Type: application/octet-stream; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    raw = multipart("mixed", b"\r\nSee the file.", file.encode() + b64encode(content))

    opened = world.opened(raw)

    assert opened.report.signature.verdict is NONE
    assert opened.content.text.strip() == "See the file."


def test_keys_in_a_signed_mail_change_no_verdict(world) -> None:
    """Mallory's key, which names Bob, comes with the mail that it signed."""
    forger = openpgp_key(BOB)
    found = key_from_openpgp(forger.key.material)
    entity = b"Content-Type: application/pgp-keys\r\n\r\n" + armored(found.material, "PUBLIC KEY BLOCK")
    content = (
        b"Content-Type: multipart/mixed; boundary=k\r\n\r\n--k\r\n" + ENTITY + b"\r\n--k\r\n" + entity + b"--k--\r\n"
    )

    opened = world.opened(making.HEADERS + openpgp.sign(content, forger, world.now))

    assert opened.report.signature.verdict is Signature.UNVERIFIED


def test_any_key_file_cut_off_is_read_without_harm(world) -> None:
    material = world.alice.material

    for length in range(1, len(material), 7):
        cut = material[:length]
        found, _ = read_paths([("binary", cut), ("armored", armored(cut, "PRIVATE KEY BLOCK"))])
        assert {one.key.fingerprint for one in found.secrets} <= {world.alice.key.fingerprint}
