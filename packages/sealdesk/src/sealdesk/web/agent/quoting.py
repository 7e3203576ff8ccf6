"""The quote that an agent may put below an answer: the main text of the mail that is answered, and nothing else.

Parts that were opened apart are never quoted: whoever wraps a stolen sealed mail in a harmless one must not get its
words back with the answer. Neither are words that only formatting could have hidden from the agent's eyes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sealdesk.tickets.models import Article
from sealdesk.web.presenters.times import exact
from sealmail.mime import html_to_text
from sealmail.report import Encryption

MOST_LINES = 400
MOST_CHARACTERS = 20_000
CUT = "> […]"

_CAN_HIDE = re.compile(r"style|class\s*=|hidden|<font|color|size\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote as it would be sent."""

    address: str
    text: str = field(repr=False)
    lines: int


def quote_of(article: Article | None) -> Quote | None:
    """The quote of a mail; None where there is nothing to quote, or something that must not be."""
    if article is None or not article.text.strip() or _may_hold_hidden_words(article):
        return None
    words = article.text[:MOST_CHARACTERS].strip().splitlines()
    quoted = [f"> {line}".rstrip() for line in words[:MOST_LINES]]
    is_cut = len(words) > MOST_LINES or len(article.text) > MOST_CHARACTERS
    attribution = f"On {exact(article.created_at)}, {article.sender} wrote:"
    text = "\n".join([attribution, *quoted, *([CUT] if is_cut else [])])
    return Quote(address=article.sender, text=text, lines=len(quoted))


def below(text: str, quote: str) -> str:
    """The answer with the quote under it."""
    return f"{text.rstrip()}\n\n{quote.strip()}\n"


def _may_hold_hidden_words(article: Article) -> bool:
    """Whether the text of an encrypted mail was made of HTML that can show less than it holds."""
    html = article.html or ""
    if article.encryption in {"", Encryption.NONE.value} or not _CAN_HIDE.search(html):
        return False
    return " ".join(html_to_text(html).split()) in " ".join(article.text.split())
