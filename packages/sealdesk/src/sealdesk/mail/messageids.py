"""Message-IDs and the ticket number in subjects: made, read and compared here. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

_TOKEN_BYTES = 18
_ID = re.compile(r"<[^<>\s]{1,990}>")
_TAG = re.compile(r"\[#(\d{1,12})\]")
_ANSWER = re.compile(r"^\s*(?:(?:re|aw|fwd?|wg)\s*:\s*)+", re.IGNORECASE)
_HEADER = re.compile(rb"^message-id:\s*(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_HEAD_LIMIT = 64 * 1024
_KEPT_REFERENCES = 20


def new_message_id(sender: str) -> str:
    """A Message-ID of ours, in the domain of the sender; nobody can guess it (RFC 5322 §3.6.4)."""
    return f"<{secrets.token_hex(_TOKEN_BYTES)}@{sender.rpartition('@')[2]}>"


def normal_id(text: str | None) -> str:
    """The one Message-ID in `text` with its angle brackets; what has none gets them; empty where there is none."""
    if not text:
        return ""
    found = _ID.search(text)
    if found:
        return found[0]
    words = text.split()
    return f"<{words[0].strip('<>')[:990]}>" if words else ""


def normal_ids(texts: Iterable[str]) -> tuple[str, ...]:
    """The Message-IDs in these texts, in order, each once."""
    return tuple(dict.fromkeys(filter(None, map(normal_id, texts))))


def carried_id(data: bytes) -> str:
    """The Message-ID in the header of a mail that a bounce carries back; empty where there is none."""
    head = re.split(rb"\r?\n\r?\n", data.lstrip()[:_HEAD_LIMIT], maxsplit=1)[0]
    found = _HEADER.search(head)
    return found[1].decode("ascii", "replace") if found else ""


def chain(references: Iterable[str], answered: str) -> tuple[str, ...]:
    """The References of an answer (RFC 5322 §3.6.4): first and last ones of a long thread, then the answered mail."""
    known = [reference for reference in references if reference != answered]
    if len(known) > _KEPT_REFERENCES:
        known = [known[0], *known[1 - _KEPT_REFERENCES :]]
    return (*known, answered) if answered else tuple(known)


def tagged(subject: str, number: int) -> str:
    """The subject with the ticket's number, once."""
    return f"{untagged(subject)} [#{number}]".strip()


def untagged(subject: str) -> str:
    """The subject without any ticket number."""
    return " ".join(_TAG.sub("", subject).split())


def answer_subject(title: str, number: int) -> str:
    """The subject of an answer in a ticket: one "Re:", and the number."""
    return "Re: " + tagged(_ANSWER.sub("", title), number)


def number_in(subject: str) -> int | None:
    """The ticket number that a subject names; the last one, as forwards put theirs in front."""
    numbers = _TAG.findall(subject)
    return int(numbers[-1]) if numbers else None
