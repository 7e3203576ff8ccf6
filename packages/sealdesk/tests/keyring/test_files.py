"""Keys as files: what was added comes out again, as protected as before."""

import logging

import pytest

from sealdesk.core.errors import NotAllowed
from sealdesk.keyring import files
from sealdesk.keyring.actions import import_keys
from sealdesk.keyring.models import StoredKey
from sealmail.keys.reader import read
from sealmail.testing.export import export_pem
from sealmail.testing.pgp import openpgp_key

pytestmark = pytest.mark.django_db


@pytest.mark.mission("S6")
@pytest.mark.mission("P4")
def test_public_file_is_the_key_that_was_added(cast, add):
    for key in cast.frank.keys:
        (row,) = add(key).keys

        assert read(files.public_file(row)).keys == (key,)


@pytest.mark.mission("S6")
@pytest.mark.parametrize("passphrase", [None, "Geheimnis"])
def test_private_key_file_is_as_protected_as_it_came(cast, support, passphrase):
    import_keys(blob=export_pem(cast.alice.smime, passphrase), passphrases=[passphrase or ""], by=None)

    content = files.secret_file(key=StoredKey.objects.get(), by=None)

    found = read(content, [passphrase or ""])
    assert content.startswith(b"-----BEGIN ENCRYPTED" if passphrase else b"-----BEGIN PRIVATE KEY")
    assert [private.is_protected for private in found.unmatched] == [passphrase is not None]
    assert bool(read(content).locked) is (passphrase is not None)


@pytest.mark.mission("P4")
def test_openpgp_secret_key_stays_protected(support):
    secret = openpgp_key("alice@desk.example", passphrase="Geheimnis")
    import_keys(blob=secret.material, passphrases=["Geheimnis"], by=None)

    content = files.secret_file(key=StoredKey.objects.get(), by=None)

    assert content.startswith(b"-----BEGIN PGP PRIVATE KEY BLOCK-----")
    assert read(content).locked
    assert [one.material for one in read(content, ["Geheimnis"]).secrets] == [secret.material]


def test_download_is_for_administrators_and_logged(cast, support, alice, administrator, caplog):
    import_keys(blob=export_pem(cast.alice.smime), by=None)
    row = StoredKey.objects.get()

    with pytest.raises(NotAllowed):
        files.secret_file(key=row, by=alice)
    with caplog.at_level(logging.WARNING):
        files.secret_file(key=row, by=administrator)

    assert [record.getMessage() for record in caplog.records] == [
        f"secret key {row.pk} downloaded by {administrator.pk}"
    ]


def test_no_secret_is_said(cast, add):
    (row,) = add(cast.carol.smime.key).keys

    with pytest.raises(files.NoSecret, match="There is no private key for it"):
        files.secret_file(key=row, by=None)
