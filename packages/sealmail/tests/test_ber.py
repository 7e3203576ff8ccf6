"""The BER reader: what mail programs write, and what nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail import ber
from sealmail.errors import InputError, LimitExceeded


def test_read_definite_sequence_gives_its_fields() -> None:
    fields = ber.read(bytes.fromhex("3008 0201ff 0403616263 ffff".replace(" ", ""))).fields()

    assert (fields.take().integer(), fields.take().octets()) == (-1, b"abc")
    fields.end()


def test_read_string_in_pieces_joins_them() -> None:
    pieces = bytes.fromhex("2480 0402 6162 2480 0401 63 0000 0401 64 0000".replace(" ", ""))

    assert ber.read(pieces).octets() == b"abcd"


def test_der_of_indefinite_lengths_is_definite() -> None:
    loose = bytes.fromhex("3080 0281 0101 2480 0401 61 0401 62 0000 0000".replace(" ", ""))

    assert ber.read(loose).der() == bytes.fromhex("3007 020101 0402 6162".replace(" ", ""))


@pytest.mark.parametrize(
    "broken",
    ["", "30", "3005020101", "30800201", "308002010100", "0480", "1f8101", "308900000000000000000100"],
    ids=["empty", "tag-only", "short", "unclosed", "half-closed", "primitive-indefinite", "long-tag", "wide-length"],
)
def test_read_broken_element_raises_input_error(broken: str) -> None:
    with pytest.raises(InputError):
        ber.read(bytes.fromhex(broken)).der()


def test_read_deep_nesting_ends_at_a_limit() -> None:
    with pytest.raises(LimitExceeded):
        ber.read(b"\x30\x80" * 5000 + b"\0\0" * 5000)


def test_read_deep_definite_nesting_ends_at_a_limit() -> None:
    nested = b""
    for _ in range(200):
        nested = ber.header(0x30, len(nested)) + nested

    with pytest.raises(LimitExceeded):
        ber.read(nested).der()


def test_read_of_many_elements_ends_at_a_limit() -> None:
    with pytest.raises(LimitExceeded):
        ber.read(b"\x24\x80" + b"\x04\x00" * (ber.MAXIMUM_ELEMENTS + 1) + b"\0\0")


def test_octets_of_a_large_stream_are_joined() -> None:
    pieces = b"\x24\x80" + (b"\x04\x82\x10\x00" + b"x" * 4096) * 6400 + b"\0\0"
    assert len(ber.read(pieces).octets()) == 6400 * 4096


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [("170d3439313233313233353935395a", 2049), ("170d3530303130313030303030305a", 1950)],
)
def test_time_with_two_digit_year_belongs_to_its_century(encoded: str, expected: int) -> None:
    assert ber.read(bytes.fromhex(encoded)).time().year == expected


@pytest.mark.parametrize("text", [b"4912312359Z", b"491231235959+0000", b"491331235959Z", b"xx1231235959Z"])
def test_time_in_another_form_is_malformed(text: bytes) -> None:
    with pytest.raises(ber.Malformed):
        ber.read(ber.header(ber.UTC_TIME, len(text)) + text).time()


def test_encode_oid_gives_the_known_octets() -> None:
    assert ber.encode_oid("1.2.840.113549.1.7.2").hex() == "2a864886f70d010702"


@given(st.binary(max_size=200))
def test_read_any_bytes_raises_nothing_but_input_error(data: bytes) -> None:
    try:
        element = ber.read(data)
        ber.read(element.der())
    except InputError:
        pass
