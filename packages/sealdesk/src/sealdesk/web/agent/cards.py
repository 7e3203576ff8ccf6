"""What the ticket page shows of an article and of a customer, put together from rows that were read already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from sealdesk.keyring.naming import KeyNames, key_names
from sealdesk.mail.models import OutgoingState
from sealdesk.mail.queries import ArticleMail
from sealdesk.mail.shown import shown_report
from sealdesk.tickets.models import Article, ArticleKind, Attachment
from sealdesk.web.presenters.badge import Seal, around_faces, article_seal, part_faces
from sealdesk.web.presenters.deliveries import UNDER_WAY, DeliveryLine, delivery_lines
from sealdesk.web.presenters.evidence import Block, blocks, sent_blocks
from sealdesk.web.presenters.key_names import ids_in
from sealdesk.web.presenters.states import ARTICLE_KINDS
from sealdesk.web.presenters.wording import Face
from sealmail.report import Encryption

SEALING_ONLY = frozenset({"smime.p7s", "signature.asc"})
"""Files that only carry a signature; the badge shows what they hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientLine:
    """The recipients in one header field."""

    field: str
    addresses: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCard:
    """A sealed part inside a message, framed."""

    path: str
    faces: tuple[Face, ...]
    text: str
    files: Sequence[Attachment]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleCard:
    """One article."""

    article: Article
    kind: str
    text: str
    is_note: bool
    claimed_name: str
    recipients: tuple[RecipientLine, ...]
    seal: Seal | None
    evidence: Sequence[Block]
    notices: Sequence[Face]
    around: Sequence[Face]
    """What holds for the words outside of the parts."""
    parts: Sequence[PartCard]
    files: Sequence[Attachment]
    has_html: bool
    frame: str
    may_load_pictures: bool
    can_retry: bool
    has_source: bool
    deliveries: Sequence[DeliveryLine]
    sealing: Sequence[Block]
    """How a mail of ours was sealed, copy by copy."""
    is_under_way: bool
    """The state of a delivery will change by itself."""
    can_seal_again: bool


def article_cards(articles: Sequence[Article], mails: Mapping[UUID, ArticleMail]) -> list[ArticleCard]:
    """The cards of articles; the names of all their keys are asked for at once."""
    found = [ids_in(_report(article)) for article in articles]
    names = key_names(
        fingerprints={one for fingerprints, _ in found for one in fingerprints},
        identifiers={one for _, identifiers in found for one in identifiers},
    )
    return [_card(article, mails[article.pk], names) for article in articles]


def _report(article: Article) -> Mapping[str, Any]:
    """What was found in it, or how it was sealed."""
    return shown_report(article) if article.kind == ArticleKind.INCOMING else article.report or {}


def _card(article: Article, mail: ArticleMail, names: KeyNames) -> ArticleCard:
    is_incoming = article.kind == ArticleKind.INCOMING
    seal = article_seal(article, names) if is_incoming else None
    report: Mapping[str, Any] = shown_report(article) if is_incoming else {}
    files = [file for file in article.attachments.all() if file.name.lower() not in SEALING_ONLY]
    return ArticleCard(
        article=article,
        kind=ARTICLE_KINDS[ArticleKind(article.kind)],
        text=article.text,
        is_note=article.kind == ArticleKind.NOTE,
        claimed_name=article.sender_name if is_incoming and article.sender_name != article.sender else "",
        recipients=tuple(_recipients(article)),
        seal=seal,
        evidence=blocks(report, names),
        notices=seal.notices if seal else (),
        around=_around(article, report),
        parts=[_part(article, part, files, names) for part in report.get("parts", ())],
        files=[file for file in files if not file.part],
        has_html=bool(article.html),
        frame=reverse("article_html", args=[article.pk]),
        may_load_pictures=may_load_pictures(article),
        can_retry=is_incoming and mail.can_retry,
        has_source=mail.raw_mail is not None,
        deliveries=delivery_lines(mail.deliveries, mail.outgoing) if mail.outgoing else (),
        sealing=sent_blocks(article.report, names) if _was_sealed(mail) else (),
        is_under_way=any(one.state in UNDER_WAY for one in mail.deliveries),
        can_seal_again=mail.outgoing is not None and mail.outgoing.state == OutgoingState.REFUSED,
    )


def _around(article: Article, report: Mapping[str, Any]) -> Sequence[Face]:
    has_words = bool(article.text.strip() or article.html)
    return around_faces(article, report.get("parts", ())) if has_words else ()


def _was_sealed(mail: ArticleMail) -> bool:
    return mail.outgoing is not None and mail.outgoing.state == OutgoingState.SEALED


def may_load_pictures(article: Article) -> bool:
    """Only in mail that is plain through and through: fetching could carry out what was decrypted."""
    parts = shown_report(article).get("parts", ()) if article.kind == ArticleKind.INCOMING else ()
    sealed = {article.encryption, *(part["encryption"]["verdict"] for part in parts)} - {Encryption.NONE.value, ""}
    return bool(article.html) and article.kind == ArticleKind.INCOMING and not sealed


def _recipients(article: Article) -> Iterator[RecipientLine]:
    for field, addresses in (("To", article.to), ("Cc", article.cc), ("Bcc", article.bcc)):
        if addresses:
            yield RecipientLine(field=field, addresses=", ".join(addresses))


def _part(article: Article, part: Mapping[str, Any], files: Sequence[Attachment], names: KeyNames) -> PartCard:
    content = part.get("content") or {}
    return PartCard(
        path=part["path"],
        faces=part_faces(part, article.sender, names),
        text=content.get("text") or "",
        files=[file for file in files if file.part == part["path"]],
    )
