"""What others say they read: sound lists, broken ones, and those in certificates."""

from __future__ import annotations

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys import Capabilities, capabilities_from, capabilities_in
from sealmail.testing import CA

GCM, CBC, OAEP = "2.16.840.1.101.3.4.1.46", "2.16.840.1.101.3.4.1.42", "1.2.840.113549.1.1.7"
RC2_128 = bytes.fromhex("300e06082a864886f70d030202020080")
AES256_CBC = bytes.fromhex("300b060960864801650304012a")
AES256_GCM = bytes.fromhex("300b060960864801650304012e")
OAEP_SHA1 = bytes.fromhex("300d06092a864886f70d0101073000")
SHA256 = "300d06096086480165030402010500"
# RFC 3560 §5 writes the parameters without tags, RFC 4055 §4.1 with them.
OAEP_3560 = bytes.fromhex(f"303806092a864886f70d010107302b{SHA256}301a06092a864886f70d010108{SHA256}")
OAEP_4055 = bytes.fromhex(f"303c06092a864886f70d010107302fa00f{SHA256}a11c301a06092a864886f70d010108{SHA256}")


def listed(*capabilities: bytes) -> bytes:
    content = b"".join(capabilities)
    return ber.header(ber.SEQUENCE, len(content)) + content


def read(value: bytes) -> Capabilities | None:
    return capabilities_from(ber.read(value))


def test_capabilities_keep_their_order_and_name_each_once() -> None:
    found = read(listed(AES256_CBC, RC2_128, AES256_GCM, AES256_CBC))

    assert found == Capabilities(algorithms=(CBC, "1.2.840.113549.3.2", GCM))
    assert found.reads_gcm


@pytest.mark.parametrize(("value", "reads"), [(OAEP_SHA1, False), (OAEP_3560, True), (OAEP_4055, True)])
def test_capabilities_name_oaep_where_it_reads_what_we_write(value: bytes, reads: bool) -> None:
    found = read(listed(value, AES256_CBC))

    assert found == Capabilities(algorithms=(OAEP, CBC) if reads else (CBC,))
    assert found.reads_oaep is reads


def test_capabilities_of_an_empty_list_say_that_nothing_special_is_read() -> None:
    assert read(listed()) == Capabilities()


@pytest.mark.parametrize(
    "value",
    [
        b"\x31\x00",
        b"\x04\x02ab",
        listed(b"\x06\x01\x2a"),
        listed(b"\x30\x00"),
        listed(b"\x30\x02\x06\x00"),
        listed(b"\x30\x03\x06\x01\x80"),
        listed(listed(b"\x06\x81\xc8" + b"\xff" * 199 + b"\x01")),
        listed(AES256_CBC, b"\x30\x05\x06\x09"),
    ],
)
def test_capabilities_that_are_broken_say_nothing(value: bytes) -> None:
    assert read(value) is None


@given(st.binary(max_size=200))
def test_capabilities_of_any_bytes_never_raise(content: bytes) -> None:
    try:
        element = ber.read(listed(content))
    except InputError:
        return
    assert isinstance(capabilities_from(element), Capabilities | None)


def test_capabilities_stand_in_certificates() -> None:
    ca = CA.create()
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113549.1.9.15"), listed(AES256_GCM))
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113549.1.9.15"), b"no list")

    assert capabilities_in(ca.issue("a@b.example", extra=[extension]).key.material) == Capabilities(algorithms=(GCM,))
    assert capabilities_in(ca.issue("a@b.example", extra=[broken]).key.material) is None
    assert capabilities_in(ca.issue("a@b.example").key.material) is None
