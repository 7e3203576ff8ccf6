"""What `sealmail keys --json` prints, and the same as text. Reads nothing and decides nothing of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509

from sealmail import ber
from sealmail.choosing import KeyChoice
from sealmail.cli.openpgp_listing import openpgp_lines, openpgp_to_json
from sealmail.errors import InputError
from sealmail.keys import Key, KeyId, SecretKey, Technology
from sealmail.keys.certificate import outline_of
from sealmail.keys.found import Found
from sealmail.keys.import_rules import import_problems
from sealmail.keys.usability import Purpose, problems
from sealmail.reporting import JSON, key_to_json, passed_over_to_json, reason_to_json


def found_to_json(found: Found, at: datetime) -> JSON:
    """Everything that was found, and what each key may be used for."""
    secrets = {secret.key.fingerprint: secret for secret in found.secrets}
    locked = {lock.fingerprint for lock in found.locked if lock.fingerprint}
    return {
        "schema": 1,
        "keys": [_key(key, secrets.get(key.fingerprint), key.fingerprint in locked, at) for key in found.keys],
        "locked": [
            {"technology": lock.technology.value, "fingerprint": lock.fingerprint, "reason": lock.reason.sentence}
            for lock in found.locked
        ],
        "unmatched": [
            {"public_hash": secret.public_hash, "algorithm": secret.algorithm, "reason": secret.reason.sentence}
            for secret in found.unmatched
        ],
        "revocations": list(_revocations(found)),
        "problems": [reason_to_json(problem) for problem in found.problems],
        "choice": None,
    }


def choice_to_json(address: str, purpose: Purpose, choices: Sequence[KeyChoice]) -> JSON:
    """Which key would be used for the address: of two technologies the one that is trusted more, else S/MIME."""
    best = max((one for one in choices if one.key is not None), key=lambda one: one.trust, default=None)
    return {
        "address": address,
        "purpose": purpose.value,
        "technology": best.technology.value if best else None,
        "key": best.key.fingerprint if best and best.key else None,
        "by_technology": [
            {
                "technology": one.technology.value,
                "key": one.key.fingerprint if one.key else None,
                "trust": one.trust.name.lower() if one.key else None,
                "reasons": [reason_to_json(reason) for reason in one.reasons],
                "passed_over": [passed_over_to_json(passed) for passed in one.passed_over],
            }
            for one in choices
        ],
    }


def as_text(document: JSON) -> str:
    """The listing for people."""
    lines = list(_choice_lines(document)) if document["choice"] else list(_key_lines(document))
    lines.extend(f"locked: {lock['reason']}" for lock in document["locked"])
    lines.extend(f"alone: {secret['reason']}" for secret in document["unmatched"])
    lines.extend(problem["sentence"] for problem in document["problems"])
    return "\n".join(lines)


def _key(key: Key, secret: SecretKey | None, is_locked: bool, at: datetime) -> JSON:
    has_secret = secret is not None
    return key_to_json(key) | {
        "issuer": _issuer_name(key),
        "serial": f"{outline_of(key.material).serial:x}" if key.technology is Technology.SMIME else None,
        "secret": has_secret,
        "locked": is_locked,
        "may": {purpose.value: _may(key, purpose, at, has_secret=has_secret) for purpose in Purpose},
        "import_problems": [reason_to_json(reason) for reason in import_problems(key)],
        "openpgp": openpgp_to_json(key, at),
    }


def _may(key: Key, purpose: Purpose, at: datetime, *, has_secret: bool) -> JSON:
    against = problems(key, purpose, at, has_secret=has_secret)
    return {"allowed": not against, "reasons": [reason_to_json(reason) for reason in against]}


def _issuer_name(key: Key) -> str | None:
    """As RFC 4514 writes names; None for OpenPGP, and for a name that breaks its own rules."""
    if key.technology is not Technology.SMIME:
        return None
    try:
        return x509.load_der_x509_certificate(key.material).issuer.rfc4514_string()
    except (ValueError, TypeError):
        return None


def _revocations(found: Found) -> Iterator[JSON]:
    names: Mapping[KeyId | None, str] = {key.subject: key.name for key in found.keys if key.is_ca}
    for issuer, der in found.revocations:
        kind = "ocsp" if _is_ocsp(der) else "crl"
        made, until = _times(der) if kind == "crl" else (None, None)
        yield {"kind": kind, "issuer": names.get(issuer), "made": made, "until": until}


def _is_ocsp(der: bytes) -> bool:
    """An OCSP response begins with its status, an ENUMERATED (RFC 6960 §4.2.1)."""
    try:
        return next(iter(ber.read(der).children())).tag == 0x0A
    except (InputError, StopIteration):
        return False


def _times(crl: bytes) -> tuple[str | None, str | None]:
    """thisUpdate and nextUpdate (RFC 5280 §5.1.2.4)."""
    try:
        loaded = x509.load_der_x509_crl(crl)
        moments = loaded.last_update_utc, loaded.next_update_utc
    except (ValueError, TypeError):
        return None, None
    made, until = (moment.isoformat().replace("+00:00", "Z") if moment else None for moment in moments)
    return made, until


def _key_lines(document: JSON) -> Iterator[str]:
    for key in document["keys"]:
        marks = [mark for mark, holds in (("secret", key["secret"]), ("CA", key["ca"])) if holds]
        may = ", ".join(purpose for purpose, answer in key["may"].items() if answer["allowed"]) or "nothing"
        yield f"{key['fingerprint']}  {key['algorithm']}  {', '.join(key['addresses']) or key['name']}"
        until = f"until {key['valid_until'] or 'for ever'}"
        yield "    " + "  ".join([" ".join([key["technology"], *marks]), until, f"may: {may}"])
        yield from openpgp_lines(key["openpgp"])
        yield from (f"    cannot be added: {reason['sentence']}" for reason in key["import_problems"])
    for one in document["revocations"]:
        what = "revocation list" if one["kind"] == "crl" else "OCSP answer"
        yield f"{what} of {one['issuer'] or 'an unknown CA'}" + (f", until {one['until']}" if one["until"] else "")


def _choice_lines(document: JSON) -> Iterator[str]:
    choice: dict[str, Any] = document["choice"]
    names = {key["fingerprint"]: f"{key['algorithm']}  {key['name']}" for key in document["keys"]}
    yield f"to {choice['purpose']} for {choice['address']}: {choice['key'] or 'no key'}"
    for one in choice["by_technology"]:
        if one["key"]:
            yield f"{one['technology']}: {one['key']}  {names.get(one['key'], '')}  trusted: {one['trust']}"
        yield from (f"{one['technology']}: {reason['sentence']}" for reason in one["reasons"])
        for passed in one["passed_over"]:
            yield f"    not {passed['fingerprint']}: {' '.join(reason['sentence'] for reason in passed['reasons'])}"
