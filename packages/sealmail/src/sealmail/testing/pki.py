"""A certificate authority for tests: issues right and wrong certificates, and revocation lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, mlkem, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealmail.errors import UsageError
from sealmail.keys import Anchor, Key, KeyId, SecretKey, Use
from sealmail.keys.certificate import key_from_certificate
from sealmail.keys.model import name_id
from sealmail.testing.responder import Said, ocsp_answer

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | x448.X448PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mlkem.MLKEM768PrivateKey
    | mlkem.MLKEM1024PrivateKey
)
_Encapsulating = mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey
SIGN_AND_ENCRYPT = frozenset({Use.SIGN, Use.ENCRYPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CA:
    """A certificate authority for tests; issues what it is asked for, wrong things included."""

    secret: SecretKey
    parents: tuple[Key, ...] = ()
    """The certificates above it, its issuer first."""

    @classmethod
    def create(cls, name: str = "Sealdesk Test CA", key: str = "ec", *, valid_from: datetime | None = None) -> CA:
        """A new root. `key` is a key type as in `issue`. Valid for ten years, by default since a year ago."""
        private = _private_key(key)
        return cls(secret=_issue(_Request(name=name, private=private, is_ca=True, valid_from=valid_from), None))

    @property
    def certificate(self) -> Key:
        """Its certificate."""
        return self.secret.key

    @property
    def anchor(self) -> Anchor:
        """Its certificate as one that vouches for everybody."""
        return Anchor(key=self.certificate)

    @property
    def chain(self) -> tuple[Key, ...]:
        """Its certificate and those above it."""
        return (self.certificate, *self.parents)

    def issue(
        self,
        address: str | None,
        *,
        name: str | None = None,
        uses: Iterable[Use] = SIGN_AND_ENCRYPT,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        key_type: str = "ec",
        extra: Sequence[x509.ExtensionType] = (),
        critical: Sequence[x509.ExtensionType] = (),
    ) -> SecretKey:
        """A key with a certificate for an address (None: without subject alternative name).

        `key_type`: "ec" (P-256), "ec-p384", "ec-p521", "rsa2048" (or other sizes), "ed25519", "ed448", "x25519",
        "x448", "mldsa65", "mlkem768", "mlkem1024"; a key that can only do one of the uses is not given the other. By
        default valid from a year ago to a year from now. `extra` and `critical` replace or add extensions, for
        certificates that break the rules.
        """
        request = _Request(
            name=name or address or "Nobody",
            private=_private_key(key_type),
            address=address,
            uses=frozenset(uses),
            valid_from=valid_from,
            valid_until=valid_until,
            extra=tuple(extra),
            critical=tuple(critical),
        )
        return _issue(request, self.secret)

    def renew(self, secret: SecretKey, address: str, *, uses: Iterable[Use] = SIGN_AND_ENCRYPT) -> SecretKey:
        """Another certificate for the same key pair."""
        private = loaded(secret)
        return _issue(
            _Request(name=secret.key.name, private=private, address=address, uses=frozenset(uses)), self.secret
        )

    def intermediate(
        self, name: str = "Sealdesk Test Intermediate", *, key: str = "ec", path_length: int | None = None
    ) -> CA:
        """A CA below this one."""
        request = _Request(name=name, private=_private_key(key), is_ca=True, path_length=path_length)
        return CA(secret=_issue(request, self.secret), parents=self.chain)

    def crl(
        self,
        revoked: Iterable[Key] = (),
        *,
        at: datetime | None = None,
        reason: x509.ReasonFlags | None = None,
        revoked_at: datetime | None = None,
        days: int = 7,
    ) -> tuple[KeyId, bytes]:
        """A revocation list (DER) with the name id that a key store finds it by; made `at` (default: now), good for
        some days.
        """
        at = at or _now()
        issuer = x509.load_der_x509_certificate(self.certificate.material)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(at)
            .next_update(at + timedelta(days=days))
        )
        builder = builder.add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        builder = builder.add_extension(_authority_key_identifier(issuer), critical=False)
        for key in revoked:
            builder = builder.add_revoked_certificate(_revoked(key, revoked_at or at, reason))
        private = _issuing_key(loaded(self.secret))
        der = builder.sign(private, _digest(private)).public_bytes(serialization.Encoding.DER)
        return name_id(issuer.subject.public_bytes()), der

    def ocsp(self, key: Key, said: Said, responder: SecretKey | None = None) -> tuple[KeyId, bytes]:
        """An OCSP answer (DER) about a certificate, with the name id of this CA. Signed by this CA, or by a `responder`
        whose certificate comes along, right or wrong.
        """
        signing = responder or self.secret
        der = ocsp_answer(said, key, self.certificate, signing.key, _issuing_key(loaded(signing)))
        issuer = x509.load_der_x509_certificate(self.certificate.material)
        return name_id(issuer.subject.public_bytes()), der


def loaded(secret: SecretKey) -> PrivateKey:
    """The private key of an S/MIME secret key, for `cryptography`."""
    password = secret.passphrases[0].encode() if secret.passphrases else None
    private = serialization.load_der_private_key(secret.material, password)
    if not isinstance(private, PrivateKey):
        raise UsageError("Not a kind of key that this module makes.")
    return private


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a certificate is to say."""

    name: str
    private: PrivateKey
    address: str | None = None
    uses: frozenset[Use] = frozenset()
    is_ca: bool = False
    path_length: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    extra: tuple[x509.ExtensionType, ...] = ()
    critical: tuple[x509.ExtensionType, ...] = ()


