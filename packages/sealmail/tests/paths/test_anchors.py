"""Where a path may end, and whom its end vouches for."""

from __future__ import annotations

import pytest

from sealmail.keys import Anchor, Key
from sealmail.testing import CA

from .conftest import (
    ADDRESS,
    judged,
)


def test_path_may_end_at_an_intermediate_that_is_trusted_itself(middle: CA, carol: Key) -> None:
    assert judged(carol, middle).chain == (carol, middle.certificate)


def test_path_never_ends_at_a_root_that_the_mail_brought(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, CA.create("Another"), included=[middle.certificate, root.certificate])

    assert (facts.chain, facts.anchor) == ((), None)
    assert facts.issuer_name == "Middle"


def test_anchor_under_the_same_name_with_another_key_does_not_vouch(carol: Key) -> None:
    assert judged(carol, CA.create("Middle")).anchor is None


def test_anchor_itself_is_its_own_path(root: CA) -> None:
    assert judged(root.certificate, root).chain == (root.certificate,)


@pytest.mark.parametrize(
    ("address", "domains", "vouches"),
    [
        (ADDRESS, None, True),
        (ADDRESS, ("customer.example",), True),
        (ADDRESS, ("example", "other.example"), False),
        (ADDRESS, (), False),
        ("bob@customer.example", None, False),
    ],
)
def test_anchor_vouches_only_for_its_domains_and_the_certificates_addresses(
    root: CA, address: str, domains: tuple[str, ...] | None, vouches: bool
) -> None:
    facts = judged(root.issue(ADDRESS).key, Anchor(key=root.certificate, domains=domains))

    assert facts.vouches_for(address) is vouches


def test_anchor_is_chosen_that_may_speak_for_the_address(root: CA, middle: CA, carol: Key) -> None:
    elsewhere = Anchor(key=middle.certificate, domains=("elsewhere.example",))

    facts = judged(carol, elsewhere, root, included=[middle.certificate])

    assert facts.anchor == root.anchor
    assert facts.vouches_for(ADDRESS)
