"""Who vouches for a key. Trust is given as data by the caller; a key never vouches for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from sealmail.keys.model import Key


class TrustLevel(IntEnum):
    """How far a key is trusted for an address, in rising order."""

    REJECTED = 0
    CANDIDATE = 1
    ACCEPTED_ONCE = 2
    BY_CA = 3
    BY_HAND = 4

    @property
    def suffices(self) -> bool:
        """Enough to call a signature good and to encrypt to the key."""
        return self >= TrustLevel.ACCEPTED_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A CA certificate that somebody decided to trust."""

    key: Key
    domains: tuple[str, ...] | None = None
    """It vouches only for addresses in these domains (exact, lower case); None: for everybody."""


class TrustBook(Protocol):
    """The trust decisions of one desk. Implemented by the desk's key ring and by `MemoryTrust`."""

    def level(self, key: Key, address: str) -> TrustLevel:
        """What was decided for this very key and this canonical address; CANDIDATE where nothing was."""

    def anchors(self) -> Sequence[Anchor]:
        """All CA certificates that vouch."""

    def conflicts(self, key: Key, address: str) -> bool:
        """Whether another key trusted for the address contradicts this one."""


class MemoryTrust:
    """Trust decisions held in memory: for the command line and for tests."""

    def __init__(
        self,
        *,
        anchors: Sequence[Anchor] = (),
        levels: Mapping[str, TrustLevel] | None = None,
        conflicting: frozenset[str] = frozenset(),
    ) -> None:
        """`levels` and `conflicting` are by fingerprint; a level holds for the addresses that the key itself names."""
        self._anchors = tuple(anchors)
        self._levels = dict(levels or {})
        self._conflicting = conflicting

    def level(self, key: Key, address: str) -> TrustLevel:
        """The level given for the key, for addresses that it names; a rejected key is rejected for all."""
        level = self._levels.get(key.fingerprint, TrustLevel.CANDIDATE)
        if level is TrustLevel.REJECTED or address in key.addresses:
            return level
        return TrustLevel.CANDIDATE

    def anchors(self) -> Sequence[Anchor]:
        """All CA certificates that vouch."""
        return self._anchors

    def conflicts(self, key: Key, address: str) -> bool:
        """Whether the key was marked as contradicted."""
        return key.fingerprint in self._conflicting and address in key.addresses
