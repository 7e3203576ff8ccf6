"""Every write of agents, groups and customers. `by`: who; None is Sealdesk itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from sealdesk.core import clock
from sealdesk.core.errors import Invalid
from sealdesk.people import queries, rules
from sealdesk.people.models import Agent, Customer, CustomerAddress, Group, Membership, SenderAddress
from sealmail.addresses import canonical


def ensure_customer(*, address: str, name: str = "") -> Customer:
    """The customer with this address, made where there is none. The first name that comes along is kept."""
    wanted = _address(address, field="address")
    name = _shown(name)
    customer = queries.customer_by_address(wanted) or _new_customer(wanted, name)
    if name and not customer.name:
        customer.name = name
        customer.save(update_fields=["name"])
    return customer


def create_group(*, name: str, addresses: Iterable[str], by: Agent | None) -> Group:
    """A group that sends from these addresses, the first by default."""
    rules.check_can_administer(by)
    name = name.strip()
    if not name or Group.objects.filter(name=name).exists():
        raise Invalid({"name": ["There is a group of this name already." if name else "A group needs a name."]})
    with transaction.atomic():
        group = Group.objects.create(name=name)
        for address in addresses:
            add_sender_address(group=group, address=address, by=by)
    return group


def add_sender_address(*, group: Group, address: str, name: str = "", by: Agent | None) -> SenderAddress:
    """One more address that the group receives at and sends from; its first one is the default."""
    rules.check_can_administer(by)
    wanted = _address(address, field="addresses")
    taken = queries.sender_address(wanted)
    if taken is not None:
        raise Invalid({"addresses": [f"{wanted} belongs to the group {taken.group.name}."]})
    is_default = not group.sender_addresses.exists()
    return SenderAddress.objects.create(group=group, address=wanted, name=_shown(name), is_default=is_default)


def create_agent(
    *,
    email: str,
    password: str | None = None,
    name: str = "",
    groups: Collection[Group] = (),
    is_administrator: bool = False,
    by: Agent | None,
) -> Agent:
    """An account. Only administrators make accounts; without a password nobody can sign in yet."""
    rules.check_can_administer(by)
    address = _address(email, field="email")
    if Agent.objects.filter(email=address).exists():
        raise Invalid({"email": ["There is an account with this address already."]})
    first, _, last = _shown(name).partition(" ")
    agent = Agent(email=address, username=address[:150], first_name=first[:150], last_name=last[:150])
    agent.is_staff = is_administrator
    if password is not None:
        _check_password(password, agent)
    agent.set_password(password)
    with transaction.atomic():
        agent.save()
        set_groups(agent=agent, groups=groups, by=by)
    return agent


def set_groups(*, agent: Agent, groups: Collection[Group], by: Agent | None) -> None:
    """These groups and no others."""
    rules.check_can_administer(by)
    with transaction.atomic():
        agent.memberships.exclude(group__in=groups).delete()
        for group in groups:
            Membership.objects.get_or_create(agent=agent, group=group)


def _new_customer(address: str, name: str) -> Customer:
    try:
        with transaction.atomic():
            customer = Customer.objects.create(name=name, created_at=clock.now())
            CustomerAddress.objects.create(customer=customer, address=address)
    except IntegrityError:  # another mail of the same customer was quicker
        return CustomerAddress.objects.select_related("customer").get(address=address).customer
    return customer


def _address(text: str, *, field: str) -> str:
    address = canonical(text.strip())
    if address is None or len(address) > 254:  # RFC 5321 §4.5.3.1.3: a path of 256 with its brackets
        raise Invalid({field: ["This is not a valid e-mail address."]})
    return address


def _check_password(password: str, agent: Agent) -> None:
    try:
        validate_password(password, agent)
    except ValidationError as error:
        raise Invalid({"password": error.messages}) from None  # the cause would carry what was typed


def _shown(name: str) -> str:
    return " ".join(name.split())[:200]
