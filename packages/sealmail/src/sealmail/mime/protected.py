"""Headers that travelled inside the protection of a message, and the copies of them that old readers were shown.

The root of what was signed or encrypted (the payload) carries them: by RFC 9788 (`hp=`), by the older drafts
(`protected-headers="v1"`, or no mark at all), or as a whole wrapped message (RFC 8551 §3.1). Whether the protection
holds is nothing that this module knows: callers pass a payload only, never the outside of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from sealmail.mime.headers import Field, Headers
from sealmail.mime.part import Part

_STRUCTURAL = ("content-*", "mime-version", "hp-outer")
_TELLING = ("subject", "from")
_LEGACY_TYPES = frozenset({"text/plain", "text/rfc822-headers"})


class ProtectedStyle(StrEnum):
    """In which way the headers were protected."""

    NONE = "none"
    RFC9788 = "rfc9788"
    DRAFT = "protected-headers-v1"
    UNMARKED = "unmarked"
    WRAPPED = "rfc8551"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedHeaders:
    """The header fields inside the protection, and the names (lower case) of those that the outside does not show."""

    style: ProtectedStyle = ProtectedStyle.NONE
    headers: Headers = field(default_factory=Headers)
    confidential: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        """Whether the payload carries headers of the message at all."""
        return self.style is not ProtectedStyle.NONE


def protected_headers(payload: Part, outer: Headers | None = None) -> ProtectedHeaders:
    """The headers that `payload`, the root of what was signed or encrypted, carries for the message.

    What was confidential is told by the message itself under RFC 9788 §2.2 (HP-Outer); under the older styles only the
    `outer` headers of the message can tell. Never raises.
    """
    wrapped = unwrap_rfc8551(payload)
    inner = wrapped or payload
    style = _style(inner, is_wrapped=wrapped is not None)
    if style is ProtectedStyle.NONE:
        return ProtectedHeaders()
    headers = inner.headers.without(*_STRUCTURAL)
    if style is ProtectedStyle.RFC9788:
        seen = _copied(inner.headers) if inner.params.get("hp", "").lower() == "cipher" else list(headers)
    else:
        seen = list(headers) if outer is None else list(outer)
    return ProtectedHeaders(style=style, headers=headers, confidential=_hidden(headers, seen))


def unwrap_rfc8551(payload: Part) -> Part | None:
    """The message inside a payload that is nothing but a wrapped message (RFC 8551 §3.1), or None.

    A forwarded message looks the same from outside; only `forwarded=yes` tells it, or its lack of an author
    (RFC 9788 §4.10).
    """
    if not payload.is_message or not payload.children:
        return None
    message = payload.children[0]
    is_forwarded = payload.params.get("forwarded", "no").lower() != "no"
    return message if not is_forwarded and message.headers.has("from") else None


def is_legacy_display(part: Part) -> bool:
    """Whether `part`, the first child of a payload, only repeats protected headers for old readers (the older
    drafts)."""
    return (
        part.content_type in _LEGACY_TYPES
        and part.params.get("protected-headers", "").lower() == "v1"
        and part.disposition != "attachment"
    )


def legacy_display_part(payload: Part) -> Part | None:
    """The part of `payload` that only repeats protected headers, or None. It is never the only part."""
    while payload.content_type == "multipart/signed" and payload.children:
        payload = payload.children[0]
    if payload.content_type != "multipart/mixed" or len(payload.children) < 2:
        return None
    return payload.children[0] if is_legacy_display(payload.children[0]) else None


def has_legacy_display(part: Part) -> bool:
    """Whether the text of `part` begins with repeated headers (RFC 9788 §2.1.2)."""
    return part.params.get("hp-legacy-display") == "1"


_HEADER_LINE = re.compile(r"[!-9;-~]+:|[ \t]+\S")


def without_legacy_lines(text: str) -> str:
    """`text` without the lines at its top that repeat header fields, and the blank line after them; else as it is."""
    lines = text.split("\n")
    count = next((index for index, line in enumerate(lines) if not line.strip()), len(lines))
    if not count or not all(_HEADER_LINE.match(line) for line in lines[:count]):
        return text
    return "\n".join(lines[count + 1 :])


_DIV = re.compile(r"<(/?)div\b[^<>]*+>", re.IGNORECASE)


def without_legacy_div(html: str) -> str:
    """`html` without its first div of class `header-protection-legacy-display`; as it is where there is none."""
    start, depth = -1, 0
    for tag in _DIV.finditer(html):
        if start < 0:
            if "header-protection-legacy-display" in tag[0].lower():
                start, depth = tag.start(), 1
            continue
        depth += -1 if tag[1] else 1
        if depth == 0:
            return html[:start] + html[tag.end() :]
    return html


def _style(inner: Part, *, is_wrapped: bool) -> ProtectedStyle:
    if inner.params.get("hp", "").lower() in {"clear", "cipher"}:
        return ProtectedStyle.RFC9788
    if is_wrapped:
        return ProtectedStyle.WRAPPED
    if inner.params.get("protected-headers", "").lower() == "v1":
        return ProtectedStyle.DRAFT
    return ProtectedStyle.UNMARKED if any(inner.headers.has(name) for name in _TELLING) else ProtectedStyle.NONE


def _copied(headers: Headers) -> list[Field]:
    """The outside as its maker recorded it: "HP-Outer: Subject: [...]" (RFC 9788 §2.2)."""
    copies = []
    for copy in headers.named("hp-outer"):
        name, _, value = copy.raw.partition(b":")
        copies.append(Field(name.strip().decode("ascii", "replace"), value))
    return copies


def _hidden(headers: Headers, seen: Iterable[Field]) -> tuple[str, ...]:
    outside = {(f.name.lower(), f.value) for f in seen}
    names = dict.fromkeys(f.name.lower() for f in headers if (f.name.lower(), f.value) not in outside)
    return tuple(names)
