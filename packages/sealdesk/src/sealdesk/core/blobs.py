"""Files in the vault: sealed chunk by chunk, so that a mail of any size is written and read in flat memory.

A blob is a version byte, a random salt, and chunks of 64 kB sealed with AES-256-GCM under a key derived from the row's
data key and the salt. The nonce is the chunk's number and a mark on the last one: chunks that were cut off, appended,
swapped or taken from elsewhere do not open. It knows nothing of what it stores; callers are the apps that own the rows.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.base import File
from django.core.files.storage import default_storage

from sealdesk.core.vault import DataKey, VaultError

if TYPE_CHECKING:
    _File = File[bytes]
else:
    _File = File

CHUNK_BYTES = 64 * 1024
TAG_BYTES = 16
SALT_BYTES = 16
VERSION = b"\x01"


def write(chunks: bytes | Iterable[bytes], *, key: DataKey, context: str) -> str:
    """Stores the bytes and returns the blob's name; on disk, not only in a cache, before it returns.

    `context` is what the blob belongs to (model, row, field) and must be given again to read it.
    """
    identifier = uuid.uuid4().hex
    pieces = (chunks,) if isinstance(chunks, bytes) else chunks
    sealed = _Chunks(_sealed(pieces, key, context))
    return default_storage.save(f"{identifier[:2]}/{identifier}", sealed)


def read(name: str, *, key: DataKey, context: str) -> bytes:
    """The whole blob; VaultError where it was changed or belongs elsewhere, FileNotFoundError where it is gone."""
    return b"".join(stream(name, key=key, context=context))


def stream(name: str, *, key: DataKey, context: str) -> Iterator[bytes]:
    """The blob in chunks. That the end is missing shows only at the end: act on nothing before it."""
    with default_storage.open(name) as file:
        yield from _opened(file, key, context)


def delete(name: str) -> None:
    """Removes the blob; nothing happens where there is none."""
    default_storage.delete(name)


class _Chunks(_File):
    """What a storage writes: sealed chunks as they come, never gathered."""

    def __init__(self, sealed: Iterator[bytes]) -> None:
        super().__init__(file=None)
        self._sealed = sealed

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002 -- Django's signature
        return self._sealed


def _sealed(pieces: Iterable[bytes], key: DataKey, context: str) -> Iterator[bytes]:
    salt = os.urandom(SALT_BYTES)
    cipher = AESGCM(key.derive(b"blob", salt))
    yield VERSION + salt
    for nonce, chunk in _numbered(_evenly(pieces)):
        yield cipher.encrypt(nonce, chunk, context.encode())


def _opened(file: BinaryIO | _File, key: DataKey, context: str) -> Iterator[bytes]:
    head = file.read(1 + SALT_BYTES)
    if head[:1] != VERSION or len(head) != 1 + SALT_BYTES:
        raise VaultError("unknown form of vault data")
    cipher = AESGCM(key.derive(b"blob", head[1:]))
    for nonce, sealed in _numbered(iter(lambda: file.read(CHUNK_BYTES + TAG_BYTES), b"")):
        try:
            yield cipher.decrypt(nonce, sealed, context.encode())
        except InvalidTag as error:
            raise VaultError("vault data does not open under this master key") from error


def _evenly(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size as chunks of equal size, the last one shorter and perhaps empty."""
    waiting = bytearray()
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), CHUNK_BYTES):
            waiting += view[start : start + CHUNK_BYTES]
            if len(waiting) > CHUNK_BYTES:
                yield bytes(waiting[:CHUNK_BYTES])
                del waiting[:CHUNK_BYTES]
    yield bytes(waiting)


def _numbered(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk with its nonce: eleven bytes of number, one that marks the last. No chunk at all is one empty one."""
    remaining = iter(chunks)
    chunk = next(remaining, b"")
    for number, following in enumerate(chain(remaining, (None,))):
        yield number.to_bytes(11) + bytes([following is None]), chunk
        chunk = following or b""
