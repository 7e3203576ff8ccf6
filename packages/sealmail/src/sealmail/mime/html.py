"""HTML of a mail as plain text, for search, quoting and those who read text. It cleans nothing for display.

The library that lays the text out is fed only what it can chew: hostile documents (too large, too deep, too many
elements) go to a plain remover of tags, so that the words are kept and the time stays linear.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterable

_MOST_CHARACTERS = 1_000_000
_MOST_ELEMENTS = 20_000
_DEEPEST = 100
_BREAKS = re.compile(
    r"/?(?:p|div|br|tr|li|ul|ol|table|h[1-6]|blockquote|pre|hr|section|article)(?![a-z0-9])", re.IGNORECASE
)
_DECLARATION = re.compile(r"\s*<\?xml[^<>]*>", re.IGNORECASE)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def html_to_text(html: str) -> str:
    """The text of an HTML document, laid out where that is safe. Never raises, reads nothing from outside."""
    document = _DECLARATION.sub("", _UNREADABLE.sub("�", html), count=1)
    if not document.strip():
        return ""
    laid_out = _laid_out(document) if len(document) <= _MOST_CHARACTERS else None
    return without_tags(document) if laid_out is None else laid_out


_MARKUP = re.compile(r"<(?:(script|style|head|title|template|noscript)\b|(!--)|[a-z/!?])", re.IGNORECASE)


def without_tags(html: str) -> str:
    """The text of `html` with tags, comments and the contents of scripts and styles left out, in one pass."""
    pieces: list[str] = []
    lower = html.lower() if len(html.lower()) == len(html) else html
    position = 0
    while markup := _MARKUP.search(html, position):
        pieces.append(html[position : markup.start()])
        position = _after_markup(lower, markup)
        if _BREAKS.match(html, markup.start() + 1):
            pieces.append("\n")
    pieces.append(html[position:])
    lines = (" ".join(line.split()) for line in entities.unescape("".join(pieces)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _after_markup(lower: str, markup: re.Match[str]) -> int:
    if markup[2]:
        return _after(lower, "-->", markup.end())
    if markup[1]:
        return _after(lower, ">", _after(lower, f"</{markup[1].lower()}", markup.end()))
    return _after(lower, ">", markup.start())


def _after(text: str, end: str, start: int) -> int:
    found = text.find(end, start)
    return len(text) if found < 0 else found + len(end)


def _laid_out(document: str) -> str | None:
    from inscriptis.css_profiles import STRICT_CSS_PROFILE
    from inscriptis.html_engine import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    try:
        parser = HTMLParser(encoding="utf-8", no_network=True, remove_pis=True)
        tree = document_fromstring(document.encode("utf-8", "replace"), parser=parser)
        if not _is_modest(etree.iterwalk(tree, events=("start", "end"))):
            return None
        for element in tree.iter(etree.Element):
            # Margins and paddings as wide as a sender likes would be printed as so many spaces.
            style = element.attrib.pop("style", "")
            if _HIDDEN.search(style):
                element.set("style", "display: none")
        text: str = Inscriptis(tree, ParserConfig(css=dict(STRICT_CSS_PROFILE))).get_text()
    except (etree.LxmlError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        # What the library stumbles over is the sender's document; the words are still there.
        return None
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _is_modest(events: Iterable[tuple[str, object]]) -> bool:
    depth = 0
    for count, (event, _) in enumerate(events):
        depth += 1 if event == "start" else -1
        if depth > _DEEPEST or count > 2 * _MOST_ELEMENTS:
            return False
    return True
