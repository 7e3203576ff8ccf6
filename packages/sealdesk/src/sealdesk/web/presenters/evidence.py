"""The frozen report of a mail as rows to read: all facts, in order. Reads the report's JSON; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sealdesk.tickets.models import Article
from sealdesk.web.presenters.encryption import ENCRYPTION, TECHNOLOGIES
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import BINDING, FINDINGS, INTEGRITY, TRUST
from sealmail.keys import Technology, TrustLevel
from sealmail.report import Binding, Encryption, Finding, Integrity

JSON = Mapping[str, Any]
Code = TypeVar("Code", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fact with its name; `is_code`: digits and letters to compare."""

    name: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Facts that belong together."""

    title: str
    rows: tuple[Row, ...]
    is_nested: bool = False


def shown_report(article: Article) -> JSON:
    """The report that what is shown comes from: that of receipt, or of the later look that knew more."""
    receipt: JSON = article.report or {}
    looks = [receipt, *(look["report"] for look in reversed(receipt.get("rechecks", ())))]
    shown = (article.encryption, article.signature)
    return next((look for look in looks if look and _verdicts(look) == shown), receipt)


def _verdicts(report: JSON) -> tuple[str, str]:
    return report["encryption"]["verdict"], report["signature"]["verdict"]


def blocks(report: JSON | None) -> list[Block]:
    """All facts of a report: its time, each layer from the outside in, parts, and the keys that came along."""
    if not report:
        return []
    found = [Block(title="Checked", rows=(Row(name="When", value=moment(report.get("at"))),))]
    found += list(_layers(report.get("layers", ())))
    for part in report.get("parts", ()):
        found += [_nested(block, part["path"]) for block in _layers(part["layers"])]
    found += [_key_block(key) for key in report.get("keys_seen", ())]
    return found


def card(report: JSON) -> Iterator[Row]:
    """The few facts that matter most: who signed, until when, vouched for by whom, when it was checked."""
    facts = _speaking_signer(report)
    signer = facts.get("signer") or {}
    yield from _rows(
        ("Name", signer.get("name")),
        ("Address", ", ".join(signer.get("addresses", ()))),
        ("Issuer", facts.get("issuer_name")),
        ("Valid until", moment(facts["valid_until"]) if facts.get("valid_until") else None),
        ("Trust", words(TRUST, TrustLevel, str(facts.get("trust", "")).upper()) if facts else None),
        ("Checked", moment(report.get("at")) if report.get("at") else None),
    )
    if signer.get("fingerprint"):
        yield Row(name="Fingerprint", value=grouped(signer["fingerprint"]), is_code=True)


def gaps(report: JSON, article: Article) -> dict[str, str]:
    """The words that fill the sentences about an article. Names never: only addresses that were verified."""
    signer = report.get("signature", {}).get("signer") or {}
    fingerprint = signer.get("fingerprint", "")
    return signer_gaps(report) | {
        "sender": article.sender,
        "address": article.signer_address,
        "key": f"the key {short(fingerprint)}" if fingerprint else "",
    }


def opening_gaps(report: JSON) -> dict[str, str]:
    """The words about the encryption."""
    layers = report.get("layers", ())
    encryption: JSON = next((layer for layer in layers if layer["kind"] == "encryption"), {})
    opened_with = encryption.get("opened_with")
    return {
        "algorithm": encryption.get("algorithm") or "",
        "recipients": _keys_named(encryption.get("recipients", ())),
        "key": f"our key {short(opened_with)}" if opened_with else "",
    }


def signer_gaps(report: JSON) -> dict[str, str]:
    """The words about the signer whose signature speaks."""
    facts = _speaking_signer(report)
    signer = facts.get("signer") or report.get("signature", {}).get("signer") or {}
    fingerprint = signer.get("fingerprint", "")
    return {
        "key": f"the key {short(fingerprint)}" if fingerprint else "",
        "signer": ", ".join(signer.get("addresses", ())) or fingerprint,
        "address": ", ".join(signer.get("addresses", ())),
        "issuer": facts.get("issuer_name") or "",
        "trust": words(TRUST, TrustLevel, str(facts.get("trust", "")).upper()),
        "valid_from": moment(facts.get("valid_from")),
        "valid_until": moment(facts.get("valid_until")),
        "revoked_on": moment(facts.get("revoked_at")),
        "reason": facts.get("revocation_reason") or "",
        "others": ", ".join(facts.get("intended_recipients", ())),
    }


def short(fingerprint: str) -> str:
    """The last sixteen digits in groups; enough to recognise a key, not to compare it."""
    return grouped(fingerprint[-16:])


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four."""
    upper = fingerprint.upper()
    return " ".join(upper[start : start + 4] for start in range(0, len(upper), 4))


def moment(text: str | None) -> str:
    """A time of the report, exact; empty where there is none."""
    return exact(datetime.fromisoformat(text)) if text else ""


def words(table: Mapping[Code, str], kind: type[Code], code: str) -> str:
    """The words for a code by name or value; a code that this version does not know stays as it is."""
    members = {member.name: member for member in kind} | {str(member.value): member for member in kind}
    return table[members[code]] if code in members else code


