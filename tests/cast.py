"""The people of every story: who they are, at which address, and what their mail program can do."""

from dataclasses import dataclass
from enum import Flag, auto

SUPPORT = "support@desk.example"
BILLING = "billing@desk.example"


class Seals(Flag):
    """The ways of sealing that a customer's mail program knows."""

    NONE = 0
    SMIME = auto()
    PGP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who works at the desk, in the group with this address."""

    name: str
    address: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who writes to the desk."""

    name: str
    address: str
    seals: Seals


ALICE = Agent(name="Alice Abel", address="alice@desk.example", group=SUPPORT)
BOB = Agent(name="Bob Brandt", address="bob@desk.example", group=BILLING)

CAROL = Customer(name="Carol Conti", address="carol@bank.example", seals=Seals.SMIME)
DAVE = Customer(name="Dave Dörfler", address="dave@law.example", seals=Seals.PGP)
ERIN = Customer(name="Erin Egan", address="erin@shop.example", seals=Seals.NONE)
FRANK = Customer(name="Frank Fuchs", address="frank@clinic.example", seals=Seals.SMIME | Seals.PGP)
MALLORY = Customer(name="Mallory Moss", address="mallory@evil.example", seals=Seals.SMIME | Seals.PGP)

CUSTOMERS = (CAROL, DAVE, ERIN, FRANK, MALLORY)
DOMAINS = tuple(
    dict.fromkeys(address.partition("@")[2] for address in (SUPPORT, *(each.address for each in CUSTOMERS)))
)
