"""What is written in the mails: a draft from one to another, as a text of 10 kB or with a file of some size."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from sealmail.addresses import Mailbox
from sealmail.mime import Draft, DraftAttachment, build_entity, build_headers

AGENT = Mailbox("Alice Agent", "alice@desk.example")
CUSTOMER = Mailbox("Carol Customer", "carol@customer.example")
NOW = datetime.now(UTC).replace(microsecond=0)
_TEXT_BYTES = 10_000
_WORDS = (
    *("the", "printer", "on", "our", "second", "floor", "shows", "error", "again"),
    *("and", "we", "need", "help", "with", "invoice", "contract", "before", "friday"),
)


def draft(
    sender: Mailbox, recipient: Mailbox, *, attached_bytes: int = 0, number: int = 0, text_bytes: int = _TEXT_BYTES
) -> Draft:
    """A mail with words that hardly compress better than people's, and a file that does not compress at all."""
    chance = random.Random(number)  # noqa: S311 -- the same words each time, nothing secret
    files = (DraftAttachment("scan.bin", "application/octet-stream", chance.randbytes(attached_bytes)),)
    return Draft(
        from_=(sender,),
        to=(recipient,),
        subject=f"Printer trouble {number}",
        text=_text(chance, text_bytes),
        attachments=files if attached_bytes else (),
        message_id=f"bench-{number}-{attached_bytes}@{sender.address.rpartition('@')[2]}",
        date=NOW,
    )


def headers_and_entity(letter: Draft) -> tuple[bytes, bytes]:
    """The message headers and the MIME entity that gets sealed."""
    return build_headers(letter).replace(b"MIME-Version: 1.0\r\n", b""), build_entity(letter)


def _text(chance: random.Random, octets: int) -> str:
    lines: list[str] = []
    while sum(map(len, lines)) < octets:
        lines.append(" ".join(chance.choices(_WORDS, k=11)))
    return "\n".join(lines)
