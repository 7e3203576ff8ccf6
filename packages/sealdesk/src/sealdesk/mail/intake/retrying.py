"""Opens a mail of an article once more with today's keys: keys that came later show what was hidden.

The report of receipt stays as it is; each look is added beside it. What the article shows changes only where the new
look knows more: it opened what was closed, or found the signer of a signature that could not be verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction

from sealdesk.core import blobs
from sealdesk.core.clock import now
from sealdesk.mail import rawmail, securitylog
from sealdesk.mail.capabilities import remember
from sealdesk.mail.intake.decision import Mark
from sealdesk.mail.intake.facts import sender_of
from sealdesk.mail.intake.opening import open_for
from sealdesk.mail.intake.writing import article_content, codes_of, new_attachments, note_keys, report_json
from sealdesk.mail.messageids import untagged
from sealdesk.mail.models import RawMail
from sealdesk.mail.shown import shown_report
from sealdesk.people.models import Agent
from sealdesk.tickets.attachments import stored
from sealdesk.tickets.content import VerdictCodes, readable
from sealdesk.tickets.errors import TicketError
from sealdesk.tickets.events import EventKind, record
from sealdesk.tickets.models import Article, ArticleKind, Attachment
from sealdesk.tickets.rules import check_can_read
from sealmail.opening import Opened
from sealmail.report import Encryption, Signature

CLOSED = frozenset(
    verdict.value
    for verdict in (
        Encryption.NO_KEY,
        Encryption.LOCKED,
        Encryption.UNSUPPORTED,
        Encryption.DAMAGED,
        Encryption.REFUSED,
    )
)
"""Verdicts under which the words of a mail were not shown."""
_UNVERIFIED = Signature.UNVERIFIED.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a second look gave."""

    article: Article
    changed: bool
    """Whether the article shows something new."""


Parts = Mapping[str, tuple[str, str]]
"""Of each part that is shown apart, by its path: the verdicts of its encryption and of its signature."""


def may_help(encryption: str, signature: str, parts: Parts | None = None) -> bool:
    """Whether another look could show more, of the whole or of a part; the page offers it then."""
    return any(
        one in CLOSED or other == _UNVERIFIED for one, other in ((encryption, signature), *(parts or {}).values())
    )


def parts_of(report: Mapping[str, Any]) -> Parts:
    """The verdicts of the parts in a report as it is kept."""
    parts = report.get("parts", ())
    return {part["path"]: (part["encryption"]["verdict"], part["signature"]["verdict"]) for part in parts}


def knows_more(
    before: VerdictCodes, again: VerdictCodes, parts_before: Parts | None = None, parts_again: Parts | None = None
) -> bool:
    """Whether the new look replaces what the article shows. A verdict that was reached is never taken back."""
    if _whole_knows_more(before, again):
        return True
    same = (before.encryption, before.signature) == (again.encryption, again.signature)
    return same and _parts_know_more(parts_before or {}, parts_again or {})


def _parts_know_more(before: Parts, again: Parts) -> bool:
    """One part at least shows more, and none shows less or is missing."""
    pairs = [(codes, again.get(path)) for path, codes in before.items()]
    changed = [(codes, other) for codes, other in pairs if codes != other]
    return bool(changed) and all(
        other is not None and _whole_knows_more(_verdicts(codes), _verdicts(other)) for codes, other in changed
    )


def _verdicts(codes: tuple[str, str]) -> VerdictCodes:
    return VerdictCodes(encryption=codes[0], signature=codes[1])


def _whole_knows_more(before: VerdictCodes, again: VerdictCodes) -> bool:
    if before.encryption in CLOSED:
        return again.encryption not in CLOSED or again.encryption != before.encryption
    if again.encryption != before.encryption:
        return False
    return before.signature == _UNVERIFIED and again.signature != _UNVERIFIED


def retry(*, article: Article, by: Agent | None) -> Retried:
    """Opens the raw mail again with the keys of the ticket's group, as of the time of receipt."""
    mail = _raw_mail(article, by)
    opened = open_for(article.ticket.group, rawmail.read(mail), mail.received_at)
    codes = codes_of(opened, _own_marks(article))
    parts_before, parts_again = parts_of(shown_report(article)), parts_of(report_json(opened))
    if not knows_more(_codes_of(article), codes, parts_before, parts_again):
        with transaction.atomic():
            _add_recheck(article, opened, by)
            article.save(update_fields=["report"])
        return Retried(article=article, changed=False)
    with stored(new_attachments(opened)) as attachments, transaction.atomic():
        _fill_in(article, opened, codes, attachments, by)
    return Retried(article=article, changed=True)


def _raw_mail(article: Article, by: Agent | None) -> RawMail:
    if by is not None:
        check_can_read(by, article.ticket)
    mail = RawMail.objects.filter(article=article).first()
    if article.kind != ArticleKind.INCOMING or mail is None:
        raise TicketError("There is no mail behind this article that could be opened again.")
    return mail


def _fill_in(
    article: Article, opened: Opened, codes: VerdictCodes, attachments: Sequence[Attachment], by: Agent | None
) -> None:
    before = {"encryption": article.encryption, "signature": article.signature}
    content = article_content(opened, is_automatic=article.is_automatic)
    article.subject, article.text, article.html = content.subject, content.text, content.html
    article.sender, article.sender_name = content.sender, readable(content.sender_name, 300)
    for name, value in codes.columns().items():
        setattr(article, name, value)
    _add_recheck(article, opened, by, is_shown=True)
    article.save()
    _replace_attachments(article, attachments)
    _refresh_ticket(article, codes)
    securitylog.log_opened(opened.report, article, now())
    note_keys(opened, article)
    remember(opened, sender=sender_of(opened), received_at=article.created_at)
    after = {"encryption": article.encryption, "signature": article.signature}
    record(article.ticket, EventKind.MAIL_RETRIED, by=by, article=article, codes={"from": before, "to": after})


def _add_recheck(article: Article, opened: Opened, by: Agent | None, *, is_shown: bool = False) -> None:
    report = dict(article.report or {})
    look: dict[str, object] = {"at": now().isoformat(), "by": str(by.pk) if by else None, "report": report_json(opened)}
    if is_shown:
        look["is_shown"] = True
    report["rechecks"] = [*report.get("rechecks", []), look]
    article.report = report


def _replace_attachments(article: Article, attachments: Sequence[Attachment]) -> None:
    old = list(article.attachments.all())
    article.attachments.all().delete()
    for attachment in attachments:
        attachment.article = article
    Attachment.objects.bulk_create(attachments)
    for one in old:
        transaction.on_commit(partial(blobs.delete, one.blob))


def _refresh_ticket(article: Article, codes: VerdictCodes) -> None:
    """The ticket repeats the codes of its last mail, and the subject of its first, which may have been hidden."""
    ticket = article.ticket
    mails = ticket.articles.filter(kind=ArticleKind.INCOMING).order_by("created_at", "id")
    order = list(mails.values_list("pk", flat=True))
    changes: dict[str, object] = {"updated_at": now()}
    if order[-1:] == [article.pk]:
        changes |= codes.ticket_columns()
    if order[:1] == [article.pk]:
        changes["title"] = untagged(article.subject)
    for name, value in changes.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=list(changes))


def _codes_of(article: Article) -> VerdictCodes:
    names = ("encryption", "encryption_covers", "signature", "signature_reason", "signature_covers")
    return VerdictCodes(**{name: getattr(article, name) for name in names})


def _own_marks(article: Article) -> list[str]:
    """Marks that came from the desk's own look at the mail, not from opening it."""
    return [mark.value for mark in Mark if mark.value in article.warnings]
