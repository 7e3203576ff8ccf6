"""The cases: which technology, which keys, which mail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from bench.letters import AGENT, CUSTOMER, NOW
from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel, Use
from sealmail.keys.openpgp_making import generate
from sealmail.keys.pgp.producing import Suite
from sealmail.testing import CA, openpgp_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An agent of the desk and a customer with keys of one kind, and what the desk knows of both."""

    name: str
    technology: Technology
    kind: str
    """Of the keys, as `bench.raw` calls it."""
    agent: SecretKey
    customer: SecretKey
    ca: CA | None = None
    encrypting: tuple[SecretKey, SecretKey] | None = None
    """The agent's and the customer's other keys, where those that sign cannot be encrypted to."""
    has_peer: bool = True
    """Whether openssl or gpg can do anything with these keys."""

    @property
    def store(self) -> MemoryKeyStore:
        """The desk's key ring."""
        theirs = [self.customer.key, *(self.ca.chain if self.ca else ())]
        if self.encrypting is None:
            return MemoryKeyStore(keys=theirs, secrets=[self.agent])
        agent, customer = self.encrypting
        return MemoryKeyStore(keys=[*theirs, customer.key], secrets=[self.agent, agent])

    @property
    def turned(self) -> Pair:
        """The customer's side: he writes to the agent."""
        other = self.encrypting and self.encrypting[::-1]
        return replace(self, agent=self.customer, customer=self.agent, encrypting=other)

    @property
    def trust(self) -> MemoryTrust:
        """The desk's decisions: its CA, or the customer's key by hand."""
        if self.ca is not None:
            return MemoryTrust(anchors=[self.ca.anchor])
        return MemoryTrust(levels={one.key.fingerprint: TrustLevel.BY_HAND for one in (self.agent, self.customer)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the mail is."""

    name: str
    attached_bytes: int
    text_bytes: int = 10_000


def smime(name: str, key_type: str) -> Pair:
    """Both with certificates of one CA, whose key is of the same kind."""
    ca = CA.create("Bench CA", key=key_type)
    agent = ca.issue(AGENT.address, name=AGENT.name, key_type=key_type)
    customer = ca.issue(CUSTOMER.address, name=CUSTOMER.name, key_type=key_type)
    return Pair(name=name, technology=Technology.SMIME, kind=key_type, agent=agent, customer=customer, ca=ca)


def curve25519() -> Pair:
    """Certificates of Ed25519 for signing and of X25519 for encrypting, of one CA."""
    ca = CA.create("Bench CA", key="ed25519")

    def pair_of(one: Mailbox) -> tuple[SecretKey, SecretKey]:
        signing = ca.issue(one.address, name=one.name, uses={Use.SIGN}, key_type="ed25519")
        return signing, ca.issue(one.address, name=one.name, uses={Use.ENCRYPT}, key_type="x25519")

    (agent, agents), (customer, customers) = pair_of(AGENT), pair_of(CUSTOMER)
    return Pair(
        name="X25519, Ed25519",
        technology=Technology.SMIME,
        kind="cv25519",
        agent=agent,
        customer=customer,
        ca=ca,
        encrypting=(agents, customers),
        has_peer=False,
    )


def openpgp(name: str, cipher: str) -> Pair:
    """Both with OpenPGP keys; of version 6 where `cipher` says "v6"."""
    agent, customer = (_openpgp_key(one, cipher) for one in (AGENT, CUSTOMER))
    return Pair(
        name=name,
        technology=Technology.OPENPGP,
        kind=cipher,
        agent=agent,
        customer=customer,
        has_peer=cipher != "v6",
    )


def _openpgp_key(one: Mailbox, cipher: str) -> SecretKey:
    if cipher != "v6":
        return openpgp_key(one.address, name=one.name, cipher=cipher)
    begin = NOW - timedelta(days=365)
    return generate(name=one.name, addresses=[one.address], at=begin, suite=Suite.VERSION_6).secret


def pairs() -> tuple[Pair, ...]:
    """Those that large mails are measured with; making RSA keys takes some seconds."""
    return (
        smime("S/MIME RSA-3072", "rsa3072"),
        smime("S/MIME P-256", "ec"),
        openpgp("PGP RSA-3072", "rsa3072"),
        openpgp("PGP Curve25519", "cv25519"),
    )
