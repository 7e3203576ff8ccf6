"""Certificates that somebody trusts themselves, and what the CA above them may still say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from cryptography import x509

from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.policy import Policy
from sealmail.report import Finding
from sealmail.testing import CA
from sealmail.testing.pki import loaded
from sealmail.vouching import Judges, Vouched, vouch

from .conftest import ADDRESS, ISSUING, NOW, certificate, sub_ca, usage

MUTE = usage(key_cert_sign=True)
TRUSTED = [TrustLevel.ACCEPTED_ONCE, TrustLevel.BY_HAND]


def vouched(
    key: Key,
    level: TrustLevel,
    *,
    anchors: Sequence[Anchor] = (),
    keys: MemoryKeyStore | None = None,
    included: Sequence[Key] = (),
    at: datetime = NOW,
) -> Vouched:
    trust = MemoryTrust(anchors=anchors, levels={key.fingerprint: level})
    judges = Judges(keys=keys or MemoryKeyStore(), trust=trust, policy=Policy(), at=at)
    return vouch(key, ADDRESS, judges, included=included)


def findings(one: Vouched) -> frozenset[Finding]:
    assert one.path is not None
    return one.path.findings


def expired(root: CA) -> CA:
    ended = root.issue(
        None,
        name="Ended",
        valid_from=NOW - timedelta(days=90),
        valid_until=NOW - timedelta(days=1),
        critical=[x509.BasicConstraints(ca=True, path_length=None), ISSUING],
    )
    return CA(secret=ended, parents=root.chain)


@pytest.mark.mission("B8")
@pytest.mark.parametrize("level", TRUSTED)
def test_expired_ca_takes_nothing_from_a_certificate_that_is_trusted_itself(root: CA, level: TrustLevel) -> None:
    ended = expired(root)
    leaf = ended.issue(ADDRESS).key

    trusted = vouched(leaf, level, anchors=[root.anchor], included=[ended.certificate])
    candidate = vouched(leaf, TrustLevel.CANDIDATE, anchors=[root.anchor], included=[ended.certificate])

    assert (trusted.level, findings(trusted)) == (level, frozenset())
    assert findings(candidate) == {Finding.EXPIRED}


@pytest.mark.mission("B8")
@pytest.mark.parametrize("level", TRUSTED)
def test_ca_out_of_its_bounds_takes_nothing_from_a_certificate_that_is_trusted_itself(
    root: CA, level: TrustLevel
) -> None:
    limited = sub_ca(root, "Elsewhere", x509.NameConstraints([x509.RFC822Name("elsewhere.example")], None))
    leaf = limited.issue(ADDRESS).key

    trusted = vouched(leaf, level, anchors=[root.anchor], included=[limited.certificate])

    assert (trusted.level, findings(trusted)) == (level, frozenset())


@pytest.mark.parametrize("is_anchor", [True, False])
def test_issuer_may_revoke_what_is_trusted_itself(root: CA, is_anchor: bool) -> None:
    ended = expired(root)
    leaf = ended.issue(ADDRESS).key
    keys = MemoryKeyStore(keys=[ended.certificate], revocations=[ended.crl([leaf])])

    trusted = vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor] if is_anchor else [], keys=keys)

    assert (trusted.level, findings(trusted)) == (TrustLevel.BY_HAND, {Finding.REVOKED_HARD})


def test_anchor_may_revoke_what_is_trusted_itself(root: CA) -> None:
    """The certificate has expired too, so the path has findings of its own."""
    leaf = root.issue(ADDRESS, valid_until=NOW - timedelta(days=1)).key
    keys = MemoryKeyStore(revocations=[root.crl([leaf])])

    trusted = vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor], keys=keys)

    assert findings(trusted) == {Finding.REVOKED_HARD, Finding.EXPIRED}


@pytest.mark.mission("B14")
def test_strangers_certificates_for_the_issuer_do_not_hide_a_revocation(root: CA) -> None:
    """Made by Mallory for the issuer's name and key, they say that it may not sign lists."""
    leaf = root.issue(ADDRESS).key
    mallory = CA.create("Mallory")
    private = loaded(root.secret)
    decoys = [certificate(mallory, "Root", private.public_key(), critical=MUTE) for _ in range(100)]
    keys = MemoryKeyStore(keys=[*decoys, root.certificate], revocations=[root.crl([leaf])])

    trusted = vouched(leaf, TrustLevel.BY_HAND, keys=keys, included=decoys[:50])

    assert findings(trusted) == {Finding.REVOKED_HARD}


def test_revoked_ca_takes_nothing_from_a_certificate_that_is_trusted_itself(root: CA) -> None:
    middle = root.intermediate("Taken Back")
    leaf = middle.issue(ADDRESS).key
    keys = MemoryKeyStore(keys=[middle.certificate], revocations=[root.crl([middle.certificate])])

    trusted = vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor], keys=keys)
    candidate = vouched(leaf, TrustLevel.CANDIDATE, anchors=[root.anchor], keys=keys)

    assert findings(trusted) == frozenset()
    assert (candidate.level, findings(candidate)) == (TrustLevel.CANDIDATE, {Finding.REVOKED_HARD})


@pytest.mark.parametrize(("days", "found"), [(-400, Finding.NOT_YET_VALID), (400, Finding.EXPIRED)])
def test_certificate_that_is_trusted_itself_must_be_in_its_own_time(root: CA, days: int, found: Finding) -> None:
    leaf = root.issue(ADDRESS).key

    trusted = vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor], at=NOW + timedelta(days=days))

    assert findings(trusted) == {found}


def test_weak_key_is_weak_even_where_it_is_trusted_itself(root: CA) -> None:
    leaf = root.issue(ADDRESS, key_type="rsa1024").key

    assert findings(vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor])) == {Finding.WEAK_ALGORITHM}


@pytest.mark.mission("B8")
def test_ca_that_vouches_is_named_beside_trust_by_hand(root: CA) -> None:
    leaf = root.issue(ADDRESS).key

    trusted = vouched(leaf, TrustLevel.BY_HAND, anchors=[root.anchor])

    assert trusted.path is not None
    assert (trusted.level, trusted.path.chain) == (TrustLevel.BY_HAND, (leaf, root.certificate))


def test_name_outside_of_ascii_binds_where_the_certificate_is_trusted_itself(root: CA) -> None:
    content = "düsi@customer.example".encode()
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([0x0C, len(content)]) + content)
    limited = sub_ca(root, "Elsewhere", x509.NameConstraints([x509.RFC822Name("elsewhere.example")], None))
    leaf = limited.issue(None, extra=[x509.SubjectAlternativeName([name])]).key
    trust = MemoryTrust(anchors=[root.anchor], levels={leaf.fingerprint: TrustLevel.BY_HAND})
    judges = Judges(keys=MemoryKeyStore(), trust=trust, policy=Policy(), at=NOW)

    by_hand = vouch(leaf, "düsi@customer.example", judges, included=[limited.certificate])

    assert (by_hand.level, findings(by_hand)) == (TrustLevel.BY_HAND, frozenset())


@pytest.mark.parametrize("level", [TrustLevel.CANDIDATE, TrustLevel.REJECTED])
def test_ca_cannot_help_a_certificate_that_was_rejected(root: CA, level: TrustLevel) -> None:
    leaf = root.issue(ADDRESS).key

    assert vouched(leaf, level, anchors=[root.anchor]).level is (
        TrustLevel.BY_CA if level is TrustLevel.CANDIDATE else TrustLevel.REJECTED
    )
