"""OpenPGP that is too much of something: bombs, crowds and long lines end at a limit, in little time."""

from __future__ import annotations

import bz2
import zlib
from base64 import b64encode

import pytest

from sealmail import openpgp
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.opening import Opened
from sealmail.policy import MEGABYTE, Budget, Policy
from sealmail.report import Encryption, Reason, Signature, Warning
from sealmail.testing.pgp_forging import (
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


def test_armor_in_one_line_of_ten_megabytes_opens_in_time(world) -> None:
    message = world.message(literal(ENTITY + b"x" * 10 * MEGABYTE))
    block = b"-----BEGIN PGP MESSAGE-----\r\n\r\n" + b64encode(message) + b"\r\n-----END PGP MESSAGE-----\r\n"

    results: list[Opened] = []
    took = world.seconds(lambda: results.append(world.opened(encrypted(block))))

    assert world.verdict(results[0]) == (Encryption.DECRYPTED, NONE)
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
def test_a_bomb_is_refused_within_the_limits(world, bomb: str) -> None:
    raw = world.encrypted(BOMBS[bomb]())
    policy = Policy() if bomb == "zlib" else Policy(budget=Budget(payload_bytes=16 * MEGABYTE))

    with BoundedOpener(SMALL) as opener:
        opened = opener.open_message(raw, world.keys, world.trust, policy, world.now)

    assert Warning.OPENING_FAILED not in opened.report.warnings
    assert opened.report.encryption.verdict in {Encryption.REFUSED, Encryption.DAMAGED}
    assert opened.report.encryption.verdict is Encryption.REFUSED or bomb == "many"
    assert opened.content.text == ""


def test_a_bomb_that_is_only_signed_is_malformed(world) -> None:
    policy = Policy(budget=Budget(payload_bytes=MEGABYTE))

    opened = world.opened(text(armored(deflated(literal(bytes(20 * MEGABYTE))))), policy)

    assert (opened.report.signature.verdict, opened.report.signature.reason) == (BAD, Reason.MALFORMED)


def test_compression_as_deep_as_programs_write_it_opens(world) -> None:
    assert world.opened(world.encrypted(nested(2))).content.text == WORDS


def test_partial_lengths_of_one_octet_open(world) -> None:
    body = literal(ENTITY)[2:]
    partial = bytes([0xC0 | Tag.LITERAL]) + b"".join(b"\xe0" + bytes([octet]) for octet in body[:-1])

    assert world.opened(world.encrypted(partial + b"\x01" + body[-1:])).content.text == WORDS
    endless = bytes([0xC0 | Tag.LITERAL]) + b"\xe0x" * 200_000
    assert world.verdict(world.opened(world.encrypted(endless))) == (Encryption.DAMAGED, NONE)


@pytest.mark.parametrize("crowd", [b"\xca\x00", b"\xd5\x00", packet(60, b"")], ids=["marker", "padding", "private"])
def test_millions_of_packets_are_not_all_looked_at(world, crowd: bytes) -> None:
    many = crowd * (4 * MEGABYTE)
    parts = [b'Content-Type: application/octet-stream; name="a.pgp"\r\n\r\n' + many, b"\r\nWords.\r\n"]

    assert world.seconds(lambda: openpgp.kind(many)) < 1
    assert world.seconds(lambda: world.opened(multipart("mixed", *parts))) < 10
    assert world.verdict(world.opened(world.encrypted(crowd * 30_000 + literal(ENTITY)))) == (Encryption.DAMAGED, NONE)


def test_ten_thousand_signatures_are_not_all_checked(world) -> None:
    signature = world.signature(ENTITY)
    one = world.opened(signed(ENTITY, signature))
    raw = signed(ENTITY, signature * 10_000)
    assert one.report.signature.verdict is GOOD

    results: list[Opened] = []
    took = world.seconds(lambda: results.append(world.opened(raw)))

    assert took < 5
    (layer,) = results[0].report.layers
    assert len(layer.signers) <= Policy().budget.signers + 1
    assert layer.signers[-1].why == "too_many_signatures"


def test_ten_thousand_signatures_in_an_encrypted_mail_are_not_all_checked(world) -> None:
    announced = packet(Tag.ONE_PASS, b"\x03\x00\x08\x16" + bytes(8) + b"\x01")
    packets = announced * 9_000 + literal(ENTITY) + world.signature(ENTITY) * 9_000

    results: list[Opened] = []
    took = world.seconds(lambda: results.append(world.opened(world.encrypted(packets))))

    assert took < 5
    assert len(results[0].report.layers[-1].signers) <= Policy().budget.signers + 1


def key_block(world, kind: str) -> bytes:
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
def test_a_key_block_of_fifty_megabytes_stays_within_the_limits(world, sealed, kind: str) -> None:
    block = key_block(world, kind)
    part = b"Content-Type: application/pgp-keys\r\nContent-Transfer-Encoding: binary\r\n\r\n" + block

    with BoundedOpener(SMALL) as opener:
        raw = multipart("mixed", b"Content-Type: text/plain\r\n\r\nMy key.\r\n", part)
        opened = opener.open_message(raw, world.keys, world.trust, Policy(), world.now)

    assert Warning.OPENING_FAILED not in opened.report.warnings
    assert opened.content.text.strip() == "My key."
    assert len(opened.report.keys_seen) <= Policy().budget.certificates


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
def test_a_hundred_thousand_lines_of_armor_take_no_longer_than_their_size(world, line: str) -> None:
    raw = text(LINES[line] * 100_000)

    assert world.seconds(lambda: world.opened(raw)) < 5
