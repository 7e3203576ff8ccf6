"""The people of Sealdesk's tests and demo, with their keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.testing.pgp import openpgp_key
from sealmail.testing.pki import CA


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an address and the secret keys that he has."""

    name: str
    address: str
    smime: SecretKey | None = None
    openpgp: SecretKey | None = None

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """All secret keys."""
        return tuple(secret for secret in (self.smime, self.openpgp) if secret is not None)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The public sides of them."""
        return tuple(secret.key for secret in self.secrets)


@dataclass(frozen=True)
class Cast:
    """The people of Sealdesk's tests and demo; each is made when first asked for, and stays the same for this cast.

    Alice and Bob answer for the desk, Carol has S/MIME, Dave OpenPGP, Frank both, Erin neither. Mallory is the
    attacker: his CA and keys bear Carol's and Dave's names and addresses.
    """

    domain: str = "desk.example"
    """Where Alice and Bob are."""
    customers: str = "customer.example"

    @cached_property
    def ca(self) -> CA:
        """The CA that the desk trusts."""
        return CA.create("Sealdesk Test CA")

    @cached_property
    def mallorys_ca(self) -> CA:
        """A CA of the same name that nobody trusts."""
        return CA.create("Sealdesk Test CA")

    @cached_property
    def alice(self) -> Person:
        """An agent, with both technologies."""
        return self._person("Alice Agent", f"alice@{self.domain}", smime=True, openpgp=True)

    @cached_property
    def bob(self) -> Person:
        """An agent of another group, with both technologies."""
        return self._person("Bob Agent", f"bob@{self.domain}", smime=True, openpgp=True)

    @cached_property
    def carol(self) -> Person:
        """A customer with S/MIME."""
        return self._person("Carol Customer", f"carol@{self.customers}", smime=True)

    @cached_property
    def dave(self) -> Person:
        """A customer with OpenPGP."""
        return self._person("Dave Customer", f"dave@{self.customers}", openpgp=True)

    @cached_property
    def erin(self) -> Person:
        """A customer without any key."""
        return self._person("Erin Customer", f"erin@{self.customers}")

    @cached_property
    def frank(self) -> Person:
        """A customer with both technologies."""
        return self._person("Frank Customer", f"frank@{self.customers}", smime=True, openpgp=True)

    @cached_property
    def mallory(self) -> Person:
        """The attacker under his own name, with a certificate of his own CA."""
        smime = self.mallorys_ca.issue(f"mallory@{self.customers}", name="Mallory")
        return Person(
            name="Mallory",
            address=f"mallory@{self.customers}",
            smime=smime,
            openpgp=openpgp_key(f"mallory@{self.customers}", name="Mallory"),
        )

    @cached_property
    def mallory_as_carol(self) -> Person:
        """The attacker with a certificate that looks like Carol's."""
        smime = self.mallorys_ca.issue(self.carol.address, name=self.carol.name)
        return Person(name=self.carol.name, address=self.carol.address, smime=smime)

    @cached_property
    def mallory_as_dave(self) -> Person:
        """The attacker with a key that looks like Dave's."""
        key = openpgp_key(self.dave.address, name=self.dave.name)
        return Person(name=self.dave.name, address=self.dave.address, openpgp=key)

    @property
    def agents(self) -> tuple[Person, ...]:
        """Those whose secret keys the desk holds."""
        return (self.alice, self.bob)

    @property
    def honest_customers(self) -> tuple[Person, ...]:
        """Carol, Dave, Erin and Frank."""
        return (self.carol, self.dave, self.erin, self.frank)

    def store(self) -> MemoryKeyStore:
        """What the desk knows: its own secret keys and the keys of its honest customers."""
        people = (*self.agents, *self.honest_customers)
        keys = [self.ca.certificate, *(key for person in people for key in person.keys)]
        return MemoryKeyStore(keys=keys, secrets=[secret for person in self.agents for secret in person.secrets])

    def trust(self) -> MemoryTrust:
        """What the desk trusts: its CA, and the OpenPGP keys of all honest people by hand."""
        people = (*self.agents, *self.honest_customers)
        levels = {person.openpgp.key.fingerprint: TrustLevel.BY_HAND for person in people if person.openpgp}
        return MemoryTrust(anchors=[self.ca.anchor], levels=levels)

    def _person(self, name: str, address: str, *, smime: bool = False, openpgp: bool = False) -> Person:
        return Person(
            name=name,
            address=address,
            smime=self.ca.issue(address, name=name) if smime else None,
            openpgp=openpgp_key(address, name=name) if openpgp else None,
        )
