"""What opening a mail gives: content to show, headers to go by, and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sealmail.addresses import Mailbox
from sealmail.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAttachment:
    """A file that came with the mail, decoded."""

    name: str
    content_type: str
    data: bytes = field(repr=False)
    content_id: str | None = None
    sha256: str
    """Hex digest of `data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a reader sees of the message. Empty where an encryption layer did not open."""

    text: str = field(default="", repr=False)
    """The main text, or the HTML as text."""
    html: str | None = field(default=None, repr=False)
    """The HTML as it came: hostile until cleaned."""
    attachments: tuple[OpenedAttachment, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPart:
    """A signed or encrypted part of a message that is not sealed as a whole; to be shown apart, in its own frame."""

    path: str
    """The same path as in the report's `PartReport`."""
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeaders:
    """The headers to go by: protected ones where they may be believed, else the outer ones."""

    from_: Mailbox | None = None
    """The author; None where the message names none, or several."""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = field(default="", repr=False)
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    date: datetime | None = None
    auto_submitted: bool = False
    """Sent by a machine (RFC 3834, lists, bulk): never to be answered by itself. From outer headers only."""
    is_bounce: bool = False
    """A delivery report (RFC 3464)."""
    from_is_protected: bool = False
    """`from_` comes from inside a good signature that is bound to it."""
    outer_from: Mailbox | None = None
    outer_subject: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A mail, opened."""

    content: Content
    headers: MessageHeaders
    report: Report
    parts: tuple[OpenedPart, ...] = ()
