"""What becomes of a mail: the table, row by row. No database."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from sealdesk.mail.intake.decision import (
    AUTOMATIC_MAILS_AN_HOUR,
    Decision,
    Fate,
    IncomingFacts,
    Mark,
    QuarantineReason,
    TicketFacts,
    decide,
)
from sealmail.report import Encryption

PLAIN = IncomingFacts(sender="carol@customer.example", has_content=True)
OURS = TicketFacts(id=uuid.uuid4(), same_group=True, sender_takes_part=True)
THEIRS = replace(OURS, id=uuid.uuid4(), same_group=False)
STRANGER = replace(OURS, sender_takes_part=False)

NEW = Decision(fate=Fate.NEW_TICKET)


def quarantined(reason: QuarantineReason) -> Decision:
    return Decision(fate=Fate.QUARANTINE, reason=reason, reopens=False, may_be_answered=False)


def follow_up(ticket: TicketFacts, **more) -> Decision:
    return Decision(fate=Fate.FOLLOW_UP, ticket=ticket.id, **more)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, NEW, id="a mail that names nothing opens a ticket"),
        pytest.param({"threaded": OURS}, follow_up(OURS), id="an answer joins its ticket"),
        pytest.param(
            {"threaded": STRANGER},
            follow_up(STRANGER, marks=(Mark.STRANGER_JOINED,)),
            id="who knows our Message-ID may answer, and is marked",
        ),
        pytest.param({"numbered": OURS}, follow_up(OURS), id="the number is enough for who takes part"),
        pytest.param(
            {"numbered": STRANGER},
            replace(NEW, marks=(Mark.STRANGER_NAMED_TICKET,)),
            id="a stranger with a guessed number gets a new ticket",
        ),
        pytest.param({"threaded": OURS, "numbered": THEIRS}, follow_up(OURS), id="the thread goes before the number"),
        pytest.param(
            {"threaded": replace(OURS, is_merged=True)}, NEW, id="a ticket that was merged away takes no mail"
        ),
        pytest.param({"threaded": THEIRS}, follow_up(THEIRS), id="plain mail follows its ticket to another group"),
        pytest.param(
            {"threaded": THEIRS, "encryption": Encryption.DECRYPTED}, NEW, id="decrypted words stay in their group"
        ),
        pytest.param(
            {"numbered": THEIRS, "encryption": Encryption.DECRYPTED}, NEW, id="decrypted words stay, by number too"
        ),
        pytest.param({"encryption": Encryption.NO_KEY}, NEW, id="without a key it is an article all the same"),
        pytest.param({"encryption": Encryption.DAMAGED}, NEW, id="damaged mail is an article all the same"),
        pytest.param(
            {"encryption": Encryption.NO_KEY, "other_group_can_open": True, "threaded": OURS},
            quarantined(QuarantineReason.OTHER_GROUPS_KEY),
            id="what another group can open waits there",
        ),
        pytest.param(
            {"encryption": Encryption.DECRYPTED, "other_group_can_open": True},
            NEW,
            id="what we can open is ours, whoever else could",
        ),
        pytest.param(
            {"opening_problem": QuarantineReason.OVER_BUDGET, "encryption": Encryption.UNSUPPORTED},
            quarantined(QuarantineReason.OVER_BUDGET),
            id="over budget",
        ),
        pytest.param({"has_content": False}, quarantined(QuarantineReason.NO_CONTENT), id="nothing in it"),
        pytest.param({"sender": None}, quarantined(QuarantineReason.NO_SENDER), id="nobody to answer"),
        pytest.param({"sender": None, "threaded": OURS}, follow_up(OURS), id="without From it may still answer"),
        pytest.param({"is_our_own": True, "threaded": OURS}, quarantined(QuarantineReason.LOOP), id="our own mail"),
        pytest.param(
            {"is_automatic": True, "automatic_mails_last_hour": AUTOMATIC_MAILS_AN_HOUR},
            quarantined(QuarantineReason.LOOP),
            id="two machines that talk to each other",
        ),
        pytest.param(
            {"is_automatic": True, "automatic_mails_last_hour": AUTOMATIC_MAILS_AN_HOUR - 1},
            replace(NEW, reopens=False, may_be_answered=False),
            id="one below the limit",
        ),
        pytest.param(
            {"automatic_mails_last_hour": AUTOMATIC_MAILS_AN_HOUR}, NEW, id="a person may write as much as he likes"
        ),
        pytest.param(
            {"is_automatic": True, "threaded": OURS},
            follow_up(OURS, reopens=False, may_be_answered=False),
            id="an out-of-office note wakes nobody and is never answered",
        ),
        pytest.param(
            {"is_bounce": True, "is_automatic": True, "threaded": OURS},
            follow_up(OURS, reopens=True, may_be_answered=False),
            id="a bounce goes to its ticket and is work for the agent",
        ),
        pytest.param(
            {"is_bounce": True}, quarantined(QuarantineReason.UNMAPPED_BOUNCE), id="a bounce of a mail we never sent"
        ),
        pytest.param(
            {"repeats_message_id": True},
            replace(NEW, marks=(Mark.REPEATED_MESSAGE_ID,)),
            id="other bytes under a known Message-ID are kept and marked",
        ),
    ],
)
def test_decide_gives_the_row_of_the_table(facts, expected):
    assert decide(replace(PLAIN, **facts)) == expected


def test_every_quarantine_reason_but_no_group_is_reached():
    reached = {
        decide(replace(PLAIN, **facts)).reason
        for facts in (
            {"encryption": Encryption.NO_KEY, "other_group_can_open": True},
            {"opening_problem": QuarantineReason.OVER_BUDGET},
            {"opening_problem": QuarantineReason.OPENING_FAILED},
            {"is_our_own": True},
            {"has_content": False},
            {"sender": None},
            {"is_bounce": True},
        )
    }

    assert reached == set(QuarantineReason) - {QuarantineReason.NO_GROUP}
