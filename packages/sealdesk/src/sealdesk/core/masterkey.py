"""Where the master key comes from: `SEALDESK_MASTER_KEY`, a file, or (first run) a new file beside the data folder."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


def load_master_key() -> bytes:
    """The 32 bytes of this desk's master key."""
    from django.conf import settings

    return read_master_key(settings.MASTER_KEY, settings.MASTER_KEY_FILE, data_folder=settings.DATA_FOLDER)


def read_master_key(text: str, path: Path, *, data_folder: Path) -> bytes:
    """The key given as base64 text, else the one in the file, which is made on a first run.

    ImproperlyConfigured says what is wrong, never what was read.
    """
    if text:
        return _decode(text, "SEALDESK_MASTER_KEY")
    if not path.exists():
        _create(path, data_folder)
    try:
        return _decode(path.read_text(encoding="ascii", errors="replace"), str(path))
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}") from error


def lies_inside(path: Path, folder: Path) -> bool:
    """Whether the file is somewhere below the folder, links resolved."""
    return path.resolve().is_relative_to(folder.resolve())


def _create(path: Path, data_folder: Path) -> None:
    if lies_inside(path, data_folder):
        raise ImproperlyConfigured(f"SEALDESK_MASTER_KEY_FILE must lie outside of the data folder {data_folder}")
    if any(data_folder.glob("*.sqlite3")) and not path.exists():
        # A new key would open nothing of what is there, and hide that the old one is missing.
        raise ImproperlyConfigured(f"{data_folder} holds data, but its master key {path} is missing: put it back")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = _write_beside(path)
    try:
        # A link appears at once with all its content and never replaces: other processes of the same first run see no
        # half-written key, and all of them use the key of the quickest.
        os.link(whole, path)
    except FileExistsError:
        return
    finally:
        whole.unlink()
    _sync_folder(path.parent)


def _write_beside(path: Path) -> Path:
    whole = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return whole


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters outside of ASCII
        key = b""
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{source} must hold {KEY_BYTES} random bytes in base64")
    return key
