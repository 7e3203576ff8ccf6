"""Blobs: what was changed in any way does not open."""

import os
import stat
import tracemalloc
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from sealdesk.core import blobs
from sealdesk.core.blobs import CHUNK_BYTES, SALT_BYTES, TAG_BYTES
from sealdesk.core.vault import DataKey, VaultError

KEY = DataKey(bytes(range(32)))
CONTEXT = "mail.rawmail|1|blob"
HEAD = 1 + SALT_BYTES
SEALED = CHUNK_BYTES + TAG_BYTES


def write(content=b"content"):
    return blobs.write(content, key=KEY, context=CONTEXT)


def read(name, key=KEY, context=CONTEXT):
    return blobs.read(name, key=key, context=context)


def changed(name, change):
    path = Path(default_storage.path(name))
    path.write_bytes(change(path.read_bytes()))
    return name


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_blob_reads_as_it_was_written(size):
    content = os.urandom(size)

    assert read(write(content)) == content


def test_pieces_of_any_size_are_one_blob():
    pieces = [b"", b"a" * 70_000, b"b", b"c" * 200_000, b""]

    assert read(blobs.write(iter(pieces), key=KEY, context=CONTEXT)) == b"".join(pieces)


@pytest.mark.mission("B2")
def test_file_holds_no_plain_text_and_is_closed_to_others():
    name = write(b"kanarienvogel" * 10_000)
    path = Path(default_storage.path(name))

    assert b"kanarienvogel" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("size", [10, CHUNK_BYTES, 2 * CHUNK_BYTES])
@pytest.mark.parametrize("cut", [1, TAG_BYTES, SEALED])
def test_truncated_blob_does_not_open(size, cut):
    name = changed(write(os.urandom(size)), lambda sealed: sealed[:-cut])

    with pytest.raises(VaultError):
        read(name)


def test_blob_cut_to_its_head_does_not_open():
    name = changed(write(), lambda sealed: sealed[:HEAD])

    with pytest.raises(VaultError):
        read(name)


def test_swapped_chunks_do_not_open():
    def swap(sealed):
        head, one, two, rest = sealed[:HEAD], sealed[HEAD:][:SEALED], sealed[HEAD + SEALED :][:SEALED], None
        rest = sealed[HEAD + 2 * SEALED :]
        return head + two + one + rest

    name = changed(write(os.urandom(3 * CHUNK_BYTES)), swap)

    with pytest.raises(VaultError):
        read(name)


def test_appended_chunks_do_not_open():
    name = changed(write(os.urandom(CHUNK_BYTES)), lambda sealed: sealed + sealed[HEAD:])

    with pytest.raises(VaultError):
        read(name)


def test_chunk_of_another_blob_of_the_same_row_does_not_open():
    other = Path(default_storage.path(write(b"other"))).read_bytes()
    name = changed(write(b"first"), lambda sealed: sealed[:HEAD] + other[HEAD:])

    with pytest.raises(VaultError):
        read(name)


def test_other_key_or_context_does_not_open():
    name = write()

    with pytest.raises(VaultError):
        read(name, key=DataKey(bytes(32)))
    with pytest.raises(VaultError):
        read(name, context="mail.rawmail|2|blob")


def test_failed_write_leaves_nothing_behind():
    def pieces():
        yield b"a" * 200_000
        raise OSError("the source broke")

    before = set(Path(default_storage.location).rglob("*/*"))
    with pytest.raises(OSError, match="the source broke"):
        blobs.write(pieces(), key=KEY, context=CONTEXT)

    assert {path for path in set(Path(default_storage.location).rglob("*/*")) - before if path.is_file()} == set()


def test_deleted_blob_is_gone_and_deleting_again_is_no_error():
    name = write()

    blobs.delete(name)
    blobs.delete(name)

    with pytest.raises(FileNotFoundError):
        read(name)


def test_memory_stays_flat():
    tracemalloc.start()
    try:
        name = blobs.write((b"x" * 50_000 for _ in range(400)), key=KEY, context=CONTEXT)
        total = sum(len(chunk) for chunk in blobs.stream(name, key=KEY, context=CONTEXT))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert total == 20_000_000
    assert peak < 1_500_000
