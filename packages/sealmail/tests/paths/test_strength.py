"""Keys and hashes too weak to be believed, anywhere in a path."""

from __future__ import annotations

import pytest
from asn1crypto import core, keys
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sealmail.keys import SecretKey
from sealmail.keys.certificate import public_key
from sealmail.policy import Policy
from sealmail.report import Finding
from sealmail.testing import CA

from .conftest import ADDRESS, certificate, judged, reissued, with_key


def test_small_key_of_a_ca_is_weak() -> None:
    small = CA.create("Small", key="rsa1024")

    facts = judged(small.issue(ADDRESS).key, small)

    assert facts.findings == {Finding.WEAK_ALGORITHM}
    assert not facts.vouches_for(ADDRESS)


@pytest.mark.parametrize("key_type", ["rsa2048", "ec", "ec-p384", "ed25519"])
def test_cas_of_each_kind_are_understood(key_type: str) -> None:
    authority = CA.create("Kind", key=key_type)

    assert judged(authority.issue(ADDRESS).key, authority).findings == frozenset()


@pytest.mark.parametrize("has_path", [True, False])
@pytest.mark.parametrize("key_type", ["rsa1024", "rsa2048"])
def test_small_key_of_the_signer_is_weak_with_and_without_a_path(root: CA, key_type: str, has_path: bool) -> None:
    leaf = root.issue(ADDRESS, key_type=key_type).key

    facts = judged(leaf, *([root] if has_path else []))

    assert facts.findings == ({Finding.WEAK_ALGORITHM} if key_type == "rsa1024" else set())


def test_small_key_of_an_intermediate_is_weak(root: CA) -> None:
    small = root.intermediate("Small", key="rsa1024")

    facts = judged(small.issue(ADDRESS).key, root, included=[small.certificate])

    assert facts.findings == {Finding.WEAK_ALGORITHM}


def test_larger_keys_can_be_asked_for(root: CA) -> None:
    leaf = root.issue(ADDRESS, key_type="rsa2048").key

    assert judged(leaf, root, policy=Policy(minimum_rsa_bits=3072)).findings == {Finding.WEAK_ALGORITHM}


def test_small_curve_is_weak(root: CA) -> None:
    leaf = certificate(root, "Small", ec.generate_private_key(ec.SECP192R1()).public_key())
    allowed = certificate(root, "Larger", ec.generate_private_key(ec.SECP224R1()).public_key())

    assert judged(leaf, root).findings == {Finding.WEAK_ALGORITHM}
    assert judged(allowed, root).findings == frozenset()


@pytest.mark.parametrize("place", ["signer", "issuer"])
def test_small_exponent_is_weak(root: CA, place: str) -> None:
    private = rsa.generate_private_key(3, 2048)
    small = certificate(root, "Three", private.public_key())
    material = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    issuing = with_key(SecretKey(key=small, material=material), small)

    key = small if place == "signer" else issuing.issue(ADDRESS).key

    assert judged(key, root, included=[small]).findings == {Finding.WEAK_ALGORITHM}


@pytest.mark.mission("B14")
@pytest.mark.parametrize("exponent", [0, 1, 2, 65536])
def test_exponent_that_is_none_signs_nothing(root: CA, exponent: int) -> None:
    """With exponent 1 anybody could write any signature."""
    usual = root.intermediate("One", key="rsa2048")
    odd = reissued(usual.certificate, root, lambda body: with_exponent(body, exponent))
    leaf = usual.issue(ADDRESS).key

    facts = judged(leaf, root, included=[odd])

    assert public_key(odd.material) is None
    assert (facts.chain, facts.vouches_for(ADDRESS)) == ((), False)


def with_exponent(body: asn1.TbsCertificate, exponent: int) -> None:
    info = body["subject_public_key_info"]
    numbers = info["public_key"].parsed
    changed = keys.RSAPublicKey({"modulus": numbers["modulus"].native, "public_exponent": exponent})
    body["subject_public_key_info"] = keys.PublicKeyInfo(
        {"algorithm": info["algorithm"], "public_key": core.ParsableOctetBitString(changed.dump())}
    )


MD5, SHA1 = hashes.MD5(), hashes.SHA1()  # noqa: S303 -- the broken ones are what is tested


@pytest.mark.mission("B14")
@pytest.mark.parametrize("digest", [MD5, SHA1, hashes.SHA256()], ids=lambda one: one.name)
def test_broken_hash_below_the_anchor_is_weak(digest: hashes.HashAlgorithm) -> None:
    anchor = CA.create("Rooted", key="rsa2048")
    between = anchor.intermediate("Between", key="rsa2048")
    leaf = between.issue(ADDRESS).key
    expected = set() if digest.name == "sha256" else {Finding.WEAK_ALGORITHM}

    old_leaf = reissued(leaf, between, nothing, digest)
    old_between = reissued(between.certificate, anchor, nothing, digest)

    assert judged(old_leaf, anchor, included=[between.certificate]).findings == expected
    assert judged(leaf, anchor, included=[old_between]).findings == expected


def test_hash_of_the_anchors_own_signature_does_not_count() -> None:
    usual = CA.create("Eldest", key="rsa2048")
    old = with_key(usual.secret, reissued(usual.certificate, usual, nothing, SHA1))

    assert judged(usual.issue(ADDRESS).key, old).findings == frozenset()


def test_hash_of_a_certificate_that_is_trusted_itself_does_not_count(root: CA) -> None:
    old = reissued(root.issue(ADDRESS).key, root, nothing, SHA1)

    assert judged(old).findings == frozenset()


def nothing(_body: asn1.TbsCertificate) -> None:
    """Changes nothing: only the signature becomes another."""
