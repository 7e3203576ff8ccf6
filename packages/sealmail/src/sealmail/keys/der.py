"""Telling apart the ASN.1 structures in which keys travel, by their shape (X.690), and taking PKCS#7 bundles apart.

Looks only as deep as it must; whether the content is sound is for those who read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import islice

from sealmail import ber
from sealmail.errors import InputError

_SIGNED_DATA = ber.encode_oid("1.2.840.113549.1.7.2")
_CONTEXT_0, _CONTEXT_1 = ber.context(0), ber.context(1)


class Form(Enum):
    """What a structure is."""

    CERTIFICATE = auto()
    PKCS7 = auto()
    PKCS12 = auto()
    PRIVATE_KEY = auto()
    ENCRYPTED_PRIVATE_KEY = auto()
    PUBLIC_KEY = auto()
    CRL = auto()
    OCSP_RESPONSE = auto()
    REQUEST = auto()
    UNKNOWN = auto()


def looks_like(data: bytes) -> bool:
    """Whether it begins as every structure here does: with a SEQUENCE."""
    return len(data) > 2 and data[0] == ber.SEQUENCE


def values(data: bytes) -> Iterator[bytes]:
    """The structures that stand one behind another in `data`; what is none ends it.

    Raises `InputError` where one is cut off.
    """
    while looks_like(data):
        value = ber.read(data).raw
        yield value
        data = data[len(value) :]


def form(value: bytes) -> Form:
    """What the structure is, by the tags of its first fields. Raises `InputError` where it is broken."""
    # Tags: 02 INTEGER, 03 BIT STRING, 04 OCTET STRING, 06 OID, 0A ENUMERATED, 17 and 18 times, 30 SEQUENCE, A0 [0].
    fields = list(islice(ber.read(value).children(), 4))
    match [field.tag for field in fields]:
        case [0x02, 0x30, 0x04, *_] | [0x02, 0x02, 0x02, *_] | [0x02, 0x04, *_]:
            found = Form.PRIVATE_KEY  # PKCS#8 (RFC 5958 §2), PKCS#1 (RFC 8017 appendix A.1.2), SEC1 (RFC 5915 §3)
        case [0x02, 0x30, *_]:
            found = Form.PKCS12  # RFC 7292 §4
        case [0x06, 0xA0]:
            found = Form.PKCS7  # RFC 5652 §3
        case [0x0A, *_]:
            found = Form.OCSP_RESPONSE  # RFC 6960 §4.2.1
        case [0x30, 0x04]:
            found = Form.ENCRYPTED_PRIVATE_KEY  # RFC 5958 §3
        case [0x30, 0x03]:
            found = Form.PUBLIC_KEY  # RFC 5280 §4.1.2.7
        case [0x30, 0x30, 0x03]:
            found = _signed_form(fields[0])
        case _:
            found = Form.UNKNOWN
    return found


def bundle(value: bytes) -> tuple[list[bytes], list[bytes]]:
    """Certificates and CRLs of a PKCS#7 bundle: a SignedData whose signers do not matter (RFC 5652 §5.1).

    Raises `InputError` where it is broken, of another kind, or empty.
    """
    info = ber.read(value).fields()
    if info.take(ber.OID).oid() != _SIGNED_DATA:
        raise InputError("This is an encrypted or other message, not a bundle of certificates.")
    signed = info.take(_CONTEXT_0).fields(_CONTEXT_0).take(ber.SEQUENCE).fields()
    signed.take(ber.INTEGER)
    signed.take(ber.SET)
    signed.take(ber.SEQUENCE)
    certificates, crls = (_members(signed.optional(tag)) for tag in (_CONTEXT_0, _CONTEXT_1))
    if not certificates and not crls:
        raise InputError("The PKCS#7 bundle holds no certificate.")
    return certificates, crls


def _members(choices: ber.Element | None) -> list[bytes]:
    """Those of the plain kind; attribute certificates and other formats have tags of their own (RFC 5652 §10.2)."""
    return [child.raw for child in choices.children() if child.tag == ber.SEQUENCE] if choices else []


def _signed_form(inner: ber.Element) -> Form:
    """Certificate, CRL and request are the same from outside: content, algorithm, signature."""
    match [field.tag for field in islice(inner.children(), 5)]:
        case [0xA0, 0x02, *_] | [0x02, 0x30, 0x30, 0x30, *_]:
            return Form.CERTIFICATE  # RFC 5280 §4.1: version 3, version 1
        case [0x02, 0x30, 0x30, 0x17 | 0x18, *_] | [0x30, 0x30, 0x17 | 0x18, *_]:
            return Form.CRL  # RFC 5280 §5.1: version 2, version 1
        case [0x02, 0x30, 0x30, *_]:
            return Form.REQUEST  # RFC 2986 §4.1
        case _:
            return Form.UNKNOWN
