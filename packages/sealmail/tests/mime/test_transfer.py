"""Transfer encodings: the quick ways must write and read the same octets as the slow ones."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.mime.transfer import TransferEncoding, decode, encode_base64, encode_quoted_printable

LINE = 57
BLOCK = 128 * LINE
TEXT = st.lists(
    st.sampled_from([b"a", b"word " * 9, b" ", b"\t", b"\r\n", b"\n", b"\r", b"From ", b".", b"=", b"\xc3\xa9", b"\0"])
).map(b"".join)


@pytest.mark.parametrize(
    "size", [0, 1, 2, 3, LINE - 1, LINE, LINE + 1, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + LINE, 3 * BLOCK + 500]
)
def test_base64_has_full_lines_that_end_in_crlf(size):
    data = bytes(number * 7 % 256 for number in range(size))

    encoded = encode_base64(data)

    assert encoded == base64.encodebytes(data).replace(b"\n", b"\r\n")
    assert decode(encoded, TransferEncoding.BASE64) == data


@given(TEXT)
def test_quoted_printable_of_a_harmless_text_is_what_line_by_line_would_give(text):
    beside_a_line_to_quote = encode_quoted_printable(text + b"\r\n\x80")

    assert beside_a_line_to_quote == encode_quoted_printable(text) + b"\r\n=80"


@given(TEXT)
def test_quoted_printable_reads_back(text):
    assert binascii.a2b_qp(encode_quoted_printable(text)) == text


@pytest.mark.parametrize("padding", [b" ", b"\t", b" \t "])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_quoted_printable_loses_white_space_before_a_line_end(padding, end):
    assert decode(b"a" + padding + end + b"b", TransferEncoding.QUOTED_PRINTABLE) == b"a" + end + b"b"
