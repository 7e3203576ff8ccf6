"""Writes DER: the few constructions that messages of ours need."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sealmail import ber


def tagged(tag: int, *contents: bytes) -> bytes:
    """Any element, its content given in one piece or several: each octet is copied once."""
    return b"".join((ber.header(tag, sum(map(len, contents))), *contents))


def sequence(*elements: bytes) -> bytes:
    """A SEQUENCE."""
    return tagged(ber.SEQUENCE, *elements)


def set_of(elements: Iterable[bytes]) -> bytes:
    """A SET OF, whose elements are put in order (X.690 §11.6)."""
    return tagged(ber.SET, b"".join(sorted(elements)))


def explicit(number: int, element: bytes) -> bytes:
    """An element inside a context-specific tag."""
    return tagged(ber.context(number), element)


def implicit(number: int, element: bytes) -> bytes:
    """An element whose tag is replaced by a context-specific one."""
    return bytes((0x80 | element[0] & 0x20 | number,)) + element[1:]


def oid(content: bytes) -> bytes:
    """An OBJECT IDENTIFIER, given its content octets."""
    return tagged(ber.OID, content)


def integer(value: int) -> bytes:
    """An INTEGER."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tagged(ber.INTEGER, value.to_bytes(size, signed=True))


def octet_string(content: bytes) -> bytes:
    """An OCTET STRING."""
    return tagged(ber.OCTET_STRING, content)


def bit_string(content: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return tagged(ber.BIT_STRING, b"\0" + content)


def null() -> bytes:
    """NULL."""
    return b"\x05\x00"


def time(moment: datetime) -> bytes:
    """A time as RFC 5652 §11.3 wants it: UTCTime until 2049, then GeneralizedTime; whole seconds."""
    moment = moment.astimezone(UTC)
    if 1950 <= moment.year < 2050:
        return tagged(ber.UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode())
    return tagged(ber.GENERALIZED_TIME, moment.strftime("%Y%m%d%H%M%SZ").encode())


def algorithm(identifier: bytes, *parameters: bytes) -> bytes:
    """An AlgorithmIdentifier."""
    return sequence(oid(identifier), *parameters)


def oaep_parameters(digest: bytes) -> bytes:
    """RSAES-OAEP-params with one hash, by its identifier, for label and mask (RFC 4055 §4.1)."""
    return sequence(explicit(0, _with_null(digest)), explicit(1, _mask(digest)))


def pss_parameters(digest: bytes, salt_bytes: int) -> bytes:
    """RSASSA-PSS-params with one hash, by its identifier, for message and mask (RFC 4055 §3.1)."""
    return sequence(explicit(0, _with_null(digest)), explicit(1, _mask(digest)), explicit(2, integer(salt_bytes)))


def _with_null(digest: bytes) -> bytes:
    # RFC 4055 §2.1: written with NULL inside these parameters, and read in both ways.
    return algorithm(digest, null())


_MGF1 = ber.encode_oid("1.2.840.113549.1.1.8")


def _mask(digest: bytes) -> bytes:
    return algorithm(_MGF1, _with_null(digest))
