"""What the two engines hand to `opening`: plain text and facts. Only the engines make these values.

A `payload` is bytes of a MIME entity (or, for what is not MIME, whatever was inside); it is there only where it may be
shown: never after a failed integrity check of an encryption.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sealmail.keys.model import Key
from sealmail.report import EncryptionFacts, SignatureFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptionResult:
    """The outcome of opening one encryption layer."""

    facts: EncryptionFacts
    payload: bytes | None = field(default=None, repr=False)
    signers: tuple[SignatureFacts, ...] = ()
    """For OpenPGP: signatures made in one pass with the encryption; they cover the whole payload."""
    keys_seen: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    """The outcome of checking one signature layer."""

    signers: tuple[SignatureFacts, ...]
    payload: bytes | None = field(default=None, repr=False)
    """The signed content where the signature carries it (opaque); shown whether it verifies or not."""
    keys_seen: tuple[Key, ...] = ()
    """Certificates that the structure brought along: for building paths and as candidates."""
