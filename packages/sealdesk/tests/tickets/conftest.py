"""A group with two agents' worth of tickets."""

from __future__ import annotations

import pytest

from sealdesk.core.clock import now
from sealdesk.people.models import Agent, Customer, CustomerAddress, Group, Membership
from sealdesk.tickets.actions import add_incoming_article, open_ticket
from sealdesk.tickets.attachments import stored
from sealdesk.tickets.content import ArticleContent, NewAttachment, VerdictCodes


@pytest.fixture
def support(db):
    return Group.objects.create(name="Support")


@pytest.fixture
def billing(db):
    return Group.objects.create(name="Billing")


@pytest.fixture
def alice(support):
    """An agent of Support."""
    agent = Agent.objects.create(username="alice", email="alice@desk.example")
    Membership.objects.create(agent=agent, group=support)
    return agent


@pytest.fixture
def bob(billing):
    """An agent of Billing."""
    agent = Agent.objects.create(username="bob", email="bob@desk.example")
    Membership.objects.create(agent=agent, group=billing)
    return agent


@pytest.fixture
def carol(db):
    """A customer."""
    customer = Customer.objects.create(name="Carol", created_at=now())
    CustomerAddress.objects.create(customer=customer, address="carol@customer.example")
    return customer


@pytest.fixture
def make_ticket(support, carol):
    """Opens a ticket with so many mails, each with an attachment."""

    def made(*, group=support, mails=1, title="Lamp", by=None):
        ticket = open_ticket(group=group, customer=carol, title=title, by=by)
        for number in range(mails):
            with stored([NewAttachment(name=f"{number}.txt", content_type="text/plain", data=b"file")]) as files:
                add_incoming_article(
                    ticket=ticket,
                    content=ArticleContent(subject=title, text="words", sender="carol@customer.example"),
                    verdict=VerdictCodes(signature="good", signature_covers="whole", technology="smime"),
                    report=None,
                    attachments=files,
                    at=now(),
                )
        return ticket

    return made
