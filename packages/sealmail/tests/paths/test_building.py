"""Which certificates lie between a signer and a trusted CA."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealmail.keys import Anchor, Key, MemoryKeyStore
from sealmail.keys.certificate import key_from_certificate
from sealmail.paths import PathFacts
from sealmail.testing import CA

from .conftest import ADDRESS, certificate, judged, lone


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
