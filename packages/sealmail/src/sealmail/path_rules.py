"""The rules that RFC 5280 §6.1 sets for issuers: may they issue at all, how deep, and for which names.

Checked by pyhanko-certvalidator, which is told to leave times and revocation alone: those are facts of `paths`, which
calls this. Mail addresses are compared with name constraints by `name_constraints` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from asn1crypto import x509
from cryptography.x509 import load_der_x509_certificate
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import DisallowedAlgorithmError
from pyhanko_certvalidator.name_trees import (
    default_excluded_subtrees,
    default_permitted_subtrees,
    process_general_subtrees,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    DisallowWeakAlgorithmsPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.validate import async_validate_path

from sealmail.keys.certificate import UNREADABLE, public_key
from sealmail.keys.strength import is_weak
from sealmail.name_constraints import names_are_allowed
from sealmail.report import Finding


@lru_cache(maxsize=1024)
def broken_rule(chain: tuple[bytes, ...], weak_hashes: frozenset[str], minimum_rsa_bits: int) -> Finding | None:
    """The rule of RFC 5280 §6.1 that a path (DER, anchor last) breaks, if any. Times and revocation play no part here,
    which is why the answer may be remembered: it depends on nothing but its arguments.
    """
    try:
        signer, *between, anchor = (_Certificate.load(der) for der in chain)
        if not _may_issue(anchor) or not all(_is_for_mail(certificate) for certificate in (*between, anchor)):
            return Finding.WRONG_USAGE
        if any(has_unknown_critical_extension(der) for der in chain) or not names_are_allowed(chain):
            return Finding.WRONG_USAGE
        path = ValidationPath(_trust_anchor(anchor, between), between[::-1], signer)
        # Nothing is fetched, so the coroutine never waits and runs to its end in one step; this needs no event loop,
        # and works inside of one.
        async_validate_path(_context(weak_hashes, minimum_rsa_bits), path).send(None)
    except StopIteration:
        weak = any(has_weak_key(der, minimum_rsa_bits) for der in chain)
        return Finding.WEAK_ALGORITHM if weak else None
    except DisallowedAlgorithmError:
        return Finding.WEAK_ALGORITHM
    except Exception:  # noqa: BLE001 -- foreign code on bytes from strangers; whatever it stumbles over is no valid path
        return Finding.WRONG_USAGE
    return Finding.WRONG_USAGE


@lru_cache(maxsize=1024)
def has_unknown_critical_extension(certificate: bytes) -> bool:
    """RFC 5280 §4.2: what is critical and not acted upon forbids the certificate's use, with a path and without. So do
    extensions that cannot be read.
    """
    try:
        extensions = load_der_x509_certificate(certificate).extensions
    except UNREADABLE:
        return True
    return any(one.critical and one.oid.dotted_string not in _ACTED_UPON for one in extensions)


@lru_cache(maxsize=1024)
def has_weak_key(certificate: bytes, minimum_rsa_bits: int) -> bool:
    """Whether the certificate's own key is too weak, with a path and without."""
    return is_weak(public_key(certificate), minimum_rsa_bits)


_ACTED_UPON = {
    *(f"2.5.29.{arc}" for arc in (14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54)),
    "1.3.6.1.5.5.7.1.1",  # where to ask about the issuer, RFC 5280 §4.2.2.1
    "1.3.6.1.5.5.7.1.3",  # qualified certificate statements: never meant to be critical, and often are
    "1.3.6.1.5.5.7.48.1.5",  # an OCSP responder whose own revocation is not asked for
}
"""Key identifiers and usage, alternative names, basic constraints, name constraints, policies, revocation lists."""


class _Certificate(x509.Certificate):  # type: ignore[misc]  # not annotated there
    """A certificate as the library is to see it: without mail addresses, in its names and in its name constraints."""

    @property
    def subject_alt_name_value(self) -> x509.GeneralNames:
        """Never absent, else the library would look for an address in the subject."""
        names = super().subject_alt_name_value
        return x509.GeneralNames([name for name in names or () if name.name != _MAIL])

    @property
    def name_constraints_value(self) -> x509.NameConstraints | None:
        """What is left of them."""
        value = super().name_constraints_value
        if value is None:
            return None
        sides = {side: value[side] for side in ("permitted_subtrees", "excluded_subtrees") if value[side].native}
        return x509.NameConstraints(
            {side: [tree for tree in trees if tree["base"].name != _MAIL] for side, trees in sides.items()}
        )


_MAIL = "rfc822_name"


def _may_issue(anchor: x509.Certificate) -> bool:
    """Certificates of version 1 cannot say that they are a CA's: as an anchor somebody's decision says it for them."""
    if anchor["tbs_certificate"]["version"].native == "v1":
        return True
    usage = anchor.key_usage_value
    return bool(anchor.ca) and (usage is None or "key_cert_sign" in usage.native)


def _is_for_mail(issuer: x509.Certificate) -> bool:
    """A CA whose purposes are listed issues only for those; RFC 5280 does not say so, all others that check mail do."""
    purposes = issuer.extended_key_usage_value
    return purposes is None or not {"email_protection", "any_extended_key_usage"}.isdisjoint(purposes.native)


def _trust_anchor(anchor: x509.Certificate, between: Sequence[x509.Certificate]) -> CertTrustAnchor:
    """The anchor with the limits that its certificate sets itself: path length, names and policies (RFC 5937)."""
    permitted, excluded = default_permitted_subtrees(), default_excluded_subtrees()
    if (limits := anchor.name_constraints_value) is not None:
        if limits["permitted_subtrees"].native is not None:
            permitted |= process_general_subtrees(limits["permitted_subtrees"])
        if limits["excluded_subtrees"].native is not None:
            excluded |= process_general_subtrees(limits["excluded_subtrees"])
    steps = 1 + sum(not certificate.self_issued for certificate in between)
    explicit, mapping = _policy_limits(anchor)
    parameters = PKIXValidationParams(
        initial_permitted_subtrees=permitted,
        initial_excluded_subtrees=excluded,
        # A demand that starts within the path holds at its end, and a policy that was lost on the way stays lost.
        initial_explicit_policy=explicit is not None and explicit <= steps,
        initial_policy_mapping_inhibit=mapping == 0,
        initial_any_policy_inhibit=anchor.inhibit_any_policy_value is not None
        and anchor.inhibit_any_policy_value.native == 0,
    )
    return CertTrustAnchor(
        anchor, quals=TrustQualifiers(standard_parameters=parameters, max_path_length=anchor.max_path_length)
    )


def _policy_limits(anchor: x509.Certificate) -> tuple[int | None, int | None]:
    """After how many certificates a policy must be there, and policies can no longer be mapped."""
    value = anchor.policy_constraints_value
    if value is None:
        return None, None
    return value["require_explicit_policy"].native, value["inhibit_policy_mapping"].native


def _context(weak_hashes: frozenset[str], minimum_rsa_bits: int) -> ValidationContext:
    unchecked = RevocationCheckingRule.NO_CHECK
    return ValidationContext(
        trust_roots=[],
        moment=_ANY_TIME,
        time_tolerance=_ALWAYS,
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(unchecked, unchecked)),
        algorithm_usage_policy=DisallowWeakAlgorithmsPolicy(  # type: ignore[no-untyped-call]  # not annotated there
            weak_hashes, rsa_key_size_threshold=minimum_rsa_bits
        ),
    )


_ANY_TIME = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
_ALWAYS = timedelta(days=365 * 2000)
"""So wide a tolerance that every certificate is valid: its times are looked at by `_validity`."""
