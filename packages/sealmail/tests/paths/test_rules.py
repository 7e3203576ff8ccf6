"""What RFC 5280 forbids an issuer."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail.keys import Use
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import ADDRESS, as_version_1, certificate, judged, reissued, sub_ca, usage, with_key, without


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


@pytest.mark.parametrize("purposes", [["EMAIL_PROTECTION"], ["SERVER_AUTH", "ANY_EXTENDED_KEY_USAGE"]])
def test_ca_for_mail_among_other_purposes_keeps_the_rules(root: CA, purposes: list[str]) -> None:
    named = x509.ExtendedKeyUsage([getattr(ExtendedKeyUsageOID, purpose) for purpose in purposes])
    authority = sub_ca(root, "Purposeful", named)

    assert judged(authority.issue(ADDRESS).key, root, included=[authority.certificate]).findings == frozenset()


def test_anchor_for_other_purposes_breaks_the_rules(root: CA) -> None:
    web = sub_ca(root, "Web Anchor", x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))

    assert judged(web.issue(ADDRESS).key, web).findings == {Finding.WRONG_USAGE}


@pytest.mark.mission("B14")
def test_anchor_that_is_no_ca_vouches_for_itself_only(root: CA) -> None:
    mallory = with_key(secret := root.issue("mallory@attacker.example"), secret.key)

    assert judged(mallory.issue(ADDRESS).key, mallory).findings == {Finding.WRONG_USAGE}
    assert judged(secret.key, mallory).findings == frozenset()


@pytest.mark.mission("B14")
def test_leaf_that_claims_to_be_a_ca_is_limited_by_the_path_length_above_it(root: CA) -> None:
    issuing = root.intermediate("Issuing", path_length=0)
    mallory = sub_ca(issuing, "Mallory")
    forged = mallory.issue(ADDRESS).key

    assert judged(forged, root, included=[mallory.certificate, issuing.certificate]).findings == {Finding.WRONG_USAGE}


def test_certificate_of_a_ca_binds_its_own_address(root: CA) -> None:
    """Nothing forbids a CA to sign mail, where its key usage allows it."""
    names = x509.SubjectAlternativeName([x509.RFC822Name(ADDRESS)])
    authority = sub_ca(root, "Office", names, usage(key_cert_sign=True, digital_signature=True))

    facts = judged(authority.certificate, root)

    assert (facts.findings, facts.vouches_for(ADDRESS)) == (frozenset(), True)
    assert authority.certificate.uses == {Use.SIGN, Use.CERTIFY}


@pytest.mark.parametrize("of_anchor", [False, True], ids=["intermediate", "anchor"])
@pytest.mark.parametrize("missing", ["basic_constraints", "everything"])
def test_issuer_that_does_not_say_that_it_is_a_ca_breaks_the_rules(root: CA, missing: str, of_anchor: bool) -> None:
    usual = root.intermediate("Silent")
    change = without("basic_constraints") if missing == "basic_constraints" else without(*EVERYTHING)
    silent = with_key(usual.secret, reissued(usual.certificate, root, change))
    leaf = usual.issue(ADDRESS).key

    facts = judged(leaf, silent if of_anchor else root, included=[silent.certificate])

    assert facts.findings == {Finding.WRONG_USAGE}


EVERYTHING = ("basic_constraints", "key_usage", "key_identifier", "authority_key_identifier")


def test_ca_without_key_usage_may_issue(root: CA) -> None:
    usual = root.intermediate("Terse")
    terse = reissued(usual.certificate, root, without("key_usage"))
    leaf = usual.issue(ADDRESS).key

    assert judged(leaf, root, included=[terse]).findings == frozenset()


def test_certificate_of_version_1_issues_only_where_it_is_an_anchor(root: CA) -> None:
    usual = root.intermediate("Old")
    old = with_key(usual.secret, reissued(usual.certificate, root, as_version_1))
    leaf = usual.issue(ADDRESS).key

    assert judged(leaf, root, included=[old.certificate]).findings == {Finding.WRONG_USAGE}
    assert judged(leaf, old).findings == frozenset()


ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


@pytest.mark.parametrize("place", ["intermediate", "anchor"])
def test_unknown_critical_extension_of_an_issuer_breaks_the_rules(root: CA, place: str) -> None:
    odd = certificate(root, "Odd CA", loaded(root.secret).public_key(), critical=ODD)
    authority = with_key(root.secret, odd)
    leaf = authority.issue(ADDRESS).key

    facts = judged(leaf, *([authority] if place == "anchor" else [root]), included=[odd])

    assert facts.findings == {Finding.WRONG_USAGE}


@pytest.mark.parametrize("has_path", [True, False])
@pytest.mark.parametrize(
    "extension",
    [x509.PrecertPoison(), x509.IssuerAlternativeName([x509.DNSName("ca.example")])],
    ids=["poison", "issuer's other names"],
)
def test_critical_extension_that_is_known_and_not_acted_upon_forbids_use(
    root: CA, extension: x509.ExtensionType, has_path: bool
) -> None:
    leaf = root.issue(ADDRESS, critical=[extension]).key

    assert judged(leaf, *([root] if has_path else [])).findings == {Finding.WRONG_USAGE}
    assert judged(root.issue(ADDRESS, extra=[extension]).key, root).findings == frozenset()


def test_usual_extensions_may_be_critical(root: CA) -> None:
    usual = [
        x509.SubjectAlternativeName([x509.RFC822Name(ADDRESS)]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),
        x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), None)]),
    ]

    assert judged(root.issue(ADDRESS, critical=usual).key, root).findings == frozenset()
