"""An OpenPGP key that comes again: what is new is kept, what it had is not lost, and strangers add nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from sealdesk.core import clock
from sealdesk.keyring import queries
from sealdesk.keyring.actions import LARGEST_HARVESTED, harvest, import_keys
from sealdesk.keyring.importing import Outcome, preview
from sealdesk.keyring.models import StoredKey, StoredSecret
from sealdesk.keyring.rows import keys_from, secrets_from
from sealmail import openpgp
from sealmail.keys import SecretKey
from sealmail.keys.openpgp_key import public_material
from sealmail.keys.openpgp_making import extended, generate, with_encryption_subkey
from sealmail.keys.openpgp_revoking import RevocationReason, revoke_key
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.usability import Purpose, problems

pytestmark = pytest.mark.django_db

PASSPHRASE = "Kanarienvogel"
NOW = datetime.now(UTC)
BEGIN, END = NOW - timedelta(days=700), NOW + timedelta(days=700)


@pytest.fixture(scope="module")
def expired() -> SecretKey:
    """The desk's key, which ran out yesterday."""
    until = NOW - timedelta(days=1)
    return generate(
        name="Support", addresses=["support@desk.example"], at=BEGIN, until=until, passphrase=PASSPHRASE
    ).secret


@pytest.fixture(scope="module")
def renewed(expired) -> SecretKey:
    return with_encryption_subkey(extended(expired, until=END, at=NOW - timedelta(hours=2)), at=NOW, until=END)


def own_secret() -> SecretKey:
    (secret,) = secrets_from(StoredSecret.objects.select_related("key"))
    return secret


@pytest.mark.mission("P2", "B10")
def test_a_renewed_public_key_renews_the_secret_key_that_is_here(expired, renewed, support):
    import_keys(blob=expired.material, passphrases=[PASSPHRASE], by=None)

    result = import_keys(blob=renewed.key.material, by=None)

    assert [item.outcome for item in result.preview.items] == [Outcome.RENEWED]
    assert StoredKey.objects.get().valid_until == END.replace(microsecond=0)
    secret = own_secret()
    assert openpgp.state_at(secret.material, NOW).signing == (expired.key.fingerprint,)
    assert openpgp.sign(b"x", secret, NOW)
    assert list(StoredSecret.objects.get().groups.all()) == [support]


@pytest.mark.mission("B9")
def test_a_renewed_copy_of_our_own_key_in_a_mail_renews_the_secret_key_too(expired, renewed, support):
    import_keys(blob=expired.material, passphrases=[PASSPHRASE], by=None)

    harvest(keys=[renewed.key], at=clock.now())

    assert openpgp.sign(b"x", own_secret(), NOW)
    assert public_material(own_secret().material) == renewed.key.material


@pytest.mark.mission("P2")
def test_the_renewed_secret_key_brings_the_new_subkey_and_loses_nothing(expired, renewed, support):
    import_keys(blob=expired.material, passphrases=[PASSPHRASE], by=None)

    import_keys(blob=renewed.material, passphrases=[PASSPHRASE], by=None)
    before = own_secret()
    again = preview(expired.material, [PASSPHRASE])

    assert before.material == renewed.material
    assert again.errors == {"file": ("Fingerprint already taken.",)}


@pytest.mark.mission("P2")
def test_a_secret_is_added_to_the_public_key_that_is_here(expired, renewed, support):
    import_keys(blob=renewed.key.material, by=None)

    result = import_keys(blob=expired.material, passphrases=[PASSPHRASE], by=None)

    assert [item.outcome for item in result.preview.items] == [Outcome.ADDS_SECRET]
    assert bytes(StoredKey.objects.get().material) == renewed.key.material
    assert own_secret().passphrases == (PASSPHRASE,)


@pytest.mark.mission("P2")
def test_a_revocation_that_comes_with_mail_takes_the_key_out_of_use(renewed):
    import_keys(blob=renewed.key.material, by=None)
    revoked = revoke_key(renewed, at=NOW, reason=RevocationReason.COMPROMISED)

    harvest(keys=[revoked.key], at=clock.now())
    harvest(keys=[renewed.key], at=clock.now())

    (key,) = keys_from(StoredKey.objects.all())
    assert [reason.code for reason in problems(key, Purpose.ENCRYPT, NOW)] == ["revoked"]


def test_what_others_hang_on_a_key_is_not_stored(renewed):
    stranger = generate(name="Support", addresses=["support@desk.example"], at=BEGIN).secret.key
    foreign = b"".join(packet(one.tag, one.body) for one in walk(stranger.material) if one.tag != Tag.PUBLIC_KEY)
    flooded = renewed.key.material + foreign * 500

    assert len(flooded) < LARGEST_HARVESTED
    import_keys(blob=flooded, by=None)

    assert bytes(StoredKey.objects.get().material) == renewed.key.material
    assert preview(flooded).errors == {"file": ("Fingerprint already taken.",)}
    assert bytes(harvest(keys=[renewed.key], at=NOW)[0].material) == public_material(renewed.material)


@pytest.mark.mission("P2", "B14")
def test_a_secret_that_does_not_fit_is_refused_with_a_sentence(support):
    ours, other = (generate(name="S", addresses=["support@desk.example"], at=BEGIN).secret for _ in range(2))
    bodies = [next(one.body for one in walk(each.material) if one.tag == Tag.SECRET_KEY) for each in (ours, other)]
    split = len(next(one.body for one in walk(ours.key.material) if one.tag == Tag.PUBLIC_KEY))
    swapped = packet(Tag.SECRET_KEY, bodies[0][:split] + bodies[1][split:])
    blob = ours.material.replace(packet(Tag.SECRET_KEY, bodies[0]), swapped)

    shown = preview(blob)

    assert [item.secret for item in shown.items] == [None]
    assert "does not fit the public part" in shown.notes[0]
    assert queries.known(ours.key.technology, ours.key.fingerprint) is None
