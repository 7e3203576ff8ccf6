"""The demo's files in the vault: what was moved or changed does not open, nothing lies open, nobody else reads them."""

from __future__ import annotations

import pytest

from sealdesk.core.vault import VaultError
from sealdesk.demo import drawer


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path / "data"
    return tmp_path / "data" / "demo"


def test_what_was_put_in_is_taken_out():
    drawer.put("inbox/a", b"first")
    drawer.put("inbox/a", b"second")

    assert drawer.take("inbox/a") == b"second"


def test_what_was_never_put_in_is_none():
    assert (drawer.exists(), drawer.take("inbox/a"), list(drawer.names("inbox"))) == (False, None, [])


def test_names_come_in_order():
    for name in ("inbox/b", "inbox/a", "other/c"):
        drawer.put(name, b"")

    assert list(drawer.names("inbox")) == ["inbox/a", "inbox/b"]


@pytest.mark.mission("B2")
def test_nothing_lies_open(folder):
    drawer.put("people", b"carol's private key")

    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert not any(b"private" in path.read_bytes() for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_changed_file_does_not_open(folder):
    drawer.put("people", b"keys")
    sealed = (folder / "people").read_bytes()
    (folder / "people").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))

    with pytest.raises(VaultError):
        drawer.take("people")


def test_a_moved_file_does_not_open(folder):
    drawer.put("one", b"keys")
    (folder / "one").rename(folder / "two")

    with pytest.raises(VaultError):
        drawer.take("two")
