"""Carries a decision out: customer, ticket, article, key candidates, log. Always inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sealdesk.keyring.actions import harvest
from sealdesk.keyring.models import StoredKey
from sealdesk.mail import securitylog
from sealdesk.mail.capabilities import remember
from sealdesk.mail.intake.decision import Decision
from sealdesk.mail.intake.facts import sender_of
from sealdesk.mail.messageids import normal_id, normal_ids, untagged
from sealdesk.mail.models import KeySighting, RawMail
from sealdesk.people.actions import ensure_customer
from sealdesk.people.models import Group
from sealdesk.tickets.actions import add_incoming_article, open_ticket
from sealdesk.tickets.content import ArticleContent, NewAttachment, VerdictCodes, readable, verdict_codes
from sealdesk.tickets.models import Article, Attachment, Ticket
from sealmail.addresses import Mailbox
from sealmail.opening import Opened, OpenedAttachment
from sealmail.report import KeyClaim
from sealmail.reporting import opened_to_json, report_to_json

_KEYS_HARVESTED = 50
_CLAIMS_KEPT = 200


def write_article(
    mail: RawMail, opened: Opened, decision: Decision, group: Group, attachments: Sequence[Attachment]
) -> Article:
    """The mail as an article of the ticket that was decided."""
    ticket = _ticket(opened, decision, group)
    article = add_incoming_article(
        ticket=ticket,
        content=article_content(opened, is_automatic=not decision.may_be_answered),
        verdict=codes_of(opened, [mark.value for mark in decision.marks]),
        report=report_json(opened),
        attachments=attachments,
        at=mail.received_at,
        reopens=decision.reopens,
        codes={"raw_mail": str(mail.pk), "marks": [mark.value for mark in decision.marks]},
    )
    securitylog.log_opened(opened.report, article, mail.received_at)
    note_keys(opened, article)
    remember(opened, sender=sender_of(opened), received_at=mail.received_at)
    return article


def article_content(opened: Opened, *, is_automatic: bool) -> ArticleContent:
    """Words and addresses of an opened mail."""
    headers, content = opened.headers, opened.content
    author = headers.from_
    return ArticleContent(
        subject=headers.subject,
        text=content.text,
        html=content.html,
        sender=sender_of(opened) or "",
        sender_name=author.name if author else "",
        to=_addresses(headers.to),
        cc=_addresses(headers.cc),
        message_id=normal_id(headers.message_id),
        in_reply_to=normal_id(headers.in_reply_to),
        references=normal_ids(headers.references),
        is_automatic=is_automatic,
    )


def new_attachments(opened: Opened) -> list[NewAttachment]:
    """The files of an opened mail, then those of each part that is shown apart; an encrypted body that did not open is
    one of them.
    """
    contents = [("", opened.content), *((part.path, part.content) for part in opened.parts)]
    return [_new_attachment(file, path) for path, content in contents for file in content.attachments]


def codes_of(opened: Opened, marks: Sequence[str]) -> VerdictCodes:
    """The codes of an opened mail, with the desk's own marks."""
    return verdict_codes(opened.report, author=sender_of(opened), more_warnings=marks)


def report_json(opened: Opened) -> dict[str, object]:
    """The report to be kept, with the words of encrypted parts, which are shown apart. It lies in the vault."""
    report = report_to_json(opened.report)
    if opened.parts:
        report["parts"] = opened_to_json(opened)["parts"]
    return report


def note_keys(opened: Opened, article: Article) -> None:
    """Keys that came with the mail are candidates, with where they stood and whose they are said to be."""
    seen = opened.report.keys_seen[:_KEYS_HARVESTED]
    if not seen:
        return
    claims = opened.report.key_claims[:_CLAIMS_KEPT]
    sightings: list[KeySighting] = []
    for key in {key.pk: key for key in harvest(keys=seen, at=article.created_at)}.values():
        about: list[KeyClaim | None] = [one for one in claims if one.fingerprint == key.fingerprint]
        sightings += [_sighting(key, claim, article) for claim in about or [None]]
    KeySighting.objects.bulk_create(sightings, ignore_conflicts=True)


def _sighting(key: StoredKey, claim: KeyClaim | None, article: Article) -> KeySighting:
    return KeySighting(
        key=key,
        article=article,
        at=article.created_at,
        source=claim.source.value if claim is not None else "",
        claimed_address=(claim.address or "")[:320] if claim is not None else "",
    )


def _new_attachment(file: OpenedAttachment, part: str) -> NewAttachment:
    return NewAttachment(
        name=file.name,
        content_type=file.content_type,
        data=file.data,
        content_id=(file.content_id or "").strip("<>"),
        part=part,
    )


def _ticket(opened: Opened, decision: Decision, group: Group) -> Ticket:
    if decision.ticket is not None:
        return Ticket.objects.select_for_update().get(pk=decision.ticket)
    sender, author = sender_of(opened), opened.headers.from_
    if sender is None or author is None:
        raise ValueError("a new ticket has a sender")  # the table sends such mail to quarantine
    customer = ensure_customer(address=sender, name=readable(author.name, 200))
    return open_ticket(group=group, customer=customer, title=untagged(opened.headers.subject), by=None)


def _addresses(mailboxes: Sequence[Mailbox]) -> list[str]:
    return [mailbox.address for mailbox in mailboxes]
