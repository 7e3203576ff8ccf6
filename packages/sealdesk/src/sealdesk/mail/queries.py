"""Reads about mail for the pages: what lies behind articles, what is in quarantine, recent security log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from sealdesk.mail.intake.retrying import may_help, parts_of
from sealdesk.mail.models import Channel, Delivery, KeySighting, Outgoing, RawMail, RawState, SecurityLogEntry
from sealdesk.mail.shown import shown_report
from sealdesk.people.models import Agent
from sealdesk.people.queries import groups_of
from sealdesk.tickets.models import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleMail:
    """What the mail app knows about one article."""

    raw_mail: UUID | None = None
    """The raw mail that it was made of."""
    can_retry: bool = False
    """Opening it again with today's keys could show more."""
    outgoing: Outgoing | None = None
    deliveries: tuple[Delivery, ...] = field(default=())


def mail_of(articles: Iterable[Article]) -> Mapping[UUID, ArticleMail]:
    """For each article what lies behind it, by its id; three queries however many there are."""
    found = {article.pk: article for article in articles}
    raw = dict(RawMail.objects.filter(article__in=found).values_list("article", "pk"))
    deliveries = Prefetch("deliveries", Delivery.objects.select_related("copy"))
    sent = {one.article_id: one for one in Outgoing.objects.filter(article__in=found).prefetch_related(deliveries)}
    return {pk: _mail_of(article, raw.get(pk), sent.get(pk)) for pk, article in found.items()}


def quarantine_for(agent: Agent) -> QuerySet[RawMail]:
    """Mails that wait for a decision in the agent's groups; for administrators also those that no group got."""
    waiting = RawMail.objects.filter(state=RawState.QUARANTINED)
    wanted = waiting.filter(group__in=groups_of(agent))
    if agent.is_staff:
        wanted = wanted | waiting.filter(group=None)
    return wanted.select_related("group", "channel").order_by("-received_at")


def security_log() -> QuerySet[SecurityLogEntry]:
    """Recent Logs, newest first."""
    return SecurityLogEntry.objects.select_related("article__ticket").order_by("-at", "-id")


def channels() -> QuerySet[Channel]:
    """All servers, by name."""
    return Channel.objects.select_related("group").order_by("kind", "name")


def keys_said_to_belong_to(address: str) -> QuerySet[KeySighting]:
    """Where keys were seen that somebody said to be this canonical address's, newest first, with mail and key. They are
    candidates: nobody vouches for them."""
    return KeySighting.objects.filter(claimed_address=address).select_related("key", "article").order_by("-at", "-id")


def _mail_of(article: Article, raw_mail: UUID | None, outgoing: Outgoing | None) -> ArticleMail:
    parts = parts_of(shown_report(article)) if raw_mail is not None else {}
    return ArticleMail(
        raw_mail=raw_mail,
        can_retry=raw_mail is not None and may_help(article.encryption, article.signature, parts),
        outgoing=outgoing,
        deliveries=tuple(outgoing.deliveries.all()) if outgoing else (),
    )
