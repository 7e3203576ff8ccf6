"""Who may do what. `check_can_x` raises NotAllowed with the sentence to show; `can_x` is its boolean.

`by` is an agent, or None for Sealdesk itself and for commands run on its machine.
"""

from __future__ import annotations

from sealdesk.core.errors import NotAllowed
from sealdesk.people import queries
from sealdesk.people.models import Agent, Group


def check_can_administer(by: Agent | None) -> None:
    """Groups, agents, keys and channels are for administrators."""
    if by is not None and not (by.is_active and by.is_staff):
        raise NotAllowed("Only administrators can do this.")


def can_administer(by: Agent | None) -> bool:
    try:
        check_can_administer(by)
    except NotAllowed:
        return False
    return True


def check_can_read_group(agent: Agent | None, group: Group) -> None:
    """Tickets are read by the members of their group; being an administrator does not make a member."""
    if agent is not None and not queries.groups_of(agent).filter(pk=group.pk).exists():
        raise NotAllowed(f"You are not a member of the group {group.name}.")


def can_read_group(agent: Agent | None, group: Group) -> bool:
    try:
        check_can_read_group(agent, group)
    except NotAllowed:
        return False
    return True
