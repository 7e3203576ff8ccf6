"""Whatever is done to the certificates of a path, judging it ends with facts and never vouches for what was changed."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError
from sealmail.keys import Key
from sealmail.keys.certificate import key_from_certificate
from sealmail.testing import CA

from .conftest import ADDRESS, judged, sub_ca
from .test_policies import OURS, mapping, policies

ROOT = CA.create("Root of Changes")
NAMES = x509.NameConstraints([x509.RFC822Name("customer.example")], [x509.RFC822Name(".evil.example")])
MIDDLE = sub_ca(ROOT, "Middle of Changes", NAMES, policies(OURS), mapping(OURS, OURS), x509.InhibitAnyPolicy(2))
LEAF = MIDDLE.issue(ADDRESS, extra=[policies(OURS)]).key
CHANGES = st.dictionaries(st.integers(0, 2000), st.integers(0, 255), min_size=1, max_size=4)


@pytest.mark.mission("B14")
@settings(max_examples=300, deadline=None)
@given(changes=CHANGES, place=st.sampled_from(["leaf", "intermediate", "both", "anchor"]))
def test_changed_certificates_never_vouch(changes: dict[int, int], place: str) -> None:
    leaf = _changed(LEAF, changes) if place in {"leaf", "both"} else LEAF
    middle = _changed(MIDDLE.certificate, changes) if place in {"intermediate", "both"} else MIDDLE.certificate
    if leaf is None or middle is None:
        return

    facts = judged(leaf, *([] if place == "anchor" else [ROOT]), included=[middle])

    is_same = (leaf, middle) == (LEAF, MIDDLE.certificate) and place != "anchor"
    assert (ADDRESS in leaf.addresses and facts.vouches_for(ADDRESS)) is is_same


def _changed(key: Key, changes: dict[int, int]) -> Key | None:
    material = bytearray(key.material)
    for position, value in changes.items():
        material[position % len(material)] = value
    try:
        return key_from_certificate(bytes(material))
    except InputError:
        return None
