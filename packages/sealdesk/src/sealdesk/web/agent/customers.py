"""The customer beside a ticket: addresses, keys, other tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealdesk.keyring.queries import key_rows, keys_naming
from sealdesk.mail.standing import standings
from sealdesk.people.models import Customer
from sealdesk.tickets.models import Ticket
from sealdesk.web.presenters.keys import KeyFace, address_faces
from sealdesk.web.presenters.wording import Tone

_ORDER = (Tone.MUTED, Tone.GREEN, Tone.BLUE, Tone.AMBER, Tone.RED)
"""Keys that can be used stand first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts:
    """What is known of a customer."""

    name: str
    addresses: Sequence[str]
    keys: Sequence[KeyFace]
    tickets: Sequence[Ticket]


def customer_facts(customer: Customer, tickets: Sequence[Ticket]) -> CustomerFacts:
    """The facts about a customer, with the tickets that the agent may see."""
    addresses = [one.address for one in customer.addresses.all()]
    rows = key_rows(keys_naming(addresses))
    trust = standings(rows)
    keys = [face for row in rows for face in address_faces(row, trust.get(row.key.pk), addresses)]
    keys.sort(key=lambda face: _ORDER.index(face.tone))
    name = customer.name if customer.name not in addresses else ""
    return CustomerFacts(name=name, addresses=addresses, keys=keys, tickets=tickets)
