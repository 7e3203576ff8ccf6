"""Who is in the demo, with their keys: made once in a blink (curves, not RSA), then kept in the vault."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sealdesk.core.clock import now
from sealdesk.demo import drawer
from sealmail.keys import Key, SecretKey, Technology
from sealmail.keys.certificate import key_from_certificate
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.testing import CA, Person, openpgp_key

SUPPORT, LEGAL = "support@desk.example", "legal@desk.example"
_FILE = "people"


class Who(StrEnum):
    """Everybody who holds keys, or could."""

    SUPPORT = "support"
    LEGAL = "legal"
    CAROL = "carol"
    DAVE = "dave"
    ERIN = "erin"
    FRANK = "frank"
    MALLORY = "mallory"
    FORGER = "mallory as carol"
    """Mallory with a certificate that bears Carol's name and address."""
    FRANKS_OLD_TABLET = "frank with an expired certificate"
    LOST = "support before the move"
    """A certificate of the desk whose private key is gone."""


CUSTOMERS = (Who.CAROL, Who.DAVE, Who.ERIN, Who.FRANK, Who.MALLORY)
"""Those whom `sealdesk demo` can write and read as."""

_NAMES = {
    Who.SUPPORT: ("Support", SUPPORT),
    Who.LEGAL: ("Legal", LEGAL),
    Who.CAROL: ("Carol Conti", "carol@bank.example"),
    Who.DAVE: ("Dave Dörfler", "dave@law.example"),
    Who.ERIN: ("Erin Egan", "erin@shop.example"),
    Who.FRANK: ("Frank Fuchs", "frank@clinic.example"),
    Who.MALLORY: ("Mallory Moss", "mallory@evil.example"),
    Who.FORGER: ("Carol Conti", "carol@bank.example"),
    Who.FRANKS_OLD_TABLET: ("Frank Fuchs", "frank@clinic.example"),
    Who.LOST: ("Support", SUPPORT),
}
_WITH_OPENPGP = (Who.SUPPORT, Who.LEGAL, Who.DAVE, Who.FRANK, Who.MALLORY)
_WITH_SMIME = (Who.SUPPORT, Who.LEGAL, Who.CAROL, Who.FRANK, Who.LOST)
"""From the CA that the desk trusts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """All of them, and the certificates that vouch."""

    by_name: Mapping[Who, Person]
    authority: Key
    """The CA that the desk trusts."""
    strange_authority: Key
    """The CA that only Mallory trusts."""

    def __getitem__(self, who: Who) -> Person:
        return self.by_name[who]


def people() -> People | None:
    """The people of this desk's demo; None where none was loaded."""
    kept = drawer.take(_FILE)
    return None if kept is None else _from_json(json.loads(kept))


def make_people() -> People:
    """New keys for everybody, kept in the vault. The private keys of the CAs are thrown away."""
    made = _made()
    drawer.put(_FILE, json.dumps(_to_json(made)).encode())
    return made


def technologies(person: Person) -> tuple[Technology, ...]:
    """What the person has secret keys for."""
    return tuple(secret.key.technology for secret in person.secrets)


def _made() -> People:
    trusted, strange = CA.create("Sealdesk Demo CA"), CA.create("Cheap Certificates CA")
    until = now() + timedelta(days=5 * 365)  # a demo that is opened again next year still shows good signatures
    by_name: dict[Who, Person] = {}
    for who, (name, address) in _NAMES.items():
        smime = trusted.issue(address, name=name, valid_until=until) if who in _WITH_SMIME else None
        openpgp = openpgp_key(address, name=name) if who in _WITH_OPENPGP else None
        by_name[who] = Person(name=name, address=address, smime=smime, openpgp=openpgp)
    for who, authority, ends in (
        (Who.MALLORY, strange, until),
        (Who.FORGER, strange, until),
        (Who.FRANKS_OLD_TABLET, trusted, now() - timedelta(days=1)),
    ):
        name, address = _NAMES[who]
        smime = authority.issue(address, name=name, valid_until=ends)
        by_name[who] = Person(name=name, address=address, smime=smime, openpgp=by_name[who].openpgp)
    return People(by_name=by_name, authority=trusted.certificate, strange_authority=strange.certificate)


def _to_json(made: People) -> dict[str, Any]:
    return {
        "authority": _text(made.authority.material),
        "strange_authority": _text(made.strange_authority.material),
        "people": {who.name: _person_to_json(person) for who, person in made.by_name.items()},
    }


def _from_json(kept: Mapping[str, Any]) -> People:
    return People(
        by_name={Who[name]: _person_from_json(Who[name], secrets) for name, secrets in kept["people"].items()},
        authority=key_from_certificate(_bytes(kept["authority"])),
        strange_authority=key_from_certificate(_bytes(kept["strange_authority"])),
    )


def _person_to_json(person: Person) -> dict[str, Any]:
    smime, openpgp = person.smime, person.openpgp
    return {
        "smime": [_text(smime.key.material), _text(smime.material)] if smime else None,
        "openpgp": _text(openpgp.material) if openpgp else None,
    }


def _person_from_json(who: Who, kept: Mapping[str, Any]) -> Person:
    name, address = _NAMES[who]
    smime = openpgp = None
    if kept["smime"]:
        certificate, private = map(_bytes, kept["smime"])
        smime = SecretKey(key=key_from_certificate(certificate), material=private)
    if kept["openpgp"]:
        material = _bytes(kept["openpgp"])
        openpgp = SecretKey(key=key_from_openpgp(material), material=material)
    return Person(name=name, address=address, smime=smime, openpgp=openpgp)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
