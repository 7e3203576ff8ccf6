"""The certificates that a message brings along."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.certificate import key_from_certificate, outline_of
from sealmail.keys.model import Key, KeyId, issuer_and_serial_id
from sealmail.policy import Policy


def included_keys(elements: Iterable[ber.Element], policy: Policy) -> tuple[Key, ...]:
    """The readable X.509 certificates, each once, as many as the budget allows. They are candidates, nothing more."""
    found: dict[str, Key] = {}
    for element in islice(elements, policy.budget.certificates):
        # Other forms of the CertificateChoices (RFC 5652 §10.2.2) have context-specific tags.
        if element.tag != ber.SEQUENCE:
            continue
        try:
            key = key_from_certificate(element.raw)
        except InputError:
            continue
        found[key.fingerprint] = key
    return tuple(found.values())


def unreadable_ids(elements: Iterable[ber.Element], policy: Policy) -> frozenset[KeyId]:
    """Names of the certificates that came along and are of a kind that nobody here can use, such as old DSA forms."""
    found: set[KeyId] = set()
    for element in islice(elements, policy.budget.certificates):
        try:
            outline = outline_of(element.expect(ber.SEQUENCE).raw)
            found.add(issuer_and_serial_id(outline.issuer, outline.serial))
        except InputError:
            continue
    return frozenset(found)
