"""Keys that somebody made to hurt: broken, huge, or with what belongs to others. Bounded, and never believed."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys.openpgp_key import key_from_openpgp, split_keys
from sealmail.keys.openpgp_listing import listing
from sealmail.keys.openpgp_making import Suite, generate
from sealmail.keys.openpgp_merging import exported, merged, minimal
from sealmail.keys.openpgp_secrets import check_secrets
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.reader import read

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
KEYS = {
    suite: generate(name="A", addresses=["a@x.example"], at=NOW, suite=suite)
    for suite in (Suite.CURVE25519, Suite.VERSION_6)
}
OURS = KEYS[Suite.CURVE25519].secret
SECONDS = 10
"""Far more than any of these takes; without a limit they take minutes."""


def everything(material: bytes) -> None:
    """All that is done with a key that came in."""
    key = key_from_openpgp(material)
    assert set(key.addresses) <= {"a@x.example"}
    exported(material)
    minimal(material, LATER)
    listing(key.material, LATER)
    check_secrets(material)


@pytest.mark.parametrize("suite", list(KEYS))
def test_a_key_cut_off_at_every_byte_is_refused_or_holds_less(suite):
    material = KEYS[suite].secret.material

    for end in range(len(material)):
        try:
            everything(material[:end])
        except InputError:
            continue


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(list(KEYS)), st.data())
def test_a_key_with_a_changed_byte_is_refused_or_holds_nothing_new(suite, data):
    material = bytearray(KEYS[suite].secret.key.material)
    position = data.draw(st.integers(0, len(material) - 1))
    material[position] ^= data.draw(st.integers(1, 255))

    try:
        changed = bytes(material)
        everything(changed)
        together = merged(KEYS[suite].secret.key.material, changed)
    except InputError:
        return
    assert together == KEYS[suite].secret.key.material


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_merged_or_refused(data):
    try:
        together = merged(OURS.key.material, OURS.key.material + data)
    except InputError:
        return
    assert together == OURS.key.material


@pytest.fixture(scope="module")
def forged() -> bytes:
    """A signature that claims to be by the key itself, and is not."""
    body = bytearray(next(one.body for one in walk(OURS.key.material) if one.tag == Tag.SIGNATURE))
    body[-1] ^= 1
    return packet(Tag.SIGNATURE, bytes(body))


@pytest.mark.mission("B14")
def test_ten_thousand_forged_signatures_are_bounded_and_hide_nothing_that_is_known(forged):
    flooded = OURS.key.material + forged * 10_000

    start = time.monotonic()
    together = merged(OURS.key.material, flooded)

    assert time.monotonic() - start < SECONDS
    assert together == OURS.key.material


@pytest.mark.mission("B14")
def test_ten_thousand_user_ids_of_a_stranger_fall_away(forged):
    flooded = OURS.key.material + b"".join(
        packet(Tag.USER_ID, f"Mallory {number} <m{number}@x.example>".encode()) for number in range(10_000)
    )

    start = time.monotonic()
    everything(flooded)

    assert time.monotonic() - start < SECONDS
    assert exported(flooded) == OURS.key.material


def test_more_packets_than_a_key_has_are_refused(forged):
    with pytest.raises(InputError, match="too many"):
        exported(OURS.key.material + forged * 25_000)


def test_a_key_block_of_fifty_megabytes_is_refused_at_once():
    block = packet(Tag.PUBLIC_KEY, bytes(50_000_000))

    start = time.monotonic()
    for refuse in (read, exported):
        with pytest.raises(LimitExceeded, match="too large"):
            refuse(block)

    assert time.monotonic() - start < 1


@pytest.mark.mission("B14")
def test_a_subkey_of_another_key_is_not_taken():
    other = generate(name="A", addresses=["a@x.example"], at=NOW).secret
    packets = list(walk(other.key.material))
    stolen = b"".join(packet(one.tag, one.body) for one in packets[-2:])

    assert packets[-2].tag == Tag.PUBLIC_SUBKEY
    assert len(listing(OURS.key.material + stolen, LATER).parts) == 2
    assert exported(OURS.key.material + stolen) == OURS.key.material


def test_a_primary_key_that_is_there_twice_is_one_key():
    twice = OURS.key.material * 2

    assert len(split_keys(twice)) == 2
    assert [key.material for key in read(twice).keys] == [OURS.key.material]
