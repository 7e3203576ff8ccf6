"""Which report of an article its page shows: an article keeps that of receipt and those of every later look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealdesk.tickets.models import Article


def shown_report(article: Article) -> Mapping[str, Any]:
    """The report that what is shown comes from: that of receipt, or of the later look that knew more."""
    receipt: Mapping[str, Any] = article.report or {}
    rechecks = receipt.get("rechecks", ())
    # The verdicts of the whole do not tell: a later look may have opened only a part.
    marked = [look["report"] for look in reversed(rechecks) if look.get("is_shown")]
    looks = [*marked, receipt, *(look["report"] for look in reversed(rechecks))]
    shown = (article.encryption, article.signature)
    return next((look for look in looks if look and _verdicts(look) == shown), receipt)


def _verdicts(report: Mapping[str, Any]) -> tuple[str, str]:
    return report["encryption"]["verdict"], report["signature"]["verdict"]
