"""Makes the people and groups of the desk's tests; the keys are the library's cast."""

from __future__ import annotations

from sealdesk.people.actions import create_agent, create_group
from sealdesk.people.models import Agent, Group
from sealmail.testing.cast import Cast

PASSWORD = "correct horse battery"


def support() -> Group:
    """Alice's group; its own address is the one that her keys name."""
    return create_group(name="Support", addresses=["alice@desk.example", "support@desk.example"], by=None)


def sales() -> Group:
    """Bob's group."""
    return create_group(name="Sales", addresses=["bob@desk.example"], by=None)


def alice(*groups: Group) -> Agent:
    """An agent."""
    return create_agent(email="alice@desk.example", name="Alice Agent", password=PASSWORD, groups=groups, by=None)


def bob(*groups: Group) -> Agent:
    """An agent of another group."""
    return create_agent(email="bob@desk.example", name="Bob Agent", password=PASSWORD, groups=groups, by=None)


def administrator() -> Agent:
    """An administrator who reads no tickets."""
    return create_agent(email="admin@desk.example", name="Ada Admin", password=PASSWORD, is_administrator=True, by=None)


def cast() -> Cast:
    """Everybody's keys; make one for a session, keys take time."""
    return Cast()
