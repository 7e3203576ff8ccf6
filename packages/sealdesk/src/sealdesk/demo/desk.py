"""The desk of the demo: groups, agents, their keys, and whom they trust. Made once, in one transaction."""

from __future__ import annotations

import secrets

from django.db import transaction

from sealdesk.demo import drawer
from sealdesk.demo.errors import DemoError
from sealdesk.demo.people import LEGAL, SUPPORT, People, Who
from sealdesk.keyring.actions import Vouching, import_keys
from sealdesk.people.actions import create_agent, create_group
from sealdesk.people.models import Agent, Group
from sealdesk.people.queries import sender_address
from sealmail.testing import export_armored, export_pem

ALICE, BOB = "alice@desk.example", "bob@desk.example"
_PASSWORD_FILE = "password"  # noqa: S105 -- a file's name
_LETTERS = "abcdefghkmnpqrstuvwxyz23456789"
"""Those that nobody mistakes for another."""


def check_is_ours() -> None:
    """DemoError where a desk is in use already: a demo is never mixed into it."""
    is_in_use = Group.objects.exists() or Agent.objects.exists()
    if is_in_use and not (drawer.exists() and is_furnished()):
        raise DemoError(
            "This desk is in use, and the demo needs one of its own. Give it another folder: "
            "SEALDESK_HOME=demo-home sealdesk run --demo"
        )


def is_furnished() -> bool:
    """Whether groups, agents and keys are there."""
    return sender_address(SUPPORT) is not None


def furnish(people: People) -> None:
    """Makes groups and agents, and adds the keys as an administrator would."""
    password = _new_password()
    drawer.put(_PASSWORD_FILE, password.encode())
    with transaction.atomic():
        support = create_group(name="Support", addresses=[SUPPORT], by=None)
        legal = create_group(name="Legal", addresses=[LEGAL], by=None)
        alice = create_agent(
            email=ALICE, password=password, name="Alice Abel", groups=[support, legal], is_administrator=True, by=None
        )
        create_agent(email=BOB, password=password, name="Bob Brandt", groups=[legal], by=None)
        _add_keys(people, alice)


def password() -> str:
    """Of both agents. Made anew for each demo, so that no desk anywhere has one that everybody knows."""
    return (drawer.take(_PASSWORD_FILE) or b"").decode()


def _add_keys(people: People, alice: Agent) -> None:
    authority = people.authority
    import_keys(
        blob=export_armored(authority).encode(),
        vouching={authority.fingerprint: Vouching()},
        how_checked="Fingerprint compared by telephone",
        by=alice,
    )
    for who in (Who.SUPPORT, Who.LEGAL):
        smime, openpgp = people[who].smime, people[who].openpgp
        if smime and openpgp:
            import_keys(blob=export_pem(smime), how_checked="Our own", by=alice)
            import_keys(blob=openpgp.material, how_checked="Our own", by=alice)
    for who in (Who.DAVE, Who.FRANK):
        key = people[who].openpgp
        if key:
            import_keys(blob=export_armored(key.key).encode(), how_checked="Read out in person", by=alice)


def _new_password() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
