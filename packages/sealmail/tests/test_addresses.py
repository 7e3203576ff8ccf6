"""Addresses: strict where they decide who somebody is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.addresses import AddressDefect, Mailbox, canonical, one_from, parse_list, same

ADDRESS_LIKE = st.text(alphabet='aAbB.@"\\ ()<>,;:[]-_=?\x00\té\u212aßx0ñ', max_size=24)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.example", "a@b.example"),
        ("Carol.Smith@Example.ORG", "carol.smith@example.org"),
        ('"carol"@example.org', "carol@example.org"),
        ('"ca\\rol"@example.org', "carol@example.org"),
        ('"a,b"@example.org', '"a,b"@example.org'),
        ('"A..B"@example.org', '"a..b"@example.org'),
        ("m\u00fcller@example.org", "m\u00fcller@example.org"),
        ("mu\u0308ller@example.org", "m\u00fcller@example.org"),
        ("a@B\u00fccher.example", "a@xn--bcher-kva.example"),
        ("a@XN--bcher-KVA.example", "a@xn--bcher-kva.example"),
        ("a@stra\u00dfe.example", "a@xn--strae-oqa.example"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@[IPv6:2001:DB8:0::1]", "a@[ipv6:2001:db8::1]"),
        ("o'neil+tag/x=y@example.org", "o'neil+tag/x=y@example.org"),
    ],
)
def test_canonical_brings_one_address_to_one_form(text, expected):
    assert canonical(text) == expected
    assert canonical(expected) == expected


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b",
        "a",
        "a@b@c",
        '"a@b"@c',
        "a..b@c",
        ".a@c",
        "a.@c",
        "a@c.",
        "a@.c",
        "a@b..c",
        "a@-b.c",
        "a@b-.c",
        " a@b",
        "a@b ",
        "a @b",
        '"a b"@c',
        "a@b\r\n",
        "a\x00@b",
        "a@b\x00.evil.example",
        "a@b\x7f",
        "a\u00a0@b",
        "a\u200b@b",
        "a\u202e@b",
        "<a@b>",
        "A <a@b>",
        "a@b,c@d",
        "(x)a@b",
        "a@xn--a",
        "a@xn--zzzzzz-",
        "a@\uff45xample.org",
        "\u212aate@example.org",
        "a@\u212aate.example",
        "a@ex\u3002ample",
        "a@[300.0.0.1]",
        "a@[192.0.2.1",
        "a@" + "b" * 64 + ".example",
        "a@" + "b." * 130 + "c",
        "a" * 300 + "@b",
        '""@b',
        '"a@b',
        "a@b/c",
        "a@b:25",
    ],
)
def test_canonical_refuses_what_is_not_exactly_one_address(text):
    assert canonical(text) is None
    assert not same(text, text)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "other",
    [
        "c\u0430rol@example.org",  # a Cyrillic letter
        "carol@ex\u0430mple.org",
        "carol@example.org.evil.example",
        "carol@example.orq",
        "carol+x@example.org",
        "caro1@example.org",
        "c\u00e0rol@example.org",
    ],
)
def test_same_keeps_look_alikes_apart(other):
    assert not same("carol@example.org", other)


@given(ADDRESS_LIKE, ADDRESS_LIKE)
def test_same_is_symmetric(a, b):
    assert same(a, b) == same(b, a)


@given(ADDRESS_LIKE | st.text(max_size=40))
def test_canonical_is_stable(text):
    form = canonical(text)

    assert form is None or canonical(form) == form


@given(st.text(max_size=200) | ADDRESS_LIKE)
def test_parse_list_gives_only_canonical_addresses(text):
    for mailbox in parse_list(text).mailboxes:
        assert canonical(mailbox.address) == mailbox.address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("carol@example.org", [Mailbox("", "carol@example.org")]),
        ("Carol <Carol@Example.org>", [Mailbox("Carol", "carol@example.org")]),
        ('"Smith, Carol" <c@x>, d@y', [Mailbox("Smith, Carol", "c@x"), Mailbox("", "d@y")]),
        ("c@x (Carol)", [Mailbox("Carol", "c@x")]),
        ("Pete(A (nice \\) chap)) <pete(his account)@silly.test(his host)>", [Mailbox("Pete", "pete@silly.test")]),
        ("Friends: a@x, B <b@y>;, c@z", [Mailbox("", "a@x"), Mailbox("B", "b@y"), Mailbox("", "c@z")]),
        ("undisclosed-recipients:;", []),
        ("Mary <@node.test,@b.test:mary@example.net>", [Mailbox("Mary", "mary@example.net")]),
        ("=?utf-8?q?J=C3=B6rg?= <j@x>", [Mailbox("J\u00f6rg", "j@x")]),
        ("=?utf-8?q?a?= =?utf-8?q?b?= <j@x>", [Mailbox("ab", "j@x")]),
        ("a@x; b@y", [Mailbox("", "a@x"), Mailbox("", "b@y")]),
        ("a@x,,b@y", [Mailbox("", "a@x"), Mailbox("", "b@y")]),
        ("Carol\r\n Smith <c@x>", [Mailbox("Carol Smith", "c@x")]),
        ("", []),
    ],
)
def test_parse_list_reads_what_rfc_5322_allows(value, expected):
    listed = parse_list(value)

    assert list(listed.mailboxes) == expected
    assert listed.defects == ()


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('"ceo@bank.example" <mallory@evil.example>', "ceo@bank.example"),
        ('"<ceo@bank.example>" <mallory@evil.example>', "<ceo@bank.example>"),
        ("ceo@bank.example <mallory@evil.example>", "ceo@bank.example"),
        ("=?utf-8?q?ceo=40bank.example_=3Cceo=40bank.example=3E=2C?= <mallory@evil.example>", None),
        ("=?utf-8?q?,ceo@bank.example,?= <mallory@evil.example>", ",ceo@bank.example,"),
        ("(<ceo@bank.example>,) <mallory@evil.example>", "<ceo@bank.example>,"),
        ('"ceo@bank.example,\\"" <mallory@evil.example>', 'ceo@bank.example,"'),
        ("Boss\x00\u202e <mallory@evil.example>", "Boss"),
    ],
)
def test_parse_list_never_takes_an_address_from_a_name(value, name):
    mailboxes = parse_list(value).mailboxes

    assert [mailbox.address for mailbox in mailboxes] == ["mallory@evil.example"]
    assert name is None or mailboxes[0].name == name


@pytest.mark.parametrize(
    ("value", "defects"),
    [
        ("<a@x> <b@y>", [AddressDefect.UNREADABLE]),
        ("<a@x, b@y>", [AddressDefect.UNREADABLE, AddressDefect.UNREADABLE]),
        ('"Carol <a@x>', [AddressDefect.UNCLOSED, AddressDefect.UNREADABLE]),
        ("(a@x", [AddressDefect.UNCLOSED, AddressDefect.UNREADABLE]),
        ("a b@x", [AddressDefect.UNREADABLE]),
        ("a@x .evil.example", [AddressDefect.UNREADABLE]),
        ("<a@x\x00>", [AddressDefect.UNREADABLE]),
        ("<a@x> b@y", [AddressDefect.UNREADABLE]),
        ("nobody", [AddressDefect.UNREADABLE]),
    ],
)
def test_parse_list_gives_no_address_where_programs_disagree(value, defects):
    listed = parse_list(value)

    assert listed.mailboxes == ()
    assert list(listed.defects) == defects


NAMES = st.sampled_from(
    ["", "Carol ", "Carol O'Neil ", '"Neil, Carol" ', '"" ', "C. ", "=?utf-8?q?C?= ", "a  b ", '"a\\"b" ']
)
SPECS = st.text(alphabet="aB.-_+@1é=?", max_size=14) | st.sampled_from(["Carol@Example.ORG", "a@xn--x.d", "a@b_c.d"])


@given(NAMES, SPECS, st.booleans())
def test_parse_list_reads_a_usual_mailbox_like_one_with_an_empty_comment(name, spec, is_in_brackets):
    value = f"{name}<{spec}>" if is_in_brackets else spec

    assert parse_list(value) == parse_list(value + " ()")


def test_parse_list_names_groups():
    listed = parse_list("Friends: a@x; Others: b@y")

    assert listed.groups == ("Friends", "Others")
    assert listed.defects == (AddressDefect.GROUP,)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a@x", "a@x"],
        ["a@x", ""],
        ["a@x, b@y"],
        ["a@x, a@x"],
        ["Friends: a@x;"],
        ["a@x, broken"],
        ["broken"],
        ['a@x, "'],
        ["<a@x> <b@y>"],
        ["<a@x>>"],
    ],
)
def test_one_from_names_nobody_where_the_author_is_not_certain(values):
    assert one_from(values) is None


def test_one_from_names_the_only_author():
    assert one_from(["Carol <Carol@Example.org>"]) == Mailbox("Carol", "carol@example.org")


@pytest.mark.parametrize(
    "value",
    [
        "<" * 100_000,
        '"' * 100_001,
        "(" * 100_000,
        "<@" + "a," * 50_000,
        "=?a?q?x " * 20_000,
        ":" * 100_000,
        "\\" * 100_000,
    ],
)
def test_parse_list_ends_on_hostile_values(value):
    # A parser that takes quadratic time would not end here within the patience of anybody.
    assert parse_list(value).mailboxes == ()


# Where our answer differs from stalwart's on purpose: it keeps comments beside names, names that are no mailboxes,
# white space in addresses, and what stands after the end of the header.
STRICTER = ("(", "http:", "mailto:", "ftp:", "@test  . example", "invalid@address")


@pytest.mark.vectors
def test_parse_list_agrees_with_stalwart(vectors):
    cases = json.loads((vectors / "mime/stalwart-mail-parser/resources/address.json").read_text())
    compared = 0
    for case in cases:
        if any(mark in case["header"] for mark in STRICTER):
            continue
        found = case["expected"]
        boxes = found.get("List") or [box for group in found["Group"] for box in group["addresses"]]
        expected = [Mailbox(" ".join((box["name"] or "").split()), canonical(box["address"])) for box in boxes]

        assert list(parse_list(case["header"].split("\n\n")[0]).mailboxes) == expected
        compared += 1
    assert compared > 30
