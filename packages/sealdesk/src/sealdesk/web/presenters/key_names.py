"""Keys by name, as the evidence and the logs show them: the ring's name for what a message calls by an id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealdesk.keyring.naming import KeyNames

HIDDEN = "(hidden by the sender)"
UNKNOWN: Mapping[str, str] = {
    "isn": "a certificate that is not here (no. {id})",
    "ski": "a certificate that is not here ({id})",
    "name": "a certificate that is not here ({id})",
    "pgp": "a PGP key that is not here ({id})",
}
"""For each kind of id, what is said where no key here goes by it."""


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four."""
    upper = fingerprint.upper()
    return " ".join(upper[start : start + 4] for start in range(0, len(upper), 4))


def short(fingerprint: str) -> str:
    """The last sixteen digits in groups; enough to recognise a key, not to compare it."""
    return grouped(fingerprint[-16:])


def identified(identifier: str, names: KeyNames) -> str:
    """The key that a message names by this id: its name, or that it is not here."""
    if not identifier:
        return HIDDEN
    if identifier in names.by_identifier:
        return fingerprinted(names.by_identifier[identifier].fingerprint, names)
    kind, _, rest = identifier.partition(":")
    digits = rest.rpartition(":")[2]
    return UNKNOWN.get(kind, "a key that is not here ({id})").format(id=short(digits))


def fingerprinted(fingerprint: str, names: KeyNames, otherwise: str = "") -> str:
    """The key with this fingerprint: its name and the end of the fingerprint. `otherwise`: a name where the ring has
    none.
    """
    known = names.by_fingerprint.get(fingerprint)
    name = known.name if known and known.name else otherwise
    words = f"{name} ({short(fingerprint)})" if name else short(fingerprint)
    return f"{words}, seen in mail" if known and not known.is_confirmed else words


def ids_in(report: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Fingerprints and message ids that a report of an opened mail, or the plan of a sent one, refers to."""
    fingerprints, identifiers = set(_planned(report)), set()
    for layer in _layers(report):
        if layer["kind"] == "encryption":
            fingerprints.add(layer.get("opened_with") or "")
            identifiers.update(layer.get("recipients", ()))
            continue
        for facts in layer["signers"]:
            fingerprints.update(facts.get("chain", ()))
            identifiers.update(facts.get("key_ids", ()))
    return fingerprints - {""}, identifiers - {""}


def _layers(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from report.get("layers", ())
    for part in report.get("parts", ()):
        yield from part["layers"]


def _planned(plan: Mapping[str, Any]) -> Iterator[str]:
    for copy in plan.get("copies", ()):
        yield from copy.get("encrypt_to", ())
        yield copy.get("signer") or ""
