"""OCSP answers for tests: right ones, and those that nobody should believe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509 import ocsp

from sealmail.keys import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an OCSP answer is to say, and how."""

    at: datetime
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    revoked_at: datetime | None = None
    reason: x509.ReasonFlags | None = None
    days: int | None = 7
    """Until the next one; None: it does not say."""
    by_hash: bool = False
    """The responder is named by its key, not by its name."""
    names_sha256: bool = False
    """The CA is named by SHA-256 instead of the usual SHA-1."""


def ocsp_answer(said: Said, key: Key, issuer: Key, responder: Key, private: CertificateIssuerPrivateKeyTypes) -> bytes:
    """The response (DER), with the responder's certificate where it is not the CA's."""
    encoding = ocsp.OCSPResponderEncoding.HASH if said.by_hash else ocsp.OCSPResponderEncoding.NAME
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=_loaded(key),
            issuer=_loaded(issuer),
            algorithm=hashes.SHA256() if said.names_sha256 else hashes.SHA1(),  # noqa: S303 -- RFC 6960 §4.1.1
            cert_status=said.status,
            this_update=said.at,
            next_update=None if said.days is None else said.at + timedelta(days=said.days),
            revocation_time=said.revoked_at,
            revocation_reason=said.reason,
        )
        .responder_id(encoding, _loaded(responder))
    )
    if responder != issuer:
        builder = builder.certificates([_loaded(responder)])
    has_own = isinstance(private, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | mldsa.MLDSA65PrivateKey)
    return builder.sign(private, None if has_own else hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _loaded(key: Key) -> x509.Certificate:
    return x509.load_der_x509_certificate(key.material)
