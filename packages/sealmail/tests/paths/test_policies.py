"""Certificate policies (RFC 5280 §6.1): where a path must have one, which count, and how they are translated."""

from __future__ import annotations

import pytest
from cryptography import x509

from sealmail.report import Finding
from sealmail.testing import CA

from .conftest import ADDRESS, judged, sub_ca

OURS, THEIRS = x509.ObjectIdentifier("1.2.3.4.1"), x509.ObjectIdentifier("1.2.3.4.2")
ANY = x509.ObjectIdentifier("2.5.29.32.0")
WRONG = {Finding.WRONG_USAGE}


def policies(*oids: x509.ObjectIdentifier) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(oid, None) for oid in oids])


def required(after: int = 0) -> x509.PolicyConstraints:
    return x509.PolicyConstraints(require_explicit_policy=after, inhibit_policy_mapping=None)


def mapping(issuer: x509.ObjectIdentifier, subject: x509.ObjectIdentifier) -> x509.UnrecognizedExtension:
    """RFC 5280 §4.2.1.5; `cryptography` cannot make it."""
    pair = _sequence(_oid(issuer) + _oid(subject))
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), _sequence(pair))


def _sequence(content: bytes) -> bytes:
    return b"\x30" + bytes([len(content)]) + content


def _oid(identifier: x509.ObjectIdentifier) -> bytes:
    first, second, *others = (int(arc) for arc in identifier.dotted_string.split("."))
    content = bytes([first * 40 + second, *others])
    return b"\x06" + bytes([len(content)]) + content


def findings(root: CA, leaf: x509.CertificatePolicies | None, *ca_extensions: x509.ExtensionType) -> set[Finding]:
    authority = sub_ca(root, "Bound by policies", *ca_extensions)
    key = authority.issue(ADDRESS, extra=[leaf] if leaf else []).key
    facts = judged(key, root, included=[authority.certificate])
    assert len(facts.chain) == 3
    return set(facts.findings)


@pytest.mark.parametrize(
    ("leaf", "of_ca", "expected"),
    [
        (policies(OURS), policies(OURS), set()),
        (policies(OURS), policies(ANY), set()),
        (policies(ANY), policies(OURS), set()),
        (policies(THEIRS, OURS), policies(OURS), set()),
        (policies(THEIRS), policies(OURS), WRONG),
        (None, policies(OURS), WRONG),
        (policies(OURS), None, WRONG),
    ],
)
def test_required_policy_must_be_there_all_the_way(
    root: CA, leaf: x509.CertificatePolicies | None, of_ca: x509.CertificatePolicies | None, expected: set[Finding]
) -> None:
    named = [of_ca] if of_ca else []

    assert findings(root, leaf, required(), *named) == expected
    assert findings(root, leaf, *named) == set()


@pytest.mark.parametrize(("after", "expected"), [(0, WRONG), (1, WRONG), (2, set())])
def test_required_policy_starts_where_the_ca_says(root: CA, after: int, expected: set[Finding]) -> None:
    assert findings(root, None, required(after), policies(OURS)) == expected


@pytest.mark.parametrize("skipped", [0, 1])
def test_any_policy_counts_only_where_it_is_not_inhibited(root: CA, skipped: int) -> None:
    inhibited = [required(), policies(OURS), x509.InhibitAnyPolicy(skipped)]

    assert findings(root, policies(ANY), *inhibited) == (set() if skipped else WRONG)
    assert findings(root, policies(OURS), *inhibited) == set()


def test_mapped_policy_counts_as_the_one_that_it_stands_for(root: CA) -> None:
    translated = [required(), policies(OURS), mapping(OURS, THEIRS)]

    assert findings(root, policies(THEIRS), *translated) == set()
    assert findings(root, policies(OURS), *translated) == WRONG


def test_mapping_that_a_ca_above_inhibits_does_not_count(root: CA) -> None:
    forbids = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=0)
    upper = sub_ca(root, "Upper", forbids, policies(OURS))
    lower = sub_ca(upper, "Lower", policies(OURS), mapping(OURS, THEIRS))
    between = [upper.certificate, lower.certificate]

    mapped, plain = lower.issue(ADDRESS, extra=[policies(THEIRS)]).key, lower.issue(ADDRESS, extra=[policies(OURS)]).key

    assert judged(mapped, root, included=between).findings == WRONG
    # What was mapped is no longer accepted under its own name either (RFC 5280 §6.1.4 (b) (2)).
    assert judged(plain, root, included=between).findings == WRONG


def test_mapping_to_any_policy_breaks_the_rules(root: CA) -> None:
    assert findings(root, policies(OURS), policies(OURS), mapping(OURS, ANY)) == WRONG


@pytest.mark.parametrize(
    ("extension", "leaf", "expected"),
    [
        (required(), None, WRONG),
        (required(), policies(OURS), set()),
        (required(1), None, WRONG),
        (required(2), None, set()),
    ],
)
def test_policies_that_the_anchor_requires_must_be_there(
    root: CA, extension: x509.ExtensionType, leaf: x509.CertificatePolicies | None, expected: set[Finding]
) -> None:
    """RFC 5937 §3.2: what the certificate of an anchor demands holds too."""
    anchor = sub_ca(root, "Demanding", extension)

    assert judged(anchor.issue(ADDRESS, extra=[leaf] if leaf else []).key, anchor).findings == expected


def test_any_policy_that_the_anchor_inhibits_does_not_count(root: CA) -> None:
    strict = sub_ca(root, "Strict", required(), x509.InhibitAnyPolicy(0))
    lax = sub_ca(root, "Lax", required(), x509.InhibitAnyPolicy(1))

    assert judged(strict.issue(ADDRESS, extra=[policies(ANY)]).key, strict).findings == WRONG
    assert judged(lax.issue(ADDRESS, extra=[policies(ANY)]).key, lax).findings == set()


def test_endless_policies_break_the_rules_and_cost_little(root: CA) -> None:
    many = policies(*(x509.ObjectIdentifier(f"1.2.3.5.{number}") for number in range(1500)))
    last, between = root, []
    for number in range(4):
        last = sub_ca(last, f"Wordy {number}", many)
        between.append(last.certificate)

    assert judged(last.issue(ADDRESS, extra=[many]).key, root, included=between).findings == WRONG
