"""Sealed fields: ciphertext in the database, bound to its row and field."""

import pickle
import sqlite3
from pathlib import Path

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection

from sealdesk.core import vault as vault_module
from sealdesk.core.vault import Vault, VaultError, vault
from sealdesk.keyring.models import StoredKey, StoredSecret
from sealdesk.mail.models import Channel

pytestmark = pytest.mark.django_db

CANARY = "kanarienvogel-im-bergwerk"


def channel(**values):
    return Channel.objects.create(
        **({"kind": "imap", "name": "In", "host": "mail.example", "port": 993, "password": CANARY} | values)
    )


def stored(pk, column="password"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM mail_channel WHERE id = %s", [pk.hex])  # noqa: S608 -- a test's constant
        return bytes(cursor.fetchone()[0])


def overwrite(pk, value, column="password"):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE mail_channel SET {column} = %s WHERE id = %s", [value, pk.hex])  # noqa: S608


@pytest.mark.mission("B2")
def test_database_holds_ciphertext_and_instance_the_value():
    one = channel()

    assert CANARY.encode() not in stored(one.pk)
    assert Channel.objects.get(pk=one.pk).password == CANARY


def test_equal_values_look_different():
    one, two = channel(), channel()

    assert stored(one.pk)[13:] != stored(two.pk)[13:]


@pytest.mark.mission("B2")
def test_ciphertext_moved_to_another_row_does_not_open():
    one, two = channel(), channel(password="other")
    overwrite(two.pk, stored(one.pk))

    with pytest.raises(VaultError):
        _ = Channel.objects.get(pk=two.pk).password


def test_ciphertext_moved_with_its_key_to_another_row_does_not_open():
    one, two = channel(), channel(password="other")
    overwrite(two.pk, stored(one.pk))
    overwrite(two.pk, stored(one.pk, "wrapped_key"), "wrapped_key")

    with pytest.raises(VaultError):
        _ = Channel.objects.get(pk=two.pk).password


def test_ciphertext_moved_to_another_field_does_not_open(cast, support):
    from sealdesk.keyring.actions import import_keys
    from sealmail.testing.export import export_pem

    import_keys(blob=export_pem(cast.alice.smime), by=None)
    StoredSecret.objects.update(passphrases=StoredSecret.objects.values_list("material", flat=True).get())

    with pytest.raises(VaultError):
        _ = StoredSecret.objects.get().passphrases


@pytest.mark.mission("B2")
def test_another_master_key_opens_nothing(monkeypatch):
    one = channel()
    monkeypatch.setattr("sealdesk.core.sealed.vault", lambda: Vault(b"x" * 32))

    with pytest.raises(VaultError):
        _ = Channel.objects.get(pk=one.pk).password


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(40), bytes(40)])
def test_damaged_ciphertext_is_a_vault_error(damage):
    one = channel()
    overwrite(one.pk, damage)

    with pytest.raises(VaultError):
        _ = Channel.objects.get(pk=one.pk).password


def test_searching_by_value_is_refused():
    with pytest.raises(FieldError):
        Channel.objects.filter(password=CANARY)
    with pytest.raises(FieldError):
        Channel.objects.filter(password__contains=CANARY)


def test_whether_there_is_a_value_can_be_asked():
    one = channel(password=None)
    channel()

    assert list(Channel.objects.filter(password__isnull=True)) == [one]


def test_updating_in_bulk_by_value_is_refused():
    one = channel()

    with pytest.raises(TypeError):
        Channel.objects.update(password=CANARY)
    one.password = "new"
    with pytest.raises(TypeError):
        Channel.objects.bulk_update([one], ["password"])


def test_creating_in_bulk_seals():
    Channel.objects.bulk_create([Channel(kind="imap", name="In", host="h", port=1, password=CANARY)])

    one = Channel.objects.get()
    assert one.password == CANARY
    assert CANARY.encode() not in stored(one.pk)


def test_changed_value_is_saved_anew():
    one = channel()
    one.password = "changed"
    one.save(update_fields=["password"])

    assert Channel.objects.get(pk=one.pk).password == "changed"


def test_values_gives_ciphertext_only():
    channel()

    assert CANARY.encode() not in bytes(Channel.objects.values_list("password", flat=True).get())


def test_full_clean_and_refresh_keep_the_value():
    one = Channel.objects.get(pk=channel(username="u").pk)

    one.full_clean(exclude=["group", "last_run_at", "last_error", "uid_validity"])
    one.refresh_from_db()

    assert one.password == CANARY
    assert Channel.objects.only("name").get().password == CANARY


def test_data_key_is_unwrapped_once_for_each_instance(monkeypatch):
    one = Channel.objects.get(pk=channel().pk)
    calls = []
    unwrap = Vault.unwrap
    monkeypatch.setattr(Vault, "unwrap", lambda self, *given: calls.append(given) or unwrap(self, *given))

    assert [one.password for _ in range(5)] == [CANARY] * 5
    assert len(calls) == 1


def test_unwrapped_key_is_not_pickled():
    one = channel()
    secret = one.data_key().secret

    assert secret not in pickle.dumps(one)


def test_export_of_sealed_rows_is_refused():
    channel()

    with pytest.raises(TypeError, match="sealed"):
        serializers.serialize("json", Channel.objects.all())


def test_keys_do_not_show_in_their_text():
    assert vault_module.DataKey(b"secret-secret").__repr__() == "DataKey()"


def test_keyed_hash_is_equal_for_equal_values_of_one_purpose():
    first = vault().keyed_hash("raw mail", b"x")

    assert vault().keyed_hash("raw mail", b"x") == first
    assert vault().keyed_hash("raw mail", b"y") != first
    assert vault().keyed_hash("words", b"x") != first


@pytest.mark.mission("B2")
@pytest.mark.django_db(transaction=True)
def test_no_file_of_the_database_holds_plain_text(tmp_path):
    one = channel()
    StoredKey.objects.count()
    path = tmp_path / "copy.sqlite3"
    with sqlite3.connect(path) as copy:
        copy.execute("PRAGMA journal_mode=WAL")
        connection.connection.backup(copy)
        content = b"".join(file.read_bytes() for file in Path(tmp_path).iterdir())
    copy.close()

    assert one.name.encode() in content
    assert CANARY.encode() not in content
    assert one.data_key().secret not in content


def test_sqlite_keeps_temporary_tables_in_memory():
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA temp_store").fetchone() == (2,)
        assert cursor.execute("PRAGMA secure_delete").fetchone() == (1,)
