"""For which names a CA may speak."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import ber
from sealmail.keys import Anchor, Key
from sealmail.report import Finding
from sealmail.testing import CA

from .conftest import ADDRESS, judged, reissued, sub_ca

WRONG = {Finding.WRONG_USAGE}


@pytest.mark.parametrize("of_anchor", [False, True], ids=["of an intermediate", "of the anchor"])
@pytest.mark.parametrize(
    ("permitted", "excluded", "findings"),
    [
        (["customer.example"], None, set()),
        ([ADDRESS], None, set()),
        (["other.example"], None, {Finding.WRONG_USAGE}),
        (None, ["customer.example"], {Finding.WRONG_USAGE}),
        (None, ["other.example"], set()),
    ],
)
def test_name_constraints_hold(
    root: CA,
    permitted: list[str] | None,
    excluded: list[str] | None,
    findings: set[Finding],
    of_anchor: bool,
) -> None:
    def trees(names: list[str] | None) -> list[x509.GeneralName] | None:
        return [x509.RFC822Name(name) for name in names] if names else None

    limited = sub_ca(root, "Limited", x509.NameConstraints(trees(permitted), trees(excluded)))
    leaf = limited.issue(ADDRESS).key

    facts = judged(leaf, limited if of_anchor else root, included=[limited.certificate])

    assert facts.findings == findings
    assert facts.vouches_for(ADDRESS) is (not findings)


def rfc822(*names: str) -> list[x509.GeneralName] | None:
    """Mail names as they stand in a certificate, whatever is in them."""
    return [x509.RFC822Name._init_without_validation(name) for name in names] or None


def utf8(text: str | bytes, tag: int = 0x0C) -> x509.OtherName:
    content = text.encode() if isinstance(text, str) else text
    return x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), ber.header(tag, len(content)) + content)


def limited(root: CA, permitted: Sequence[str] = (), excluded: Sequence[str] = ()) -> CA:
    constraints = x509.NameConstraints(rfc822(*permitted), rfc822(*excluded)) if permitted or excluded else None
    return sub_ca(root, "Limited", *([constraints] if constraints else []))


def named(authority: CA, *names: x509.GeneralName) -> Key:
    return authority.issue(None, extra=[x509.SubjectAlternativeName(names)]).key


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    ("base", "address", "is_inside"),
    [
        # a mailbox
        ("carol@customer.example", "carol@customer.example", True),
        ("Carol@Customer.example", "carol@customer.example", True),
        ("carol@customer.example", "dave@customer.example", False),
        ("carol@customer.example", "carol@sub.customer.example", False),
        # a host
        ("customer.example", "carol@customer.example", True),
        ("CUSTOMER.example", "carol@customer.EXAMPLE", True),
        ("customer.example", "carol@sub.customer.example", False),
        ("customer.example", "carol@evilcustomer.example", False),
        ("customer.example", "carol@customer.example.attacker.example", False),
        # a domain
        (".customer.example", "carol@sub.customer.example", True),
        (".customer.example", "carol@deep.sub.customer.example", True),
        (".customer.example", "carol@customer.example", False),
        (".customer.example", "carol@evilcustomer.example", False),
        # IDNA 2008, in A-labels
        ("xn--bcher-kva.example", "carol@xn--bcher-kva.example", True),
        (".xn--bcher-kva.example", "carol@post.xn--bcher-kva.example", True),
        ("xn--fuball-cta.example", "carol@xn--fuball-cta.example", True),
        ("xn--fuball-cta.example", "carol@fussball.example", False),
        ("carol@xn--bcher-kva.example", "carol@xn--bcher-kva.example", True),
    ],
)
def test_constraint_permits_and_excludes_exactly_what_is_inside(
    root: CA, base: str, address: str, is_inside: bool
) -> None:
    name = x509.RFC822Name._init_without_validation(address)
    permitting, excluding = limited(root, permitted=[base]), limited(root, excluded=[base])

    permitted = judged(named(permitting, name), root, included=[permitting.certificate]).findings
    excluded = judged(named(excluding, name), root, included=[excluding.certificate]).findings

    assert (permitted, excluded) == ((set(), WRONG) if is_inside else (WRONG, set()))


@pytest.mark.parametrize("base", ["", "@", ".", "@customer.example", "two@at@customer.example", "customer .example"])
def test_constraint_that_cannot_be_read_permits_nobody_and_excludes_everybody(root: CA, base: str) -> None:
    for authority in (limited(root, permitted=[base]), limited(root, excluded=[base])):
        leaf = authority.issue(ADDRESS).key
        assert judged(leaf, root, included=[authority.certificate]).findings == WRONG


def test_excluded_beats_permitted(root: CA) -> None:
    authority = limited(root, permitted=["customer.example"], excluded=[ADDRESS])

    assert judged(authority.issue(ADDRESS).key, root, included=[authority.certificate]).findings == WRONG
    other = authority.issue("dave@customer.example").key
    assert judged(other, root, included=[authority.certificate]).findings == frozenset()


def test_constraints_of_all_cas_above_hold_together(root: CA) -> None:
    upper = sub_ca(root, "Upper", x509.NameConstraints(rfc822("a.example", "b.example"), None))
    lower = sub_ca(upper, "Lower", x509.NameConstraints(rfc822("b.example", "c.example"), None))
    between = [upper.certificate, lower.certificate]

    found = {host: judged(lower.issue(f"x@{host}").key, root, included=between).findings for host in HOSTS}

    assert found == {"a.example": WRONG, "b.example": set(), "c.example": WRONG}


HOSTS = ("a.example", "b.example", "c.example")


@pytest.mark.mission("B14")
def test_ca_for_one_domain_does_not_speak_for_another(root: CA) -> None:
    """Neither by its constraints nor by what an administrator allowed it."""
    authority = limited(root, permitted=["a.example"])
    leaf = authority.issue("user@b.example").key
    allowed = Anchor(key=root.certificate, domains=("a.example",))

    facts = judged(leaf, root, included=[authority.certificate])
    by_domains = judged(root.issue("user@b.example").key, allowed)

    assert (facts.findings, facts.vouches_for("user@b.example")) == (WRONG, False)
    assert (by_domains.findings, by_domains.vouches_for("user@b.example")) == (frozenset(), False)


def test_every_address_of_a_certificate_must_be_allowed(root: CA) -> None:
    authority = limited(root, permitted=["customer.example"])
    leaf = named(authority, *(rfc822(ADDRESS, "carol@other.example") or ()))

    facts = judged(leaf, root, included=[authority.certificate])

    assert (facts.findings, facts.vouches_for(ADDRESS)) == (WRONG, False)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "bad", ["x@y.example\0@customer.example", "two@at@customer.example", "nobody", "a b@customer.example"]
)
def test_name_that_cannot_be_read_never_binds_and_breaks_constraints(root: CA, bad: str) -> None:
    """Without constraints the good name beside it counts; with them nobody can say that the bad one is allowed."""
    authority = limited(root, permitted=["customer.example"])
    names = rfc822(ADDRESS, bad) or ()

    free, bound = named(root, *names), named(authority, *names)

    assert free.addresses == bound.addresses == (ADDRESS,)
    assert judged(free, root).vouches_for(ADDRESS)
    assert judged(bound, root, included=[authority.certificate]).findings == WRONG


@pytest.mark.mission("B14")
def test_address_in_the_subject_never_binds_and_must_be_allowed(root: CA) -> None:
    authority = limited(root, permitted=["customer.example"])

    def subject_of(address: str) -> Key:
        subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)]).public_bytes()

        def change(body: asn1.TbsCertificate) -> None:
            body["subject"] = asn1.Name.load(subject)

        return reissued(authority.issue(None).key, authority, change)

    inside = judged(subject_of(ADDRESS), root, included=[authority.certificate])
    outside = judged(subject_of("carol@other.example"), root, included=[authority.certificate])

    assert (inside.findings, inside.vouches_for(ADDRESS)) == (frozenset(), False)
    assert outside.findings == WRONG


def test_ca_that_renews_its_own_key_is_not_held_to_its_own_limits(root: CA) -> None:
    """RFC 5280 §6.1.3 (b): unless it is the signer itself."""
    authority = limited(root, permitted=["customer.example"])
    elsewhere = x509.SubjectAlternativeName([x509.RFC822Name("ca@other.example")])
    renewed = sub_ca(authority, "Limited", elsewhere)
    other = sub_ca(authority, "Another", elsewhere)

    def found(one: CA) -> frozenset[Finding]:
        included = [one.certificate, authority.certificate]
        return judged(one.issue(ADDRESS).key, root, included=included).findings

    assert (found(renewed), found(other)) == (frozenset(), WRONG)
    assert judged(renewed.certificate, root, included=[authority.certificate]).findings == WRONG


def directory(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])


@pytest.mark.parametrize(
    ("permitted", "excluded", "findings"),
    [
        ("Customer Ltd", None, set()),
        ("customer  LTD", None, set()),
        ("Other Ltd", None, WRONG),
        (None, "Customer Ltd", WRONG),
        (None, "Other Ltd", set()),
        ("Customer Ltd", "Customer Ltd", WRONG),
    ],
)
def test_constraints_on_the_subject_hold(
    root: CA, permitted: str | None, excluded: str | None, findings: set[Finding]
) -> None:
    sides = [[x509.DirectoryName(directory(name))] if name else None for name in (permitted, excluded)]
    authority = sub_ca(root, "Registrar", x509.NameConstraints(*sides))
    subject = x509.Name([*directory("Customer Ltd"), x509.NameAttribute(NameOID.COMMON_NAME, "Carol")]).public_bytes()

    def change(body: asn1.TbsCertificate) -> None:
        body["subject"] = asn1.Name.load(subject)

    leaf = reissued(authority.issue(ADDRESS).key, authority, change)

    assert judged(leaf, root, included=[authority.certificate]).findings == findings


def test_constraints_on_other_kinds_of_names_leave_mail_alone(root: CA) -> None:
    """As CAs for mail really write them: no hosts, no network addresses, certain mail only."""
    networks = [x509.IPAddress(ipaddress.ip_network(net)) for net in ("0.0.0.0/0", "::/0")]
    constraints = x509.NameConstraints(rfc822("customer.example"), [x509.DNSName(""), *networks])
    authority = sub_ca(root, "Usual", constraints)

    assert judged(authority.issue(ADDRESS).key, root, included=[authority.certificate]).findings == frozenset()


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    ("permitted", "excluded", "name", "findings"),
    [
        ([], [], "düsi@customer.example", set()),
        (["customer.example"], [], "düsi@customer.example", set()),
        (["customer.example"], [], "düsi@other.example", WRONG),
        ([".customer.example"], [], "düsi@post.customer.example", set()),
        ([".customer.example"], [], "düsi@customer.example", WRONG),
        (["xn--bcher-kva.example"], [], "düsi@xn--bcher-kva.example", set()),
        (["xn--bcher-kva.example"], [], "düsi@bücher.example", set()),
        (["customer.example"], [], "düsi@bücher.example", WRONG),
        ([], ["xn--bcher-kva.example"], "düsi@bücher.example", WRONG),
        ([], ["customer.example"], "düsi@customer.example", WRONG),
        ([], ["other.example"], "düsi@customer.example", set()),
        # RFC 9598 §6: only the domain of a mailbox is compared; permitting so much would be too much.
        ([ADDRESS], [], "düsi@customer.example", WRONG),
        ([], [ADDRESS], "düsi@customer.example", WRONG),
    ],
)
def test_constraints_hold_for_names_outside_of_ascii(
    root: CA, permitted: list[str], excluded: list[str], name: str, findings: set[Finding]
) -> None:
    authority = limited(root, permitted, excluded)
    leaf = named(authority, utf8(name))
    canonical_name = name.replace("bücher", "xn--bcher-kva")

    facts = judged(leaf, root, included=[authority.certificate])
    itself = judged(leaf, authority)

    assert leaf.addresses == (canonical_name,)
    assert (facts.findings, facts.vouches_for(canonical_name)) == (findings, not findings)
    assert itself.findings == findings


@pytest.mark.mission("B14")
def test_ascii_address_in_the_place_for_others_never_binds(root: CA) -> None:
    authority = limited(root, permitted=["a.example"])
    leaf = named(authority, utf8("user@b.example"), *(rfc822("user@a.example") or ()))

    facts = judged(leaf, root, included=[authority.certificate])

    assert leaf.addresses == ("user@a.example",)
    assert (facts.findings, facts.vouches_for("user@b.example")) == (WRONG, False)


LABELS = st.sampled_from(["a", "b", "evil", "xn--bcher-kva", "example"])
NAMES = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}",
    st.sampled_from(["x", "y", "ü"]),
    st.lists(LABELS, min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(name=NAMES, labels=st.lists(LABELS, min_size=1, max_size=2), dot=st.sampled_from(["", "."]))
def test_no_name_is_both_permitted_and_excluded_by_one_constraint(name: str, labels: list[str], dot: str) -> None:
    root = ROOT
    base = dot + ".".join(labels)
    entry = utf8(name) if not name.isascii() else x509.RFC822Name(name)
    outcomes = []
    for authority in (limited(root, permitted=[base]), limited(root, excluded=[base])):
        facts = judged(named(authority, entry), root, included=[authority.certificate])
        outcomes.append(facts.findings == frozenset())

    assert outcomes[0] is not outcomes[1]


ROOT = CA.create("Property Root")
