"""Lists about some certificates or some reasons, deltas, and lists that another key of the CA signed."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sealmail.keys import Key, MemoryKeyStore
from sealmail.paths import judge_path
from sealmail.policy import Policy
from sealmail.report import Finding, RevocationState
from sealmail.revocation.statement import EVERY_REASON
from sealmail.testing import CA
from sealmail.testing.pki import _issue, _Request, loaded

from .conftest import ADDRESS, DAY, HARD, HOLD, NOW, REMOVED, SOFT, Listed, asked, crl, entry

GOOD, REVOKED, UNKNOWN = RevocationState.GOOD, RevocationState.REVOKED, RevocationState.UNKNOWN
HERE = x509.UniformResourceIdentifier("http://ca.example/1.crl")
THERE = x509.UniformResourceIdentifier("http://ca.example/2.crl")
SHARD = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "Shard 1")])


def points(**named: object) -> x509.CRLDistributionPoints:
    everything = {"full_name": None, "relative_name": None, "reasons": None, "crl_issuer": None}
    return x509.CRLDistributionPoints([x509.DistributionPoint(**{**everything, **named})])


@pytest.mark.parametrize(
    ("scope", "state"),
    [
        ({"full_name": [HERE]}, GOOD),
        ({"full_name": [THERE]}, UNKNOWN),
        ({"full_name": [THERE, HERE]}, GOOD),
        ({"only_contains_user_certs": True}, GOOD),
        ({"only_contains_ca_certs": True}, UNKNOWN),
        ({"only_contains_attribute_certs": True}, UNKNOWN),
        ({"indirect_crl": True}, UNKNOWN),
    ],
)
def test_a_list_speaks_for_the_certificates_that_it_is_about(
    root: CA, scope: dict[str, object], state: RevocationState
) -> None:
    key = root.issue(ADDRESS, extra=[points(full_name=[HERE])]).key

    assert asked(key, root, crl(root, Listed(scope=scope))).revocation is state


def test_a_relative_name_continues_the_issuers_name(root: CA, carol: Key) -> None:
    listed = crl(root, Listed(scope={"relative_name": SHARD}))
    full = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root"), *SHARD])

    assert asked(carol, root, listed).revocation is UNKNOWN
    assert asked(root.issue(ADDRESS, extra=[points(relative_name=SHARD)]).key, root, listed).revocation is GOOD
    assert (
        asked(root.issue(ADDRESS, extra=[points(full_name=[x509.DirectoryName(full)])]).key, root, listed).revocation
        is GOOD
    )


def test_a_point_that_names_another_issuer_of_lists_is_not_met(root: CA) -> None:
    other = [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lists Ltd")]))]
    key = root.issue(ADDRESS, extra=[points(full_name=[HERE], crl_issuer=other)]).key

    assert asked(key, root, crl(root, Listed(scope={"full_name": [HERE]}))).revocation is UNKNOWN


def test_a_list_about_others_that_names_the_certificate_is_believed(root: CA, carol: Key) -> None:
    """Serial numbers are given once: whatever the list is about, this certificate is on it."""
    listed = crl(root, Listed(scope={"full_name": [THERE]}, entries=[entry(carol, HARD)]))

    assert asked(carol, root, listed).findings == {Finding.REVOKED_HARD}


def test_lists_for_some_reasons_say_good_only_together(root: CA, carol: Key) -> None:
    first = crl(root, Listed(scope={"only_some_reasons": frozenset({HARD, SOFT})}, days=3))
    rest = crl(root, Listed(scope={"only_some_reasons": EVERY_REASON - {HARD, SOFT}}, days=9))

    assert asked(carol, root, first).revocation is UNKNOWN
    assert asked(carol, root, rest).revocation is UNKNOWN
    both = asked(carol, root, first, rest)
    assert (both.revocation, both.revocation_known_until) == (GOOD, NOW + 2 * DAY)


def test_a_list_for_some_reasons_that_is_stale_makes_the_whole_stale(root: CA, carol: Key) -> None:
    first = crl(root, Listed(scope={"only_some_reasons": frozenset({HARD, SOFT})}, made=NOW - 20 * DAY))
    rest = crl(root, Listed(scope={"only_some_reasons": EVERY_REASON - {HARD, SOFT}}))

    assert asked(carol, root, first, rest).revocation is RevocationState.STALE


BASE = Listed(made=NOW - 6 * DAY, days=5, number=10)
"""Its next update was due yesterday."""


def test_a_delta_with_its_base_says_good_for_as_long_as_the_delta(root: CA, carol: Key) -> None:
    delta = crl(root, Listed(made=NOW - DAY, days=2, number=12, base=10))

    both = asked(carol, root, crl(root, BASE), delta)

    assert asked(carol, root, crl(root, BASE)).revocation is RevocationState.STALE
    assert (both.revocation, both.revocation_known_until) == (GOOD, NOW + DAY)


def test_a_delta_alone_says_only_who_was_revoked(root: CA, carol: Key) -> None:
    assert asked(carol, root, crl(root, Listed(number=12, base=10))).revocation is UNKNOWN
    named = crl(root, Listed(number=12, base=10, entries=[entry(carol, HARD)]))
    assert asked(carol, root, named).findings == {Finding.REVOKED_HARD}


@pytest.mark.parametrize(
    "delta",
    [
        Listed(number=12, base=11),
        Listed(number=10, base=9),
        Listed(number=None, base=10),
        Listed(number=12, base=10, scope={"full_name": [THERE]}),
    ],
)
def test_a_delta_that_does_not_belong_to_the_base_adds_nothing(root: CA, carol: Key, delta: Listed) -> None:
    """Built on a newer base, not newer than it, without a number, of another scope (RFC 5280 §5.2.4)."""
    assert asked(carol, root, crl(root, BASE), crl(root, delta)).revocation is RevocationState.STALE


def test_a_delta_removes_a_hold_and_nothing_else(root: CA, carol: Key) -> None:
    removal = crl(root, Listed(number=12, base=10, entries=[entry(carol, REMOVED)]))

    def base(reason: x509.ReasonFlags) -> bytes:
        return crl(root, Listed(made=NOW - 6 * DAY, number=10, entries=[entry(carol, reason, NOW - 7 * DAY)]))

    assert asked(carol, root, base(HOLD), removal).revocation is GOOD
    assert asked(carol, root, base(HARD), removal).findings == {Finding.REVOKED_HARD}
    assert asked(carol, root, base(SOFT), removal).findings == {Finding.REVOKED_SOFT}


def test_a_delta_that_does_not_mention_a_hold_keeps_it(root: CA, carol: Key) -> None:
    base = crl(root, Listed(made=NOW - 6 * DAY, number=10, entries=[entry(carol, HOLD, NOW - 7 * DAY)]))

    assert asked(carol, root, base, crl(root, Listed(number=12, base=10))).revocation is REVOKED


@pytest.fixture(scope="module")
def renewed(root: CA) -> CA:
    """A CA with a second key under the same name, certified by the same root."""
    return root.intermediate("Issuing")


@pytest.fixture(scope="module")
def first(root: CA) -> CA:
    return root.intermediate("Issuing")


def through(key: Key, first: CA, root: CA, lists: list[tuple[CA, bytes]], known: list[Key]) -> RevocationState:

    revocations = [(ca.certificate.subject, data) for ca, data in lists if ca.certificate.subject]
    store = MemoryKeyStore(keys=[first.certificate, *known], revocations=revocations)
    return judge_path(key, (), store, [root.anchor], Policy(), NOW).revocation


def test_a_list_signed_by_another_key_of_the_ca_counts(root: CA, first: CA, renewed: CA) -> None:
    key = first.issue(ADDRESS).key
    above = (root, crl(root))

    assert through(key, first, root, [above, (renewed, crl(renewed))], [renewed.certificate]) is GOOD
    revoked = crl(renewed, Listed(entries=[entry(key, HARD)]))
    assert through(key, first, root, [above, (renewed, revoked)], [renewed.certificate]) is REVOKED


def test_a_list_signed_by_a_key_that_the_ca_certified_itself_counts(root: CA) -> None:
    """The new key of a root, with a certificate that the old key signed."""
    later = CA(secret=_issue(_Request(name="Root", private=loaded(CA.create("Root").secret), is_ca=True), root.secret))
    key = root.issue(ADDRESS).key

    assert asked(key, root, crl(later), known=[later.certificate]).revocation is GOOD


@pytest.mark.mission("B14")
def test_a_list_of_an_impostor_of_the_ca_counts_for_nothing(root: CA, first: CA) -> None:
    """A certificate with the CA's name, made by another CA: even one that is trusted, for other domains perhaps."""
    key = first.issue(ADDRESS).key
    impostor = CA.create("Elsewhere").intermediate("Issuing")
    above = (root, crl(root))

    assert through(key, first, root, [above, (impostor, crl(impostor))], [impostor.certificate]) is UNKNOWN
    revoked = crl(impostor, Listed(entries=[entry(key, HARD)]))
    assert through(key, first, root, [above, (impostor, revoked)], [impostor.certificate]) is UNKNOWN


