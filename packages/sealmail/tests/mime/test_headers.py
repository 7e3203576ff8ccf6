"""Header fields, parameters and encoded words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.mime import Headers, parse
from sealmail.mime.headers import structured
from sealmail.mime.transfer import TransferEncoding, decode, encode_base64, encode_quoted_printable, transfer_encoding
from sealmail.words import decode_bytes, decode_words, encode_words


def test_headers_are_found_without_case_and_in_order():
    headers = parse(b"Received: a\r\nSubject: x\r\nreceived:b\r\n\r\n").headers

    assert headers.all("RECEIVED") == ["a", "b"]
    assert headers.first("received") == "a"
    assert headers.first("to") is None
    assert [field.name for field in headers] == ["Received", "Subject", "received"]
    assert headers.has("subject")
    assert [field.name for field in headers.without("received")] == ["Subject"]
    assert [field.name for field in headers.without("rec*")] == ["Subject"]


def test_headers_are_unfolded_and_decoded():
    headers = parse(b"Subject: =?utf-8?q?J=C3=B6rg?=\r\n =?utf-8?q?_geht?=\r\n\theim \r\nX:\ty\r\n z\r\n\r\n").headers

    assert headers.text("subject") == "J\u00f6rg geht heim"
    assert headers.first("subject") == "=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_geht?= heim"
    assert headers.first("x") == "y z"


def test_headers_keep_values_out_of_their_repr():
    assert repr(parse(b"Subject: secret\n\n").headers) == "Headers(['Subject'])"


def test_headers_compare_by_fields():
    assert parse(b"A: b\n\nx").headers == parse(b"A: b\n\ny").headers
    assert Headers() != parse(b"A: b\n\n").headers


@pytest.mark.parametrize(
    ("text", "value", "params"),
    [
        ("text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),
        ('Text/HTML;CHARSET="utf-8"', "text/html", {"charset": "utf-8"}),
        ("(a) text (b) / (c) plain (d)", "text/plain", {}),
        ('a/b; name="x\\"y"; n=c:\\temp', "a/b", {"name": 'x"y', "n": "c:\\temp"}),
        ('a/b; name="c:\\temp\\x.txt"', "a/b", {"name": "c:\\temp\\x.txt"}),
        ("attachment; filename=my file (1).pdf; size=3", "attachment", {"filename": "my file (1).pdf", "size": "3"}),
        ("a/b; x=1; x=2", "a/b", {"x": "1"}),
        ('a/b; x="unclosed', "a/b", {"x": "unclosed"}),
        ("a/b; x*=utf-8'en'%C3%B6%20y", "a/b", {"x": "\u00f6 y"}),
        ("a/b; x*1*=%B6z; x*0*=utf-8''%C3; x*2=\"w%20\"", "a/b", {"x": "\u00f6zw%20"}),
        ("a/b; name=plain; name*=utf-8''%C3%B6", "a/b", {"name": "\u00f6"}),
        ('a/b; name="=?utf-8?q?=C3=B6?="; boundary="=?utf-8?q?=C3=B6?="', "a/b",
         {"name": "\u00f6", "boundary": "=?utf-8?q?=C3=B6?="}),
        ("a/b; ;;= ;x", "a/b", {}),
        ("a/b c=d", "a/b", {"c": "d"}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_structured_reads_parameters(text, value, params):
    found = structured(text)

    assert (found.value, found.params) == (value, params)


@given(st.text(alphabet="ab/;=\"\\*'%01 ()?\r\n\x00\u00e9", max_size=60))
def test_structured_never_raises(text):
    structured(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=?iso-8859-1?q?this=20is=20some=20text?=", "this is some text"),
        ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?= x =?ISO-8859-1?Q?b?=", "a x b"),
        ("=?utf-8?B?ww==?= =?utf-8?B?tg?=", "\u00f6"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "\u00f6"),
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        ("=?utf-8?q?with space?=", "with space"),
        ("=?nonsense?q?=F6?=", "\u00f6"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?", "=?"),
        ("=?gb2312?B?xOO6ww==?=", "\u4f60\u597d"),
    ],
)
def test_decode_words_shows_what_was_meant(text, expected):
    assert decode_words(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), max_size=120), st.integers(0, 60))
def test_encode_words_round_trips_on_short_lines(text, first_line):
    encoded = encode_words(text, first_line=first_line)

    assert decode_words(encoded) == text.removeprefix("\ufeff")
    lines = encoded.split("\r\n")
    assert all(len(line) <= 76 for line in lines[1:])


@pytest.mark.parametrize(
    ("raw", "charset", "expected"),
    [
        ("\u00e4".encode(), "utf-8", "\u00e4"),
        (b"\xe4", "utf-8", "\u00e4"),
        (b"\xe4", None, "\u00e4"),
        (b"\xe4", "us-ascii", "\u00e4"),
        ("\u00e4".encode(), "us-ascii", "\u00e4"),
        (b"\x80", "iso-8859-1", "\u20ac"),
        (b"\xe4", "no such charset", "\u00e4"),
        (b"\xe4", "base64", "\u00e4"),
        (b"abc", "punycode", "abc"),
        (b"\xc4\xe3", "gb2312", "\u4f60"),
        (b"\x82\xa0", "shift_jis", "\u3042"),
        ("\u3042\u3044".encode() + b"\xe3", "utf-8", "\u3042\u3044\ufffd"),
        (b"+2D0-", "utf-7", "\ufffd"),
        ("\ufeffx".encode(), "utf-8", "x"),
    ],
)
def test_decode_bytes_finds_the_likeliest_text(raw, charset, expected):
    assert decode_bytes(raw, charset) == expected


@given(
    st.binary(max_size=40), st.text(max_size=20) | st.sampled_from(["utf-7", "utf-16", "idna", "rot13", "hz", "mbcs"])
)
def test_decode_bytes_gives_text_that_can_be_stored(raw, charset):
    decode_bytes(raw, charset).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, TransferEncoding.IDENTITY),
        ("", TransferEncoding.IDENTITY),
        ("7bit", TransferEncoding.IDENTITY),
        ("BASE64 ", TransferEncoding.BASE64),
        ("quoted-printable; x", TransferEncoding.QUOTED_PRINTABLE),
        ("x-uuencode", TransferEncoding.UNKNOWN),
    ],
)
def test_transfer_encoding_is_recognised(value, expected):
    assert transfer_encoding(value) is expected


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"YWJj", b"abc"),
        (b"Y W\r\nJ j!", b"abc"),
        (b"YWI=", b"ab"),
        (b"YWI", b"ab"),
        (b"YWJjZ", b"abc"),
        (b"YWI=\r\n-- \r\nfooter", b"ab"),
        (b"", b""),
    ],
)
def test_base64_is_read_tolerantly(encoded, expected):
    assert decode(encoded, TransferEncoding.BASE64) == expected


def test_quoted_printable_loses_padding_only():
    assert decode(b"a=20 \t\r\nb=\r\nc=ZZ \n=", TransferEncoding.QUOTED_PRINTABLE) == b"a \r\nbc=ZZ\n"


@given(st.binary(max_size=400).map(lambda data: data.replace(b"\r", b"").replace(b"\n", b"\r\n")))
def test_quoted_printable_round_trips_and_is_safe_to_sign(data):
    encoded = encode_quoted_printable(data)

    assert decode(encoded, TransferEncoding.QUOTED_PRINTABLE) == data
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert line.isascii()
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith(b"From ")
        assert line != b"."


@given(st.binary(max_size=400))
def test_base64_round_trips(data):
    encoded = encode_base64(data)

    assert decode(encoded, TransferEncoding.BASE64) == data
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


def without_spaces(text):
    return "".join(text.split())


@pytest.mark.vectors
def test_words_agree_with_stalwart(vectors):
    cases = json.loads((vectors / "mime/stalwart-mail-parser/resources/unstructured.json").read_text())
    differing = []
    for case in cases:
        raw = b"Subject:" + case["header"].encode()
        # It puts a space where a word of RFC 2047 touches plain text.
        if without_spaces(parse(raw).headers.text("subject")) != without_spaces(case["expected"]):
            differing.append(case["header"])
    assert differing == []


@pytest.mark.vectors
def test_parameters_agree_with_stalwart(vectors):
    cases = json.loads((vectors / "mime/stalwart-mail-parser/resources/content_type.json").read_text())
    differing = []
    for case in cases:
        expected = case["expected"]
        if expected is None or not expected.get("c_subtype"):
            continue
        field = parse(b"X:" + case["header"].encode().split(b"\n\n")[0]).headers.first("x") or ""
        found = structured(field)
        params = {k: " ".join(v.split()) for k, v in expected.get("attributes") or [] if not k.endswith("-language")}
        kind = f"{expected['c_type']}/{expected['c_subtype']}".lower()
        if (found.value, {k: " ".join(v.split()) for k, v in found.params.items()}) != (kind, params):
            differing.append((case["header"], found, params))

    # Broken on purpose: continuations with charsets inside, asterisks everywhere, values that are empty.
    assert len(differing) <= 8, differing
