"""The key ring as it was when a batch of mails was begun: each question is asked of the database once.

For a batch only, so that a decision about a key is never older than the batch. The mails of a batch are mostly for the
same groups: their own keys and the trusted CAs would be read again for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TypeVar

from sealdesk.keyring.store import DeskKeys, DeskTrust
from sealdesk.people.models import Group
from sealmail.keys import Anchor, Key, KeyId, KeyStore, SecretKey, Technology, TrustBook, TrustLevel


class Batch:
    """What a batch has asked so far, group by group; secret keys of one group are never given to another."""

    def __init__(self) -> None:
        self.trust: TrustBook = _Trust(DeskTrust())
        self._keys: dict[Hashable, KeyStore] = {}

    def keys(self, group: Group | None) -> KeyStore:
        """The key ring with the secret keys of this group; None: with no secret key."""
        name = group.pk if group else None
        return self._keys.setdefault(name, _Keys(DeskKeys([group] if group else None)))


class _Keys:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._secrets: _Answers[Sequence[SecretKey]] = {}
        self._public: _Answers[Sequence[Key]] = {}
        self._revocations: _Answers[Sequence[bytes]] = {}

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        return _once(self._secrets, frozenset(ids), lambda: self._keys.secrets(ids))

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        return _once(self._secrets, technology, lambda: self._keys.every_secret(technology))

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        return _once(self._public, frozenset(ids), lambda: self._keys.keys(ids))

    def keys_of(self, address: str) -> Sequence[Key]:
        return _once(self._public, address, lambda: self._keys.keys_of(address))

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        return _once(self._revocations, issuer, lambda: self._keys.revocations(issuer))


class _Trust:
    def __init__(self, trust: TrustBook) -> None:
        self._trust = trust
        self._levels: _Answers[TrustLevel] = {}
        self._conflicts: _Answers[bool] = {}
        self._anchors: _Answers[Sequence[Anchor]] = {}

    def level(self, key: Key, address: str) -> TrustLevel:
        return _once(self._levels, _named(key, address), lambda: self._trust.level(key, address))

    def anchors(self) -> Sequence[Anchor]:
        return _once(self._anchors, "all", self._trust.anchors)

    def conflicts(self, key: Key, address: str) -> bool:
        return _once(self._conflicts, _named(key, address), lambda: self._trust.conflicts(key, address))


_T = TypeVar("_T")
_Answers = dict[Hashable, _T]


def _once(answers: _Answers[_T], about: Hashable, ask: Callable[[], _T]) -> _T:
    if about not in answers:
        answers[about] = ask()
    return answers[about]


def _named(key: Key, address: str) -> Hashable:
    return key.technology, key.fingerprint, key.addresses, address
