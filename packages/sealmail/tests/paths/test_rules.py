"""What RFC 5280 and weak algorithms forbid an issuer."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail.report import Finding
from sealmail.testing import CA

from .conftest import (
    ADDRESS,
    certificate,
    judged,
    sub_ca,
    usage,
)


def test_leaf_that_issues_breaks_the_rules(root: CA) -> None:
    mallory = CA(secret=root.issue("mallory@attacker.example"), parents=root.chain)
    forged = mallory.issue(ADDRESS).key

    facts = judged(forged, root, included=[mallory.certificate])

    assert facts.findings == {Finding.WRONG_USAGE}
    assert not facts.vouches_for(ADDRESS)


def test_path_length_is_kept(root: CA) -> None:
    first = root.intermediate("First", path_length=0)
    second = first.intermediate("Second")

    facts = judged(second.issue(ADDRESS).key, root, included=[first.certificate, second.certificate])

    assert facts.findings == {Finding.WRONG_USAGE}
    assert judged(first.issue(ADDRESS).key, root, included=[first.certificate]).findings == frozenset()


def test_ca_for_other_purposes_breaks_the_rules(root: CA) -> None:
    web = sub_ca(root, "Web", x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))

    assert judged(web.issue(ADDRESS).key, root, included=[web.certificate]).findings == {Finding.WRONG_USAGE}


def test_ca_that_may_not_issue_breaks_the_rules(root: CA) -> None:
    wrong = sub_ca(root, "Wrong", usage(digital_signature=True))

    assert judged(wrong.issue(ADDRESS).key, root, included=[wrong.certificate]).findings == {Finding.WRONG_USAGE}


@pytest.mark.parametrize("has_path", [True, False])
def test_unknown_critical_extension_forbids_use(root: CA, has_path: bool) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    key = certificate(root, "Odd", private.public_key(), critical=odd)

    assert judged(key, *([root] if has_path else [])).findings == {Finding.WRONG_USAGE}


def test_small_key_of_a_ca_is_weak() -> None:
    small = CA.create("Small", key="rsa1024")

    facts = judged(small.issue(ADDRESS).key, small)

    assert facts.findings == {Finding.WEAK_ALGORITHM}
    assert not facts.vouches_for(ADDRESS)


@pytest.mark.parametrize("key_type", ["rsa2048", "ec", "ec-p384", "ed25519"])
def test_cas_of_each_kind_are_understood(key_type: str) -> None:
    authority = CA.create("Kind", key=key_type)

    assert judged(authority.issue(ADDRESS).key, authority).findings == frozenset()
