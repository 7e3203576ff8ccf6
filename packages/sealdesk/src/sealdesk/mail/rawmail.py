"""The bytes of mails in the vault: written before their row, read for opening and sending."""

from __future__ import annotations

from collections.abc import Callable

from sealdesk.core import blobs
from sealdesk.core.sealed import SealedModel
from sealdesk.mail.models import Copy, RawMail


def store(row: RawMail | Copy, raw: bytes) -> Callable[[], None]:
    """Puts the bytes into the vault and their name into the row; returns how to undo it."""
    row.blob = name = blobs.write(raw, key=row.data_key(), context=_context(row))
    return lambda: blobs.delete(name)


def read(row: RawMail | Copy) -> bytes:
    """The bytes as they came, or as they leave."""
    return blobs.read(row.blob, key=row.data_key(), context=_context(row))


def _context(row: SealedModel) -> str:
    return f"{row.vault_context()}|blob"