def _speaking_signer(report: JSON) -> JSON:
    """The facts of the signer who decided the verdict: the first of the layer that names him."""
    fingerprint = (report.get("signature", {}).get("signer") or {}).get("fingerprint")
    signers = [
        facts for layer in report.get("layers", ()) if layer["kind"] == "signature" for facts in layer["signers"]
    ]
    for facts in reversed(signers):
        if (facts.get("signer") or {}).get("fingerprint") == fingerprint:
            return dict(facts)
    return {}


def _layers(layers: Sequence[JSON]) -> Iterator[Block]:
    for layer in layers:
        if layer["kind"] == "encryption":
            yield Block(title=f"Encryption, {_technology(layer)}", rows=tuple(_encryption_rows(layer)))
            continue
        for facts in layer["signers"]:
            yield Block(title=f"Signature, {_technology(layer)}", rows=tuple(_signature_rows(facts)))
        if not layer["signers"]:
            yield Block(title=f"Signature, {_technology(layer)}", rows=(Row(name="Signer", value="none at all"),))


def _encryption_rows(facts: JSON) -> Iterator[Row]:
    face = ENCRYPTION.get(Encryption(facts["verdict"])) if facts["verdict"] in set(Encryption) else None
    yield from _rows(
        ("Outcome", face.label if face else facts["verdict"]),
        ("Cipher", facts.get("algorithm")),
        ("Notices changes", _notices_changes(facts)),
        ("Old cipher", "yes" if facts.get("weak") else None),
        ("More exactly", facts.get("why")),
    )
    yield from _codes(("Opened with", facts.get("opened_with")))
    for recipient in facts.get("recipients", ()):
        yield Row(name="Encrypted for", value=recipient or "(hidden by the sender)", is_code=True)


def _notices_changes(facts: JSON) -> str | None:
    """Known of a layer that was opened; of any other nothing is claimed."""
    if facts["verdict"] != Encryption.DECRYPTED:
        return None
    return "no" if facts.get("malleable") else "yes"


def _signature_rows(facts: JSON) -> Iterator[Row]:
    signer = facts.get("signer") or {}
    yield from _rows(
        ("Content", words(INTEGRITY, Integrity, facts["integrity"])),
        ("Signer’s addresses", ", ".join(signer.get("addresses", ())) or None),
        ("Name in the key", signer.get("name")),
        ("Sender", words(BINDING, Binding, facts["binding"])),
        ("Trust", words(TRUST, TrustLevel, str(facts["trust"]).upper())),
        ("Findings", ", ".join(words(FINDINGS, Finding, code) for code in facts.get("findings", ())) or None),
        ("Issuer", facts.get("issuer_name")),
        ("Valid", _span(facts)),
        ("Signed at (claimed)", moment(facts.get("signed_at"))),
        ("Algorithms", ", ".join(filter(None, (facts.get("algorithm"), facts.get("hash_algorithm"))))),
        ("Revoked", moment(facts.get("revoked_at"))),
        ("Why revoked", facts.get("revocation_reason")),
        ("Meant for", ", ".join(facts.get("intended_recipients", ()))),
        ("More exactly", facts.get("why")),
    )
    yield from _codes(
        ("Fingerprint", signer.get("fingerprint")), ("Signed by subkey", facts.get("signing_fingerprint"))
    )
    for number, fingerprint in enumerate(facts.get("chain", ())[1:], start=1):
        yield Row(name=f"Path, step {number}", value=grouped(fingerprint), is_code=True)
    if not signer:
        for identifier in facts.get("key_ids", ()):
            yield Row(name="Names the key", value=identifier, is_code=True)


def _key_block(key: JSON) -> Block:
    kind = "CA certificate" if key.get("ca") else "Key" if key["technology"] == Technology.OPENPGP else "Certificate"
    rows = [
        *_rows(("Addresses", ", ".join(key["addresses"])), ("Algorithm", key["algorithm"]), ("Valid", _span(key))),
        *_codes(("Fingerprint", key["fingerprint"])),
    ]
    return Block(title=f"{kind} that came along (nobody has confirmed it by this)", rows=tuple(rows))


def _nested(block: Block, path: str) -> Block:
    return Block(title=f"Part {path}: {block.title}", rows=block.rows, is_nested=True)


def _span(facts: JSON) -> str | None:
    if not facts.get("valid_from"):
        return None
    until = facts.get("valid_until")
    return f"{moment(facts['valid_from'])} to {moment(until) if until else 'no end'}"


def _technology(facts: JSON) -> str:
    return words(TECHNOLOGIES, Technology, facts["technology"])


def _keys_named(identifiers: Sequence[str]) -> str:
    named = []
    for identifier in filter(None, identifiers):
        kind, _, name = identifier.partition(":")
        word = "certificate no." if kind == "isn" else "key"
        named.append(f"{word} {name.rpartition(':')[2][-16:].upper()}")
    return ", ".join(named[:4])


def _rows(*pairs: tuple[str, str | None]) -> Iterator[Row]:
    return (Row(name=name, value=value) for name, value in pairs if value)


def _codes(*pairs: tuple[str, str | None]) -> Iterator[Row]:
    return (Row(name=name, value=grouped(value), is_code=True) for name, value in pairs if value)
