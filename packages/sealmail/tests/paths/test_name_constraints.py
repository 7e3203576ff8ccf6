"""For which names a CA may speak."""

from __future__ import annotations

import pytest
from cryptography import x509

from sealmail.report import Finding
from sealmail.testing import CA

from .conftest import (
    ADDRESS,
    judged,
    sub_ca,
)


@pytest.mark.parametrize("of_anchor", [False, True], ids=["of an intermediate", "of the anchor"])
@pytest.mark.parametrize(
    ("permitted", "excluded", "findings"),
    [
        (["customer.example"], None, set()),
        ([ADDRESS], None, set()),
        (["other.example"], None, {Finding.WRONG_USAGE}),
        (None, ["customer.example"], {Finding.WRONG_USAGE}),
        (None, ["other.example"], set()),
    ],
)
def test_name_constraints_hold(
    root: CA,
    permitted: list[str] | None,
    excluded: list[str] | None,
    findings: set[Finding],
    of_anchor: bool,
) -> None:
    def trees(names: list[str] | None) -> list[x509.GeneralName] | None:
        return [x509.RFC822Name(name) for name in names] if names else None

    limited = sub_ca(root, "Limited", x509.NameConstraints(trees(permitted), trees(excluded)))
    leaf = limited.issue(ADDRESS).key

    facts = judged(leaf, limited if of_anchor else root, included=[limited.certificate])

    assert facts.findings == findings
    assert facts.vouches_for(ADDRESS) is (not findings)
