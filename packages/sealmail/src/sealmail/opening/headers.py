"""Which headers to go by: outer ones, or protected ones that may be believed; never control headers of inner layers."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC, datetime

from sealmail import mime
from sealmail.addresses import Mailbox, one_from, parse_list
from sealmail.mime import Headers, Part
from sealmail.opening.result import MessageHeaders

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>")


def author(headers: Headers) -> Mailbox | None:
    """The one author; None where there is none or several (RFC 5322 §3.6.2)."""
    return one_from(headers.all("From"))


def outer_headers(root: Part) -> MessageHeaders:
    """The headers of the message as it travelled."""
    headers = root.headers
    from_, subject = author(headers), _subject(headers)
    return MessageHeaders(
        from_=from_,
        to=_mailboxes(headers, "To"),
        cc=_mailboxes(headers, "Cc"),
        reply_to=_mailboxes(headers, "Reply-To"),
        subject=subject,
        message_id=_first_id(headers, "Message-ID"),
        in_reply_to=_first_id(headers, "In-Reply-To"),
        references=_ids(headers, "References"),
        date=_date(headers),
        auto_submitted=_is_automatic(headers),
        is_bounce=_is_bounce(root),
        outer_from=from_,
        outer_subject=subject,
    )


def with_protected(outer: MessageHeaders, protected: Headers, *, trusted_author: Mailbox | None) -> MessageHeaders:
    """The outer headers with those that travelled protected put in their place (RFC 9788 §4).

    `trusted_author` is the protected author where a good signature is bound to it; else the outer author stays.
    Auto-Submitted and other control headers are taken from outside only.
    """
    inner = {field.name.lower() for field in protected}
    return MessageHeaders(
        from_=trusted_author or outer.from_,
        to=_mailboxes(protected, "To") if "to" in inner else outer.to,
        cc=_mailboxes(protected, "Cc") if "cc" in inner else outer.cc,
        reply_to=_mailboxes(protected, "Reply-To") if trusted_author and "reply-to" in inner else outer.reply_to,
        subject=_subject(protected) if "subject" in inner else outer.subject,
        message_id=outer.message_id or _first_id(protected, "Message-ID"),
        in_reply_to=_first_id(protected, "In-Reply-To") if "in-reply-to" in inner else outer.in_reply_to,
        references=_ids(protected, "References") if "references" in inner else outer.references,
        date=(_date(protected) if "date" in inner else None) or outer.date,
        auto_submitted=outer.auto_submitted,
        is_bounce=outer.is_bounce,
        from_is_protected=trusted_author is not None,
        outer_from=outer.outer_from,
        outer_subject=outer.outer_subject,
    )


def _mailboxes(headers: Headers, name: str) -> tuple[Mailbox, ...]:
    return tuple(mailbox for value in headers.all(name) for mailbox in parse_list(value).mailboxes)


def _subject(headers: Headers) -> str:
    return " ".join((headers.text("Subject") or "").split())


def _ids(headers: Headers, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(" ".join(headers.all(name)))))


def _first_id(headers: Headers, name: str) -> str | None:
    return next(iter(_ids(headers, name)), None)


def _date(headers: Headers) -> datetime | None:
    value = headers.first("Date")
    try:
        parsed = email.utils.parsedate_to_datetime(value) if value else None
        return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _is_automatic(headers: Headers) -> bool:
    """RFC 3834 §5 and what lists and bulk mailers have used before it."""
    submitted = (headers.first("Auto-Submitted") or "no").strip().lower()
    precedence = (headers.first("Precedence") or "").strip().lower()
    return (
        not submitted.startswith("no")
        or precedence in {"bulk", "junk", "list", "auto_reply"}
        or headers.first("List-Id") is not None
        or (headers.first("Return-Path") or "").strip() == "<>"
    )


def _is_bounce(root: Part) -> bool:
    return root.content_type == "multipart/report" and root.params.get("report-type", "").lower() in {
        "delivery-status",
        "disposition-notification",
    }


def protected_headers_of(payload: Part) -> Headers | None:
    """The headers that travelled inside, where there are any."""
    found = mime.protected_headers(payload)
    return found.headers if found.present else None
