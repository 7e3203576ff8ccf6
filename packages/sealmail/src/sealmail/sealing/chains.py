"""The CA certificates that go along with our signatures, so that recipients can build the path (RFC 8550 §2.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from sealmail.keys import Key, KeyStore

_MOST = 10


def chain_of(signers: Sequence[Key], keys: KeyStore, at: datetime) -> tuple[Key, ...]:
    """The issuers of our certificates upwards as far as they are here, nearest first.

    Of a CA with several certificates all go along that fit, since we cannot know which one a recipient trusts; those
    that are expired, or have the right name and another key, stay at home. No loops over cross-signed CAs.
    """
    chain: dict[str, Key] = {}
    waiting = list(signers)
    while waiting and len(chain) < _MOST:
        for issuer in _issuers(waiting.pop(0), keys, at):
            if issuer.fingerprint not in chain and len(chain) < _MOST:
                chain[issuer.fingerprint] = issuer
                waiting.append(issuer)
    return tuple(chain.values())


def _issuers(key: Key, keys: KeyStore, at: datetime) -> Iterator[Key]:
    """Newest first."""
    if key.issuer is None or key.issuer == key.subject:
        return
    named = [one for one in keys.keys({key.issuer}) if one.is_ca and one.subject == key.issuer]
    for one in sorted(named, key=lambda one: one.valid_from, reverse=True):
        if (
            one.valid_from <= at
            and (one.valid_until is None or at <= one.valid_until)
            and _issued(one.material, key.material)
        ):
            yield one


@lru_cache(maxsize=256)
def _issued(issuer: bytes, key: bytes) -> bool:
    try:
        certificate = x509.load_der_x509_certificate(key)
        certificate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer))
    except (InvalidSignature, ValueError, TypeError):
        return False
    except UnsupportedAlgorithm:
        return True  # It cannot be told here; the recipient may be able to.
    return True
