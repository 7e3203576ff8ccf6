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
_UNSEEN = ("script", "style", "head", "title", "template", "noscript")
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


def without_tags(html: str) -> str:
    """The text of `html` with tags, comments and the contents of scripts and styles left out, in one pass."""
    pieces: list[str] = []
    lower = html.lower() if len(html.lower()) == len(html) else html
    position = 0
    while (start := html.find("<", position)) >= 0:
        pieces.append(html[position:start])
        position = _after_markup(lower, start)
        if _BREAKS.match(html, start + 1):
            pieces.append("\n")
    pieces.append(html[position:])
    lines = (" ".join(line.split()) for line in entities.unescape("".join(pieces)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _after_markup(lower: str, start: int) -> int:
    if lower.startswith("<!--", start):
        return _after(lower, "-->", start + 4)
    for name in _UNSEEN:
        if lower.startswith(name, start + 1) and not lower[start + 1 + len(name) : start + 2 + len(name)].isalnum():
            return _after(lower, ">", _after(lower, f"</{name}", start))
    if lower[start + 1 : start + 2].isalpha() or lower.startswith(("</", "<!", "<?"), start):
        return _after(lower, ">", start)
    return start + 1


def _after(text: str, end: str, start: int) -> int:
    found = text.find(end, start)
    return len(text) if found < 0 else found + len(end)


def _laid_out(document: str) -> str | None:
    from inscriptis.html_engine import Inscriptis
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
        text: str = Inscriptis(tree).get_text()
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
