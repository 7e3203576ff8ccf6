"""Times of the certificates in a path."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from sealmail.keys import Key
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import (
    ADDRESS,
    ISSUING,
    NOW,
    certificate,
    judged,
    sub_ca,
)


@pytest.mark.parametrize(
    ("days", "findings"),
    [(-400, {Finding.NOT_YET_VALID}), (0, set()), (400, {Finding.EXPIRED})],
)
def test_validity_is_found_with_and_without_a_path(
    root: CA, middle: CA, carol: Key, days: int, findings: set[Finding]
) -> None:
    at = NOW + timedelta(days=days)

    assert judged(carol, root, included=[middle.certificate], at=at).findings == findings
    assert judged(carol, at=at).findings == findings


def test_expired_intermediate_is_found(root: CA) -> None:
    usual = root.intermediate("Old")
    old = CA(
        secret=root.issue(
            None,
            name="Old",
            valid_from=NOW - timedelta(days=90),
            valid_until=NOW - timedelta(days=1),
            extra=[x509.BasicConstraints(ca=True, path_length=None), ISSUING],
        ),
        parents=root.chain,
    )

    assert judged(old.issue(ADDRESS).key, root, included=[old.certificate]).findings == {Finding.EXPIRED}
    assert judged(usual.issue(ADDRESS).key, root, included=[usual.certificate]).findings == frozenset()


def test_valid_path_is_preferred_to_one_through_an_expired_intermediate(root: CA) -> None:
    valid = sub_ca(root, "Twice")
    public = loaded(valid.secret)
    expired = certificate(root, "Twice", public.public_key(), until=NOW - timedelta(days=1))
    leaf = valid.issue(ADDRESS).key

    for included in ([expired, valid.certificate], [valid.certificate, expired]):
        facts = judged(leaf, root, included=included)
        assert (facts.chain, facts.findings) == ((leaf, valid.certificate, root.certificate), frozenset())
    assert judged(leaf, root, included=[expired]).findings == {Finding.EXPIRED}
