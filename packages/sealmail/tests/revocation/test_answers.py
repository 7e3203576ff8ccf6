"""OCSP answers: who may give them, and what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail.keys import Key, SecretKey
from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState
from sealmail.testing import CA
from sealmail.testing.responder import Said

from .conftest import ADDRESS, DAY, HARD, HOLD, NOW, SOFT, Listed, asked, crl, entry

GOOD, REVOKED, STALE, UNKNOWN = (
    RevocationState.GOOD,
    RevocationState.REVOKED,
    RevocationState.STALE,
    RevocationState.UNKNOWN,
)
FINE = Said(at=NOW - DAY)
BROKEN = Said(at=NOW - DAY, status=OCSPCertStatus.REVOKED, revoked_at=NOW - 2 * DAY, reason=HARD)
HELD = replace(BROKEN, at=NOW - 2 * DAY, reason=HOLD)
FOR_ANSWERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])


def responder(ca: CA, *extra: x509.ExtensionType, **options: object) -> SecretKey:
    return ca.issue(None, name="Responder", extra=extra or (FOR_ANSWERS,), **options)  # type: ignore[arg-type]


@pytest.mark.mission("B11")
@pytest.mark.parametrize("by_hash", [False, True])
@pytest.mark.parametrize("names_sha256", [False, True])
@pytest.mark.parametrize("is_delegated", [False, True])
def test_an_answer_is_believed_however_it_names_the_ca_and_its_responder(
    root: CA, carol: Key, by_hash: bool, names_sha256: bool, is_delegated: bool
) -> None:
    by = responder(root) if is_delegated else None
    good = root.ocsp(carol, replace(FINE, by_hash=by_hash, names_sha256=names_sha256), by)[1]
    bad = root.ocsp(carol, replace(BROKEN, by_hash=by_hash, names_sha256=names_sha256), by)[1]

    facts = asked(carol, root, good)

    assert (facts.revocation, facts.revocation_known_until) == (GOOD, NOW + 6 * DAY)
    revoked = asked(carol, root, bad)
    assert revoked.findings == {Finding.REVOKED_HARD}
    assert (revoked.revoked_at, revoked.revocation_reason) == (NOW - 2 * DAY, "keyCompromise")


@pytest.mark.parametrize("kind", ["rsa2048", "ec-p384", "ed25519"])
def test_an_answer_is_believed_with_every_kind_of_key(kind: str) -> None:
    ca = CA.create("Some", kind)
    key = ca.issue(ADDRESS).key

    assert asked(key, ca, ca.ocsp(key, FINE)[1]).revocation is GOOD


def test_an_answer_without_reason_is_a_hard_revocation(root: CA, carol: Key) -> None:
    facts = asked(carol, root, root.ocsp(carol, replace(BROKEN, reason=None, revoked_at=NOW + DAY))[1])

    assert (facts.findings, facts.revocation_reason) == ({Finding.REVOKED_HARD}, "unspecified")


def test_a_soft_revocation_after_the_mail_came_is_told_without_a_finding(root: CA, carol: Key) -> None:
    facts = asked(carol, root, root.ocsp(carol, replace(BROKEN, reason=SOFT, revoked_at=NOW + DAY))[1])

    assert (facts.findings, facts.revocation, facts.revoked_at) == (frozenset(), REVOKED, NOW + DAY)


def test_an_answer_that_knows_nothing_is_unknown(root: CA, carol: Key) -> None:
    unknown = root.ocsp(carol, replace(FINE, status=OCSPCertStatus.UNKNOWN))[1]

    assert asked(carol, root, unknown).revocation is UNKNOWN


def test_of_good_and_not_knowing_the_newer_counts(root: CA, carol: Key) -> None:
    unknown = root.ocsp(carol, replace(FINE, status=OCSPCertStatus.UNKNOWN))[1]

    assert asked(carol, root, unknown, crl(root, Listed(made=NOW - 2 * DAY))).revocation is UNKNOWN
    assert asked(carol, root, unknown, crl(root, Listed(made=NOW - DAY / 2))).revocation is GOOD


def test_a_replayed_answer_is_stale(root: CA, carol: Key) -> None:
    facts = asked(carol, root, root.ocsp(carol, replace(FINE, at=NOW - 20 * DAY))[1])

    assert (facts.revocation, facts.revocation_known_until) == (STALE, NOW - 13 * DAY)


@pytest.mark.mission("B14")
@pytest.mark.mission("B11")
def test_a_good_answer_does_not_outweigh_a_list_that_revokes(root: CA, carol: Key) -> None:
    """A good answer from before the revocation is kept by the thief and shown as long as it is in force."""
    kept = root.ocsp(carol, FINE)[1]
    listed = crl(root, Listed(made=NOW - 3 * DAY, entries=[entry(carol, HARD)]))

    assert asked(carol, root, kept, listed).findings == {Finding.REVOKED_HARD}


def test_a_newer_good_answer_lifts_a_hold_and_an_older_one_does_not(root: CA, carol: Key) -> None:
    hold = crl(root, Listed(made=NOW - 3 * DAY, entries=[entry(carol, HOLD, NOW - 4 * DAY)]))

    assert asked(carol, root, hold, root.ocsp(carol, FINE)[1]).revocation is GOOD
    assert asked(carol, root, hold, root.ocsp(carol, replace(FINE, at=NOW - 4 * DAY))[1]).revocation is REVOKED


def test_a_newer_list_lifts_a_hold_of_an_answer(root: CA, carol: Key) -> None:
    held = root.ocsp(carol, HELD)[1]

    assert asked(carol, root, held).findings == {Finding.REVOKED_SOFT}
    assert asked(carol, root, held, crl(root)).revocation is GOOD


def test_an_answer_without_next_update_counts_as_long_as_the_policy_says(root: CA, carol: Key) -> None:
    answer = root.ocsp(carol, replace(FINE, at=NOW - 3 * DAY, days=None))[1]

    facts = asked(carol, root, answer)
    assert (facts.revocation, facts.revocation_known_until) == (GOOD, NOW + 4 * DAY)
    assert asked(carol, root, answer, policy=Policy(revocation_maximum_age_seconds=24 * 3600)).revocation is STALE


@pytest.mark.mission("B14")
def test_an_answer_of_nobody_in_particular_is_ignored(root: CA, carol: Key) -> None:
    """By a certificate of the CA without the purpose, by one with any purpose, by one that another CA made, by one that
    a CA below made, and by an impostor of the CA.
    """
    anything = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    unauthorised = [
        root.issue(ADDRESS),
        responder(root, anything),
        responder(CA.create("Other")),
        responder(CA.create("Root")),
        responder(root.intermediate("Below")),
        CA.create("Root").secret,
    ]

    for by in unauthorised:
        assert asked(carol, root, root.ocsp(carol, FINE, by)[1]).revocation is UNKNOWN
        assert asked(carol, root, root.ocsp(carol, BROKEN, by)[1]).revocation is UNKNOWN


def test_a_responder_whose_certificate_has_expired_or_may_not_sign_is_ignored(root: CA, carol: Key) -> None:
    expired = responder(root, valid_until=NOW - DAY)
    silent = responder(root, uses=())

    assert asked(carol, root, root.ocsp(carol, FINE, expired)[1]).revocation is UNKNOWN
    assert asked(carol, root, root.ocsp(carol, FINE, silent)[1]).revocation is UNKNOWN


def test_a_responders_word_ends_with_its_certificate(root: CA, carol: Key) -> None:
    brief = responder(root, valid_until=NOW + DAY)

    assert asked(carol, root, root.ocsp(carol, FINE, brief)[1]).revocation_known_until == NOW + DAY


@pytest.mark.mission("B14")
@pytest.mark.parametrize("extra", [(), (x509.OCSPNoCheck(),)])
def test_a_responder_that_a_list_names_is_ignored(root: CA, carol: Key, extra: tuple[x509.ExtensionType, ...]) -> None:
    """Also where its certificate says that it need not be asked about: it was, and the answer is here."""
    stolen = responder(root, FOR_ANSWERS, *extra)
    answer = root.ocsp(carol, FINE, stolen)[1]
    listed = crl(root, Listed(made=NOW - 20 * DAY, entries=[entry(stolen.key, HARD)]))

    assert asked(carol, root, answer).revocation is GOOD
    assert asked(carol, root, answer, listed).revocation is STALE


def test_an_answer_about_another_certificate_or_another_ca_says_nothing(root: CA, carol: Key) -> None:
    other = root.ocsp(root.issue("other@customer.example").key, FINE)[1]
    namesake = CA.create("Root").ocsp(carol, FINE, root.secret)[1]

    assert asked(carol, root, other).revocation is UNKNOWN
    assert asked(carol, root, namesake).revocation is UNKNOWN


def test_no_changed_byte_of_an_answer_makes_it_say_good(root: CA, carol: Key) -> None:
    answer = root.ocsp(carol, BROKEN, responder(root))[1]

    states = {
        asked(carol, root, answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]).revocation
        for place in range(0, len(answer), 3)
    }

    assert GOOD not in states


def test_an_answer_cut_off_anywhere_says_nothing(root: CA, carol: Key) -> None:
    answer = root.ocsp(carol, FINE, responder(root))[1]

    assert {asked(carol, root, answer[:size]).revocation for size in range(0, len(answer), 5)} == {UNKNOWN}


def test_an_answer_that_holds_for_ever_holds(root: CA, carol: Key) -> None:
    """The last second that the format can write, which is as often meant as "never"."""
    days = (datetime(9999, 12, 31, tzinfo=UTC) - FINE.at).days

    assert asked(carol, root, root.ocsp(carol, replace(FINE, days=days))[1]).revocation is GOOD


@settings(max_examples=300, deadline=None)
@given(is_list=st.booleans(), place=st.integers(0, 600), cut=st.integers(0, 40), put=st.binary(max_size=40))
def test_no_bytes_make_it_raise_or_say_good(
    revoking: tuple[CA, Key, bytes, bytes], is_list: bool, place: int, cut: int, put: bytes
) -> None:
    ca, key, listed, answer = revoking
    data = listed if is_list else answer

    changed = data[:place] + put + data[place + cut :]

    assert asked(key, ca, changed).revocation in {REVOKED, UNKNOWN}


@pytest.fixture(scope="module")
def revoking(root: CA, carol: Key) -> tuple[CA, Key, bytes, bytes]:
    return root, carol, crl(root, Listed(entries=[entry(carol, HARD)])), root.ocsp(carol, BROKEN, responder(root))[1]


def test_a_refusal_to_answer_says_nothing(root: CA, carol: Key) -> None:
    assert asked(carol, root, b"\x30\x03\x0a\x01\x03").revocation is UNKNOWN
