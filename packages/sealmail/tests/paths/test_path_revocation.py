"""What revocation lists do to a path."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sealmail.keys import Key, MemoryKeyStore
from sealmail.policy import Policy
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import (
    ADDRESS,
    NOW,
    judged,
    sub_ca,
    usage,
)

HARD, SOFT = x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded


@pytest.mark.parametrize(
    ("reason", "days", "findings"),
    [
        (HARD, -10, {Finding.REVOKED_HARD}),
        (HARD, 10, {Finding.REVOKED_HARD}),
        (None, 10, {Finding.REVOKED_HARD}),
        (SOFT, -10, {Finding.REVOKED_SOFT}),
        (SOFT, 10, set()),
        (x509.ReasonFlags.certificate_hold, -10, {Finding.REVOKED_SOFT}),
        (x509.ReasonFlags.remove_from_crl, -10, set()),
    ],
)
def test_revoked_certificate_is_found(
    root: CA, reason: x509.ReasonFlags | None, days: int, findings: set[Finding]
) -> None:
    leaf = root.issue(ADDRESS).key
    since = NOW + timedelta(days=days)
    keys = MemoryKeyStore(revocations=[root.crl([leaf], reason=reason, revoked_at=since)])

    facts = judged(leaf, root, keys=keys)

    assert facts.findings == findings
    assert facts.vouches_for(ADDRESS) is (not findings)
    assert facts.revoked_at == (None if reason is x509.ReasonFlags.remove_from_crl else since)


def test_revocation_tells_its_reason(root: CA) -> None:
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(revocations=[root.crl([leaf], reason=HARD)])

    assert judged(leaf, root, keys=keys).revocation_reason == "keyCompromise"


def test_revoked_intermediate_is_found(root: CA, middle: CA, carol: Key) -> None:
    keys = MemoryKeyStore(revocations=[root.crl([middle.certificate], reason=HARD)])

    assert judged(carol, root, included=[middle.certificate], keys=keys).findings == {Finding.REVOKED_HARD}


def test_revocation_counts_where_nobody_trusts_the_issuer(root: CA) -> None:
    """A certificate that is trusted by hand needs no path, but its issuer may still take it back."""
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(keys=[root.certificate], revocations=[root.crl([leaf])])

    assert judged(leaf, keys=keys).findings == {Finding.REVOKED_HARD}


def test_revocation_list_of_an_impostor_is_ignored(root: CA) -> None:
    leaf = root.issue(ADDRESS).key
    keys = MemoryKeyStore(revocations=[CA.create("Root").crl([leaf])])

    assert judged(leaf, root, keys=keys).findings == frozenset()


def test_revocation_list_of_a_ca_that_may_not_write_any_is_ignored(root: CA) -> None:
    extensions = x509.load_der_x509_certificate(root.certificate.material).extensions
    assert extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    mute = sub_ca(root, "Mute", usage(key_cert_sign=True))
    leaf = mute.issue(ADDRESS).key

    facts = judged(leaf, mute, keys=MemoryKeyStore(revocations=[mute.crl([leaf])]))

    assert facts.findings == frozenset()


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"no list at all"])
def test_broken_revocation_data_is_ignored(root: CA, data: bytes) -> None:
    leaf = root.issue(ADDRESS).key
    name, _ = root.crl()

    assert judged(leaf, root, keys=MemoryKeyStore(revocations=[(name, data)])).findings == frozenset()


@pytest.mark.parametrize(
    ("made_days_ago", "findings"),
    [(1, set()), (30, {Finding.REVOCATION_UNKNOWN}), (None, {Finding.REVOCATION_UNKNOWN})],
)
def test_required_revocation_must_be_known_and_fresh(
    root: CA, made_days_ago: int | None, findings: set[Finding]
) -> None:
    lists = [] if made_days_ago is None else [root.crl(at=NOW - timedelta(days=made_days_ago))]

    facts = judged(
        root.issue(ADDRESS).key,
        root,
        keys=MemoryKeyStore(revocations=lists),
        policy=Policy(revocation_required=True),
    )

    assert facts.findings == findings


def test_required_revocation_must_be_known_for_each_certificate(root: CA, middle: CA, carol: Key) -> None:
    strict = Policy(revocation_required=True)
    one = MemoryKeyStore(revocations=[middle.crl()])
    both = MemoryKeyStore(revocations=[middle.crl(), root.crl()])

    assert judged(carol, root, included=[middle.certificate], keys=one, policy=strict).findings == {
        Finding.REVOCATION_UNKNOWN
    }
    assert judged(carol, root, included=[middle.certificate], keys=both, policy=strict).findings == frozenset()


@pytest.mark.parametrize(
    ("scope", "is_known"),
    [
        ({}, True),
        ({"only_contains_user_certs": True}, True),
        ({"only_contains_ca_certs": True}, False),
        ({"only_contains_attribute_certs": True}, False),
        ({"indirect_crl": True}, False),
        ({"only_some_reasons": frozenset({HARD})}, False),
        ({"full_name": [x509.UniformResourceIdentifier("http://ca.example/other.crl")]}, False),
    ],
)
def test_revocation_list_about_others_says_nothing(root: CA, scope: dict[str, object], is_known: bool) -> None:
    point = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **scope,
    }
    listed = _list(root, x509.IssuingDistributionPoint(**point)) if scope else root.crl()

    facts = judged(
        root.issue(ADDRESS).key,
        root,
        keys=MemoryKeyStore(revocations=[listed]),
        policy=Policy(revocation_required=True),
    )

    assert (Finding.REVOCATION_UNKNOWN not in facts.findings) is is_known


def _list(issuer: CA, extension: x509.ExtensionType) -> tuple[str, bytes]:
    """An empty revocation list with a critical extension."""
    name, _ = issuer.crl()
    above = x509.load_der_x509_certificate(issuer.certificate.material)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(above.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=7))
        .add_extension(extension, critical=True)
    )
    signed = builder.sign(loaded(issuer.secret), hashes.SHA256())
    return name, signed.public_bytes(serialization.Encoding.DER)
