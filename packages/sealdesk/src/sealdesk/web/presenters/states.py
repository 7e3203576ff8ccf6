"""States of tickets and mail, in words."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.mail.models import ChannelKind, CopyState, RawState, Security
from sealdesk.tickets.models import ArticleKind, TicketState
from sealdesk.web.presenters.wording import Face, Tone

TICKET_STATES: Mapping[TicketState, Face] = {
    TicketState.NEW: Face(icon="state-new", tone=Tone.MUTED, label="New", sentence="Nobody has answered yet."),
    TicketState.OPEN: Face(icon="state-open", tone=Tone.MUTED, label="Open", sentence="It waits for an agent."),
    TicketState.PENDING_REMINDER: Face(
        icon="state-pending", tone=Tone.MUTED, label="Pending", sentence="It comes back as a reminder."
    ),
    TicketState.PENDING_CLOSE: Face(
        icon="state-pending", tone=Tone.MUTED, label="Pending close", sentence="It closes by itself."
    ),
    TicketState.CLOSED: Face(icon="state-closed", tone=Tone.MUTED, label="Closed", sentence="It is done."),
    TicketState.MERGED: Face(icon="state-closed", tone=Tone.MUTED, label="Merged", sentence="It went on elsewhere."),
}

ARTICLE_KINDS: Mapping[ArticleKind, str] = {
    ArticleKind.INCOMING: "Mail from the customer",
    ArticleKind.OUTGOING: "Mail from us",
    ArticleKind.NOTE: "Internal note",
}

RAW_STATES: Mapping[RawState, Face] = {
    RawState.STORED: Face(
        icon="history", tone=Tone.MUTED, label="Waiting", sentence="It is stored and waits to be opened."
    ),
    RawState.DONE: Face(icon="check", tone=Tone.MUTED, label="Taken in", sentence="It became part of a ticket."),
    RawState.QUARANTINED: Face(
        icon="alert", tone=Tone.AMBER, label="Quarantined", sentence="It is kept here until somebody decides."
    ),
    RawState.DUPLICATE: Face(icon="check", tone=Tone.MUTED, label="Duplicate", sentence="The same mail came before."),
}

COPY_STATES: Mapping[CopyState, Face] = {
    CopyState.QUEUED: Face(icon="history", tone=Tone.MUTED, label="Waiting", sentence="It will be sealed and sent."),
    CopyState.SENDING: Face(icon="send", tone=Tone.MUTED, label="Sending", sentence="The server has it right now."),
    CopyState.SENT: Face(icon="check", tone=Tone.MUTED, label="Sent", sentence="The server accepted it."),
    CopyState.RETRY: Face(
        icon="history", tone=Tone.AMBER, label="Will be tried again", sentence="The server put it off."
    ),
    CopyState.FAILED: Face(icon="alert", tone=Tone.RED, label="Not delivered", sentence="The server refused it."),
    CopyState.REFUSED: Face(
        icon="lock-x", tone=Tone.RED, label="Not sent", sentence="It could not be sealed as asked, so it was not sent."
    ),
    CopyState.UNKNOWN: Face(
        icon="alert",
        tone=Tone.AMBER,
        label="Perhaps sent",
        sentence="The desk stopped while the server had it.",
        hint="Ask the recipient before sending it again.",
    ),
}

SECURITY: Mapping[Security, str] = {
    Security.TLS: "TLS from the start",
    Security.STARTTLS: "STARTTLS",
    Security.NONE: "none (readable on the way)",
}

CHANNEL_KINDS: Mapping[ChannelKind, str] = {
    ChannelKind.IMAP: "Mail in by IMAP",
    ChannelKind.SMTP: "Mail out by SMTP",
    ChannelKind.LMTP: "Mail in by LMTP",
}
