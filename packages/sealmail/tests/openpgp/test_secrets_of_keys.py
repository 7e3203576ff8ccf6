"""Secret keys with their passphrases tried on every part, and secrets that are elsewhere, told in sentences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys import SecretKey, Use
from sealmail.keys.found import Lock
from sealmail.keys.openpgp_making import Suite, generate, with_passphrase
from sealmail.keys.openpgp_secrets import Place, check_secrets
from sealmail.keys.passwords import Effort
from sealmail.keys.pgp.ciphers import AES256, CIPHERS
from sealmail.keys.pgp.packets import Fields, Tag, packet, walk
from sealmail.keys.pgp.passphrase import read_derivation
from sealmail.keys.pgp.public import read_public
from sealmail.keys.reader import read

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRETS = {Tag.SECRET_KEY, Tag.SECRET_SUBKEY}


@pytest.fixture(scope="module")
def plain() -> SecretKey:
    return generate(name="A", addresses=["a@x.example"], at=NOW).secret


def exchanged(material: bytes, change) -> bytes:
    """The key with its secret packets changed: `change(tag, body)` gives another packet, or None to leave one."""
    packets = ((one, change(one.tag, one.body) if one.tag in SECRETS else None) for one in walk(material))
    return b"".join(other or packet(one.tag, one.body) for one, other in packets)


def places(material: bytes, *passphrases: str) -> list[Place]:
    return [part.place for part in check_secrets(material, passphrases).parts]


@pytest.mark.mission("P2")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.VERSION_6])
def test_the_right_passphrase_is_found_among_others_and_the_wrong_one_told(suite):
    material = generate(name="A", addresses=["a@x.example"], at=NOW, suite=suite, passphrase="open").secret.material

    right, wrong, none = (read(material, given) for given in (("wrong", "open"), ("wrong",), ()))

    assert (right.secrets[0].passphrases, right.locked) == (("open",), ())
    assert [lock.why for lock in (*wrong.locked, *none.locked)] == [Lock.WRONG, Lock.MISSING]


@pytest.mark.mission("P2")
def test_the_empty_passphrase_is_always_tried(plain, fresh_gpg):
    found = read(plain.material)
    by_gpg = fresh_gpg.key("Empty <empty@example.org>", "ed25519")

    assert (found.locked, found.secrets[0].passphrases, found.problems) == ((), (), ())
    assert read(fresh_gpg.secret(by_gpg)).locked == ()


@pytest.mark.mission("P2")
def test_a_passphrase_that_opens_a_part_only_is_told(plain):
    one, other = (with_passphrase(plain, text).material for text in ("one", "two"))
    subkey = next(item.body for item in walk(other) if item.tag == Tag.SECRET_SUBKEY)
    mixed = exchanged(one, lambda tag, _: packet(tag, subkey) if tag == Tag.SECRET_SUBKEY else None)

    half, whole = read(mixed, ("one",)), read(mixed, ("one", "two"))

    assert places(mixed, "one") == [Place.OPEN, Place.LOCKED]
    assert half.locked[0].reason.sentence.startswith("The passphrase is wrong for a part of the OpenPGP key")
    assert (whole.locked, whole.secrets[0].passphrases) == ((), ("one", "two"))
    assert check_secrets(mixed, ["one"]).reasons[0].sentence == (
        "The passphrase does not open the secret part for decrypting."
    )


@pytest.mark.mission("P2")
def test_an_offline_primary_key_of_gpg_is_told_and_its_subkeys_are_used(fresh_gpg):
    fresh_gpg("--quick-generate-key", "Bob <bob@example.org>", "ed25519", "cert", "never")
    fingerprint = fresh_gpg.fingerprint("bob@example.org")
    fresh_gpg("--quick-add-key", fingerprint, "ed25519", "sign")
    fresh_gpg("--quick-add-key", fingerprint, "cv25519", "encrypt")

    found = read(fresh_gpg("--export-secret-subkeys", fingerprint))

    assert places(found.secrets[0].material) == [Place.OFFLINE, Place.OPEN, Place.OPEN]
    assert [problem.code for problem in found.problems] == ["secret_offline"]
    assert found.problems[0].sentence.startswith(
        "The secret part for changing the key is not here. The key can neither be extended nor revoked here."
    )


def stub(kind: int, serial: bytes = b""):
    """A note as GnuPG writes it (its doc/DETAILS) in the place of the secret."""

    def write(tag: int, body: bytes) -> bytes:
        note = bytes([255, 0, 101, 0]) + b"GNU" + bytes([kind])
        return packet(tag, read_public(body)[0].body + note + (bytes([len(serial)]) + serial if serial else b""))

    return write


@pytest.mark.mission("P2")
def test_a_smart_card_is_told_with_what_cannot_be_done(plain):
    material = exchanged(plain.material, stub(2, bytes(16)))

    found = read(material)

    assert (found.secrets, [key.fingerprint for key in found.keys]) == ((), [plain.key.fingerprint])
    assert [problem.sentence.partition(" (Key")[0] for problem in found.problems] == [
        "The secret part for signing and changing the key is on a smart card. Nothing can be signed with it here.",
        "The secret part for decrypting is on a smart card. Mail that is encrypted to it cannot be decrypted here.",
    ]


def test_a_missing_secret_subkey_is_told(plain):
    def public(tag, body):
        return packet(Tag.PUBLIC_SUBKEY, read_public(body)[0].body) if tag == Tag.SECRET_SUBKEY else None

    found = read(exchanged(plain.material, public))

    assert places(found.secrets[0].material) == [Place.OPEN, Place.ABSENT]
    assert [problem.code for problem in found.problems] == ["secret_absent"]


def test_a_public_key_alone_misses_nothing(plain):
    assert (read(plain.key.material).problems, read(plain.key.material).secrets) == ((), ())


@pytest.mark.mission("P2", "B14")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.RSA_3072, Suite.VERSION_6])
@pytest.mark.parametrize("tag", sorted(SECRETS))
def test_a_secret_that_does_not_fit_its_public_part_is_refused(suite, tag):
    ours, other = (generate(name="A", addresses=["a@x.example"], at=NOW, suite=suite).secret for _ in range(2))
    foreign = next(one.body for one in walk(other.material) if one.tag == tag)
    foreign_secret = foreign[read_public(foreign)[1] :]

    def swap(found, body):
        return packet(found, read_public(body)[0].body + foreign_secret) if found == tag else None

    found = read(exchanged(ours.material, swap))

    assert found.secrets == ()
    assert {problem.code for problem in found.problems} == {"secret_mismatched"}


@pytest.mark.parametrize(("options", "usage"), [(("--s2k-mode", "3"), 254), (("--s2k-mode", "1"), 254)])
def test_what_gpg_protects_is_opened(fresh_gpg, options, usage):
    fresh_gpg.key("Bob <bob@example.org>", "ed25519", passphrase="open")

    material = fresh_gpg("--export-secret-keys", *options, passphrase="open")

    bodies = [one.body for one in walk(material) if one.tag in SECRETS]
    assert {body[read_public(body)[1]] for body in bodies} == {usage}
    assert places(material, "open") == [Place.OPEN] * 2


def test_the_old_checksum_is_opened(plain):
    """The form of before 2003: the checksum of two octets under CFB, with an iterated SHA-256."""
    specifier = b"\x03\x08" + b"saltsalt" + b"\x60"

    def old(tag, body):
        public, position = read_public(body)
        key = read_derivation(Fields(specifier)).key("open", 32)
        sealed = CIPHERS[AES256].cfb_encrypt(key, bytes(16), body[position + 1 :])
        return packet(tag, public.body + bytes([255, AES256]) + specifier + bytes(16) + sealed)

    material = exchanged(plain.material, old)

    assert (places(material, "open"), places(material, "wrong")) == ([Place.OPEN] * 2, [Place.LOCKED] * 2)


def test_trying_passphrases_is_bounded():
    material = generate(name="A", addresses=["a@x.example"], at=NOW, passphrase="open").secret.material

    with pytest.raises(LimitExceeded):
        check_secrets(material, [str(number) for number in range(1000)], Effort(200_000))


def test_what_is_opened_knows_its_uses(plain):
    primary, subkey = check_secrets(plain.material).parts

    assert (primary.uses, subkey.uses) == ({Use.SIGN, Use.CERTIFY}, {Use.ENCRYPT})
    assert (primary.is_primary, subkey.is_primary) == (True, False)


@settings(deadline=None)
@given(st.binary(max_size=80), st.sampled_from(sorted(SECRETS)))
def test_any_bytes_in_the_place_of_a_secret_are_told_or_refused(data, tag):
    material = exchanged(
        SAMPLE, lambda found, body: packet(tag, read_public(body)[0].body + data) if found == tag else None
    )

    try:
        found = check_secrets(material, ["x"], Effort(100_000))
    except InputError:
        return
    assert len(found.parts) == 2


SAMPLE = generate(name="A", addresses=["a@x.example"], at=NOW).secret.material


def test_no_part_shows_a_passphrase():
    material = generate(name="A", addresses=["a@x.example"], at=NOW, passphrase="Kanarienvogel").secret.material

    assert "Kanarienvogel" not in repr(check_secrets(material, ["Kanarienvogel"]))
