"""Who may do what with a ticket. `check_can_x` raises with a sentence, `can_x` is its boolean."""

from __future__ import annotations

from sealdesk.people.models import Agent
from sealdesk.people.rules import can_read_group, check_can_read_group
from sealdesk.tickets.errors import StateChangeRefused, TicketError
from sealdesk.tickets.models import Ticket, TicketState
from sealdesk.tickets.states import may_become


def check_can_read(agent: Agent, ticket: Ticket) -> None:
    """Agents read the tickets of their groups."""
    check_can_read_group(agent, ticket.group)


def can_read(agent: Agent, ticket: Ticket) -> bool:
    """Whether `check_can_read` passes."""
    return can_read_group(agent, ticket.group)


def check_can_answer(agent: Agent, ticket: Ticket) -> None:
    """Who may read a ticket may answer it, unless it was merged into another."""
    check_can_read(agent, ticket)
    if ticket.state == TicketState.MERGED:
        raise TicketError("This ticket was merged into another one. Answer there.")


def can_answer(agent: Agent, ticket: Ticket) -> bool:
    """Whether `check_can_answer` passes."""
    return can_read(agent, ticket) and ticket.state != TicketState.MERGED


def check_can_change_state(agent: Agent, ticket: Ticket, state: TicketState) -> None:
    """Who may read a ticket may move it along the table of states."""
    check_can_read(agent, ticket)
    before = TicketState(ticket.state)
    if not may_become(before, state):
        raise StateChangeRefused(f"A ticket in state “{before.label}” cannot go to “{state.label}”.")


def can_change_state(agent: Agent, ticket: Ticket, state: TicketState) -> bool:
    """Whether `check_can_change_state` passes."""
    return can_read(agent, ticket) and may_become(TicketState(ticket.state), state)
