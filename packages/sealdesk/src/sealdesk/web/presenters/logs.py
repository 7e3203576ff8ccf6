"""Recent Logs in words: what was done, whether it worked, and details without any word of a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealdesk.keyring.naming import KeyNames, key_names
from sealdesk.mail.models import SecurityLogEntry
from sealdesk.web.presenters.encryption import ENCRYPTION
from sealdesk.web.presenters.gaps import moment, words
from sealdesk.web.presenters.key_names import fingerprinted, identified
from sealdesk.web.presenters.revocation import revocation_words
from sealdesk.web.presenters.signature import REASONS, SIGNATURE
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import FINDINGS, INTEGRITY
from sealdesk.web.presenters.wording import Face, Tone, fill
from sealmail.keys import Technology
from sealmail.report import Encryption, Finding, Integrity, Reason, Signature

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
    key: str
    details: str
    ticket: int | None


def log_lines(entries: Iterable[SecurityLogEntry]) -> list[LogLine]:
    """The lines of entries; the names of all their keys are asked for at once."""
    rows = list(entries)
    names = key_names(
        fingerprints={row.key_fingerprint for row in rows if row.key_fingerprint},
        identifiers={one for row in rows for one in _identifiers(row)},
    )
    return [_line(row, names) for row in rows]


def _identifiers(entry: SecurityLogEntry) -> Sequence[str]:
    """The ids by which an incoming mail named its recipients' keys, or its signer's."""
    details = entry.details or {}
    return (*details.get("recipients", ()), *details.get("key_ids", ())) if entry.direction == "in" else ()


def _line(entry: SecurityLogEntry, names: KeyNames) -> LogLine:
    fingerprint = entry.key_fingerprint
    return LogLine(
        at=entry.at,
        direction="in" if entry.direction == "in" else "out",
        operation=OPERATIONS.get(entry.operation, entry.operation),
        status=fill(_status(entry)),
        key=fingerprinted(fingerprint, names) if fingerprint else "",
        details="; ".join(_details(entry, names)),
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
    if entry.operation == "verify" and entry.status in set(Integrity):
        return _integrity(Integrity(entry.status))
    if entry.status == "refused":
        return _REFUSED
    return _DONE if entry.status == "done" else Face(icon="alert", tone=Tone.AMBER, label=entry.status)


def _integrity(integrity: Integrity) -> Face:
    """Of a signature that did not decide the verdict, as those in parts: no more is known than whether it fits."""
    said = INTEGRITY[integrity]
    label = f"{said[0].upper()}{said[1:]}"
    if integrity is Integrity.INTACT:
        return Face(icon="check", tone=Tone.MUTED, label=label)
    is_bad = integrity in {Integrity.CHANGED, Integrity.MALFORMED}
    return Face(icon="badge-x" if is_bad else "badge-alert", tone=Tone.RED if is_bad else Tone.AMBER, label=label)


def _details(entry: SecurityLogEntry, names: KeyNames) -> Iterator[str]:
    details: Mapping[str, Any] = entry.details or {}
    if details.get("sentence"):
        yield details["sentence"]
        return
    if entry.direction == "in" and (not entry.key_fingerprint or entry.operation == "decrypt"):
        yield from (f"for {identified(one, names)}" for one in details.get("recipients", ())[:_MOST_RECIPIENTS])
        yield from (f"by {identified(one, names)}" for one in details.get("key_ids", ()) if one)
    elif details.get("recipients"):
        yield f"for {', '.join(details['recipients'])}"
    for name, word in _SHOWN:
        if details.get(name):
            yield f"{word} {details[name]}"
    if details.get("findings"):
        yield f"findings: {', '.join(words(FINDINGS, Finding, code) for code in details['findings'])}"
    yield from filter(None, [_revocation(entry, details)])


_MOST_RECIPIENTS = 4
_SHOWN = (("algorithm", "cipher"), ("key_scheme", "key by"), ("signature", "signature"), ("hash", "hash"))


def _revocation(entry: SecurityLogEntry, details: Mapping[str, Any]) -> str:
    if entry.technology == Technology.OPENPGP and not details.get("revoked_at"):
        return ""
    said = revocation_words(
        details.get("revocation"),
        known_at=exact(entry.at),
        known_until=moment(details.get("revocation_known_until")),
        revoked_on=moment(details.get("revoked_at")),
        reason=details.get("revocation_reason"),
    )
    return f"revocation: {said[0].lower()}{said[1:]}" if said else ""
