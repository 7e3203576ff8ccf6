"""The versioned JSON of a report, and of an opened mail as `sealmail inspect` prints it (docs/contract/).


Nothing here decides. Codes are the enums' values; sentences are for people who read the JSON without our pages.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sealmail.choosing import PassedOver
from sealmail.errors import Reason
from sealmail.keys import Key
from sealmail.opening import Content, Opened
from sealmail.report import (
    SCHEMA,
    EncryptionFacts,
    EncryptionLayer,
    EncryptionVerdict,
    KeyClaim,
    Layer,
    PartReport,
    Report,
    SignatureFacts,
    SignatureStatement,
)
from sealmail.sentences import encryption_sentence, signature_sentence

JSON = dict[str, Any]


def opened_to_json(opened: Opened) -> JSON:
    """What `sealmail inspect --json` prints."""
    report, headers = opened.report, opened.headers
    return {
        "schema": SCHEMA,
        "from": [headers.from_.address] if headers.from_ else [],
        "to": [mailbox.address for mailbox in headers.to],
        "cc": [mailbox.address for mailbox in headers.cc],
        "subject": headers.subject,
        **_content(opened.content),
        "encryption": encryption_to_json(report.encryption),
        "signature": signature_to_json(report.signature, report.encryption),
        "layers": [layer_to_json(layer) for layer in report.layers],
        "parts": [part_to_json(part) | {"content": _part_content(opened, part.path)} for part in report.parts],
        "keys_seen": _keys_seen(report),
        "warnings": [warning.value for warning in report.warnings],
        "at": time_to_json(report.at),
    }


def report_to_json(report: Report) -> JSON:
    """The report alone, to be kept: no words of the mail in it."""
    return {
        "schema": SCHEMA,
        "at": time_to_json(report.at),
        "encryption": encryption_to_json(report.encryption),
        "signature": signature_to_json(report.signature, report.encryption),
        "layers": [layer_to_json(layer) for layer in report.layers],
        "parts": [part_to_json(part) for part in report.parts],
        "keys_seen": _keys_seen(report),
        "warnings": [warning.value for warning in report.warnings],
    }


def encryption_to_json(verdict: EncryptionVerdict) -> JSON:
    """The verdict on encryption with a sentence."""
    return {
        "verdict": verdict.verdict.value,
        "covers": verdict.covers.value,
        "technology": verdict.technology.value if verdict.technology else None,
        "reason": verdict.reason,
        "detail": encryption_sentence(verdict),
    }


def signature_to_json(statement: SignatureStatement, encryption: EncryptionVerdict) -> JSON:
    """The verdict on the signature with a sentence and, where one is known, the signer."""
    return {
        "verdict": statement.verdict.value,
        "covers": statement.covers.value,
        "technology": statement.technology.value if statement.technology else None,
        "reason": statement.reason.value if statement.reason else None,
        "detail": signature_sentence(statement, encryption),
        "signer": _signer(statement.facts),
    }


def layer_to_json(layer: Layer) -> JSON:
    """One layer with all its facts."""
    if isinstance(layer, EncryptionLayer):
        return {"kind": "encryption", **_encryption_facts(layer.facts)}
    return {
        "kind": "signature",
        "technology": layer.technology.value,
        "signers": [_signature_facts(facts) for facts in layer.signers],
    }


def part_to_json(part: PartReport) -> JSON:
    """A sealed part of a message that is not sealed as a whole."""
    return {
        "path": part.path,
        "encryption": encryption_to_json(part.encryption),
        "signature": signature_to_json(part.signature, part.encryption),
        "layers": [layer_to_json(layer) for layer in part.layers],
    }


def key_to_json(key: Key) -> JSON:
    """A key without its material."""
    return {
        "technology": key.technology.value,
        "fingerprint": key.fingerprint,
        "name": key.name,
        "addresses": list(key.addresses),
        "algorithm": key.algorithm,
        "valid_from": time_to_json(key.valid_from),
        "valid_until": time_to_json(key.valid_until),
        "uses": sorted(use.value for use in key.uses),
        "ca": key.is_ca,
    }


def reason_to_json(reason: Reason) -> JSON:
    """A reason whose address is known from where it stands."""
    return {"code": reason.code, "sentence": reason.sentence}


def passed_over_to_json(passed: PassedOver) -> JSON:
    """A key that was not chosen, and why."""
    return {
        "technology": passed.key.technology.value,
        "fingerprint": passed.key.fingerprint,
        "reasons": [reason_to_json(reason) for reason in passed.reasons],
    }


def _keys_seen(report: Report) -> list[JSON]:
    """The keys that came along, each with where it stood and whose it is said to be."""
    return [
        key_to_json(key) | {"claims": [_claim(one) for one in report.key_claims if one.fingerprint == key.fingerprint]}
        for key in report.keys_seen
    ]


def _claim(claim: KeyClaim) -> JSON:
    return {
        "source": claim.source.value,
        "address": claim.address,
        "prefers_encryption": claim.prefers_encryption,
    }


def _content(content: Content) -> JSON:
    return {
        "text": content.text,
        "attachments": [
            {"name": file.name, "type": file.content_type, "size": len(file.data), "sha256": file.sha256}
            for file in content.attachments
        ],
    }


def _part_content(opened: Opened, path: str) -> JSON | None:
    return next((_content(part.content) for part in opened.parts if part.path == path), None)


def _signer(facts: SignatureFacts | None) -> JSON | None:
    if facts is None or facts.key is None:
        return None
    key = facts.key
    return {"name": key.name, "addresses": list(key.addresses), "fingerprint": key.fingerprint}


def _encryption_facts(facts: EncryptionFacts) -> JSON:
    return {
        "technology": facts.technology.value,
        "verdict": facts.verdict.value,
        "algorithm": facts.algorithm,
        "key_scheme": facts.key_scheme,
        "recipients": list(facts.recipients),
        "opened_with": facts.opened_with,
        "malleable": facts.malleable,
        "weak": facts.weak,
        "why": facts.why,
    }


def _signature_facts(facts: SignatureFacts) -> JSON:
    return {
        "technology": facts.technology.value,
        "integrity": facts.integrity.value,
        "key_ids": list(facts.key_ids),
        "signer": _signer(facts),
        "signing_fingerprint": facts.signing_fingerprint,
        "findings": sorted(finding.value for finding in facts.findings),
        "binding": facts.binding.value,
        "trust": facts.trust.name.lower(),
        "signed_at": time_to_json(facts.signed_at),
        "hash_algorithm": facts.hash_algorithm,
        "algorithm": facts.algorithm,
        "valid_from": time_to_json(facts.key.valid_from) if facts.key else None,
        "valid_until": time_to_json(facts.key.valid_until) if facts.key else None,
        "chain": list(facts.chain),
        "issuer_name": facts.issuer_name,
        "revoked_at": time_to_json(facts.revoked_at),
        "revocation_reason": facts.revocation_reason,
        "revocation": facts.revocation.value,
        "revocation_known_until": time_to_json(facts.revocation_known_until),
        "capabilities": list(facts.capabilities.algorithms) if facts.capabilities is not None else None,
        "intended_recipients": list(facts.intended_recipients),
        "why": facts.why,
    }


def time_to_json(moment: datetime | None) -> str | None:
    """A time as all our documents write it; None stays None."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None
