"""Private keys of ML-DSA and ML-KEM by seed, expanded, and both; those whose halves contradict each other."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealmail import ber
from sealmail.keys.found import Found
from sealmail.keys.private_shape import read as shape_of
from sealmail.keys.reader import read
from sealmail.testing import CA, export_armored, export_pem

pytestmark = pytest.mark.mission("S3")

EXPANDED_ONLY = (
    "The private key ({}) is there in its expanded form only, which Sealdesk cannot use: "
    "export it by its seed, or both."
)
DAMAGED = "The private key ({}) is damaged or contradicts itself. Export it again from where it is used."


@pytest.fixture(scope="session")
def examples(vectors: Path) -> Path:
    """Keys of RFC 9881, by its authors."""
    return vectors / "lamps" / "dilithium-certificates" / "examples"


def sentences(found: Found) -> list[str]:
    assert (found.secrets, found.unmatched) == ((), ())
    return [problem.sentence for problem in found.problems]


@pytest.mark.vectors
@pytest.mark.mission("B15")
@pytest.mark.parametrize("form", ["seed", "both"])
@pytest.mark.parametrize("size", [44, 65, 87])
def test_key_with_its_seed_is_found_with_its_certificate(examples: Path, size: int, form: str) -> None:
    certificate = (examples / f"ML-DSA-{size}.crt").read_bytes()
    seed = shape_of(pem(examples / f"ML-DSA-{size}-seed.priv")).der

    (secret,) = read((examples / f"ML-DSA-{size}-{form}.priv").read_bytes() + certificate).secrets

    assert secret.key.algorithm == f"ML-DSA-{size}"
    assert secret.material == seed


@pytest.mark.vectors
@pytest.mark.parametrize("size", [44, 65, 87])
def test_expanded_key_alone_is_told(examples: Path, size: int) -> None:
    found = read((examples / f"ML-DSA-{size}-expanded.priv").read_bytes())

    assert sentences(found) == [EXPANDED_ONLY.format(f"ML-DSA-{size}")]


@pytest.mark.vectors
@pytest.mark.parametrize(("number", "sentence"), [(1, DAMAGED), (2, EXPANDED_ONLY), (3, EXPANDED_ONLY)])
def test_keys_that_contradict_themselves_are_refused(examples: Path, number: int, sentence: str) -> None:
    """The first by its seed; the others, which have none, for what they are."""
    found = read((examples / f"bad-ML-DSA-44-{number}.priv").read_bytes())

    assert sentences(found) == [sentence.format("ML-DSA-44")]


@pytest.mark.vectors
@pytest.mark.parametrize("place", [0, 32, 64, 127])
def test_key_whose_expanded_half_was_changed_is_refused(examples: Path, place: int) -> None:
    der = pem(examples / "ML-DSA-65-both.priv")
    at = len(der) - 4032 + place

    found = read(armored(der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]))

    assert sentences(found) == [DAMAGED.format("ML-DSA-65")]


@pytest.mark.vectors
@pytest.mark.parametrize("form", ["seed", "both", "expanded"])
def test_the_smallest_ml_kem_is_told(vectors: Path, form: str) -> None:
    found = read((vectors / "lamps" / "cms-kyber" / "example" / f"ML-KEM-512-{form}.priv").read_bytes())

    assert sentences(found) == ["The private key (ML-KEM-512) is of a kind that Sealdesk does not use."]


@pytest.mark.vectors
def test_expanded_ml_kem_is_laid_out_as_the_check_expects(vectors: Path) -> None:
    """With the smallest kind, the only one of which there is an example."""
    folder = vectors / "lamps" / "cms-kyber" / "example"
    private = list(ber.read(pem(folder / "ML-KEM-512-both.priv")).children())[2]
    seed, expanded = (one.octets() for one in ber.read(private.octets()).children())
    public = ber.read(pem(folder / "ML-KEM-512.pub"))

    bits = list(public.children())[1].bits()

    assert expanded[384 * 2 :] == bits + hashlib.sha3_256(bits).digest() + seed[32:]


@pytest.mark.parametrize("rank", [3, 4])
def test_ml_kem_with_both_halves_is_kept_by_its_seed(rank: int) -> None:
    (secret,) = read(both(rank)).unmatched

    assert secret.algorithm == {3: "ML-KEM-768", 4: "ML-KEM-1024"}[rank]
    assert len(secret.material) == 86


@pytest.mark.parametrize("place", [-1, -33, -65, -1184])
def test_ml_kem_whose_expanded_half_was_changed_is_refused(place: int) -> None:
    changed = bytearray(both(3))
    changed[place] ^= 1

    assert sentences(read(armored(bytes(changed)))) == [DAMAGED.format("ML-KEM-768")]


def test_ml_kem_without_seed_is_told() -> None:
    expanded = ber.header(ber.OCTET_STRING, 2400) + bytes(2400)

    assert sentences(read(armored(pkcs8(2, expanded)))) == [EXPANDED_ONLY.format("ML-KEM-768")]


@pytest.mark.parametrize(
    "private",
    [
        b"",
        b"\x80\x02\x01\x02",
        b"\x80" + b"\x40" + bytes(64) + b"\x00",
        b"\x30\x00",
        b"\x30\x04\x04\x00\x04\x00",
        b"\x05\x00",
        bytes(64),
    ],
    ids=["empty", "short", "more", "nothing", "empty halves", "null", "bare"],
)
def test_any_other_content_is_damaged(private: bytes) -> None:
    assert sentences(read(armored(pkcs8(2, private)))) == [DAMAGED.format("ML-KEM-768")]


@pytest.mark.mission("B15")
@pytest.mark.parametrize("passphrase", [None, "pw"])
@pytest.mark.parametrize("kind", ["mldsa65", "mlkem768", "mlkem1024"])
def test_key_and_certificate_in_one_file_belong_together(kind: str, passphrase: str | None) -> None:
    made = CA.create().issue("carol@customer.example", key_type=kind)

    found = read(export_pem(made, passphrase), (passphrase,) if passphrase else ())

    assert [secret.key.fingerprint for secret in found.secrets] == [made.key.fingerprint]
    assert [key.fingerprint for key in read(export_armored(made).encode()).keys] == [made.key.fingerprint]


def pem(file: Path) -> bytes:
    return base64.b64decode(b"".join(line for line in file.read_bytes().splitlines() if b"--" not in line))


def armored(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"


def both(rank: int) -> bytes:
    """PKCS#8 with seed and expanded key; of the secret vector, which nobody looks at, only the size is right."""
    kind = {3: mlkem.MLKEM768PrivateKey, 4: mlkem.MLKEM1024PrivateKey}[rank]
    private = kind.generate()
    seed = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())[-64:]
    public = private.public_key().public_bytes_raw()
    expanded = bytes(384 * rank) + public + hashlib.sha3_256(public).digest() + seed[32:]
    halves = b"".join(ber.header(ber.OCTET_STRING, len(one)) + one for one in (seed, expanded))
    return pkcs8(rank - 1, ber.header(ber.SEQUENCE, len(halves)) + halves)


def pkcs8(arc: int, private: bytes) -> bytes:
    oid = ber.encode_oid(f"2.16.840.1.101.3.4.4.{arc}")
    named = ber.header(ber.OID, len(oid)) + oid
    content = b"\x02\x01\x00" + ber.header(ber.SEQUENCE, len(named)) + named
    content += ber.header(ber.OCTET_STRING, len(private)) + private
    return ber.header(ber.SEQUENCE, len(content)) + content
