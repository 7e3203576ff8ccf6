"""Compressed data (RFC 3274): what comes out, and what never gets as large as it wants to."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest

from sealmail import ber, smime
from sealmail.errors import InputError, LimitExceeded
from sealmail.smime import cms, der
from sealmail.smime.algorithms import ZLIB
from sealmail.testing import forging

MEGABYTE = 1024 * 1024


def test_inflate_gives_what_was_compressed(entity: bytes) -> None:
    assert smime.inflate(forging.compressed_data(entity), MEGABYTE) == entity
    assert smime.inflate(forging.compressed_data(b""), MEGABYTE) == b""


def test_inflate_reads_pieces(entity: bytes) -> None:
    """Indefinite lengths and a string in pieces, as programs stream it."""
    packed = zlib.compress(entity * 100)
    pieces = b"".join(der.octet_string(packed[i : i + 5]) for i in range(0, len(packed), 5))
    streamed = b"".join(
        (
            b"\x30\x80" + der.oid(cms.COMPRESSED_DATA) + b"\xa0\x80",
            b"\x30\x80" + der.integer(0) + der.algorithm(ZLIB),
            b"\x30\x80" + der.oid(cms.DATA) + b"\xa0\x80" + b"\x24\x80" + pieces,
            bytes(12),
        )
    )

    assert smime.inflate(streamed, MEGABYTE) == entity * 100


def test_inflate_cms_that_was_compressed_without_mime(owners, entity: bytes, now, cms_of) -> None:
    signed = cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now))
    inner = cms.content_of(signed, cms.SIGNED_DATA)[1].raw

    assert smime.inflate(forging.compressed_data(inner, content_type=cms.SIGNED_DATA), MEGABYTE) == signed


@pytest.mark.parametrize("size", [100, MEGABYTE, 4 * MEGABYTE], ids=["one byte over", "one step over", "far over"])
def test_inflate_stops_at_the_limit(size: int) -> None:
    with pytest.raises(LimitExceeded):
        smime.inflate(forging.compressed_data(bytes(size)), size - 1)

    assert smime.inflate(forging.compressed_data(bytes(size)), size) == bytes(size)


def test_inflate_of_a_bomb_takes_no_more_memory_than_the_limit_and_a_step() -> None:
    stream = zlib.compressobj(9)
    packed = b"".join(stream.compress(bytes(8 * MEGABYTE)) for _ in range(32)) + stream.flush()
    bomb = forging.compressed_bytes(packed)
    tracemalloc.start()

    try:
        with pytest.raises(LimitExceeded):
            smime.inflate(bomb, 4 * MEGABYTE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * MEGABYTE + 4 * MEGABYTE


PACKED = zlib.compress(b"words " * 1000)
BROKEN = {
    "cut off": forging.compressed_bytes(PACKED[:-1]),
    "changed": forging.compressed_bytes(PACKED[:20] + b"\xff" + PACKED[21:]),
    "wrong sum": forging.compressed_bytes(PACKED[:-1] + bytes((PACKED[-1] ^ 1,))),
    "something behind": forging.compressed_bytes(PACKED + b"more"),
    "another stream behind": forging.compressed_bytes(PACKED + PACKED),
    "nothing": forging.compressed_bytes(b""),
    "bare deflate": forging.compressed_bytes(zlib.compress(b"words", wbits=-15)),
    "gzip": forging.compressed_bytes(zlib.compress(b"words", wbits=31)),
    "asks for a dictionary": forging.compressed_bytes(b"\x78\xf9" + PACKED[2:]),
    "unknown compression": forging.compressed_data(b"words", compression=ber.encode_oid("1.2.3")),
    "no mail": forging.compressed_data(b"words", content_type=ber.encode_oid("1.2.3")),
    "no content": forging.wrapped(cms.COMPRESSED_DATA, der.integer(0)),
    "other CMS": forging.signed_data([], b"words"),
    "no CMS": b"words",
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN)
def test_inflate_refuses_what_is_broken(message: bytes) -> None:
    with pytest.raises(InputError) as refused:
        smime.inflate(message, MEGABYTE)

    assert not isinstance(refused.value, LimitExceeded)
