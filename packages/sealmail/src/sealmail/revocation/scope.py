"""What a list is about: its issuing distribution point (RFC 5280 §5.2.5) beside the points that a certificate names."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509

from sealmail.keys.model import Key
from sealmail.revocation.statement import EVERY_REASON


def covers(point: x509.IssuingDistributionPoint | None, key: Key) -> bool:
    """Whether a certificate that is not on the list was not revoked: the list is about such certificates."""
    if point is None:
        return True
    if (point.only_contains_ca_certs and not key.is_ca) or (point.only_contains_user_certs and key.is_ca):
        return False
    if point.full_name is None and point.relative_name is None:
        return True
    return not _named(point, _issuer(key.material)).isdisjoint(_distribution_points(key.material))


def told_reasons(point: x509.IssuingDistributionPoint | None) -> frozenset[x509.ReasonFlags]:
    """The reasons for which the list names certificates."""
    return EVERY_REASON if point is None or point.only_some_reasons is None else point.only_some_reasons & EVERY_REASON


def _named(
    point: x509.IssuingDistributionPoint | x509.DistributionPoint, issuer: x509.Name
) -> frozenset[x509.GeneralName]:
    """The names of a point; a relative one continues the name of the certificate's issuer (RFC 5280 §4.2.1.13)."""
    if point.relative_name is not None:
        return frozenset({x509.DirectoryName(x509.Name([*issuer.rdns, point.relative_name]))})
    return frozenset(point.full_name or ())


def _issuer(certificate: bytes) -> x509.Name:
    return x509.load_der_x509_certificate(certificate).issuer


@lru_cache(maxsize=512)
def _distribution_points(certificate: bytes) -> frozenset[x509.GeneralName]:
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        # A point with an issuer of its own refers to indirect lists, which are left alone.
        return frozenset(
            name for point in points if point.crl_issuer is None for name in _named(point, _issuer(certificate))
        )
    except (x509.ExtensionNotFound, ValueError):
        return frozenset()
