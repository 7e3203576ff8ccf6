"""OCSP answers for tests: right ones, and those that nobody should believe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509 import ocsp

from sealmail.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What an OCSP answer is to say, and how."""

    key: Key
    issuer: Key
    responder: Key
    private: CertificateIssuerPrivateKeyTypes
    at: datetime
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags | None = None
    days: int | None = 7
    """Until the next one; None: it does not say."""
    by_hash: bool = False
    names_sha256: bool = False
    """The CA is named by SHA-256 instead of SHA-1."""


def ocsp_answer(answering: Answering) -> bytes:
    """The response (DER), with the responder's certificate where it is not the CA's."""
    issuer, responder = _loaded(answering.issuer), _loaded(answering.responder)
    encoding = ocsp.OCSPResponderEncoding.HASH if answering.by_hash else ocsp.OCSPResponderEncoding.NAME
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=_loaded(answering.key),
            issuer=issuer,
            algorithm=hashes.SHA256() if answering.names_sha256 else hashes.SHA1(),  # noqa: S303 -- RFC 6960's usual name
            cert_status=answering.status,
            this_update=answering.at,
            next_update=None if answering.days is None else answering.at + timedelta(days=answering.days),
            revocation_time=answering.revoked_at,
            revocation_reason=answering.reason,
        )
        .responder_id(encoding, responder)
    )
    if responder != issuer:
        builder = builder.certificates([responder])
    has_own = type(answering.private).__name__.startswith("Ed")
    response = builder.sign(answering.private, None if has_own else hashes.SHA256())
    return response.public_bytes(serialization.Encoding.DER)


def _loaded(key: Key) -> x509.Certificate:
    return x509.load_der_x509_certificate(key.material)
