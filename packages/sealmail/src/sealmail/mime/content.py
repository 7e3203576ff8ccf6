"""What a reader sees of a message: its main text, the HTML beside it, and the attachments.

The choice follows RFC 8621 §4.1.4, as mail clients do it. A message inside a message is an attachment and never looked
into; what was decrypted somewhere inside is not known here.
"""

from __future__ import annotations

import html as entities
import re
import unicodedata
from dataclasses import dataclass, field

from sealmail.mime.html import html_to_text
from sealmail.mime.limits import Defect
from sealmail.mime.part import Part
from sealmail.mime.protected import has_legacy_display, legacy_display_part, without_legacy_div, without_legacy_lines
from sealmail.mime.text import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MainText:
    """The words of a message. `html` is None where the sender wrote none; it is as it came and not safe to show.

    `part` is the first part that the text comes from, None for a message without text.
    """

    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    part: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A part that is not the main text. `name` has no path in it; `inline_cid` is set where HTML may refer to the
    part."""

    name: str = field(repr=False)
    content_type: str
    part: Part
    inline_cid: str | None = None

    def decoded(self) -> bytes:
        """The bytes of the attached file."""
        return self.part.decoded()


def main_text(root: Part, *, legacy_display: bool = False) -> MainText:
    """The main text of `root`: plain text where there is any, else its HTML as text; several text parts joined.

    With `legacy_display`, `root` is the root of what was signed or encrypted, and what only repeats its protected
    headers
    for old readers is left out (RFC 9788 §4.5.3). Outside of such a payload the marks have no meaning. Never raises.
    """
    bodies = _bodies(root, legacy_display_part(root) if legacy_display else None)
    pieces = [_as_text(part, legacy_display=legacy_display) for part in bodies.plain]
    ended = [piece if piece.endswith("\n") else piece + "\n" for piece in pieces[:-1]]
    return MainText(
        text="".join([*ended, *pieces[-1:]]),
        html=_html(bodies.html, legacy_display=legacy_display),
        part=bodies.plain[0] if bodies.plain else None,
    )


def attachments(root: Part, *, legacy_display: bool = False) -> list[Attachment]:
    """Every leaf that is neither main text, nor an alternative to it, nor part of the sealing. A message counts as one.

    `legacy_display` as in `main_text`. Names are safe to be used as file names.
    """
    hidden = legacy_display_part(root) if legacy_display else None
    bodies = _bodies(root, hidden)
    not_attached = {id(part) for part in (*bodies.plain, *bodies.html, *bodies.other)}
    not_attached.add(id(hidden))
    return [_attachment(part) for part in _leaves(root) if id(part) not in not_attached]


@dataclass(slots=True)
class _Bodies:
    """The parts that make the text, those that make the HTML, and texts that neither of them needs."""

    plain: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    other: list[Part] = field(default_factory=list)

    def add(self, more: _Bodies) -> None:
        self.plain += more.plain
        self.html += more.html
        self.other += more.other


def _bodies(part: Part, hidden: Part | None, *, is_first: bool = True) -> _Bodies:
    if part is hidden or part.is_message:
        return _Bodies()
    if not part.children:
        return _Bodies([part], [part]) if _is_body(part, is_first=is_first) else _Bodies()
    match part.content_type:
        case "multipart/encrypted":
            bodies = _Bodies()
        case "multipart/signed":
            bodies = _bodies(part.children[0], hidden)
        case "multipart/related":
            bodies = _related(part, hidden)
        case "multipart/alternative":
            bodies = _alternative([_bodies(child, hidden) for child in part.children])
        case _:
            bodies = _Bodies()
            for index, child in enumerate(part.children):
                bodies.add(_bodies(child, hidden, is_first=index == 0))
    return bodies


def _is_body(part: Part, *, is_first: bool) -> bool:
    if part.is_multipart:
        # A multipart whose delimiter never came is still something to read.
        return Defect.BOUNDARY_NOT_FOUND in part.defects
    if part.content_type not in {"text/plain", "text/html"} or part.disposition == "attachment":
        return False
    return is_first or part.filename is None


def _related(part: Part, hidden: Part | None) -> _Bodies:
    # RFC 2387 §3.2: "start" names the root, else it is the first part.
    start = part.params.get("start", "").strip("<> ")
    rooted = sorted(part.children, key=lambda child: not start or child.content_id != start)
    return next((found for child in rooted if (found := _bodies(child, hidden)).plain), _Bodies())


def _alternative(choices: list[_Bodies]) -> _Bodies:
    readable = [choice for choice in choices if choice.plain]
    if not readable:
        return _Bodies()
    plain = next((c for c in readable if not _has_html(c.plain)), readable[-1])
    # The last alternative is the one that the sender likes best (RFC 2046 §5.1.4).
    html = next((c for c in reversed(readable) if _has_html(c.html)), plain)
    other = [part for choice in readable for part in (*choice.plain, *choice.html, *choice.other)]
    return _Bodies(plain.plain, html.html, other)


def _has_html(parts: list[Part]) -> bool:
    return any(part.content_type == "text/html" for part in parts)


def _as_text(part: Part, *, legacy_display: bool) -> str:
    if part.content_type == "text/html":
        return html_to_text(_cleared(part, legacy_display=legacy_display))
    return _cleared(part, legacy_display=legacy_display)


def _cleared(part: Part, *, legacy_display: bool) -> str:
    text = text_of(part)
    if not legacy_display or not has_legacy_display(part):
        return text
    return without_legacy_div(text) if part.content_type == "text/html" else without_legacy_lines(text)


def _html(parts: list[Part], *, legacy_display: bool) -> str | None:
    if not _has_html(parts):
        return None
    pieces = []
    for part in parts:
        text = _cleared(part, legacy_display=legacy_display)
        is_html = part.content_type == "text/html"
        pieces.append(text if is_html else f'<div style="white-space: pre-wrap">{entities.escape(text)}</div>')
    return "\n".join(pieces)


_SEALING = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})


def _leaves(part: Part) -> list[Part]:
    if not part.children or part.is_message:
        return [part]
    children: tuple[Part, ...] = part.children
    if part.content_type == "multipart/signed":
        # Parts that only carry the sealing are no attachments (RFC 1847 §2.1, §2.2).
        children = tuple(c for i, c in enumerate(children) if i != 1 or c.content_type not in _SEALING)
    elif part.content_type == "multipart/encrypted":
        children = tuple(c for i, c in enumerate(children) if i or c.content_type != "application/pgp-encrypted")
    return [leaf for child in children for leaf in _leaves(child)]


def _attachment(part: Part) -> Attachment:
    name = safe_name(part.filename or "") or default_name(part.content_type)
    return Attachment(name=name, content_type=part.content_type, part=part, inline_cid=part.content_id)


_ENDINGS = {
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "message/delivery-status": "txt",
    "message/global": "eml",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/vcard": "vcf",
}


def default_name(content_type: str) -> str:
    """A file name for an attachment that came without one."""
    stem = "message" if content_type.startswith("message/") else "attachment"
    return f"{stem}.{_ENDINGS.get(content_type, 'bin')}"


def safe_name(name: str) -> str:
    """`name` as a file name: no path, no control or direction characters, at most 200 characters; may be empty."""
    last = re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1]
    kept = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"} or c.isspace())
    cleaned = " ".join(kept.split()).strip(". ") if set(kept.strip()) <= {"."} else " ".join(kept.split())
    stem, dot, ending = cleaned.rpartition(".")
    if len(cleaned) > 200 and dot and len(ending) <= 10:
        return stem[: 199 - len(ending)] + dot + ending
    return cleaned[:200]
