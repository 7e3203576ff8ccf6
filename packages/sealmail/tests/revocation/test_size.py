"""A list of a CA with very many certificates is read once."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from asn1crypto import crl as asn1_crl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sealmail import ber
from sealmail.keys.certificate import outline_of
from sealmail.report import Finding, RevocationState
from sealmail.testing import CA
from sealmail.testing.pki import loaded

from .conftest import ADDRESS, asked, crl

MANY = 200_000


def _long_list(ca: CA, *last: int) -> bytes:
    """Built by hand: the usual builder takes minutes."""
    small = asn1_crl.CertificateList.load(crl(ca))["tbs_cert_list"]
    fields = [small[name].dump() for name in ("version", "signature", "issuer", "this_update", "next_update")]
    when = b"\x17\x0d260101000000Z"
    serials = [*(number << 64 | 1 << 120 for number in range(MANY)), *last]
    integers = [serial.to_bytes(serial.bit_length() // 8 + 1) for serial in serials]
    entries = b"".join(_sequence(ber.header(0x02, len(octets)) + octets + when) for octets in integers)
    content = _sequence(b"".join(fields) + _sequence(entries) + small["crl_extensions"].dump())
    private = loaded(ca.secret)
    assert isinstance(private, rsa.RSAPrivateKey)
    signature = private.sign(content, padding.PKCS1v15(), hashes.SHA256())
    return _sequence(content + fields[1] + ber.header(0x03, len(signature) + 1) + b"\0" + signature)


def _sequence(content: bytes) -> bytes:
    return ber.header(0x30, len(content)) + content


@pytest.mark.mission("B11")
def test_a_very_long_list_is_read_once_and_not_kept(old_ca: CA) -> None:
    kept, lost = old_ca.issue(ADDRESS).key, old_ca.issue(ADDRESS).key
    listed = _long_list(old_ca, outline_of(lost.material).serial)
    tracemalloc.start()
    assert asked(lost, old_ca, listed).findings == {Finding.REVOKED_HARD}
    before, started = tracemalloc.get_traced_memory()[0], time.process_time()
    tracemalloc.stop()

    again = [asked(kept, old_ca, bytes(bytearray(listed))).revocation for _ in range(20)]

    seconds = time.process_time() - started
    assert again == [RevocationState.GOOD] * 20
    assert before < len(listed) / 10
    # Reading it takes a quarter of a second; a search in its bytes and a digest take a few thousandths.
    assert seconds < 20 * 0.1
