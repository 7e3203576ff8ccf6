from __future__ import annotations

import pytest

from sealdesk.tickets.models import TicketState
from sealdesk.tickets.states import TRANSITIONS, after_answer, after_incoming, after_refusal, may_become

S = TicketState


def test_the_table_names_every_state():
    assert set(TRANSITIONS) == set(TicketState)


@pytest.mark.parametrize("state", TicketState)
def test_staying_is_allowed(state):
    assert may_become(state, state)


@pytest.mark.parametrize(
    ("state", "wanted", "expected"),
    [
        (S.NEW, S.OPEN, True),
        (S.OPEN, S.NEW, False),
        (S.CLOSED, S.OPEN, True),
        (S.CLOSED, S.PENDING_CLOSE, False),
        (S.MERGED, S.OPEN, False),
        (S.PENDING_REMINDER, S.PENDING_CLOSE, True),
    ],
)
def test_may_become(state, wanted, expected):
    assert may_become(state, wanted) is expected


@pytest.mark.parametrize(
    ("state", "reopens", "expected"),
    [
        (S.NEW, True, S.NEW),
        (S.OPEN, True, S.OPEN),
        (S.PENDING_REMINDER, True, S.OPEN),
        (S.PENDING_CLOSE, True, S.OPEN),
        (S.CLOSED, True, S.OPEN),
        (S.CLOSED, False, S.CLOSED),
        (S.MERGED, True, S.MERGED),
    ],
)
def test_mail_brings_back_what_was_parked_or_closed(state, reopens, expected):
    assert after_incoming(state, reopens=reopens) is expected


def test_an_answer_opens_a_new_ticket():
    assert {state: after_answer(state) for state in (S.NEW, S.CLOSED)} == {S.NEW: S.OPEN, S.CLOSED: S.CLOSED}


def test_a_refusal_brings_everything_back_but_merged_tickets():
    assert {state: after_refusal(state) for state in S} == dict.fromkeys(S, S.OPEN) | {S.MERGED: S.MERGED}
