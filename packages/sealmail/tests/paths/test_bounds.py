"""What ends the search for a path."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sealmail.keys import Key, KeyId, MemoryKeyStore
from sealmail.keys.certificate import key_from_certificate
from sealmail.path_building import MAXIMUM_SIGNATURES, has_signed
from sealmail.path_rules import broken_rule
from sealmail.policy import Budget, Policy
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import ADDRESS, NOW, certificate, judged, lone


def test_search_through_cas_that_certify_each_other_ends_at_the_budget(root: CA) -> None:
    """Eight CAs, each certified by every other one: more than ten thousand ways, and none leads to the root."""
    privates = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    crowd = [lone(f"Member {number}", private) for number, private in enumerate(privates)]
    certificates = [
        certificate(issuer, f"Member {number}", private.public_key())
        for number, private in enumerate(privates)
        for issuer in crowd
        if issuer is not crowd[number]
    ]
    store = CountingKeyStore()

    facts = judged(crowd[0].issue(ADDRESS).key, root, included=certificates, keys=store)

    assert (facts.chain, facts.findings) == ((), frozenset())
    assert store.questions <= 2 * Budget().certificates


class CountingKeyStore(MemoryKeyStore):
    """Counts how often it is asked for certificates."""

    questions = 0

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        self.questions += 1
        return super().keys(ids)


def test_path_longer_than_the_budget_is_not_found(root: CA) -> None:
    last, between = root, []
    for number in range(4):
        last = last.intermediate(f"Step {number}")
        between.append(last.certificate)
    leaf = last.issue(ADDRESS).key

    assert len(judged(leaf, root, included=between).chain) == 6
    assert judged(leaf, root, included=between, policy=Policy(budget=Budget(path_length=5))).chain == ()


def test_path_is_found_through_a_mesh_that_leads_out_at_one_place(root: CA) -> None:
    privates = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]
    crowd = [lone(f"Fellow {number}", private) for number, private in enumerate(privates)]
    certificates = [
        certificate(issuer, f"Fellow {number}", private.public_key())
        for number, private in enumerate(privates)
        for issuer in crowd
        if issuer is not crowd[number]
    ]
    way_out = certificate(root, "Fellow 7", privates[7].public_key())

    facts = judged(crowd[0].issue(ADDRESS).key, root, included=[*certificates, way_out])

    assert (len(facts.chain), facts.chain[2], facts.findings) == (4, way_out, frozenset())


@pytest.mark.mission("B14")
def test_strangers_certificates_for_an_honest_ca_do_not_hide_the_way(root: CA) -> None:
    """Anybody can issue certificates for the name and key of somebody else's CA; the store is full of them."""
    top = root.intermediate("Top")
    honest = top.intermediate("Upper").intermediate("Honest")
    mallory = CA.create("Mallory")
    decoys = [certificate(mallory, "Honest", loaded(honest.secret).public_key()) for _ in range(200)]
    leaf = honest.issue(ADDRESS).key
    store = MemoryKeyStore(keys=[*decoys, mallory.certificate])

    facts = judged(leaf, root, included=honest.chain[:-1], keys=store)

    assert (facts.chain, facts.findings) == ((leaf, *honest.chain), frozenset())


def test_expired_certificates_of_a_ca_do_not_hide_the_way(root: CA) -> None:
    upper = root.intermediate("Upper")
    honest = upper.intermediate("Renewed")
    mallory = CA.create("Mallory")
    public, yesterday = loaded(honest.secret).public_key(), NOW - timedelta(days=1)
    expired = [certificate(mallory, "Renewed", public, until=yesterday) for _ in range(100)]
    leaf = honest.issue(ADDRESS).key

    facts = judged(leaf, root, included=[*expired, *honest.chain[:-1]])

    assert (facts.chain, facts.findings) == ((leaf, *honest.chain), frozenset())


@pytest.mark.parametrize("place", ["included", "stored"])
def test_ten_thousand_certificates_of_one_name_are_settled_in_bounded_time(root: CA, place: str) -> None:
    middle = root.intermediate("Crowded", key="rsa2048")
    leaf = middle.issue(ADDRESS).key
    crowd = namesakes(CA.create("Crowded", key="rsa2048").certificate, 10_000)
    included, stored = ([*crowd, middle.certificate], []) if place == "included" else ([], [*crowd, middle.certificate])
    started = time.process_time()

    facts = judged(leaf, root, included=included, keys=MemoryKeyStore(keys=stored))

    assert facts.chain == (leaf, middle.certificate, root.certificate)
    assert time.process_time() - started < 10


def test_ten_thousand_certificates_with_the_issuers_key_identifier_cost_bounded_time(root: CA) -> None:
    middle = root.intermediate("Copied", key="rsa2048")
    leaf = middle.issue(ADDRESS).key
    crowd = namesakes(middle.certificate, 10_000)
    before = has_signed.cache_info()
    started = time.process_time()

    facts = judged(leaf, root, included=crowd)

    after = has_signed.cache_info()
    assert (facts.chain, facts.findings) == ((), frozenset())
    assert (after.misses + after.hits) - (before.misses + before.hits) <= 2 * MAXIMUM_SIGNATURES
    assert time.process_time() - started < 10


def namesakes(key: Key, count: int) -> list[Key]:
    """Certificates with the same names and key identifiers as this one, each with another RSA key."""
    place = key.material.index(loaded_modulus(key)) + 100
    before, after = key.material[:place], key.material[place + 4 :]
    return [key_from_certificate(before + number.to_bytes(4) + after) for number in range(count)]


def loaded_modulus(key: Key) -> bytes:
    public = x509.load_der_x509_certificate(key.material).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public.public_numbers().n.to_bytes(256)


def test_forty_cas_above_each_other_are_too_many_and_cost_little(root: CA) -> None:
    last, between = root, []
    for number in range(40):
        last = last.intermediate(f"Level {number}")
        between.append(last.certificate)

    facts = judged(last.issue(ADDRESS).key, root, included=between)

    assert (facts.chain, facts.issuer_name) == ((), "Level 39")


def test_five_hundred_anchors_cost_no_more_signatures_than_one(root: CA) -> None:
    leaf = root.issue(ADDRESS).key
    others = [CA.create(f"Anchor {number}") for number in range(500)]
    before = has_signed.cache_info()

    facts = judged(leaf, *others, root)

    after = has_signed.cache_info()
    assert facts.chain == (leaf, root.certificate)
    assert (after.misses + after.hits) - (before.misses + before.hits) == 1


def test_judging_the_same_signer_again_checks_nothing_anew(root: CA) -> None:
    middle = root.intermediate("Again")
    leaf = middle.issue(ADDRESS).key
    first = judged(leaf, root, included=[middle.certificate])
    before = [remembered.cache_info().misses for remembered in (has_signed, broken_rule)]

    again = judged(leaf, root, included=[middle.certificate], at=NOW + timedelta(seconds=1))

    assert again == first
    assert [remembered.cache_info().misses for remembered in (has_signed, broken_rule)] == before
