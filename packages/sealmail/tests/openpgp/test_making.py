"""Keys that we make and change, read and used by gpg and sq."""

import subprocess
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest

from sealmail.errors import InputError, PassphraseError
from sealmail.keys import SecretKey, Use
from sealmail.keys.openpgp_key import is_locked, key_from_openpgp, state_at, unlocks
from sealmail.keys.openpgp_listing import State, listing
from sealmail.keys.openpgp_making import (
    Suite,
    extended,
    generate,
    with_encryption_subkey,
    with_passphrase,
    with_user_id,
)
from sealmail.keys.openpgp_merging import exported
from sealmail.keys.openpgp_revoking import (
    RevocationReason,
    armored_revocation,
    revoke_key,
    revoke_subkey,
    revoke_user_id,
    with_revocation,
)
from sealmail.keys.pgp.packets import Tag, packet, walk

NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN = NOW - timedelta(days=100)
ADDRESS, PASSPHRASE = "help@desk.example", "wohl bekomm's"


def made(suite=Suite.CURVE25519, **options) -> SecretKey:
    given = {"name": "Sealdesk Köln", "addresses": [ADDRESS], "at": BEGIN, "suite": suite} | options
    return generate(**given).secret


def colons(gpg, *kinds):
    listing = gpg("--with-colons", "--list-keys").decode().splitlines()
    return [line.split(":") for line in listing if line.split(":")[0] in kinds]


@pytest.mark.mission("B10")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.RSA_3072])
def test_gpg_takes_a_new_key_and_uses_it_for_everything(fresh_gpg, suite, passphrase):
    key = made(suite, passphrase=passphrase, until=NOW + timedelta(days=30))
    fresh_gpg("--import", stdin=key.material, passphrase=passphrase)

    message = fresh_gpg("--sign", "--encrypt", "--recipient", ADDRESS, stdin=b"text", passphrase=passphrase)
    opened = fresh_gpg.run("--status-fd=2", "--decrypt", stdin=message, passphrase=passphrase)

    assert (opened.stdout, b"GOODSIG" in opened.stderr) == (b"text", True)
    assert [line[6] for line in colons(fresh_gpg, "pub", "sub")] == [
        str(int((NOW + timedelta(days=30)).timestamp()))
    ] * 2
    assert [line[9] for line in colons(fresh_gpg, "uid")] == [f"Sealdesk Köln <{ADDRESS}>"]
    assert key.key.uses == {Use.SIGN, Use.ENCRYPT, Use.CERTIFY}
    assert is_locked(key.material) is bool(passphrase)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", list(Suite))
def test_a_new_key_is_of_the_kind_that_was_asked_for(suite):
    key = made(suite)

    kinds = {
        Suite.CURVE25519: ["Ed25519", "Curve25519"],
        Suite.RSA_3072: ["RSA-3072"] * 2,
        Suite.RSA_4096: ["RSA-4096"] * 2,
        Suite.VERSION_6: ["Ed25519", "X25519"],
    }
    assert [part.algorithm for part in listing(key.key.material, NOW).parts] == kinds[suite]
    assert len(key.key.fingerprint) == (64 if suite is Suite.VERSION_6 else 40)
    assert (key.key.valid_from, key.key.valid_until) == (BEGIN, None)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.RSA_3072])
def test_sq_reads_a_new_key_and_writes_to_it(tmp_path, suite):
    (tmp_path / "key.pgp").write_bytes(made(suite).material)

    def sq(*arguments, stdin=b""):
        done = subprocess.run(["sq", *arguments], cwd=tmp_path, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    inspected = sq("inspect", "key.pgp").decode()
    sealed = sq("encrypt", "--recipient-cert", "key.pgp", "--signer-key", "key.pgp", stdin=b"text")

    assert ADDRESS in inspected
    assert "Invalid" not in inspected
    assert sq("decrypt", "--recipient-key", "key.pgp", "--signer-cert", "key.pgp", "-n", "1", stdin=sealed) == b"text"


@pytest.mark.mission("B10")
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_sequoia_reads_a_new_key_of_version_6_and_writes_to_it(passphrase):
    key = made(Suite.VERSION_6, passphrase=passphrase, until=NOW + timedelta(days=30))

    theirs = pysequoia.Tsk.from_bytes(key.material)
    public = theirs.extract_certificate()
    sealed = pysequoia.encrypt(b"text", [public], theirs.signer(passphrase or None))
    opened = pysequoia.decrypt(sealed, theirs.decryptor(passphrase or None), lambda _: [public])

    assert (public.fingerprint, public.expiration) == (key.key.fingerprint, NOW + timedelta(days=30))
    assert (opened.bytes, len(opened.valid_sigs)) == (b"text", 1)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.VERSION_6])
