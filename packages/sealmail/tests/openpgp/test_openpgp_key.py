"""Keys made by gpg, read by us."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError
from sealmail.keys.model import Technology, Use, openpgp_id
from sealmail.keys.openpgp_key import (
    is_locked,
    is_secret,
    key_from_openpgp,
    public_material,
    split_keys,
    state_at,
    unlocks,
    usable_for,
)
from sealmail.keys.pgp.packets import Tag, packet, walk

EVERY_USE = {Use.SIGN, Use.ENCRYPT, Use.CERTIFY}


@pytest.mark.mission("P2")
@pytest.mark.parametrize(("who", "algorithm"), [("alice", "RSA-3072"), ("bob", "Ed25519"), ("carol", "RSA-2048")])
def test_a_key_is_read_with_everything_that_names_it(gpg, cast, who, algorithm):
    address = f"{who}@example.org"

    key = key_from_openpgp(gpg.public(address))

    assert (key.technology, key.fingerprint) == (Technology.OPENPGP, gpg.fingerprint(address))
    assert (key.name, key.addresses, key.algorithm) == (who.title(), (address,), algorithm)
    assert (key.uses, key.valid_until, len(key.ids)) == (EVERY_USE, None, 4)
    assert {openpgp_id(key.fingerprint), openpgp_id(key.fingerprint[-16:])} <= key.ids


def test_a_secret_key_leaves_no_secret_in_its_public_side(gpg, cast):
    material = gpg.secret("bob@example.org")

    key = key_from_openpgp(material)

    assert {one.tag for one in walk(key.material)} == {
        Tag.PUBLIC_KEY,
        Tag.USER_ID,
        Tag.SIGNATURE,
        Tag.PUBLIC_SUBKEY,
    }
    assert key == replace(key_from_openpgp(gpg.public("bob@example.org")), material=key.material)
    assert not is_secret(key.material)


@pytest.mark.mission("P2")
def test_passphrases_are_tried_on_the_secret_itself(gpg, cast, passphrase):
    assert [is_secret(one.material) for one in (cast.alice, cast.carol)] == [True, True]
    assert [is_locked(one.material) for one in (cast.alice, cast.carol)] == [False, True]
    assert [unlocks(cast.carol.material, text) for text in (passphrase, "falsch", "")] == [True, False, False]
    assert unlocks(cast.alice.material, "")
    with pytest.raises(InputError):
        unlocks(cast.alice.key.material, "")


@pytest.mark.mission("P2")
def test_several_keys_are_split_from_one_file(gpg, cast):
    everybody = gpg("--export", "alice@example.org", "bob@example.org", "carol@example.org")
    text = b"Here are our keys.\r\n\r\n" + gpg("--armor", "--export", "bob@example.org") + b"\r\n"
    text += gpg("--armor", "--export", "alice@example.org").replace(b"\n", b"\r\n") + b"Regards"

    found = [sorted(key_from_openpgp(one).name for one in split_keys(data)) for data in (everybody, text, b"none")]

    assert found == [["Alice", "Bob", "Carol"], ["Alice", "Bob"], []]


@pytest.mark.parametrize(
    ("user_id", "addresses", "name"),
    [
        ("Zoë Müller (Work) <zoe@example.org>", ("zoe@example.org",), "Zoë Müller"),
        ("plain@example.org", ("plain@example.org",), "plain@example.org"),
        ("<only@example.org>", ("only@example.org",), "only@example.org"),
        ("Only A Name", (), "Only A Name"),
        ("bob@example.org <mallory@example.com>", ("mallory@example.com",), "bob@example.org"),
        ("Two <a@example.org> <b@example.org>", (), "Two"),
        ("Space < a@example.org>", (), "Space"),
    ],
)
def test_a_user_id_names_one_address_or_none(fresh_gpg, user_id, addresses, name):
    fresh_gpg("--allow-freeform-uid", "--quick-generate-key", user_id, "ed25519", "cert,sign", "never")

    key = key_from_openpgp(fresh_gpg("--export"))

    assert (key.addresses, key.name) == (addresses, name)


def test_a_revoked_user_id_names_nobody(fresh_gpg):
    fingerprint = fresh_gpg.key("Rae <rae@example.org>", "ed25519")
    fresh_gpg("--quick-add-uid", fingerprint, "Rae <old@example.org>")
    before = key_from_openpgp(fresh_gpg("--export"))
    fresh_gpg("--quick-revoke-uid", fingerprint, "Rae <old@example.org>")

    after = key_from_openpgp(fresh_gpg("--export"))

    assert (set(before.addresses), after.addresses) == ({"rae@example.org", "old@example.org"}, ("rae@example.org",))


def test_a_user_id_of_somebody_else_is_not_believed(gpg):
    forged = gpg.public("bob@example.org").replace(b"<bob@example.org>", b"<eve@example.org>")

    key = key_from_openpgp(forged)

    assert (key.addresses, key.name, Use.SIGN in key.uses) == ((), "", False)


def test_the_state_of_a_key_follows_time(fresh_gpg):
    fresh_gpg.key("Old <old@example.org>", "ed25519", "2020-06-01", when="20200101T000000")
    key = key_from_openpgp(fresh_gpg.public("old@example.org"))
    times = [datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)]

    assert [usable_for(key, Use.ENCRYPT, at) for at in times] == ["not_yet_valid", None, "expired"]
    assert key.valid_until.date() == datetime(2020, 6, 1, tzinfo=UTC).date()
    assert state_at(key.material, times[1]).signing == (key.fingerprint,)


@pytest.mark.vectors
def test_a_key_bound_by_sha1_makes_nothing_new(vectors):
    (material,) = split_keys((vectors / "kde-mimetreeparser/keys-derived/pgp-public-all.asc").read_bytes())[:1]
    key = key_from_openpgp(material)

    assert key.addresses == ("test@kolab.org",)
    assert {usable_for(key, use, datetime(2024, 1, 1, tzinfo=UTC)) for use in Use} == {"weak_binding"}


@pytest.mark.parametrize("junk", [b"", b"hello", b"\xff\x00", b"\x99\x01", packet(Tag.USER_ID, b"x")])
def test_what_is_no_key_is_refused(junk):
    for read in (key_from_openpgp, public_material):
        with pytest.raises(InputError):
            read(junk)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([Tag.PUBLIC_KEY, Tag.SECRET_KEY]))
def test_reading_keys_takes_any_bytes(data, tag):
    for junk in (data, packet(tag, data), packet(tag, b"\x04" + data)):
        for read in (key_from_openpgp, is_secret, is_locked, split_keys):
            try:
                read(junk)
            except InputError:
                continue
