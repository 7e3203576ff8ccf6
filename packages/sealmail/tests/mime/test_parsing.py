"""The part tree: exact byte ranges, whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.errors import UsageError
from sealmail.mime import Defect, Limits, Part, canonical_line_ends, parse

NESTED = (
    b"Subject: x\n"
    b'Content-Type: multipart/mixed; boundary="outer"\n'
    b"\n"
    b"preamble\n"
    b"--outer\n"
    b"Content-Type: multipart/alternative; boundary=inner\n"
    b"\n"
    b"--inner\n"
    b"\n"
    b"plain\n"
    b"--inner  \n"
    b"Content-Type: text/html\n"
    b"\n"
    b"<p>html\n"
    b"--inner--\n"
    b"\n"
    b"--outer\n"
    b"Content-Type: message/rfc822\n"
    b"\n"
    b"Subject: inside\n"
    b"\n"
    b"words\n"
    b"\n"
    b"--outer--\n"
    b"epilogue\n"
)
TREE = [
    ("multipart/mixed", NESTED),
    (
        "multipart/alternative",
        (
            b"Content-Type: multipart/alternative; boundary=inner\n\n--inner\n\nplain\n--inner  \n"
            b"Content-Type: text/html\n\n<p>html\n--inner--\n"
        ),
    ),
    ("text/plain", b"\nplain"),
    ("text/html", b"Content-Type: text/html\n\n<p>html"),
    ("message/rfc822", b"Content-Type: message/rfc822\n\nSubject: inside\n\nwords\n"),
    ("text/plain", b"Subject: inside\n\nwords\n"),
]
LINES = st.lists(
    st.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=a",
            b"Content-Type: multipart/digest; boundary=b",
            b'Content-Type: multipart/signed; boundary="a"',
            b"Content-Type: message/rfc822",
            b"Content-Transfer-Encoding: base64",
            b"Subject: x",
            b" folded",
            b"--a",
            b"--a--",
            b"--b",
            b"--b--",
            b"--",
            b"",
            b"text",
            b"From x",
        ]
    ),
    max_size=25,
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\r", b" \r\n"])


def assert_consistent(raw: bytes, root: Part) -> None:
    for part in root.walk():
        assert raw[part.start : part.end] == part.entity
        assert part.start <= part.body_start <= part.preamble_end <= part.end
        assert part.body_start <= part.epilogue_start <= part.end
        last = part.start
        for child in part.children:
            assert last <= child.start <= child.end <= part.end
            last = child.end
        assert isinstance(part.decoded(), bytes)
        assert "" not in {part.filename, part.content_id, part.disposition}


@given(st.binary(max_size=400))
def test_parse_never_raises_on_any_bytes(raw):
    assert_consistent(raw, parse(raw))


@given(st.lists(st.tuples(LINES, ENDS), max_size=3))
def test_parse_nests_slices_whatever_the_structure(blocks):
    raw = b"".join(end.join([*lines, b""]) for lines, end in blocks)

    assert_consistent(raw, parse(raw))


@given(LINES, st.integers(1, 4), st.integers(1, 6), st.integers(1, 120), st.integers(1, 60), st.integers(1, 5))
def test_parse_keeps_within_limits(lines, depth, parts, size, header_bytes, fields):
    raw = b"\n".join(lines)
    limits = Limits(max_depth=depth, max_parts=parts, max_bytes=size, max_header_bytes=header_bytes, max_fields=fields)

    root = parse(raw, limits)

    assert_consistent(raw, root)
    found = list(root.walk())
    assert len(found) <= parts
    assert sum(len(part.headers) for part in found) <= fields
    assert root.end <= size


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_parse_gives_exact_entities_for_every_line_end(end):
    raw = NESTED.replace(b"\n", end)

    root = parse(raw)

    found = [(part.content_type, part.entity) for part in root.walk()]
    assert found == [(kind, entity.replace(b"\n", end)) for kind, entity in TREE]
    assert root.preamble == b"preamble"
    assert root.epilogue == b"epilogue" + end
    assert [part.defects for part in root.walk()] == [()] * 6


def test_parse_takes_mixed_line_ends():
    raw = b"Content-Type: multipart/mixed; boundary=a\r\n\n--a\n\r\none\r\n--a\r\n\ntwo\n--a--"

    assert [part.body for part in parse(raw).children] == [b"one", b"two"]


@pytest.mark.mission("B14")
def test_parse_takes_a_lone_carriage_return_for_content_beside_line_feeds():
    raw = b"Subject: x\rFrom: mallory@evil.example\r\nFrom: carol@example.org\r\n\r\n"

    assert parse(raw).headers.all("from") == ["carol@example.org"]


@pytest.mark.parametrize(
    ("raw", "types", "defects"),
    [
        (b"", ["text/plain"], {}),
        (b"Subject: x", ["text/plain"], {}),
        (b"no header here\nat all", ["text/plain"], {0: [Defect.NO_HEADERS]}),
        (b"A: b\nno colon\n\nbody", ["text/plain"], {0: [Defect.HEADERS_UNENDED]}),
        (b"Content-Type: nonsense\n\nx", ["text/plain"], {0: [Defect.BAD_CONTENT_TYPE]}),
        (b"Content-Type: a/b\nContent-Type: c/d\n\nx", ["a/b"], {0: [Defect.REPEATED_CONTENT_TYPE]}),
        (b"Content-Type: multipart/mixed\n\n--x\n\ny", ["text/plain"], {0: [Defect.NO_BOUNDARY]}),
        (b'Content-Type: multipart/mixed; boundary=" "\n\n--\n\ny', ["text/plain"], {0: [Defect.NO_BOUNDARY]}),
        (
            b"Content-Type: multipart/mixed; boundary=x\n\ny",
            ["multipart/mixed"],
            {0: [Defect.UNCLOSED_MULTIPART, Defect.BOUNDARY_NOT_FOUND]},
        ),
        (
            b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\ny",
            ["multipart/mixed", "text/plain"],
            {0: [Defect.UNCLOSED_MULTIPART]},
        ),
        (b"Content-Transfer-Encoding: x-uue\n\nx", ["text/plain"], {0: [Defect.UNKNOWN_ENCODING]}),
        (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYg==",
            ["message/rfc822"],
            {0: [Defect.ENCODED_CONTAINER]},
        ),
        (
            b"Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: a\n--x--",
            ["multipart/digest", "message/rfc822", "text/plain"],
            {},
        ),
        (b"From carol Mon Jan  1 00:00:00 2024\nSubject: x\n\ny", ["text/plain"], {}),
    ],
)
def test_parse_names_what_is_wrong(raw, types, defects):
    parts = list(parse(raw).walk())

    assert [part.content_type for part in parts] == types
    assert [list(part.defects) for part in parts] == [defects.get(index, []) for index in range(len(parts))]


def test_parse_ends_inner_multiparts_at_an_outer_delimiter():
    raw = (
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
        b"--i\n\none\n--o\n\ntwo\n--i\n--o--\n"
    )

    root = parse(raw)

    assert [part.body for part in root.walk() if not part.children] == [b"one", b"two\n--i"]
    assert [part.content_type for part in root.children] == ["multipart/mixed", "text/plain"]


def test_parse_ignores_lines_that_only_begin_like_a_delimiter():
    raw = b"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--ab\n --a\n---a\n--a--\n"

    assert [part.body for part in parse(raw).children] == [b"one\n--ab\n --a\n---a"]


def test_parse_takes_the_line_end_before_a_delimiter_for_the_delimiter():
    raw = b"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nA: b\r\n\r\n\r\n\r\n--a\r\nC: d\r\n--a--\r\n"

    assert [part.entity for part in parse(raw).children] == [b"A: b\r\n\r\n\r\n", b"C: d"]


def test_parse_gives_empty_parts_no_bytes():
    raw = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\n\r\n--a\r\n\r\n\r\n--a--"

    # The blank line of the second one is the line end of the delimiter (RFC 2046 §5.1.1).
    assert [part.entity for part in parse(raw).children] == [b"", b"", b"\r\n"]


def test_parse_cuts_at_depth():
    raw = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(500)) + b"\nhi"

    parts = list(parse(raw).walk())

    assert len(parts) == 51
    assert Defect.TOO_DEEP in parts[-1].defects


def test_parse_cuts_wrapped_messages_at_depth():
    parts = list(parse(b"Content-Type: message/rfc822\n\n" * 500).walk())

    assert len(parts) == 51
    assert parts[-1].defects == (Defect.TOO_DEEP,)


def test_parse_cuts_at_parts_and_keeps_the_rest_as_epilogue():
    raw = b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 5 + b"--a--\n"

    root = parse(raw, Limits(max_parts=3))

    assert [part.body for part in root.children] == [b"x", b"x"]
    assert root.defects == (Defect.TOO_MANY_PARTS,)
    assert root.epilogue == b"--a\n\nx\n" * 3 + b"--a--\n"


def test_parse_cuts_at_bytes():
    root = parse(b"A: b\n\n" + b"x" * 100, Limits(max_bytes=50))

    assert root.end == 50
    assert root.defects == (Defect.TOO_LARGE,)


def test_parse_cuts_headers_and_finds_the_body():
    root = parse(b"A: b\n" * 100 + b"\nbody", Limits(max_header_bytes=50))

    assert len(root.headers) == 10
    assert root.defects == (Defect.HEADERS_TOO_LARGE,)
    assert root.body == b"body"


@pytest.mark.parametrize("wrong", [{"max_depth": 0}, {"max_parts": -1}, {"max_depth": 10_000}])
def test_limits_make_sense(wrong):
    with pytest.raises(UsageError):
        Limits(**wrong)


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n" * 1_000_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--y\n" * 500_000,
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"-" * 10_000_000,
        b"a:\n" * 2_000_000,
        b"a:" + b"\n b" * 2_000_000,
        b"Content-Type: a/b;" + b"x=b " * 200_000,
        b"Content-Type: a/b; x=b" + b" " * 900_000 + b"y",
        b"Content-Type: a/b; " + b'x="' * 300_000,
        b"Content-Type: " + b"(" * 900_000,
    ],
    ids=["delimiters", "near-delimiters", "dashes", "fields", "folds", "params", "spaces", "quotes", "comments"],
)
def test_parse_ends_on_hostile_input(raw):
    # A parser that takes quadratic time would not end here within the patience of anybody.
    assert parse(raw).end == len(raw)


def test_parse_takes_a_25_mb_mail():
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU2Nzg5QUJDREVGR0hJSktMTU5PUFFSU1RV\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x\r\n"
    raw += b"Content-Transfer-Encoding: base64\r\n\r\n" + line * 320_000 + b"--x--\r\n"

    root = parse(raw)

    assert len(root.children[1].decoded()) == 57 * 320_000


def test_part_keeps_content_out_of_its_repr():
    assert "secret" not in repr(parse(b"Subject: secret\nContent-Type: text/plain; x=secret\n\nsecret"))


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"--"]), max_size=30).map(b"".join))
def test_canonical_line_ends_is_idempotent_and_leaves_no_bare_line_feed(data):
    canonical = canonical_line_ends(data)

    assert canonical_line_ends(canonical) == canonical
    assert canonical.count(b"\n") == canonical.count(b"\r\n")
    assert canonical.replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n")


def test_canonical_line_ends_copies_nothing_that_is_canonical():
    data = b"a\r\nb\r\n"

    assert canonical_line_ends(data) is data
    assert canonical_line_ends(b"a\rb\r") == b"a\r\nb\r\n"
    assert canonical_line_ends(b"a\rb\n") == b"a\rb\r\n"
