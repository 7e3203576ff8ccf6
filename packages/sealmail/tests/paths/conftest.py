"""What the tests of paths share: a small PKI, certificates that break rules, and the question itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from sealmail.keys import Anchor, Key, KeyStore, MemoryKeyStore, SecretKey
from sealmail.keys.certificate import key_from_certificate
from sealmail.paths import PathFacts, judge_path
from sealmail.policy import Policy
from sealmail.testing import CA
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC).replace(microsecond=0)
ADDRESS = "carol@customer.example"


def usage(**flags: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: flags.get(name, False) for name in (*names, *others)})


ISSUING = usage(key_cert_sign=True, crl_sign=True)


@pytest.fixture(scope="session")
def root() -> CA:
    return CA.create("Root")


@pytest.fixture(scope="session")
def middle(root: CA) -> CA:
    return root.intermediate("Middle")


@pytest.fixture(scope="session")
def carol(middle: CA) -> Key:
    return middle.issue(ADDRESS).key


def judged(
    key: Key,
    *anchors: CA | Anchor,
    included: Sequence[Key] = (),
    keys: KeyStore | None = None,
    policy: Policy | None = None,
    at: datetime = NOW,
) -> PathFacts:
    known = [one if isinstance(one, Anchor) else one.anchor for one in anchors]
    return judge_path(key, included, keys or MemoryKeyStore(), known, policy or Policy(), at)


def sub_ca(parent: CA, name: str, *extra: x509.ExtensionType) -> CA:
    """A CA with extensions of its own making; `extra` replaces the usual ones."""
    fixed: list[x509.ExtensionType] = [x509.BasicConstraints(ca=True, path_length=None), ISSUING]
    replaced = {extension.oid for extension in extra}
    kept = [extension for extension in fixed if extension.oid not in replaced]
    return CA(secret=parent.issue(None, name=name, extra=[*kept, *extra]), parents=parent.chain)


def reissued(
    key: Key,
    issuer: CA,
    change: Callable[[asn1.TbsCertificate], None],
    digest: hashes.HashAlgorithm = hashes.SHA256(),  # noqa: B008 -- a value without state
) -> Key:
    """The same certificate with something changed in it, signed anew by a CA with an RSA or P-256 key."""
    private = loaded(issuer.secret)
    whole = asn1.Certificate.load(key.material)
    algorithm = {"algorithm": f"{digest.name}_{'rsa' if isinstance(private, rsa.RSAPrivateKey) else 'ecdsa'}"}
    whole["tbs_certificate"]["signature"] = algorithm
    change(whole["tbs_certificate"])
    content = whole["tbs_certificate"].dump(force=True)
    scheme = (padding.PKCS1v15(), digest) if isinstance(private, rsa.RSAPrivateKey) else (ec.ECDSA(digest),)
    whole["signature_algorithm"] = algorithm
    whole["signature_value"] = private.sign(content, *scheme)
    return key_from_certificate(whole.dump(force=True))


def without(*extensions: str) -> Callable[[asn1.TbsCertificate], None]:
    """A change that takes extensions out."""

    def change(body: asn1.TbsCertificate) -> None:
        body["extensions"] = [one for one in body["extensions"] if one["extn_id"].native not in extensions]

    return change


def as_version_1(body: asn1.TbsCertificate) -> None:
    """A change to a certificate that cannot have extensions."""
    body["version"] = "v1"
    del body["extensions"]


def with_key(secret: SecretKey, key: Key) -> CA:
    """A CA with another certificate for the same key pair."""
    return CA(secret=SecretKey(key=key, material=secret.material))


def certificate(
    issuer: CA,
    name: str,
    public: ec.EllipticCurvePublicKey,
    *,
    until: datetime = NOW + timedelta(days=30),
    critical: x509.ExtensionType | None = None,
) -> Key:
    """A CA certificate for a key that is already there, which `CA` does not make."""
    above = x509.load_der_x509_certificate(issuer.certificate.material)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(above.subject)
        .serial_number(x509.random_serial_number())
        .public_key(public)
        .not_valid_before(NOW - timedelta(days=300))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    signed = builder.sign(loaded(issuer.secret), hashes.SHA256())
    return key_from_certificate(signed.public_bytes(serialization.Encoding.DER))


def lone(name: str, private: ec.EllipticCurvePrivateKey) -> CA:
    """A CA that signs itself with this key."""
    starting = CA.create(name)
    material = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own = CA(secret=SecretKey(key=starting.certificate, material=material))
    return CA(secret=SecretKey(key=certificate(own, name, private.public_key()), material=material))
