"""What becomes of a mail that was opened: pure tables over facts. Reads nothing, writes nothing.

The facts are gathered by `facts`, the decision is carried out by `writing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sealmail.report import Encryption

AUTOMATIC_MAILS_AN_HOUR = 20
"""So many automatic mails of one sender an hour are no conversation any more."""


class Fate(StrEnum):
    """What a mail becomes."""

    NEW_TICKET = "new_ticket"
    FOLLOW_UP = "follow_up"
    QUARANTINE = "quarantine"


class QuarantineReason(StrEnum):
    """Why a mail waits for a person (or a key) instead of becoming an article."""

    OTHER_GROUPS_KEY = "other_groups_key"
    """Our group cannot open it, another group of the desk can: it waits there and is not shown here."""
    OVER_BUDGET = "over_budget"
    OPENING_FAILED = "opening_failed"
    LOOP = "loop"
    NO_CONTENT = "no_content"
    NO_SENDER = "no_sender"
    UNMAPPED_BOUNCE = "unmapped_bounce"
    NO_GROUP = "no_group"
    """It names none of our addresses, and its channel has no group."""


class Mark(StrEnum):
    """Something about an accepted mail that the agent should see; kept among the article's warnings."""

    REPEATED_MESSAGE_ID = "repeated_message_id"
    """Another mail with other bytes came with this Message-ID before."""
    STRANGER_NAMED_TICKET = "stranger_named_ticket"
    """The subject names a ticket that the sender has no part in; it got a new one."""
    STRANGER_JOINED = "stranger_joined"
    """It joined a ticket by the Message-ID that it answers, and the sender had no part in the ticket before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFacts:
    """A ticket that a mail may belong to."""

    id: UUID
    same_group: bool
    """It belongs to the group that received the mail."""
    sender_takes_part: bool = False
    """The sender is its customer, or wrote or received mail in it."""
    is_merged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFacts:
    """Everything that the decision depends on."""

    sender: str | None
    has_content: bool
    encryption: Encryption = Encryption.NONE
    opening_problem: QuarantineReason | None = None
    """Over budget, or the opening itself failed."""
    other_group_can_open: bool = False
    is_bounce: bool = False
    is_automatic: bool = False
    automatic_mails_last_hour: int = 0
    is_our_own: bool = False
    """Its Message-ID is one that we gave to an outgoing mail."""
    repeats_message_id: bool = False
    threaded: TicketFacts | None = None
    """By In-Reply-To and References (for a bounce: by the mail that it carries back)."""
    numbered: TicketFacts | None = None
    """By the ticket number in the subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the mail."""

    fate: Fate
    ticket: UUID | None = None
    """For a follow-up."""
    reason: QuarantineReason | None = None
    """For quarantine."""
    reopens: bool = True
    """A closed or parked ticket comes back to the agents."""
    may_be_answered: bool = True
    """Whether anything of ours may ever answer by itself."""
    marks: tuple[Mark, ...] = ()


def decide(facts: IncomingFacts) -> Decision:
    """The table. Opening comes first: nothing is decided about words that another group should not see."""
    reason = _quarantine_reason(facts)
    if reason is not None:
        return Decision(fate=Fate.QUARANTINE, reason=reason, reopens=False, may_be_answered=False)
    automatic = facts.is_automatic or facts.is_bounce
    ticket = _ticket(facts)
    return Decision(
        fate=Fate.FOLLOW_UP if ticket else Fate.NEW_TICKET,
        ticket=ticket.id if ticket else None,
        reopens=facts.is_bounce or not automatic,  # a bounce is work for the agent, an out-of-office note is not
        may_be_answered=not automatic,
        marks=_marks(facts, ticket),
    )


def _quarantine_reason(facts: IncomingFacts) -> QuarantineReason | None:
    """First match wins."""
    table = (
        (facts.opening_problem is not None, facts.opening_problem),
        (_opens_elsewhere(facts), QuarantineReason.OTHER_GROUPS_KEY),
        (facts.is_our_own, QuarantineReason.LOOP),
        (facts.is_automatic and facts.automatic_mails_last_hour >= AUTOMATIC_MAILS_AN_HOUR, QuarantineReason.LOOP),
        (not facts.has_content, QuarantineReason.NO_CONTENT),
        (facts.is_bounce and facts.threaded is None, QuarantineReason.UNMAPPED_BOUNCE),
        (facts.sender is None and _ticket(facts) is None, QuarantineReason.NO_SENDER),
    )
    return next((reason for applies, reason in table if applies), None)


def _opens_elsewhere(facts: IncomingFacts) -> bool:
    return facts.encryption is Encryption.NO_KEY and facts.other_group_can_open


def _ticket(facts: IncomingFacts) -> TicketFacts | None:
    if facts.threaded and _may_join(facts, facts.threaded):
        return facts.threaded
    numbered = facts.numbered
    # A number can be guessed, a Message-ID of ours cannot: only who takes part already is let in by number.
    if numbered and numbered.sender_takes_part and _may_join(facts, numbered):
        return numbered
    return None


def _may_join(facts: IncomingFacts, ticket: TicketFacts) -> bool:
    # What was opened with a group's key stays in that group, wherever the thread has gone.
    stays_inside = ticket.same_group or facts.encryption is Encryption.NONE
    return stays_inside and not ticket.is_merged


def _marks(facts: IncomingFacts, ticket: TicketFacts | None) -> tuple[Mark, ...]:
    numbered = facts.numbered
    named_by_stranger = ticket is None and numbered is not None and not numbered.sender_takes_part
    marks = (
        (facts.repeats_message_id, Mark.REPEATED_MESSAGE_ID),
        (named_by_stranger, Mark.STRANGER_NAMED_TICKET),
        # Who reads a mail of the thread knows its Message-ID, a mailing list's archive for example.
        (ticket is not None and not ticket.sender_takes_part and not facts.is_bounce, Mark.STRANGER_JOINED),
    )
    return tuple(mark for applies, mark in marks if applies)
