"""What happened to mail on its way in, in words: marks on articles, reasons of the quarantine, failures."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.mail.intake.decision import Mark, QuarantineReason
from sealdesk.web.presenters.wording import Face, Tone


def _face(label: str, sentence: str, hint: str = "") -> Face:
    return Face(icon="alert", tone=Tone.AMBER, label=label, sentence=sentence, hint=hint)


MARKS: Mapping[Mark, Face] = {
    Mark.REPEATED_MESSAGE_ID: _face(
        "Came twice, not the same", "Another mail with the same Message-ID and other content came before."
    ),
    Mark.STRANGER_NAMED_TICKET: _face(
        "Names another ticket", "The subject names a ticket that this sender has no part in; it became a new one."
    ),
    Mark.STRANGER_JOINED: _face(
        "New in this conversation",
        "The sender had no part in this ticket before. It came here because it answers a mail of it.",
        "Look at the address before you answer.",
    ),
}

QUARANTINE: Mapping[QuarantineReason, Face] = {
    QuarantineReason.OTHER_GROUPS_KEY: _face(
        "Opens with another group’s key",
        "The group that received it cannot open it; the group named here can, and it is shown to nobody else.",
        "Take it in for the group that holds the key.",
    ),
    QuarantineReason.OVER_BUDGET: _face(
        "Larger than Sealdesk opens", "It needed more time, memory or layers than the limits allow."
    ),
    QuarantineReason.OPENING_FAILED: _face("Opening failed", "It could not be opened within the limits.", "Retry."),
    QuarantineReason.LOOP: _face(
        "Part of a loop", "It is our own mail that came back, or one of many automatic mails of one sender."
    ),
    QuarantineReason.NO_CONTENT: _face("Empty", "There is nothing in it to show."),
    QuarantineReason.NO_SENDER: _face("No sender", "It names no sender, or several, so nobody could be answered."),
    QuarantineReason.UNMAPPED_BOUNCE: _face(
        "Bounce of an unknown mail", "A server reports that a mail was not delivered, and it is none of ours."
    ),
    QuarantineReason.NO_GROUP: _face(
        "No group", "It names none of our addresses, and its channel has no group.", "Choose a group and take it in."
    ),
}

FAILURES: Mapping[str, Face] = {
    "vault": _face(
        "Stored bytes cannot be read", "The vault does not open them.", "Check the master key and the data folder."
    ),
    "environment": _face("The desk failed", "Memory, disk or a program around the desk failed.", "Retry."),
    "database": _face("The database failed", "It could not be written down.", "Retry."),
}

UNKNOWN = _face(
    "Failed inside Sealdesk", "Taking it in failed; the mail itself is kept.", "Retry, and look at the log."
)


def quarantine_face(code: str) -> Face:
    """Why a raw mail is kept back."""
    reasons = {reason.value: face for reason, face in QUARANTINE.items()}
    return reasons.get(code) or FAILURES.get(code) or UNKNOWN
