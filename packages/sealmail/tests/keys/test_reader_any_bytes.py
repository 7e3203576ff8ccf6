"""Whatever the bytes are: an answer or `InputError`, and nothing else."""

import contextlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sealmail.errors import InputError
from sealmail.keys.reader import read, read_paths
from sealmail.testing import export_armored, export_pem, export_pkcs12

PASSPHRASE = "pw"


@pytest.fixture(scope="module")
def samples(cast):
    carol, dave = cast.carol.smime, cast.dave.openpgp
    _, crl = cast.ca.crl([carol.key])
    return (
        carol.key.material,
        carol.material,
        crl,
        dave.material,
        export_pem(carol, PASSPHRASE),
        export_pkcs12(carol, PASSPHRASE, chain=[cast.ca.certificate]),
        export_armored(dave).encode(),
    )


def survives(data):
    with contextlib.suppress(InputError):
        read(data, (PASSPHRASE,))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"0\x80")
@example(b"0\x84\xff\xff\xff\xff")
@example(b"\xff\xfe-\0-\0")
@example(b"\x99")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_survived(data):
    survives(data)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from(["CERTIFICATE", "PKCS7", "ENCRYPTED PRIVATE KEY", "PGP PUBLIC KEY BLOCK"])
)
def test_any_bytes_in_armor_are_survived(body, label):
    import base64

    lines = f"-----BEGIN {label}-----\n\n{base64.b64encode(body).decode()}\n-----END {label}-----\n"
    survives(lines.encode())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_damage_to_a_key_is_survived(samples, data):
    whole = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(bytes(whole[: data.draw(st.integers(1, len(whole)))] if data.draw(st.booleans()) else whole))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=3), st.lists(st.text(max_size=5), max_size=2))
def test_files_that_are_no_keys_are_skipped_one_by_one(blobs, passphrases):
    _, warnings = read_paths(((str(number), blob) for number, blob in enumerate(blobs)), passphrases)

    assert len(warnings) <= len(blobs)


def test_deep_nesting_is_survived():
    survives(b"0\x80" * 100_000)
    survives(b"\x30\x84\x00\x00\xff\xff" * 20_000)
