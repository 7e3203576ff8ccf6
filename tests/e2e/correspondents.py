"""The customers of the stories, each with his own tools: they seal what they write and open what they get.

What they check is checked by gpg and openssl; nothing of ours is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cast import CAROL, DAVE, MALLORY, SUPPORT, Customer
from tests.peers.gpg import GnuPG, GnuPGFactory
from tests.peers.mail import (
    Letter,
    pgp_encrypted,
    pgp_signed,
    smime_enveloped,
    smime_signed,
    smime_signed_inside_enveloped,
)
from tests.peers.openssl import OpenSSLCustomer, TestCA
from tests.peers.reading import Layer, Reader

PASSPHRASE = "open sesame"
"""What protects the desk's own keys while they are carried to it."""

Seal = Callable[[Letter], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondent:
    """A customer and how he seals. `desk` is how his tool calls the key that the desk signs with."""

    person: Customer
    technology: str
    signs: Seal
    encrypts: Seal
    signs_and_encrypts: Seal
    reader: Reader
    desk: str
    layers: tuple[Layer, ...]
    """What he finds around a mail of the desk that is signed and encrypted."""

    @property
    def address(self) -> str:
        """Where he gets his mail."""
        return self.person.address

    @property
    def good_badge(self) -> tuple[str, str]:
        """What the agent must see on his sealed mail, and on no other."""
        return "Encrypted for you", f"Signed by {self.address}"


class SMIMEPeople:
    """Carol, the desk and Mallory with certificates of the CA that the desk trusts; Mallory has others too."""

    def __init__(self, authority: TestCA) -> None:
        self.authority = authority
        self.carol_with_key = authority.issue(CAROL.address, name=CAROL.name)
        self.desk = authority.issue(SUPPORT, name="Support")
        self.mallory = authority.issue(MALLORY.address, name=MALLORY.name)
        self.carol = self.as_carol(self.carol_with_key)

    def as_carol(self, key: OpenSSLCustomer) -> Correspondent:
        """Somebody who writes as Carol, with this key."""
        to_desk = [self.desk.certificate]
        return Correspondent(
            person=CAROL,
            technology="S/MIME",
            signs=lambda letter: smime_signed(letter, key),
            encrypts=lambda letter: smime_enveloped(letter, key, to_desk),
            signs_and_encrypts=lambda letter: smime_signed_inside_enveloped(letter, key, to_desk),
            reader=Reader(smime=key),
            desk=SUPPORT,
            layers=(Layer.SMIME_ENVELOPED, Layer.SMIME_SIGNED),
        )

    def desk_material(self) -> bytes:
        """What the administrator gets from the CA for the desk."""
        return self.desk.pkcs12(PASSPHRASE)

    def authority_certificate(self) -> bytes:
        """The CA's certificate, PEM."""
        return Path(self.authority.certificate).read_bytes()


class PGPPeople:
    """Dave and the desk, who know each other's keys; Mallory, who knows the desk's and has one in Dave's name too."""

    def __init__(self, factory: GnuPGFactory) -> None:
        desk = factory.customer(SUPPORT, passphrase=PASSPHRASE)
        self.desk_secret = desk.export_secret(passphrase=PASSPHRASE)
        self.desk_public = desk.export_public()
        self.dave_with_key = factory.customer(DAVE.address)
        self.dave_public = self.dave_with_key.export_public()
        self.mallory = factory.customer(MALLORY.address)
        self.mallory_public = self.mallory.export_public()
        self.false_dave = factory.customer(DAVE.address, key_number=2)
        for gpg in (self.dave_with_key, self.mallory, self.false_dave):
            (self.desk_fingerprint,) = gpg.import_(self.desk_public)
        self.dave = self.as_dave(self.dave_with_key)

    def as_dave(self, gpg: GnuPG) -> Correspondent:
        """Somebody who writes as Dave, with this key ring."""
        return Correspondent(
            person=DAVE,
            technology="PGP",
            signs=lambda letter: pgp_signed(letter, gpg),
            encrypts=lambda letter: pgp_encrypted(letter, gpg),
            signs_and_encrypts=lambda letter: pgp_encrypted(letter, gpg, sign=True),
            reader=Reader(gpg=gpg),
            desk=self.desk_fingerprint,
            layers=(Layer.PGP_ENCRYPTED, Layer.PGP_SIGNED),
        )
