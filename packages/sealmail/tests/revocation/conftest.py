"""A CA with one certificate, lists of every kind, and the answer to "was it revoked?"."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.paths import PathFacts, judge_path
from sealmail.policy import Policy
from sealmail.testing import CA
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
ADDRESS = "carol@customer.example"
HARD, SOFT, HOLD = (
    x509.ReasonFlags.key_compromise,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.certificate_hold,
)
REMOVED = x509.ReasonFlags.remove_from_crl


@pytest.fixture(scope="session")
def root() -> CA:
    return CA.create("Root")


@pytest.fixture(scope="session")
def old_ca() -> CA:
    """One with an RSA key, as those are that still sign with old hashes."""
    return CA.create("Old", "rsa2048")


@pytest.fixture(scope="session")
def carol(root: CA) -> Key:
    return root.issue(ADDRESS).key


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A revocation list, as right or wrong as a test wants it."""

    made: datetime = NOW - DAY
    days: int = 7
    number: int | None = 1
    base: int | None = None
    entries: Sequence[x509.RevokedCertificate] = ()
    scope: dict[str, object] = field(default_factory=dict)
    extra: Sequence[tuple[x509.ExtensionType, bool]] = ()


def entry(
    key: Key,
    reason: x509.ReasonFlags | None = None,
    since: datetime = NOW - 2 * DAY,
    extra: Iterable[tuple[x509.ExtensionType, bool]] = (),
) -> x509.RevokedCertificate:
    serial = x509.load_der_x509_certificate(key.material).serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    return builder.build()


def point(**scope: object) -> x509.IssuingDistributionPoint:
    everything: dict[str, object] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**everything, **scope})


def crl(ca: CA, listed: Listed | None = None, *, signed_by: SecretKey | None = None) -> bytes:
    """The list in the CA's name; signed by another key where one is given."""
    listed = listed or Listed()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.load_der_x509_certificate(ca.certificate.material).subject)
        .last_update(listed.made)
        .next_update(listed.made + timedelta(days=listed.days))
    )
    extensions = list(listed.extra)
    if listed.number is not None:
        extensions.append((x509.CRLNumber(listed.number), False))
    if listed.base is not None:
        extensions.append((x509.DeltaCRLIndicator(listed.base), True))
    if listed.scope:
        extensions.append((point(**listed.scope), True))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for one in listed.entries:
        builder = builder.add_revoked_certificate(one)
    signed = builder.sign(loaded(signed_by or ca.secret), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def signed_anew(listed: bytes, ca: CA, digest: str = "sha256", *, next_update: bool = True) -> bytes:
    """The list of a CA with an RSA key as `cryptography` would not write it."""
    parsed = asn1_crl.CertificateList.load(listed)
    if not next_update:
        del parsed["tbs_cert_list"]["next_update"]
    for algorithm in (parsed["tbs_cert_list"]["signature"], parsed["signature_algorithm"]):
        algorithm["algorithm"] = f"{digest}_rsa"
    private = loaded(ca.secret)
    assert isinstance(private, rsa.RSAPrivateKey)
    signing = {"md5": hashes.MD5(), "sha1": hashes.SHA1(), "sha256": hashes.SHA256()}[digest]  # noqa: S303
    parsed["signature"] = private.sign(parsed["tbs_cert_list"].dump(force=True), padding.PKCS1v15(), signing)
    return bytes(parsed.dump(force=True))


def asked(
    key: Key,
    ca: CA,
    *data: bytes,
    known: Sequence[Key] = (),
    policy: Policy | None = None,
    at: datetime = NOW,
) -> PathFacts:
    """The facts of a path that ends at the CA, with this data about what it issued."""
    assert ca.certificate.subject is not None
    store = MemoryKeyStore(keys=known, revocations=[(ca.certificate.subject, one) for one in data])
    return judge_path(key, (), store, [ca.anchor], policy or Policy(), at)


Program = Callable[..., bytes]


@pytest.fixture(scope="session")
def openssl() -> Program:
    """Runs openssl with the arguments and gives what it writes to its standard output."""

    def run(*arguments: str | Path, folder: Path | None = None) -> bytes:
        return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True, cwd=folder).stdout

    return run
