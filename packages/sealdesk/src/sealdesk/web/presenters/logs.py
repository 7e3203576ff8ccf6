"""Recent Logs in words: what was done, whether it worked, and details without any word of a mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealdesk.mail.models import SecurityLogEntry
from sealdesk.web.presenters.encryption import ENCRYPTION
from sealdesk.web.presenters.evidence import grouped
from sealdesk.web.presenters.signature import REASONS, SIGNATURE
from sealdesk.web.presenters.wording import Face, Tone, fill
from sealmail.report import Encryption, Reason, Signature

OPERATIONS: Mapping[str, str] = {
    "sign": "Sign",
    "verify": "Verify",
    "encrypt": "Encrypt",
    "decrypt": "Decrypt",
}
_DONE = Face(icon="check", tone=Tone.MUTED, label="Done")
_GOOD = Face(icon="badge-check", tone=Tone.GREEN, label="Good")
_DECRYPTED = Face(icon="lock", tone=Tone.BLUE, label="Decrypted")
_REFUSED = Face(icon="lock-x", tone=Tone.RED, label="Refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One operation."""

    at: datetime
    direction: str
    operation: str
    status: Face
    fingerprint: str
    details: str
    ticket: int | None


def log_line(entry: SecurityLogEntry) -> LogLine:
    """The line of an entry."""
    details: Mapping[str, Any] = entry.details or {}
    return LogLine(
        at=entry.at,
        direction="in" if entry.direction == "in" else "out",
        operation=OPERATIONS.get(entry.operation, entry.operation),
        status=fill(_status(entry)),
        fingerprint=grouped(entry.key_fingerprint[-16:]),
        details="; ".join(_details(details)),
        ticket=entry.article.ticket.number if entry.article else None,
    )


def _status(entry: SecurityLogEntry) -> Face:
    if entry.operation == "verify" and entry.code in set(Reason):
        return REASONS[Reason(entry.code)]
    if entry.status in {Signature.GOOD.value, Encryption.DECRYPTED.value}:
        return _GOOD if entry.operation == "verify" else _DECRYPTED
    if entry.operation == "verify" and entry.status in set(Signature):
        return SIGNATURE[Signature(entry.status)]
    if entry.operation == "decrypt" and entry.status in set(Encryption):
        return ENCRYPTION[Encryption(entry.status)]
    if entry.status == "refused":
        return _REFUSED
    return _DONE if entry.status == "done" else Face(icon="alert", tone=Tone.AMBER, label=entry.status)


def _details(details: Mapping[str, Any]) -> list[str]:
    if details.get("sentence"):
        return [details["sentence"]]
    shown = (("recipients", "for"), ("algorithm", "cipher"), ("hash", "hash"), ("findings", "findings"))
    found = []
    for name, word in shown:
        value = details.get(name)
        if value:
            found.append(f"{word} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return found
