"""The cases: which technology, which keys, which mail."""

from __future__ import annotations

from dataclasses import dataclass

from bench.letters import AGENT, CUSTOMER
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel
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

    @property
    def store(self) -> MemoryKeyStore:
        """The desk's key ring."""
        return MemoryKeyStore(keys=[self.customer.key, *(self.ca.chain if self.ca else ())], secrets=[self.agent])

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


TEXT = Size(name="text, 10 kB", attached_bytes=0)
SIZES = (TEXT, Size(name="file, 1 MB", attached_bytes=1_000_000))


def smime(name: str, key_type: str) -> Pair:
    """Both with certificates of one CA, whose key is of the same kind."""
    ca = CA.create("Bench CA", key=key_type)
    agent = ca.issue(AGENT.address, name=AGENT.name, key_type=key_type)
    customer = ca.issue(CUSTOMER.address, name=CUSTOMER.name, key_type=key_type)
    return Pair(name=name, technology=Technology.SMIME, kind=key_type, agent=agent, customer=customer, ca=ca)


def openpgp(name: str, cipher: str) -> Pair:
    """Both with OpenPGP keys."""
    return Pair(
        name=name,
        technology=Technology.OPENPGP,
        kind=cipher,
        agent=openpgp_key(AGENT.address, name=AGENT.name, cipher=cipher),
        customer=openpgp_key(CUSTOMER.address, name=CUSTOMER.name, cipher=cipher),
    )


def pairs() -> tuple[Pair, ...]:
    """All pairs of the tables; making RSA keys takes some seconds."""
    return (
        smime("S/MIME RSA-3072", "rsa3072"),
        smime("S/MIME P-256", "ec"),
        openpgp("PGP RSA-3072", "rsa3072"),
        openpgp("PGP Curve25519", "cv25519"),
    )
