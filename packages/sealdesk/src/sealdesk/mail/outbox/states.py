"""What becomes of a copy and its deliveries after a try: pure tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sealdesk.mail.models import CopyState

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""After each failed try; past the last one we give up (RFC 5321 §4.5.4.1 asks for four to five days; ours is two)."""

_WORST_FIRST = (
    CopyState.UNKNOWN,
    CopyState.SENDING,
    CopyState.RETRY,
    CopyState.QUEUED,
    CopyState.FAILED,
    CopyState.SENT,
)


class Result(StrEnum):
    """What a server did with one recipient."""

    SENT = "sent"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"
    """The connection broke after the mail was handed over and before the server said what it did with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one recipient, with the server's words for people."""

    result: Result
    code: str = ""
    sentence: str = ""


def next_state(result: Result, attempts: int) -> CopyState:
    """The state of a delivery after its copy was tried `attempts` times."""
    match result:
        case Result.SENT:
            return CopyState.SENT
        case Result.PERMANENT:
            return CopyState.FAILED
        case Result.UNKNOWN:
            return CopyState.UNKNOWN
        case Result.TEMPORARY:
            return CopyState.RETRY if attempts <= len(WAITS) else CopyState.FAILED


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many tries."""
    return WAITS[min(max(attempts, 1), len(WAITS)) - 1]


def copy_state(deliveries: Collection[CopyState]) -> CopyState:
    """The state of a copy from those of its deliveries: what still needs somebody or something comes first."""
    return next((state for state in _WORST_FIRST if state in deliveries), CopyState.FAILED)
