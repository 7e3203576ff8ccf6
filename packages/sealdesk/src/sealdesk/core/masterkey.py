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

    return read_master_key(settings.MASTER_KEY, settings.MASTER_KEY_FILE)


def read_master_key(text: str, path: Path) -> bytes:
    """The key given as base64 text, else the one in the file, which is made if it is not there.

    ImproperlyConfigured says what is wrong, never what was read.
    """
    if text:
        return _decode(text, "SEALDESK_MASTER_KEY")
    if not path.exists():
        _create(path)
    return _decode(path.read_text(encoding="ascii", errors="replace"), str(path))


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of the same first run was quicker
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{source} must hold {KEY_BYTES} random bytes in base64")
    return key
