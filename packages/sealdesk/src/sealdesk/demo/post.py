"""The customers' mail server: what the desk sends them lies beside the data folder, a folder for each address."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings

from sealdesk.core.clock import now
from sealmail.addresses import canonical


def deliver(raw: bytes, recipients: Sequence[str]) -> None:
    """Puts the mail into the inbox of each recipient."""
    for recipient in recipients:
        folder = _folder(recipient)
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = f"{now():%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.eml"
            (folder / name).write_bytes(raw)


def inbox(address: str) -> Iterator[bytes]:
    """The mails that an address got, oldest first."""
    folder = _folder(address)
    for path in sorted(folder.glob("*.eml")) if folder else ():
        yield path.read_bytes()


def _folder(text: str) -> Path | None:
    address = canonical(text)
    if address is None or "/" in address or address.startswith("."):
        return None
    return Path(settings.HOME) / "demo" / "inbox" / address
