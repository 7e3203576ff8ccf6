"""The rules that RFC 5280 §6.1 sets for issuers: may they issue at all, how deep, and for which names.

Checked by pyhanko-certvalidator, which is told to leave times and revocation alone: those are facts of `paths`, which
calls this.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from asn1crypto import x509
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

from sealmail.report import Finding


@lru_cache(maxsize=512)
def broken_rule(chain: tuple[bytes, ...], weak_hashes: frozenset[str], minimum_rsa_bits: int) -> Finding | None:
    """The rule of RFC 5280 §6.1 that a path (DER, anchor last) breaks, if any. Times and revocation play no part here,
    which is why the answer may be remembered: it depends on nothing but its arguments.
    """
    try:
        signer, *between, anchor = (x509.Certificate.load(der) for der in chain)
        if any(not _is_for_mail(certificate) for certificate in between):
            return Finding.WRONG_USAGE
        path = ValidationPath(_trust_anchor(anchor), between[::-1], signer)
        # Nothing is fetched, so the coroutine never waits and runs to its end in one step; this needs no event loop,
        # and works inside of one.
        async_validate_path(_context(weak_hashes, minimum_rsa_bits), path).send(None)
    except StopIteration:
        return None
    except DisallowedAlgorithmError:
        return Finding.WEAK_ALGORITHM
    except Exception:  # noqa: BLE001 -- foreign code on bytes from strangers; whatever it stumbles over is no valid path
        return Finding.WRONG_USAGE
    return Finding.WRONG_USAGE


def _is_for_mail(issuer: x509.Certificate) -> bool:
    """A CA whose purposes are listed issues only for those; RFC 5280 does not say so, all others that check mail do."""
    purposes = issuer.extended_key_usage_value
    return purposes is None or not {"email_protection", "any_extended_key_usage"}.isdisjoint(purposes.native)


def _trust_anchor(anchor: x509.Certificate) -> CertTrustAnchor:
    """The anchor with the limits that its certificate sets itself: path length and names (RFC 5937)."""
    permitted, excluded = default_permitted_subtrees(), default_excluded_subtrees()
    if (limits := anchor.name_constraints_value) is not None:
        if limits["permitted_subtrees"].native is not None:
            permitted |= process_general_subtrees(limits["permitted_subtrees"])
        if limits["excluded_subtrees"].native is not None:
            excluded |= process_general_subtrees(limits["excluded_subtrees"])
    parameters = PKIXValidationParams(initial_permitted_subtrees=permitted, initial_excluded_subtrees=excluded)
    return CertTrustAnchor(
        anchor, quals=TrustQualifiers(standard_parameters=parameters, max_path_length=anchor.max_path_length)
    )


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
