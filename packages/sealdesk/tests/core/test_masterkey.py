"""The master key is whole or not there, closed to others, and never made where it must not lie."""

import base64
import stat
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured

from sealdesk.core.masterkey import read_master_key

TEXT = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def places(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    return tmp_path / "key" / "master.key", data


def test_first_run_makes_a_key_that_only_its_owner_reads(places):
    path, data = places

    key = read_master_key("", path, data_folder=data)

    assert len(key) == 32
    assert read_master_key("", path, data_folder=data) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["master.key"]


def test_first_runs_at_the_same_time_agree_on_one_key(places):
    path, data = places
    start, keys = threading.Barrier(16), []

    def run():
        start.wait()
        keys.append(read_master_key("", path, data_folder=data))

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 16
    assert len(set(keys)) == 1


def test_no_key_is_made_inside_the_data_folder(places):
    _, data = places
    (data / "link").symlink_to(data)

    with pytest.raises(ImproperlyConfigured, match="outside of the data folder"):
        read_master_key("", data / "link" / "master.key", data_folder=data)

    assert not (data / "master.key").exists()


def test_no_second_key_is_made_for_data_that_is_there(places):
    path, data = places
    (data / "sealdesk.sqlite3").touch()

    with pytest.raises(ImproperlyConfigured, match="put it back"):
        read_master_key("", path, data_folder=data)

    assert not path.exists()


@pytest.mark.parametrize("text", ["x", "a" * 44, TEXT[:-8], "schlüssel"])
def test_a_wrong_key_is_named_by_its_source_only(places, text):
    path, data = places

    with pytest.raises(ImproperlyConfigured) as refusal:
        read_master_key(text, path, data_folder=data)

    assert str(refusal.value) == "SEALDESK_MASTER_KEY must hold 32 random bytes in base64"


def test_the_key_given_as_text_needs_no_file(places):
    path, data = places

    assert read_master_key(TEXT, path, data_folder=data) == bytes(range(32))
    assert not path.exists()