def test_an_extended_key_ends_later_for_us_and_for_others(fresh_gpg, suite):
    key = made(suite, until=NOW - timedelta(days=1))
    end = NOW + timedelta(days=300)

    longer = extended(key, until=end, at=NOW)

    assert [part.state for part in listing(key.key.material, NOW).parts] == [State.EXPIRED] * 2
    assert [part.until for part in listing(longer.key.material, NOW).parts] == [end] * 2
    assert pysequoia.Cert.from_bytes(longer.key.material).expiration == end
    assert extended(longer, until=None, at=NOW + timedelta(days=1)).key.valid_until is None
    if suite is Suite.CURVE25519:
        fresh_gpg("--import", stdin=longer.key.material)
        assert [line[6] for line in colons(fresh_gpg, "pub", "sub")] == [str(int(end.timestamp()))] * 2


def test_what_is_said_twice_in_one_second_is_said_last_by_the_last(fresh_gpg):
    key = made(until=BEGIN + timedelta(days=1))
    for days in (200, 300):
        key = extended(key, until=NOW + timedelta(days=days), at=BEGIN)

    assert key.key.valid_until == NOW + timedelta(days=300)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.VERSION_6])
def test_a_new_subkey_is_used_at_once_and_the_old_one_ends_after_the_overlap(suite):
    key = made(suite, passphrase=PASSPHRASE)
    old = state_at(key.key.material, NOW).encryption

    rotated = with_encryption_subkey(key, at=NOW, overlap_until=NOW + timedelta(days=30))

    now = state_at(rotated.key.material, NOW).encryption
    assert (now[1:], len(now)) == (old, 2)
    assert state_at(rotated.key.material, NOW + timedelta(days=31)).encryption == now[:1]
    assert unlocks(rotated.material, PASSPHRASE)


def test_extending_leaves_a_replaced_subkey_to_its_end():
    rotated = with_encryption_subkey(made(), at=NOW, overlap_until=NOW + timedelta(days=30))

    longer = extended(rotated, until=NOW + timedelta(days=900), at=NOW + timedelta(days=1))

    ends = [part.until for part in listing(longer.key.material, NOW + timedelta(days=2)).parts]
    assert ends == [NOW + timedelta(days=900), NOW + timedelta(days=30), NOW + timedelta(days=900)]


def test_a_key_of_gpg_with_a_signing_subkey_is_extended(fresh_gpg):
    fresh_gpg("--quick-generate-key", "Bob <bob@example.org>", "ed25519", "cert", "1y")
    fingerprint = fresh_gpg.fingerprint("bob@example.org")
    fresh_gpg("--quick-add-key", fingerprint, "ed25519", "sign", "1y")
    fresh_gpg("--quick-add-key", fingerprint, "cv25519", "encrypt", "1y")
    material = fresh_gpg.secret("bob@example.org")
    end = NOW + timedelta(days=1000)

    # gpg made the key by its own clock, perhaps long after these tests were loaded.
    now = datetime.now(UTC)

    longer = extended(SecretKey(key=key_from_openpgp(material), material=material), until=end, at=now)

    assert listing(longer.key.material, now + timedelta(minutes=1)).signing.end == end
    fresh_gpg("--import", stdin=longer.key.material)
    assert [line[6] for line in colons(fresh_gpg, "pub", "sub")] == [str(int(end.timestamp()))] * 3


@pytest.mark.mission("B10")
def test_a_user_id_is_added_taken_back_and_added_again(fresh_gpg):
    key = with_user_id(made(), name="Sealdesk", address="new@desk.example", at=BEGIN + timedelta(days=1))
    raw = b"Sealdesk <new@desk.example>"
    without = revoke_user_id(key, raw, at=BEGIN + timedelta(days=2))
    again = with_user_id(without, name="Sealdesk", address="new@desk.example", at=BEGIN + timedelta(days=3))

    assert [one.key.addresses for one in (key, without, again)] == [
        (ADDRESS, "new@desk.example"),
        (ADDRESS,),
        (ADDRESS, "new@desk.example"),
    ]
    fresh_gpg("--import", stdin=without.key.material)
    assert sorted(line[1] for line in colons(fresh_gpg, "uid")) == ["-", "r"]


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.RSA_3072])
def test_the_revocation_certificate_made_with_the_key_revokes_it_later(fresh_gpg, suite):
    new = generate(name="", addresses=[ADDRESS], at=BEGIN, suite=suite)
    fresh_gpg("--import", stdin=new.secret.key.material)
    before = colons(fresh_gpg, "pub")[0][1]

    # Its trust model "always" has no trust database, and this import stops where there is none.
    fresh_gpg("--trust-model", "pgp", "--import", stdin=armored_revocation(new.revocation))
    ours = state_at(with_revocation(new.secret.key.material, new.revocation), NOW)

    assert (before, colons(fresh_gpg, "pub")[0][1]) == ("-", "r")
    assert ours.revoked is not None
    assert ours.revoked.is_hard


