"""Facts of a frozen report as the words that fill sentences: who, which key, since when. Reads the report's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sealdesk.keyring.naming import KeyNames
from sealdesk.tickets.models import Article
from sealdesk.web.presenters.key_names import identified, short
from sealdesk.web.presenters.revocation import reason_words
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import TRUST
from sealmail.keys import TrustLevel

JSON = Mapping[str, Any]
Code = TypeVar("Code", bound=Enum)

_MOST_NAMED = 4


def gaps(report: JSON, article: Article) -> dict[str, str]:
    """The words that fill the sentences about an article. Names never: only addresses that were verified."""
    signer = report.get("signature", {}).get("signer") or {}
    fingerprint = signer.get("fingerprint", "")
    return signer_gaps(report) | {
        "sender": article.sender,
        "address": article.signer_address,
        "key": f"the key {short(fingerprint)}" if fingerprint else "",
    }


def opening_gaps(report: JSON, names: KeyNames) -> dict[str, str]:
    """The words about the encryption."""
    layers = report.get("layers", ())
    encryption: JSON = next((layer for layer in layers if layer["kind"] == "encryption"), {})
    opened_with = encryption.get("opened_with")
    return {
        "algorithm": encryption.get("algorithm") or "",
        "recipients": _named(encryption.get("recipients", ()), names),
        "key": f"our key {short(opened_with)}" if opened_with else "",
    }


def signer_gaps(report: JSON) -> dict[str, str]:
    """The words about the signer whose signature speaks."""
    facts = speaking_signer(report)
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
        "reason": reason_words(facts["revocation_reason"]) if facts.get("revocation_reason") else "",
        "others": ", ".join(facts.get("intended_recipients", ())),
    }


def speaking_signer(report: JSON) -> JSON:
    """The facts of the signer who decided the verdict: the first of the layer that names him."""
    fingerprint = (report.get("signature", {}).get("signer") or {}).get("fingerprint")
    signers = [
        facts for layer in report.get("layers", ()) if layer["kind"] == "signature" for facts in layer["signers"]
    ]
    for facts in reversed(signers):
        if (facts.get("signer") or {}).get("fingerprint") == fingerprint:
            return dict(facts)
    return {}


def moment(text: str | None) -> str:
    """A time of the report, exact; empty where there is none."""
    return exact(datetime.fromisoformat(text)) if text else ""


def words(table: Mapping[Code, str], kind: type[Code], code: str) -> str:
    """The words for a code by name or value; a code that this version does not know stays as it is."""
    members = {member.name: member for member in kind} | {str(member.value): member for member in kind}
    return table[members[code]] if code in members else code


def _named(identifiers: Sequence[str], names: KeyNames) -> str:
    named = [identified(one, names) for one in identifiers if one]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more
