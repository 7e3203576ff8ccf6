"""Attachments on their way into the vault: bytes first, rows with the article."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sealdesk.core import blobs
from sealdesk.tickets.content import NewAttachment, readable
from sealdesk.tickets.models import Attachment

_NAME_LIMIT = 300
_TYPE_LIMIT = 200
_PART_LIMIT = 100


@contextmanager
def stored(files: Sequence[NewAttachment]) -> Iterator[list[Attachment]]:
    """Rows for these files, not saved yet, with their bytes already in the vault.

    Outside of the transaction that saves the rows, so that no lock waits for the disk. Where the block fails, the bytes
    are removed again.
    """
    rows: list[Attachment] = []
    try:
        for position, file in enumerate(files):
            rows.append(_store(file, position))
        yield rows
    except BaseException:
        for row in rows:
            blobs.delete(row.blob)
        raise


def read(attachment: Attachment) -> bytes:
    """The bytes of an attachment."""
    return blobs.read(attachment.blob, key=attachment.data_key(), context=_context(attachment))


def stream(attachment: Attachment) -> Iterator[bytes]:
    """The bytes of an attachment, in pieces, so that memory stays flat."""
    return blobs.stream(attachment.blob, key=attachment.data_key(), context=_context(attachment))


def _store(file: NewAttachment, position: int) -> Attachment:
    row = Attachment(
        position=position,
        name=file.name[:_NAME_LIMIT],
        content_type=readable(file.content_type, _TYPE_LIMIT),
        size=len(file.data),
        content_id=readable(file.content_id, _NAME_LIMIT),
        part=file.part[:_PART_LIMIT],
    )
    row.blob = blobs.write(file.data, key=row.data_key(), context=_context(row))
    return row


def _context(row: Attachment) -> str:
    return f"{row.vault_context()}|blob"
