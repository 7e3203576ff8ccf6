"""How tickets go from state to state: the one table, and what mail does to a state. Pure."""

from __future__ import annotations

from sealdesk.tickets.models import TicketState

_WAITING = frozenset({TicketState.PENDING_REMINDER, TicketState.PENDING_CLOSE})
_ENDS = frozenset({TicketState.CLOSED, TicketState.MERGED})

TRANSITIONS: dict[TicketState, frozenset[TicketState]] = {
    TicketState.NEW: _WAITING | _ENDS | {TicketState.OPEN},
    TicketState.OPEN: _WAITING | _ENDS,
    TicketState.PENDING_REMINDER: _ENDS | {TicketState.OPEN, TicketState.PENDING_CLOSE},
    TicketState.PENDING_CLOSE: _ENDS | {TicketState.OPEN, TicketState.PENDING_REMINDER},
    TicketState.CLOSED: frozenset({TicketState.OPEN, TicketState.MERGED}),
    TicketState.MERGED: frozenset(),
}
"""From each state where a ticket may go; a merged one stays merged."""


def may_become(state: TicketState, wanted: TicketState) -> bool:
    """Whether the table allows the change; staying is always allowed."""
    return wanted is state or wanted in TRANSITIONS[state]


def after_incoming(state: TicketState, *, reopens: bool) -> TicketState:
    """The state after mail of a customer; what was parked or closed comes back, unless the mail is automatic."""
    if reopens and (state in _WAITING or state is TicketState.CLOSED):
        return TicketState.OPEN
    return state


def after_answer(state: TicketState) -> TicketState:
    """The state after an agent answered."""
    return TicketState.OPEN if state is TicketState.NEW else state


def after_refusal(state: TicketState) -> TicketState:
    """The state after our own mail could not be sent: somebody must look at it."""
    return state if state is TicketState.MERGED else TicketState.OPEN
