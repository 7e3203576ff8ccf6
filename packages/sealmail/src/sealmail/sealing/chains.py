"""The CA certificates that go along with our signatures, so that recipients can build the path (RFC 8550 §2.3)."""

from __future__ import annotations

from sealmail.keys import Key, KeyStore

_LONGEST = 10


def chain_of(key: Key, keys: KeyStore) -> tuple[Key, ...]:
    """Issuers of `key` upwards as far as they are here, without looping over cross-signed CAs."""
    chain: list[Key] = []
    current = key
    while current.issuer and current.issuer != current.subject and len(chain) < _LONGEST:
        known = {key.fingerprint, *(one.fingerprint for one in chain)}
        issuers = [one for one in keys.keys({current.issuer}) if one.is_ca and one.subject == current.issuer]
        fresh = [one for one in issuers if one.fingerprint not in known]
        if not fresh:
            break
        current = max(fresh, key=lambda one: one.valid_from)
        chain.append(current)
    return tuple(chain)
