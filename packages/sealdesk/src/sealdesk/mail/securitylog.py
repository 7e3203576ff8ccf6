"""Recent Logs: a row for each layer that was taken off or put on. Ids and codes; no words of the mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sealdesk.mail.models import SecurityLogEntry
from sealdesk.tickets.models import Article
from sealmail.errors import Reason
from sealmail.report import EncryptionFacts, EncryptionLayer, Layer, Report, SignatureFacts, SignatureLayer
from sealmail.sealing import PlannedCopy, SealRequest

IN, OUT = "in", "out"


def log_opened(report: Report, article: Article | None, at: datetime) -> None:
    """What opening a mail did: each decryption and each verification."""
    entries = [_opened_layer(layer, report) for layer in report.layers]
    entries += [_opened_layer(layer, report) for part in report.parts for layer in part.layers]
    _save((entry for layer in entries for entry in layer), article, at)


def log_sealed(copies: Iterable[PlannedCopy], article: Article, at: datetime) -> None:
    """What sealing a mail did: each signature, each encryption."""
    _save((entry for copy in copies for entry in _sealed(copy)), article, at)


def log_refused(request: SealRequest, reasons: Iterable[Reason], article: Article, at: datetime) -> None:
    """A mail that could not be sealed as asked."""
    operation = "encrypt" if request.encrypt else "sign"
    technology = request.technology.value if request.technology else ""
    entries = (
        SecurityLogEntry(
            direction=OUT,
            operation=operation,
            technology=technology,
            status="refused",
            code=reason.code[:60],
            details={"address": reason.address, "sentence": reason.sentence},
        )
        for reason in reasons
    )
    _save(entries, article, at)


def _opened_layer(layer: Layer, report: Report) -> list[SecurityLogEntry]:
    match layer:
        case EncryptionLayer(facts=facts):
            return [_decryption(facts)]
        case SignatureLayer(signers=signers):
            return [_verification(facts, report) for facts in signers]


def _decryption(facts: EncryptionFacts) -> SecurityLogEntry:
    return SecurityLogEntry(
        direction=IN,
        operation="decrypt",
        technology=facts.technology.value,
        status=facts.verdict.value,
        code=facts.why or "",
        key_fingerprint=facts.opened_with or "",
        details={
            "algorithm": facts.algorithm,
            "key_scheme": facts.key_scheme,
            "recipients": list(facts.recipients),
        },
    )


def _verification(facts: SignatureFacts, report: Report) -> SecurityLogEntry:
    speaks = facts == report.signature.facts
    reason = report.signature.reason
    code = reason.value if speaks and reason else (facts.why or "")
    return SecurityLogEntry(
        direction=IN,
        operation="verify",
        technology=facts.technology.value,
        status=report.signature.verdict.value if speaks else facts.integrity.value,
        code=code,
        key_fingerprint=facts.key.fingerprint if facts.key else "",
        details={
            "integrity": facts.integrity.value,
            "findings": sorted(facts.findings),
            "binding": facts.binding.value,
            "trust": facts.trust.name.lower(),
            "key_ids": list(facts.key_ids),
            "hash": facts.hash_algorithm,
            "signature": facts.algorithm,
            "revocation": facts.revocation.value,
            "revoked_at": _time(facts.revoked_at),
            "revocation_reason": facts.revocation_reason,
            "revocation_known_until": _time(facts.revocation_known_until),
        },
    )


def _sealed(copy: PlannedCopy) -> Iterator[SecurityLogEntry]:
    if copy.technology is None:
        return
    details = {"recipients": list(copy.recipients)}
    if copy.signer is not None:
        yield SecurityLogEntry(
            direction=OUT,
            operation="sign",
            technology=copy.technology.value,
            status="done",
            key_fingerprint=copy.signer.fingerprint,
            details=details,
        )
    if copy.encrypt:
        yield SecurityLogEntry(
            direction=OUT,
            operation="encrypt",
            technology=copy.technology.value,
            status="done",
            details={
                **details,
                "algorithm": copy.cipher.value if copy.cipher else None,
                "keys": [key.fingerprint for key in copy.encrypt_to],
            },
        )


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _save(entries: Iterable[SecurityLogEntry], article: Article | None, at: datetime) -> None:
    rows = list(entries)
    for row in rows:
        row.article, row.at = article, at
        row.code = row.code[:60]
    if rows:
        SecurityLogEntry.objects.bulk_create(rows)
