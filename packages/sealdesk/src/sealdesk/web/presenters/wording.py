"""The shape of what a code says to people, and how its gaps are filled with facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a colour means; always shown with icon and word."""

    MUTED = "muted"
    GREEN = "green"
    BLUE = "blue"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What is shown for a code."""

    icon: str
    tone: Tone
    label: str
    sentence: str = ""
    hint: str = ""


FALLBACKS: Mapping[str, str] = {
    "address": "its sender",
    "algorithm": "a form",
    "customer": "The customer",
    "issuer": "the issuer of the certificate",
    "key": "the recipient’s key",
    "others": "others",
    "our_key": "our key",
    "reason": "no reason given",
    "recipients": "other keys",
    "revoked_on": "an unknown date",
    "sender": "the sender",
    "signer": "the signer",
    "trust": "with a key that is trusted here",
    "valid_from": "an unknown date",
    "valid_until": "an unknown date",
}
"""Words for facts that a place does not know: a list row has only codes."""


class _Gaps(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return FALLBACKS[name]


def fill(face: Face, facts: Mapping[str, str] | None = None) -> Face:
    """The face with its gaps filled by `facts`, or by fallback words."""
    gaps = _Gaps({name: value for name, value in (facts or {}).items() if value})
    return Face(
        icon=face.icon,
        tone=face.tone,
        label=face.label.format_map(gaps),
        sentence=face.sentence.format_map(gaps),
        hint=face.hint.format_map(gaps),
    )
