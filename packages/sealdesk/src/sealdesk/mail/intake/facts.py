"""Gathers what the decision depends on: one query for threading, others only where the mail calls for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredSecret
from sealdesk.mail.intake.decision import IncomingFacts, QuarantineReason, TicketFacts
from sealdesk.mail.messageids import carried_id, normal_id, normal_ids, number_in
from sealdesk.people.models import CustomerAddress, Group
from sealdesk.tickets.models import Article, ArticleKind, Ticket, TicketState
from sealmail.report import Encryption, Warning

if TYPE_CHECKING:
    from sealmail.opening import Opened

_CARRIED_TYPES = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_ARTICLES_ASKED = 500
_REFERENCES_ASKED = 50
_LONGEST_ADDRESS = 254


def gather(opened: Opened, group: Group) -> IncomingFacts:
    """The facts about a mail that this group received."""
    headers, report = opened.headers, opened.report
    sender = sender_of(opened)
    known = _known_articles(opened)
    threaded = known.thread(sender, group)
    return IncomingFacts(
        sender=sender,
        has_content=_has_content(opened),
        encryption=report.encryption.verdict,
        opening_problem=_opening_problem(opened),
        other_group_can_open=owning_group(opened, group) is not None,
        is_bounce=headers.is_bounce,
        is_automatic=headers.auto_submitted,
        automatic_mails_last_hour=_automatic_mails(sender) if sender and headers.auto_submitted else 0,
        is_our_own=known.is_our_own,
        repeats_message_id=known.repeats,
        threaded=threaded,
        numbered=None if threaded else _numbered(headers.subject, sender, group),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """Articles here that the mail's own or quoted Message-IDs name."""

    message_id: str
    quoted: Sequence[str]
    rows: Sequence[tuple[str, str, Ticket]]

    def thread(self, sender: str | None, group: Group) -> TicketFacts | None:
        by_id = {message_id: ticket for message_id, _, ticket in self.rows}
        ticket = next((by_id[name] for name in self.quoted if name in by_id), None)
        return _ticket_facts(ticket, group, sender) if ticket else None

    @property
    def is_our_own(self) -> bool:
        return any(name == self.message_id and kind == ArticleKind.OUTGOING for name, kind, _ in self.rows)

    @property
    def repeats(self) -> bool:
        return any(name == self.message_id and kind == ArticleKind.INCOMING for name, kind, _ in self.rows)


def _known_articles(opened: Opened) -> _Known:
    own = normal_id(opened.headers.message_id)
    quoted = _quoted_ids(opened)
    names = {own, *quoted} - {""}
    articles = Article.objects.filter(message_id__in=names).select_related("ticket")
    rows = articles.only("message_id", "kind", "ticket__group", "ticket__state", "ticket__customer") if names else ()
    return _Known(own, quoted, [(article.message_id, article.kind, article.ticket) for article in rows])


def _quoted_ids(opened: Opened) -> tuple[str, ...]:
    """What the mail answers, most telling first; for a bounce the mail that it carries back."""
    headers = opened.headers
    carried = [
        carried_id(attachment.data)
        for attachment in opened.content.attachments
        if headers.is_bounce and attachment.content_type.lower() in _CARRIED_TYPES
    ]
    latest_first = tuple(reversed(headers.references))[:_REFERENCES_ASKED]
    return normal_ids((*carried, headers.in_reply_to or "", *latest_first))


def _ticket_facts(ticket: Ticket, group: Group, sender: str | None) -> TicketFacts:
    return TicketFacts(
        id=ticket.pk,
        same_group=ticket.group_id == group.pk,
        sender_takes_part=sender is not None and _takes_part(sender, ticket),
        is_merged=ticket.state == TicketState.MERGED,
    )


def _numbered(subject: str, sender: str | None, group: Group) -> TicketFacts | None:
    number = number_in(subject)
    ticket = Ticket.objects.filter(number=number).first() if number is not None else None
    if ticket is None:
        return None
    return _ticket_facts(ticket, group, sender)


def _takes_part(sender: str, ticket: Ticket) -> bool:
    if CustomerAddress.objects.filter(customer=ticket.customer_id, address=sender).exists():
        return True
    articles = ticket.articles.exclude(kind=ArticleKind.NOTE).values_list("sender", "to", "cc", "bcc")
    return any(sender in (wrote, *to, *cc, *bcc) for wrote, to, cc, bcc in articles[:_ARTICLES_ASKED])


def _automatic_mails(sender: str) -> int:
    since = now() - timedelta(hours=1)
    return Article.objects.filter(sender=sender, is_automatic=True, created_at__gt=since).count()


def sender_of(opened: Opened) -> str | None:
    """The author's address, where it can be answered (RFC 5321 §4.5.3.1.3 ends at 254 characters)."""
    author = opened.headers.from_
    return author.address if author and len(author.address) <= _LONGEST_ADDRESS else None


def owning_group(opened: Opened, group: Group) -> Group | None:
    """Another group whose secret key would open what ours does not."""
    encryption = opened.report.encryption
    if encryption.verdict is not Encryption.NO_KEY or encryption.facts is None:
        return None
    ids = [identifier for identifier in encryption.facts.recipients if identifier]
    secrets = StoredSecret.objects.filter(key__identifiers__identifier__in=ids).exclude(groups=group)
    return Group.objects.filter(secret_keys__in=secrets).order_by("name").first()


def _opening_problem(opened: Opened) -> QuarantineReason | None:
    if Warning.OPENING_FAILED not in opened.report.warnings:
        return None
    over_budget = opened.report.encryption.reason == "over_budget"
    return QuarantineReason.OVER_BUDGET if over_budget else QuarantineReason.OPENING_FAILED


def _has_content(opened: Opened) -> bool:
    content = opened.content
    words = content.text.strip() or content.html or content.attachments or opened.headers.subject.strip()
    return bool(words) or opened.report.encryption.verdict is not Encryption.NONE