@pytest.mark.mission("B14")
def test_a_list_signed_by_a_revoked_key_of_the_ca_counts_for_nothing(root: CA, first: CA, renewed: CA) -> None:
    key = first.issue(ADDRESS).key
    stolen = (root, crl(root, Listed(entries=[entry(renewed.certificate, HARD)])))

    assert through(key, first, root, [stolen, (renewed, crl(renewed))], [renewed.certificate]) is UNKNOWN


@pytest.mark.mission("B14")
def test_a_certificate_that_forbids_the_ca_to_sign_lists_does_not_hide_a_revocation(root: CA) -> None:
    """Two certificates for the key of one CA; the path leads through the one that must not sign lists."""
    issuing = CA.create("Issuing")
    private = loaded(issuing.secret)
    mute = _issue(_Request(name="Issuing", private=private, is_ca=True, extra=(_ISSUING_ONLY,)), root.secret).key
    key, other = issuing.issue(ADDRESS).key, issuing.issue(ADDRESS).key
    name = issuing.certificate.subject
    assert name is not None

    def states(*known: Key) -> list[RevocationState]:
        data = [(name, crl(issuing, Listed(entries=[entry(key, HARD)]))), root.crl(at=NOW - DAY)]
        store = MemoryKeyStore(keys=[mute, *known], revocations=data)
        return [judge_path(one, (), store, [root.anchor], Policy(), NOW).revocation for one in (key, other)]

    assert states() == [UNKNOWN, UNKNOWN]
    assert states(issuing.certificate) == [REVOKED, UNKNOWN]


_ISSUING_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@pytest.mark.mission("B14")
def test_impostors_in_the_mail_do_not_hide_the_key_that_signs_the_lists(root: CA, first: CA, renewed: CA) -> None:
    key = first.issue(ADDRESS).key
    impostors = [CA.create("Issuing").certificate for _ in range(40)]
    assert first.certificate.subject is not None
    data = [(first.certificate.subject, crl(renewed, Listed(entries=[entry(key, HARD)])))]
    store = MemoryKeyStore(keys=[first.certificate, renewed.certificate], revocations=data)

    facts = judge_path(key, impostors, store, [root.anchor], Policy(), NOW)

    assert facts.findings == {Finding.REVOKED_HARD}
