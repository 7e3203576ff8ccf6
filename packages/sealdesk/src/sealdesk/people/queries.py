"""Every read of agents, groups and customers."""

from __future__ import annotations

from django.db.models import QuerySet

from sealdesk.people.models import Agent, Customer, CustomerAddress, Group, SenderAddress
from sealmail.addresses import canonical


def groups() -> QuerySet[Group]:
    """All active groups, by name."""
    return Group.objects.filter(is_active=True)


def groups_of(agent: Agent) -> QuerySet[Group]:
    """The active groups whose tickets the agent reads and answers; none for an agent who is switched off."""
    if not agent.is_active:
        return Group.objects.none()
    return groups().filter(memberships__agent=agent)


def agents() -> QuerySet[Agent]:
    """Everybody who can sign in, by address."""
    return Agent.objects.filter(is_active=True).order_by("email")


def sender_address(text: str) -> SenderAddress | None:
    """Our own address, with its group, however it is written; None where it is not ours."""
    address = canonical(text)
    if address is None:
        return None
    return SenderAddress.objects.select_related("group").filter(address=address).first()


def groups_sending_from(addresses: tuple[str, ...]) -> QuerySet[Group]:
    """Groups with one of these canonical addresses as their own."""
    return groups().filter(sender_addresses__address__in=addresses).distinct()


def customer_by_address(address: str) -> Customer | None:
    """The customer who has the address, however it is written."""
    wanted = canonical(address)
    if wanted is None:
        return None
    known = CustomerAddress.objects.select_related("customer").filter(address=wanted).first()
    return known.customer if known else None
