"""The demo's own place in the vault: small sealed files below the data folder, no tables in anybody's database.

Customers' secret keys and inboxes lie here, so that the data folder of a demo tells as little as that of a real desk.
Each file is sealed under one data key, which the master key wraps; its name is part of what the seal is bound to.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from sealdesk.core.vault import DataKey, vault

_KEY_CONTEXT = "demo.drawer"


def exists() -> bool:
    """Whether anything was ever put here."""
    return _key_file().exists()


def put(name: str, plain: bytes) -> None:
    """Keeps the bytes under a name (`folder/file`); what was there is replaced at once or not at all."""
    _write(_folder() / name, _key().seal(plain, _context(name)))


def take(name: str) -> bytes | None:
    """What lies under the name; None where nothing does. VaultError where it was changed."""
    try:
        sealed = (_folder() / name).read_bytes()
    except FileNotFoundError:
        return None
    return _key().open(sealed, _context(name))


def names(folder: str) -> Iterator[str]:
    """The names in a folder, in order."""
    for path in sorted((_folder() / folder).glob("[!.]*")):
        yield f"{folder}/{path.name}"


def _key() -> DataKey:
    try:
        wrapped = _key_file().read_bytes()
    except FileNotFoundError:
        wrapped = vault().new_wrapped_key(_KEY_CONTEXT)
        _write(_key_file(), wrapped)
    return vault().unwrap(wrapped, _KEY_CONTEXT)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    beside.replace(path)


def _context(name: str) -> str:
    return f"{_KEY_CONTEXT}|{name}"


def _key_file() -> Path:
    return _folder() / "wrapped.key"


def _folder() -> Path:
    return Path(settings.DATA_FOLDER) / "demo"
