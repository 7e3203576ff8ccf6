"""Revocation lists, one at a time: which ones are believed, and what they say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from sealmail.keys import Key
from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState
from sealmail.testing import CA

from .conftest import ADDRESS, DAY, HARD, HOLD, NOW, REMOVED, SOFT, Listed, asked, crl, entry, signed_anew

GOOD, REVOKED, STALE, UNKNOWN = (
    RevocationState.GOOD,
    RevocationState.REVOKED,
    RevocationState.STALE,
    RevocationState.UNKNOWN,
)


@pytest.mark.mission("B11")
def test_a_fresh_list_without_the_certificate_says_good_until_the_next_one(root: CA, carol: Key) -> None:
    facts = asked(carol, root, crl(root))

    assert (facts.revocation, facts.revocation_known_until) == (GOOD, NOW + 6 * DAY)
    assert (facts.revoked_at, facts.revocation_reason, facts.findings) == (None, None, frozenset())


@pytest.mark.mission("B11")
def test_a_list_whose_time_is_over_is_stale_and_says_since_when(root: CA, carol: Key) -> None:
    facts = asked(carol, root, crl(root, Listed(made=NOW - 30 * DAY)))

    assert (facts.revocation, facts.revocation_known_until) == (STALE, NOW - 23 * DAY)


def test_without_any_data_nothing_is_known(root: CA, carol: Key) -> None:
    facts = asked(carol, root)

    assert (facts.revocation, facts.revocation_known_until) == (UNKNOWN, None)


@pytest.mark.parametrize(("late", "state"), [(599, GOOD), (601, STALE)])
def test_clocks_may_differ_by_the_skew(root: CA, carol: Key, late: int, state: RevocationState) -> None:
    listed = crl(root, Listed(made=NOW - 7 * DAY - timedelta(seconds=late)))

    assert asked(carol, root, listed).revocation is state


@pytest.mark.mission("B11")
@pytest.mark.parametrize(
    ("reason", "days", "finding"),
    [
        (HARD, -5, Finding.REVOKED_HARD),
        (HARD, 5, Finding.REVOKED_HARD),
        (None, 5, Finding.REVOKED_HARD),
        (x509.ReasonFlags.ca_compromise, 5, Finding.REVOKED_HARD),
        (x509.ReasonFlags.aa_compromise, 5, Finding.REVOKED_HARD),
        (x509.ReasonFlags.unspecified, 5, Finding.REVOKED_HARD),
        (x509.ReasonFlags.privilege_withdrawn, 5, Finding.REVOKED_HARD),
        (SOFT, -5, Finding.REVOKED_SOFT),
        (SOFT, 5, None),
        (x509.ReasonFlags.affiliation_changed, 5, None),
        (x509.ReasonFlags.cessation_of_operation, 5, None),
        (HOLD, -5, Finding.REVOKED_SOFT),
        (HOLD, 5, None),
    ],
)
def test_hard_reasons_count_at_any_time_and_soft_ones_from_their_date_on(
    root: CA, carol: Key, reason: x509.ReasonFlags | None, days: int, finding: Finding | None
) -> None:
    """The list is newer than the time asked for: the mail came five days before or after the certificate's end."""
    since = NOW + days * DAY

    facts = asked(carol, root, crl(root, Listed(entries=[entry(carol, reason, since)])))

    assert facts.findings == ({finding} if finding else frozenset())
    assert (facts.revocation, facts.revoked_at) == (REVOKED, since)
    assert facts.revocation_reason == (reason.value if reason else "unspecified")


def test_the_worse_of_two_revocations_is_told(root: CA, carol: Key) -> None:
    soft = crl(root, Listed(entries=[entry(carol, SOFT, NOW - 9 * DAY)]))
    hard = crl(root, Listed(number=2, entries=[entry(carol, HARD, NOW - 3 * DAY)]))

    facts = asked(carol, root, soft, hard)

    assert (facts.revocation_reason, facts.revoked_at) == ("keyCompromise", NOW - 3 * DAY)


@pytest.mark.mission("B14")
def test_an_old_list_from_before_the_revocation_does_not_bring_the_certificate_back(root: CA, carol: Key) -> None:
    replayed = crl(root, Listed(made=NOW - 3 * DAY, days=30, number=1))
    newer = crl(root, Listed(made=NOW - DAY, number=2, entries=[entry(carol, HARD)]))

    assert asked(carol, root, replayed, newer).revocation is REVOKED
    assert asked(carol, root, newer, replayed).revocation is REVOKED


def test_a_stale_list_that_names_the_certificate_still_counts(root: CA, carol: Key) -> None:
    stale = crl(root, Listed(made=NOW - 90 * DAY, entries=[entry(carol, HARD, NOW - 95 * DAY)]))

    assert asked(carol, root, stale, crl(root)).findings == {Finding.REVOKED_HARD}


def test_a_list_made_after_the_certificate_expired_does_not_say_good(root: CA) -> None:
    """RFC 5280 §3.3: a CA may leave expired certificates out of its lists."""
    expired = root.issue(ADDRESS, valid_until=NOW - 10 * DAY).key

    assert asked(expired, root, crl(root)).revocation is UNKNOWN
    assert asked(expired, root, crl(root, Listed(made=NOW - 11 * DAY, days=20))).revocation is GOOD


def test_data_newer_than_the_mail_that_says_good_counts_as_good(root: CA, carol: Key) -> None:
    assert asked(carol, root, crl(root), at=NOW - 30 * DAY).revocation is GOOD


