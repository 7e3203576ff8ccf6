"""What revocation lists say about one certificate. Fetches nothing, and knows no time but the one it is asked for.

Called by `paths`. Reads CRLs (RFC 5280 §5); other revocation data is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import ReasonFlags

from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of, public_key
from sealmail.keys.model import Key
from sealmail.report import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationStatus:
    """What is known about a certificate at a time."""

    is_known: bool = False
    """A list that is fresh and speaks for this certificate was there."""
    revoked_at: datetime | None = None
    reason: str | None = None
    """The name of the reason in RFC 5280 §5.3.1, where it was revoked."""

    def finding(self, at: datetime) -> Finding | None:
        """Hard revocation counts at any time, soft only from its date on."""
        if self.revoked_at is None:
            return None
        if self.reason not in _SOFT:
            return Finding.REVOKED_HARD
        return Finding.REVOKED_SOFT if self.revoked_at <= at else None


_SOFT = {
    reason.value
    for reason in (
        ReasonFlags.superseded,
        ReasonFlags.cessation_of_operation,
        ReasonFlags.affiliation_changed,
        ReasonFlags.privilege_withdrawn,
        ReasonFlags.certificate_hold,
    )
}
"""Reasons that say nothing bad about the time before; all others do, and so does a missing reason."""


def revocation_status(key: Key, issuer: Key, lists: Sequence[bytes], at: datetime) -> RevocationStatus:
    """What the issuer's own lists say about the certificate. Lists that others signed, or broken ones, are ignored."""
    is_known = False
    for data in lists:
        crl = _authentic(data, issuer.material)
        if crl is None:
            continue
        entry = crl.get_revoked_certificate_by_serial_number(outline_of(key.material).serial)
        if entry is not None and (reason := _reason(entry)) != ReasonFlags.remove_from_crl.value:
            return RevocationStatus(is_known=True, revoked_at=entry.revocation_date_utc, reason=reason)
        is_known = is_known or _speaks_for(crl, key, at)
    return RevocationStatus(is_known=is_known)


@lru_cache(maxsize=16)
def _authentic(data: bytes, issuer: bytes) -> x509.CertificateRevocationList | None:
    """The list, if it is one, was signed by this issuer and can be understood."""
    public = public_key(issuer)
    try:
        crl = x509.load_der_x509_crl(data)
        if crl.issuer.public_bytes() != outline_of(issuer).subject or not _may_sign_lists(issuer):
            return None
        if not _is_understood(crl) or public is None or not crl.is_signature_valid(public):  # type: ignore[arg-type]  # kinds that cannot sign raise TypeError
            return None
    except (ValueError, TypeError, UnsupportedAlgorithm, InputError, x509.DuplicateExtension):
        return None
    return crl


def _may_sign_lists(issuer: bytes) -> bool:
    """RFC 5280 §6.3.3 (f): the issuer's key usage, where there is one, must allow it."""
    try:
        extensions = x509.load_der_x509_certificate(issuer).extensions
        return extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


_UNDERSTOOD = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator, x509.CRLNumber, x509.AuthorityKeyIdentifier)


def _is_understood(crl: x509.CertificateRevocationList) -> bool:
    """No critical extension that we do not know, and the list is not about other issuers' certificates."""
    for extension in crl.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            return False
        if isinstance(extension.value, x509.IssuingDistributionPoint) and extension.value.indirect_crl:
            return False
    return True


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, ValueError):
        return ReasonFlags.unspecified.value


def _speaks_for(crl: x509.CertificateRevocationList, key: Key, at: datetime) -> bool:
    """Whether not being on this list means not being revoked: it is complete, in force, and about such certificates."""
    expires = crl.next_update_utc
    if expires is None or expires.astimezone(UTC) < at:
        return False
    for extension in crl.extensions:
        match extension.value:
            case x509.DeltaCRLIndicator():
                return False
            case x509.IssuingDistributionPoint() as point:
                if not _covers(point, key):
                    return False
            case _:
                continue
    return True


def _covers(point: x509.IssuingDistributionPoint, key: Key) -> bool:
    if point.only_contains_attribute_certs or point.only_some_reasons is not None:
        return False
    if (point.only_contains_ca_certs and not key.is_ca) or (point.only_contains_user_certs and key.is_ca):
        return False
    return point.full_name is None or not set(point.full_name).isdisjoint(_distribution_points(key.material))


def _distribution_points(certificate: bytes) -> set[x509.GeneralName]:
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {name for point in points for name in point.full_name or ()}
