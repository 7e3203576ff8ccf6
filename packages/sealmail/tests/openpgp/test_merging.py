"""Copies of one key united: nothing valid is lost, nothing foreign comes in, and the order does not matter."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys import SecretKey
from sealmail.keys.openpgp_key import is_secret, key_from_openpgp, public_material, split_keys, state_at, unlocks
from sealmail.keys.openpgp_making import (
    Suite,
    extended,
    generate,
    with_encryption_subkey,
    with_passphrase,
    with_user_id,
)
from sealmail.keys.openpgp_merging import exported, has_news, merged, minimal
from sealmail.keys.openpgp_revoking import RevocationReason, revoke_key, revoke_subkey, revoke_user_id
from sealmail.keys.pgp.assembly import subpacket
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.packets import Packet, Tag, packet, walk
from sealmail.keys.reader import read

START = datetime(2024, 1, 1, tzinfo=UTC)


def later(days: int) -> datetime:
    return START + timedelta(days=days)


def history(suite: Suite, passphrase: str = "") -> list[bytes]:
    """The secret key after each change of its life."""
    states = [generate(name="A", addresses=["a@x.example"], at=START, suite=suite, passphrase=passphrase).secret]
    states.append(with_user_id(states[-1], name="A", address="b@x.example", at=later(1)))
    states.append(extended(states[-1], until=later(900), at=later(2)))
    states.append(with_encryption_subkey(states[-1], at=later(3), overlap_until=later(30)))
    states.append(revoke_user_id(states[-1], b"A <a@x.example>", at=later(4)))
    (first,) = subkey_fingerprints(states[0].material)
    states.append(revoke_subkey(states[-1], first, at=later(5), reason=RevocationReason.REPLACED))
    states.append(revoke_key(states[-1], at=later(6), reason=RevocationReason.RETIRED))
    return [state.material for state in states]


def subkey_fingerprints(material: bytes) -> list[str]:
    return [one.public.fingerprint for one in check_certificate(material).subkeys]


HISTORIES = {suite: history(suite) for suite in (Suite.CURVE25519, Suite.VERSION_6)}
STRANGER = generate(name="A", addresses=["a@x.example"], at=START).secret


@pytest.fixture(scope="module")
def protected() -> list[bytes]:
    return history(Suite.CURVE25519, "Kanarienvogel")


@pytest.mark.mission("P4", "B10")
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(HISTORIES)), st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_any_copies_in_any_order_come_to_the_same_key(suite, order):
    states = [public_material(one) for one in HISTORIES[suite]]

    together = states[order[0]]
    for index in order:
        together = merged(together, states[index])

    assert together == exported(states[max(order)])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(HISTORIES)), st.data())
def test_shuffled_and_repeated_packets_are_brought_into_order(suite, data):
    parts = _parts(public_material(HISTORIES[suite][-1]))
    shuffled = [parts[0], *data.draw(st.permutations(parts[1:] + parts[1:2]))]
    material = b"".join(_shuffled(part, data) for part in shuffled)

    assert exported(material) == exported(HISTORIES[suite][-1])
    assert merged(material, material) == exported(material)


def _parts(material: bytes) -> list[list[Packet]]:
    packets = list(walk(material))
    starts = [i for i, one in enumerate(packets) if one.tag != Tag.SIGNATURE]
    return [packets[start:end] for start, end in pairwise([*starts, len(packets)])]


def _shuffled(part: list[Packet], data: st.DataObject) -> bytes:
    return b"".join(packet(one.tag, one.body) for one in [part[0], *data.draw(st.permutations(part[1:]))])


def test_an_older_copy_is_no_news_and_a_newer_one_is():
    older, newer = (public_material(HISTORIES[Suite.CURVE25519][i]) for i in (1, 4))

    assert (has_news(newer, older), has_news(older, newer), has_news(newer, newer)) == (False, True, False)


def test_two_different_keys_are_not_merged():
    with pytest.raises(InputError, match="two different"):
        merged(public_material(HISTORIES[Suite.CURVE25519][0]), STRANGER.key.material)


@pytest.mark.mission("P4", "B10")
@pytest.mark.parametrize("suite", list(HISTORIES))
def test_what_a_stranger_adds_falls_away(suite):
    material = public_material(HISTORIES[suite][2])
    foreign = b"".join(packet(one.tag, one.body) for one in walk(STRANGER.key.material) if one.tag != Tag.PUBLIC_KEY)
    picture = packet(Tag.USER_ATTRIBUTE, b"\x03\x01\x10" + bytes(16))

    for addition in (foreign, picture, packet(Tag.USER_ID, b"Mallory <m@x.example>"), packet(60, b"private")):
        assert exported(material + addition) == exported(material)
        assert not has_news(material, material + addition)


def test_the_unhashed_area_grows_no_key():
    material = public_material(HISTORIES[Suite.CURVE25519][0])
    junk = subpacket(100, bytes(4000))
    grown = b"".join(
        packet(one.tag, _with_unhashed(one.body, junk) if one.tag == Tag.SIGNATURE else one.body)
        for one in walk(material)
    )

    assert len(grown) > len(material) + 8000
    assert key_from_openpgp(grown).addresses == ("a@x.example",)
    assert exported(grown) == exported(material)


def _with_unhashed(body: bytes, junk: bytes) -> bytes:
    hashed = 6 + int.from_bytes(body[4:6], "big")
    unhashed = hashed + 2 + int.from_bytes(body[hashed : hashed + 2], "big")
    area = body[hashed + 2 : unhashed] + junk
    return body[:hashed] + len(area).to_bytes(2, "big") + area + body[unhashed:]


@pytest.mark.mission("P4")
def test_a_secret_is_added_to_the_public_key_and_public_news_to_the_secret_one(protected):
    first, last = protected[0], protected[4]

    with_secret = merged(public_material(last), first)
    with_news = merged(first, public_material(last))

    assert is_secret(with_secret)
    assert with_secret == with_news
    assert public_material(with_news) == exported(last)
    assert unlocks(with_news, "Kanarienvogel")
    assert not unlocks(with_news, "")
    # The newest subkey's secret was in neither.
    assert merged(with_news, last) == last


def test_secrets_that_are_here_keep_their_passphrase(protected):
    here = SecretKey(key=key_from_openpgp(protected[4]), material=protected[4], passphrases=("Kanarienvogel",))
    other = with_passphrase(here, "another").material

    assert merged(protected[4], other) == protected[4]
    assert unlocks(merged(other, protected[4]), "another")


@pytest.mark.parametrize("suite", list(Suite))
def test_the_smallest_form_seals_mail_and_fits_into_a_header(suite):
    made = generate(name="A", addresses=["a@x.example", "b@x.example"], at=START, suite=suite).secret
    if suite in HISTORIES:
        made = with_encryption_subkey(extended(made, until=later(900), at=later(5)), at=later(10))

    small = minimal(made.material, later(20))

    tags = [one.tag for one in walk(small)]
    assert (tags.count(Tag.USER_ID), tags.count(Tag.PUBLIC_SUBKEY), len(small) < 10_000) == (1, 1, True)
    assert key_from_openpgp(small).addresses == ("a@x.example",)
    assert subkey_fingerprints(small) == [subkey_fingerprints(made.material)[-1]]
    assert not has_news(made.key.material, small)


def test_the_smallest_form_of_a_revoked_key_is_revoked():
    material = HISTORIES[Suite.CURVE25519][-1]

    assert state_at(minimal(material, later(100)), later(100)).revoked is not None


@pytest.mark.mission("P2")
def test_two_copies_in_one_file_are_one_key_with_all_that_both_know(protected):
    """The secret key from an old backup, and the public key as it is today."""
    found = read(protected[0] + public_material(protected[2]), ("Kanarienvogel",))

    assert [key.addresses for key in found.keys] == [("a@x.example", "b@x.example")]
    assert [secret.key for secret in found.secrets] == list(found.keys)
    assert public_material(found.secrets[0].material) == exported(protected[2])


def test_a_key_that_is_too_large_is_refused():
    with pytest.raises(LimitExceeded):
        exported(HISTORIES[Suite.CURVE25519][0] + packet(Tag.USER_ID, bytes(6_000_000)))


def means(material: bytes) -> list[object]:
    """What a key says at several times, without its bytes."""
    moments = [datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2012, 2020, 2024, 2026)]
    key = key_from_openpgp(material)
    return [replace(key, material=b""), *(state_at(key.material, at) for at in moments)]


@pytest.mark.vectors
def test_keys_of_other_projects_mean_the_same_in_canonical_form(vectors):
    files = [*vectors.rglob("*.asc"), *vectors.rglob("*.gpg"), *vectors.rglob("*.key")]
    materials = [material for file in files for material in _keys_in(file.read_bytes())]

    same = [means(exported(material)) == means(material) for material in materials]

    assert len(materials) >= 10
    assert same == [True] * len(materials)


def _keys_in(data: bytes) -> list[bytes]:
    try:
        return split_keys(data)
    except InputError:
        return []


@pytest.mark.mission("P4")
@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_what_gpg_made_means_the_same_and_is_taken_back_by_gpg(gpg, cast, fresh_gpg, who, passphrase):
    secret = getattr(cast, who)

    canonical = exported(secret.material, with_secret=True)

    assert means(canonical) == means(secret.material)
    fresh_gpg("--import", stdin=canonical, passphrase=passphrase)
    sealed = fresh_gpg("--encrypt", "--recipient", f"{who}@example.org", stdin=b"text")
    assert fresh_gpg("--decrypt", stdin=sealed, passphrase=passphrase if who == "carol" else "") == b"text"