def test_an_invalidity_date_changes_neither_date_nor_verdict(root: CA, carol: Key) -> None:
    early = (x509.InvalidityDate((NOW - 50 * DAY).replace(tzinfo=None)), False)
    listed = crl(root, Listed(entries=[entry(carol, SOFT, NOW + DAY, [early])]))

    facts = asked(carol, root, listed)

    assert (facts.revoked_at, facts.findings) == (NOW + DAY, frozenset())


UNHEARD_OF = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
OTHER_ISSUER = x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))])


@pytest.mark.parametrize("extension", [(UNHEARD_OF, True), (OTHER_ISSUER, True), (OTHER_ISSUER, False)])
def test_one_entry_that_is_not_understood_spoils_the_list(
    root: CA, carol: Key, extension: tuple[x509.ExtensionType, bool]
) -> None:
    """RFC 5280 §5.3. The certificate asked about is another one."""
    strange = entry(root.issue("other@customer.example").key, extra=[extension])

    assert asked(carol, root, crl(root, Listed(entries=[strange]))).revocation is UNKNOWN


def test_an_entry_with_harmless_extensions_spoils_nothing(root: CA, carol: Key) -> None:
    strange = entry(root.issue("other@customer.example").key, extra=[(UNHEARD_OF, False)])

    assert asked(carol, root, crl(root, Listed(entries=[strange, entry(carol, HARD)]))).revocation is REVOKED


@pytest.mark.parametrize(("critical", "state"), [(True, UNKNOWN), (False, REVOKED)])
def test_a_list_with_a_critical_extension_that_is_not_understood_is_not_used(
    root: CA, carol: Key, critical: bool, state: RevocationState
) -> None:
    listed = crl(root, Listed(entries=[entry(carol, HARD)], extra=[(UNHEARD_OF, critical)]))

    assert asked(carol, root, listed).revocation is state


@pytest.mark.parametrize("digest", ["md5", "sha1"])
@pytest.mark.mission("B14")
def test_a_list_signed_with_a_weak_hash_is_believed_only_where_it_says_revoked(old_ca: CA, digest: str) -> None:
    kept, lost = old_ca.issue(ADDRESS).key, old_ca.issue(ADDRESS).key

    listed = signed_anew(crl(old_ca, Listed(entries=[entry(lost, HARD)])), old_ca, digest)

    assert asked(kept, old_ca, listed).revocation is UNKNOWN
    assert asked(lost, old_ca, listed).findings == {Finding.REVOKED_HARD}


def test_a_weak_list_does_not_lift_a_hold(old_ca: CA) -> None:
    held = old_ca.issue(ADDRESS).key
    hold = crl(old_ca, Listed(made=NOW - 3 * DAY, entries=[entry(held, HOLD, NOW - 4 * DAY)]))
    newer = crl(old_ca, Listed(number=2))

    assert asked(held, old_ca, hold, signed_anew(newer, old_ca, "sha1")).revocation is REVOKED
    assert asked(held, old_ca, hold, newer).revocation is GOOD


def test_a_hold_counts_until_a_newer_list_leaves_it_out(root: CA, carol: Key) -> None:
    before = crl(root, Listed(made=NOW - 5 * DAY, number=1))
    hold = crl(root, Listed(made=NOW - 3 * DAY, number=2, entries=[entry(carol, HOLD, NOW - 4 * DAY)]))
    after = crl(root, Listed(made=NOW - DAY, number=3))

    assert asked(carol, root, before, hold).findings == {Finding.REVOKED_SOFT}
    assert asked(carol, root, before, hold, after).revocation is GOOD


def test_a_newer_list_about_other_reasons_does_not_lift_a_hold(root: CA, carol: Key) -> None:
    hold = crl(root, Listed(made=NOW - 3 * DAY, entries=[entry(carol, HOLD, NOW - 4 * DAY)]))
    others = crl(root, Listed(number=2, scope={"only_some_reasons": frozenset({HARD})}))

    assert asked(carol, root, hold, others).revocation is REVOKED


def test_removal_in_a_complete_list_is_no_revocation(root: CA, carol: Key) -> None:
    assert asked(carol, root, crl(root, Listed(entries=[entry(carol, REMOVED)]))).revocation is GOOD


def test_a_list_of_another_ca_with_the_same_name_is_ignored(root: CA, carol: Key) -> None:
    impostor = CA.create("Root")

    assert asked(carol, root, crl(impostor, Listed(entries=[entry(carol, HARD)]))).revocation is UNKNOWN
    assert asked(carol, root, crl(impostor)).revocation is UNKNOWN


def test_no_changed_byte_of_a_list_makes_it_say_good(root: CA, carol: Key) -> None:
    """Every change breaks the signature or the structure; what is left says nothing."""
    listed = crl(root, Listed(entries=[entry(carol, HARD)]))

    states = {
        asked(carol, root, listed[:place] + bytes([listed[place] ^ 1]) + listed[place + 1 :]).revocation
        for place in range(0, len(listed), 3)
    }

    assert GOOD not in states


def test_a_list_cut_off_anywhere_says_nothing(root: CA, carol: Key) -> None:
    listed = crl(root)

    assert {asked(carol, root, listed[:size]).revocation for size in range(0, len(listed), 5)} == {UNKNOWN}


def test_a_list_without_next_update_counts_as_long_as_the_policy_says(old_ca: CA) -> None:
    key = old_ca.issue(ADDRESS).key
    listed = signed_anew(crl(old_ca, Listed(made=NOW - 10 * DAY, days=60)), old_ca, next_update=False)
    patient = Policy(revocation_maximum_age_seconds=30 * 24 * 3600)

    assert asked(key, old_ca, listed).revocation is STALE
    assert asked(key, old_ca, listed, policy=patient).revocation is GOOD
