"""What one source says about one certificate: the common form of list entries and OCSP answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from cryptography.x509 import ReasonFlags

EVERY_REASON = frozenset(ReasonFlags) - {ReasonFlags.unspecified, ReasonFlags.remove_from_crl}
"""Those that a list can be limited to (RFC 5280 §5.2.5)."""
HOLD = ReasonFlags.certificate_hold.value
"""The only reason that can be taken back."""


class Word(Enum):
    """The word itself."""

    GOOD = auto()
    REVOKED = auto()
    UNKNOWN = auto()
    """The responder says that it does not know the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One authentic source about one certificate."""

    word: Word
    made_at: datetime
    """thisUpdate: the time for which the source speaks."""
    good_until: datetime
    """nextUpdate, or where there is none, as long as the policy lets data without it count."""
    revoked_at: datetime | None = None
    reason: str | None = None
    """The name of the reason in RFC 5280 §5.3.1, where it was revoked."""
    reasons: frozenset[ReasonFlags] = EVERY_REASON
    """For GOOD: which reasons the source would have told."""
    is_weak: bool = False
    """Signed with a hash that can be forged: believed only where it says "revoked"."""

    @property
    def is_hold(self) -> bool:
        """Revoked for a time only."""
        return self.word is Word.REVOKED and self.reason == HOLD
