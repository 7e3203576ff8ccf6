"""Where keys come from while a mail is opened or sealed: five questions, answered by the desk or from memory.

The questions are few and go by id, so that they can be asked across a process boundary and answered by an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from sealmail.keys.model import Key, KeyId, SecretKey, Technology


class KeyStore(Protocol):
    """The keys at hand. Answers hold no duplicates; their order carries no meaning unless said."""

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        """Secret keys that go by any of these ids."""

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        """All secret keys of a technology, for recipients that the sender hid (RFC 9580 §5.1.8)."""

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        """Public keys and certificates that go by any of these ids, name ids included."""

    def keys_of(self, address: str) -> Sequence[Key]:
        """Public keys and certificates that name this canonical address."""

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        """CRLs and OCSP responses (DER) issued under this name."""


class MemoryKeyStore:
    """A key store in memory: for the command line and for tests."""

    def __init__(
        self,
        *,
        keys: Iterable[Key] = (),
        secrets: Iterable[SecretKey] = (),
        revocations: Iterable[tuple[KeyId, bytes]] = (),
    ) -> None:
        self._secrets: dict[str, SecretKey] = {secret.key.fingerprint: secret for secret in secrets}
        self._keys: dict[str, Key] = {key.fingerprint: key for key in keys}
        for secret in self._secrets.values():
            self._keys.setdefault(secret.key.fingerprint, secret.key)
        self._by_id: dict[KeyId, list[Key]] = defaultdict(list)
        for key in self._keys.values():
            for one in key.ids:
                self._by_id[one].append(key)
        self._revocations: dict[KeyId, list[bytes]] = defaultdict(list)
        for issuer, data in revocations:
            self._revocations[issuer].append(data)

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        """Secret keys that go by any of these ids."""
        return [secret for secret in self._secrets.values() if not secret.key.ids.isdisjoint(ids)]

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        """All secret keys of a technology."""
        return [secret for secret in self._secrets.values() if secret.key.technology is technology]

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        """Public keys and certificates that go by any of these ids."""
        found = {key.fingerprint: key for one in ids for key in self._by_id.get(one, ())}
        return list(found.values())

    def keys_of(self, address: str) -> Sequence[Key]:
        """Public keys and certificates that name this canonical address."""
        return [key for key in self._keys.values() if address in key.addresses]

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        """CRLs and OCSP responses (DER) issued under this name."""
        return tuple(self._revocations.get(issuer, ()))