def _issue(request: _Request, issuer: SecretKey | None) -> SecretKey:
    """The certificate that was asked for; signed by itself where there is no issuer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.name)])
    above = x509.load_der_x509_certificate(issuer.key.material) if issuer else None
    signing = _issuing_key(loaded(issuer) if issuer else request.private)
    since, until = _validity(request)
    builder = x509.CertificateBuilder(
        issuer_name=above.subject if above else subject,
        subject_name=subject,
        public_key=request.private.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=since,
        not_valid_after=until,
    )
    for extension, critical in _extensions(request, above):
        builder = builder.add_extension(extension, critical)
    der = builder.sign(signing, _digest(signing)).public_bytes(serialization.Encoding.DER)
    return SecretKey(key=key_from_certificate(der), material=_pkcs8(request.private))


def _validity(request: _Request) -> tuple[datetime, datetime]:
    """By default from a year ago: mail of last week must verify too. CAs live longer than what they issue."""
    since = request.valid_from or _now() - timedelta(days=3650 if request.is_ca else 365)
    until = request.valid_until or _now() + timedelta(days=3650 if request.is_ca else 365)
    return since, until


def _extensions(request: _Request, issuer: x509.Certificate | None) -> list[tuple[x509.ExtensionType, bool]]:
    public = request.private.public_key()
    usual: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=request.is_ca, path_length=request.path_length), True),
        (_key_usage(request), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
    ]
    if issuer is not None:
        usual.append((_authority_key_identifier(issuer), False))
    if not request.is_ca:
        usual.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
    if request.address is not None:
        usual.append((x509.SubjectAlternativeName([x509.RFC822Name(request.address)]), False))
    own = [(extension, False) for extension in request.extra] + [(extension, True) for extension in request.critical]
    replaced = {extension.oid for extension, _ in own}
    return [one for one in usual if one[0].oid not in replaced] + own


def _key_usage(request: _Request) -> x509.KeyUsage:
    """Encrypting is key encipherment with RSA and ML-KEM, and key agreement with curves (RFC 5754 §3, RFC 8410 §5,
    RFC 9935 §5). A key that can do only one of the two is not said to do both (RFC 9881 §5).
    """
    enciphers = isinstance(request.private, rsa.RSAPrivateKey | _Encapsulating)
    signs = Use.SIGN in request.uses and not isinstance(request.private, _Encapsulating)
    encrypts = Use.ENCRYPT in request.uses and not isinstance(request.private, mldsa.MLDSA65PrivateKey)
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=encrypts and enciphers,
        data_encipherment=False,
        key_agreement=encrypts and not enciphers,
        key_cert_sign=request.is_ca,
        crl_sign=request.is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _revoked(key: Key, since: datetime, reason: x509.ReasonFlags | None) -> x509.RevokedCertificate:
    serial = x509.load_der_x509_certificate(key.material).serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
    return (builder.add_extension(x509.CRLReason(reason), critical=False) if reason else builder).build()


_CURVES: dict[str, type[ec.EllipticCurve]] = {"ec": ec.SECP256R1, "ec-p384": ec.SECP384R1, "ec-p521": ec.SECP521R1}


def _private_key(kind: str) -> PrivateKey:
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    match kind:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ed448":
            return ed448.Ed448PrivateKey.generate()
        case "x25519":
            return x25519.X25519PrivateKey.generate()
        case "x448":
            return x448.X448PrivateKey.generate()
        case "mldsa65":
            return mldsa.MLDSA65PrivateKey.generate()
        case "mlkem768":
            return mlkem.MLKEM768PrivateKey.generate()
        case "mlkem1024":
            return mlkem.MLKEM1024PrivateKey.generate()
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case _ if kind.removeprefix("rsa").isdecimal():
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
        case _:
            raise UsageError(f"There is no key type {kind!r}.")


def _issuing_key(private: PrivateKey) -> CertificateIssuerPrivateKeyTypes:
    if isinstance(private, x25519.X25519PrivateKey | x448.X448PrivateKey | _Encapsulating):
        raise UsageError("A key for encrypting signs no certificates.")
    return private


def _digest(private: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    """Edwards curves and ML-DSA have theirs built in."""
    has_own = isinstance(private, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | mldsa.MLDSA65PrivateKey)
    return None if has_own else hashes.SHA256()


def _pkcs8(private: PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
