"""Key files with a byte changed anywhere: an answer or `InputError`, and never another key for the certificate.

Of PKCS#12, where each answer costs a derivation, a part is tried; all of it with EXHAUSTIVE=1 in the environment.
"""

from __future__ import annotations

import contextlib
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from sealmail.errors import InputError
from sealmail.keys.reader import read
from sealmail.testing.pki import loaded

PASSPHRASE = "pw"


def changes(data: bytes, *, stride: int = 1):
    for number in range(0, 4 * len(data), stride):
        place, how = divmod(number, 4)
        octet = (data[place] ^ 1, 0, 0xFF, data[place] ^ 0x80)[how]
        if octet != data[place]:
            yield data[:place] + bytes((octet,)) + data[place + 1 :]


@pytest.mark.mission("S3")
def test_certificate_with_a_byte_changed_is_another_or_none(hostile) -> None:
    original = hostile.carol.key

    for changed in changes(original.material):
        with contextlib.suppress(InputError):
            for key in read(changed).keys:
                assert (key.fingerprint, key.material) != (original.fingerprint, original.material)


@pytest.mark.mission("S3")
def test_private_key_with_a_byte_changed_is_one_key_or_none(hostile) -> None:
    for changed in changes(hostile.carol.material):
        with contextlib.suppress(InputError):
            found = read(changed)
            assert found.secrets == ()  # there is no certificate in it
            assert len(found.unmatched) + len(found.problems) + len(found.locked) <= 1


@pytest.mark.mission("S3")
@pytest.mark.mission("B14")
def test_pkcs12_with_a_byte_changed_never_gives_another_key(hostile) -> None:
    """Its MAC covers what is in it (RFC 7292 §5); a round of derivation is enough here, and quick."""
    key = hostile.carol.key
    certificate = x509.load_der_x509_certificate(key.material)
    protection = (
        PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1).hmac_hash(hashes.SHA256()).build(PASSPHRASE.encode())
    )
    whole = pkcs12.serialize_key_and_certificates(b"carol", loaded(hostile.carol), certificate, None, protection)
    assert read(whole, (PASSPHRASE,)).secrets[0].key == key

    for changed in changes(whole, stride=1 if os.environ.get("EXHAUSTIVE") else 31):
        with contextlib.suppress(InputError):
            assert {secret.key for secret in read(changed, (PASSPHRASE,)).secrets} <= {key}
