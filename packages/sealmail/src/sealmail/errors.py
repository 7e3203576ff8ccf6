"""Errors by whose fault they are. The docstring of a class is its default message.

SealmailError
├── UsageError       the caller's
├── InputError       the input's: a message, key or passphrase that cannot be used
│   ├── PassphraseError
│   └── LimitExceeded
├── Refused          a policy's: what was asked for is not possible, with a reason for each recipient
└── EngineError      the environment's: worth another try, and never a statement about the message

No message of these errors holds content, passphrases or key material.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SealmailError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__ or "")


class UsageError(SealmailError):
    """The library was called in a way it does not allow."""


class InputError(SealmailError):
    """The input cannot be used."""


class PassphraseError(InputError):
    """The passphrase is missing or wrong."""


class LimitExceeded(InputError):
    """The input is larger or deeper than the limits allow."""


class EngineError(SealmailError):
    """Something around Sealdesk failed; the same input may work later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is not possible: a code for programs, a sentence for people, the address it is about (or None)."""

    code: str
    sentence: str
    address: str | None = None


class Refused(SealmailError):
    """What was asked for is not possible."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(reason.sentence for reason in reasons) or None)
