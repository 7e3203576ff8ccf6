"""Which certificates lie between a signer and a trusted CA."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealmail.keys import Anchor, Key, MemoryKeyStore
from sealmail.keys.certificate import key_from_certificate
from sealmail.path_building import has_signed
from sealmail.paths import PathFacts
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import ADDRESS, NOW, certificate, judged, lone, sub_ca


def test_path_to_root_goes_through_the_included_intermediate(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, root, included=[middle.certificate])

    assert facts.chain == (carol, middle.certificate, root.certificate)
    assert (facts.anchor, facts.findings, facts.issuer_name) == (root.anchor, frozenset(), "Middle")
    assert facts.vouches_for(ADDRESS)


def test_path_to_root_goes_through_the_stored_intermediate(root: CA, middle: CA, carol: Key) -> None:
    facts = judged(carol, root, keys=MemoryKeyStore(keys=[middle.certificate]))

    assert facts.chain == (carol, middle.certificate, root.certificate)


def test_path_without_the_intermediate_is_not_found(root: CA, carol: Key) -> None:
    facts = judged(carol, root)

    assert (facts.chain, facts.anchor, facts.findings) == ((), None, frozenset())
    assert not facts.vouches_for(ADDRESS)


def test_path_needs_the_issuers_signature_not_only_its_name(root: CA, carol: Key) -> None:
    impostor = CA.create("Root").intermediate("Middle")

    assert judged(carol, root, included=[impostor.certificate]).chain == ()
    assert judged(impostor.issue(ADDRESS).key, root, included=[impostor.certificate]).chain == ()


def test_cross_signed_ca_leads_to_the_root_that_is_trusted(root: CA) -> None:
    """The same CA stands there signed by itself and by the root; only the second certificate leads on."""
    private = ec.generate_private_key(ec.SECP256R1())
    alone = lone("Cross", private)
    crossed = certificate(root, "Cross", private.public_key())
    leaf = alone.issue(ADDRESS).key

    facts = judged(leaf, root, included=[alone.certificate, crossed])

    assert facts.chain == (leaf, crossed, root.certificate)


def test_judging_works_inside_a_running_event_loop(root: CA) -> None:
    async def inside() -> PathFacts:
        return judged(root.issue(ADDRESS).key, root)

    assert asyncio.run(inside()).findings == frozenset()


@pytest.mark.vectors
def test_rfc9216_paths_lead_through_the_cross_certificate(vectors: Path) -> None:
    folder = vectors / "rfc9216" / "pem"

    def read(name: str) -> Key:
        pem = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
        return key_from_certificate(pem.public_bytes(serialization.Encoding.DER))

    rsa, own, cross = read("ca.rsa"), read("ca.25519"), read("ca.25519.cross")
    carlos, alice = read("carlos.sign.25519"), read("alice.sign")
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert judged(alice, Anchor(key=rsa), at=at).chain == (alice, rsa)
    assert judged(carlos, Anchor(key=rsa), at=at, included=[own]).chain == ()
    assert judged(carlos, Anchor(key=rsa), at=at, included=[own, cross]).chain == (carlos, cross, rsa)


def test_path_leads_out_of_cas_that_certify_each_other(root: CA) -> None:
    """First and Second certify each other; only the root's certificate for Second leads out of the loop."""
    first = lone("First", ec.generate_private_key(ec.SECP256R1()))
    second = lone("Second", ec.generate_private_key(ec.SECP256R1()))
    first_by_second = certificate(second, "First", loaded(first.secret).public_key())
    second_by_first = certificate(first, "Second", loaded(second.secret).public_key())
    second_by_root = certificate(root, "Second", loaded(second.secret).public_key())
    leaf = first.issue(ADDRESS).key

    facts = judged(leaf, root, included=[second_by_first, first_by_second, second_by_root, first.certificate])

    assert facts.chain == (leaf, first_by_second, second_by_root, root.certificate)
    assert facts.findings == frozenset()


def test_path_within_the_rules_is_preferred_to_a_shorter_one_that_breaks_them(root: CA) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    limited = sub_ca(root, "Limited", x509.NameConstraints([x509.RFC822Name("other.example")], None))
    free = root.intermediate("Free").intermediate("Free Below")
    short = certificate(limited, "Twice", private.public_key())
    long = certificate(free, "Twice", private.public_key())
    leaf = lone("Twice", private).issue(ADDRESS).key
    between = [short, long, limited.certificate, *free.chain[:-1]]

    facts = judged(leaf, root, included=between)

    assert facts.chain == (leaf, long, *free.chain)
    assert facts.findings == frozenset()


def test_path_that_is_out_of_date_is_preferred_to_one_that_breaks_rules(root: CA) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    limited = sub_ca(root, "Limited", x509.NameConstraints([x509.RFC822Name("other.example")], None))
    expired = certificate(root, "Both", private.public_key(), until=NOW - timedelta(days=1))
    wrong = certificate(limited, "Both", private.public_key())
    leaf = lone("Both", private).issue(ADDRESS).key

    facts = judged(leaf, limited, root, included=[wrong, expired])

    assert facts.findings == {Finding.EXPIRED}


def test_key_identifier_that_does_not_fit_excludes_no_issuer(root: CA, middle: CA) -> None:
    leaf = middle.issue(ADDRESS, extra=[x509.AuthorityKeyIdentifier(b"another key", None, None)]).key
    impostor = CA.create("Middle").certificate

    facts = judged(leaf, root, included=[impostor, middle.certificate])

    assert facts.chain == (leaf, middle.certificate, root.certificate)


def test_key_identifier_finds_the_issuer_among_many_of_its_name(root: CA, middle: CA) -> None:
    leaf = middle.issue(ADDRESS).key
    namesakes = [CA.create("Middle").certificate for _ in range(30)]
    before = has_signed.cache_info().misses

    facts = judged(leaf, root, included=[*namesakes, middle.certificate])

    assert facts.chain == (leaf, middle.certificate, root.certificate)
    assert has_signed.cache_info().misses - before <= 2


@pytest.mark.mission("B14")
def test_another_key_with_the_same_name_and_key_identifier_does_not_vouch(root: CA, middle: CA, carol: Key) -> None:
    identifier = x509.load_der_x509_certificate(middle.certificate.material).extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    )
    copied = sub_ca(CA.create("Root"), "Middle", identifier.value)
    forged = copied.issue(ADDRESS).key

    assert judged(carol, root, included=[copied.certificate, middle.certificate]).chain[1] == middle.certificate
    assert judged(forged, root, included=[copied.certificate, middle.certificate, root.certificate]).chain == ()


@pytest.mark.mission("B14")
def test_intermediate_in_the_mail_under_the_anchors_name_does_not_vouch(root: CA) -> None:
    rogue = CA.create("Root")
    forged = rogue.issue(ADDRESS).key
    below = rogue.intermediate("Middle").issue(ADDRESS).key

    assert judged(forged, root, included=[rogue.certificate]).anchor is None
    assert judged(below, root, included=[rogue.intermediate("Middle").certificate, rogue.certificate]).anchor is None
