"""How far a key is trusted for an address: by a decision about the key itself, or by a CA that vouches for it.

One place for both directions, so that a key that is good enough to verify is good enough to encrypt to, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sealmail import paths
from sealmail.keys import Key, KeyStore, Technology, TrustBook, TrustLevel
from sealmail.paths import PathFacts
from sealmail.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """Whom to ask about a key, and at what time."""

    keys: KeyStore
    trust: TrustBook
    policy: Policy
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """The level of trust, and for certificates the path that led to it."""

    level: TrustLevel
    path: PathFacts | None = None


def vouch(key: Key, address: str, judges: Judges, *, included: Sequence[Key] = ()) -> Vouched:
    """The trust in `key` for the canonical `address`. `included`: certificates that came along, for building paths."""
    level = judges.trust.level(key, address)
    if key.technology is not Technology.SMIME:
        return Vouched(level=level)
    anchors = judges.trust.anchors()
    path = paths.judge_path(key, included, judges.keys, anchors, judges.policy, judges.at)
    if level.suffices and path.findings:
        # Who trusts the certificate itself does not ask its CA, and a CA that has expired takes nothing from it.
        path = paths.judge_alone(key, included, judges.keys, anchors, judges.policy, judges.at)
    if TrustLevel.REJECTED < level < TrustLevel.BY_CA and path.anchor is not None and path.vouches_for(address):
        level = TrustLevel.BY_CA
    return Vouched(level=level, path=path)
