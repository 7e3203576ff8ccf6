"""The plain shapes of what is written and read, whichever shortcut is taken: line ends, packets in pieces, armor."""

import os
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysequoia import ArmorKind

from sealmail import openpgp
from sealmail.keys.openpgp_making import generate
from sealmail.keys.pgp.armor import armored, armored_message, dearmor
from sealmail.keys.pgp.checking import canonical_text
from sealmail.keys.pgp.packets import Malformed, Packet, Tag, packet, walk
from sealmail.keys.pgp.producing import Suite

NOW = datetime.now(UTC)
ENTITY = b"Content-Type: text/plain\r\n\r\n" + b"A line of the text.\r\n" * 500


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b""])).map(b"".join))
def test_canonical_text_has_every_line_feed_behind_a_carriage_return(text):
    assert canonical_text(text) == re.sub(rb"(?<!\r)\n", b"\r\n", text)


@pytest.mark.parametrize("last", [b"\x05", b"\xc0\x05", b"\xff\x00\x00\x00\xc5"])
def test_a_packet_in_pieces_is_joined_whatever_the_form_of_its_last_length(last):
    sizes = {b"\x05": 5, b"\xc0\x05": 197, b"\xff\x00\x00\x00\xc5": 197}
    pieces = [os.urandom(512), os.urandom(2), os.urandom(sizes[last])]
    data = bytes([0xC0 | Tag.LITERAL, 0xE9]) + pieces[0] + b"\xe1" + pieces[1] + last + pieces[2]

    assert list(walk(data)) == [Packet(Tag.LITERAL, b"".join(pieces))]
    for end in range(1, len(data)):
        with pytest.raises(Malformed):
            list(walk(data[:end]))


def test_a_packet_may_be_given_in_pieces():
    assert packet(Tag.LITERAL, b"ab", b"", b"c") == packet(Tag.LITERAL, b"abc")


@pytest.mark.parametrize(("suite", "has_checksum"), [(Suite.CURVE25519, True), (Suite.VERSION_6, False)])
def test_only_readers_of_the_old_container_get_a_checksum(suite, has_checksum):
    key = generate(name="Dave", addresses=["dave@bank.example"], at=NOW, suite=suite).secret.key

    entity = openpgp.encrypt(ENTITY, [key], None, NOW)

    block = re.search(rb"-----BEGIN PGP MESSAGE-----\r\n\r\n(.*\r\n)-----END PGP MESSAGE-----\r\n", entity, re.DOTALL)[
        1
    ]
    lines = block.split(b"\r\n")
    assert bool(re.fullmatch(rb"=[A-Za-z0-9+/]{4}", lines[-2])) is has_checksum
    assert max(map(len, lines)) <= 76
    assert [one.tag for one in walk(dearmor(entity))] == [Tag.PKESK, Tag.PROTECTED]


@pytest.mark.parametrize("behind", [b"", b" ", b" " * 40, b"\r\n" * 3, b"\r\n" * 500])
@pytest.mark.parametrize("octets", range(1, 8))
def test_white_space_before_the_end_line_changes_nothing(octets, behind):
    data = packet(Tag.PROTECTED, os.urandom(octets))

    for block in (armored(ArmorKind.Message, data), armored_message(data)):
        assert dearmor(block.replace(b"\r\n-----END", behind + b"\r\n-----END")) == data