def test_a_revocation_certificate_revokes_no_other_key():
    new, other = generate(name="", addresses=[ADDRESS], at=BEGIN), made()

    with pytest.raises(InputError, match="belongs to another key"):
        with_revocation(other.material, new.revocation)
    with pytest.raises(InputError, match="not a revocation certificate"):
        with_revocation(other.material, packet(Tag.USER_ID, b"x"))


@pytest.mark.mission("B10")
@pytest.mark.parametrize("reason", [RevocationReason.REPLACED, RevocationReason.COMPROMISED])
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.VERSION_6])
def test_a_soft_revocation_holds_from_its_time_on_and_a_hard_one_always(suite, reason):
    key = made(suite)

    revoked = revoke_key(key, at=NOW, reason=reason, text="Grüße")

    before = state_at(revoked.key.material, NOW - timedelta(days=1)).revoked
    assert (before is not None) is reason.is_hard
    assert listing(revoked.key.material, NOW).parts[0].explanation == reason.words
    assert pysequoia.Cert.from_bytes(revoked.key.material).is_revoked
    with pytest.raises(InputError, match="revoked"):
        extended(revoked, until=None, at=NOW + timedelta(days=1))


def test_a_revoked_subkey_is_revoked_for_gpg_too(fresh_gpg):
    key = made()
    (subkey,) = state_at(key.key.material, NOW).encryption

    revoked = revoke_subkey(key, subkey, at=NOW, reason=RevocationReason.RETIRED)

    fresh_gpg("--import", stdin=exported(revoked.material))
    assert [line[1] for line in colons(fresh_gpg, "pub", "sub")] == ["-", "r"]
    assert state_at(revoked.key.material, NOW).encryption == ()
    with pytest.raises(InputError, match="no such subkey"):
        revoke_subkey(key, "00" * 20, at=NOW, reason=RevocationReason.RETIRED)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.RSA_3072, Suite.VERSION_6])
def test_a_passphrase_is_set_changed_and_taken_away(suite):
    key = made(suite)

    first = with_passphrase(key, "one")
    second = with_passphrase(first, "two")
    none = with_passphrase(second, "")

    opened = [[unlocks(each.material, text) for text in ("one", "two")] for each in (first, second)]
    assert opened == [[True, False], [False, True]]
    assert (is_locked(none.material), none.material) == (False, key.material)
    assert first.key == key.key


def test_a_wrong_passphrase_changes_nothing_and_is_not_in_the_message():
    key = made(passphrase="Kanarienvogel")
    wrong = SecretKey(key=key.key, material=key.material, passphrases=("Wellensittich",))

    for change in (
        lambda: with_passphrase(wrong, "x"),
        lambda: extended(wrong, until=None, at=NOW),
        lambda: with_encryption_subkey(wrong, at=NOW),
        lambda: revoke_key(wrong, at=NOW, reason=RevocationReason.NONE),
    ):
        with pytest.raises(PassphraseError) as refusal:
            change()
        assert "vogel" not in str(refusal.value) + repr(refusal.value)
        assert "sittich" not in str(refusal.value) + repr(wrong)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"addresses": []}, "at least one address"),
        ({"addresses": ["a@x.example, b@x.example"]}, "not an e-mail address"),
        ({"addresses": ["nobody"]}, "not an e-mail address"),
        ({"name": "A <b@x.example>"}, "cannot stand"),
        ({"name": "A\nB"}, "cannot stand"),
        ({"name": "A" * 201}, "cannot stand"),
        ({"until": BEGIN}, "has to end after"),
        ({"until": BEGIN + timedelta(days=365 * 150)}, "has to end after"),
    ],
)
def test_what_makes_no_sensible_key_is_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        made(**options)


def test_a_key_without_its_primary_secret_is_not_changed():
    key = made()
    public = SecretKey(key=key.key, material=key.key.material)

    with pytest.raises(InputError, match="only it can change the key"):
        extended(public, until=None, at=NOW)


def test_the_public_export_holds_no_secret():
    key = made()

    assert {one.tag for one in walk(exported(key.material))} == {
        Tag.PUBLIC_KEY,
        Tag.USER_ID,
        Tag.SIGNATURE,
        Tag.PUBLIC_SUBKEY,
    }
    assert exported(key.material, with_secret=True) == key.material
