"""A desk with two groups, each with keys of its own, and customers who seal their mail."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from sealdesk.core.clock import now
from sealdesk.keyring.actions import import_keys
from sealdesk.mail.intake.actions import process, receive
from sealdesk.mail.intake.opening import close_opener
from sealdesk.people.models import Agent, Group, Membership, SenderAddress
from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, Technology, TrustLevel
from sealmail.mime import Draft, DraftAttachment, build_message
from sealmail.policy import Policy
from sealmail.sealing import SealRequest, plan, seal
from sealmail.testing import Cast, export_armored, export_pem

SUPPORT, BILLING = "support@desk.example", "billing@desk.example"


@pytest.fixture(scope="session")
def cast():
    """Keys for the groups (as Alice and Bob of the cast) and for the customers."""
    return Cast()


@pytest.fixture(scope="session")
def desk_keys(cast):
    """The secret keys of the two group addresses."""
    return {address: cast._person(address, address, smime=True, openpgp=True) for address in (SUPPORT, BILLING)}


@pytest.fixture(scope="session", autouse=True)
def opener_ends():
    yield
    close_opener()


@pytest.fixture
def support(db):
    return _group("Support", SUPPORT)


@pytest.fixture
def billing(db):
    return _group("Billing", BILLING)


@pytest.fixture
def alice(support):
    """An agent of Support."""
    agent = Agent.objects.create(username="alice", email="alice@desk.example", first_name="Alice")
    Membership.objects.create(agent=agent, group=support)
    return agent


@pytest.fixture
def bob(billing):
    """An agent of Billing."""
    agent = Agent.objects.create(username="bob", email="bob@desk.example", first_name="Bob")
    Membership.objects.create(agent=agent, group=billing)
    return agent


@pytest.fixture
def ring(db):
    """The desk's key ring: starts empty; see `Ring`."""
    return Ring()


class Ring:
    """Puts keys into the desk's key ring, trusted by hand, as an administrator does."""

    def own(self, person, group):
        """Secret keys of a group."""
        for secret in person.secrets:
            is_smime = secret.key.technology is Technology.SMIME
            blob = export_pem(secret) if is_smime else export_armored(secret).encode()
            import_keys(blob=blob, groups=[group], by=None)

    def know(self, *keys):
        """Public keys."""
        for key in keys:
            import_keys(blob=export_armored(key).encode(), by=None)


@pytest.fixture
def write(cast, desk_keys):
    """Mails as customers write them: `write(cast.carol, subject=…, sign=True, encrypt=True)` gives their bytes."""

    def written(person, *, to=SUPPORT, subject="A question", text="What is it?", sign=False, encrypt=False, **more):
        draft = _draft(person, to, subject, text, more)
        if not sign and not encrypt:
            return build_message(draft)
        technology = next(secret.key.technology for secret in person.secrets)
        theirs = [*person.keys, *desk_keys[to].keys]
        store = MemoryKeyStore(keys=theirs, secrets=person.secrets)
        trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in theirs})
        request = SealRequest(
            sender=person.address, to=(to,), sign=sign, encrypt=encrypt, technology=more.get("technology", technology)
        )
        planned = plan(request, store, trust, Policy(), now())
        (copy,) = seal(planned, draft, store, now())
        return copy.raw

    return written


@pytest.fixture
def take_in(db):
    """Receives and processes a mail, as channel and worker do."""

    def taken(raw, **more):
        mail = receive(raw=raw, **more)
        return process(raw_mail=mail.pk)

    return taken


def _draft(person, to, subject, text, more):
    return Draft(
        from_=(Mailbox(person.name, person.address),),
        to=(Mailbox("", to),),
        subject=subject,
        text=text,
        attachments=tuple(DraftAttachment(*one) for one in more.get("attachments", ())),
        message_id=more.get("message_id", f"<{uuid.uuid4()}@customer.example>"),
        date=datetime.now(UTC),
        in_reply_to=more.get("in_reply_to"),
        references=more.get("references", ()),
        extra=more.get("extra", ()),
    )


def _group(name, address):
    group = Group.objects.create(name=name)
    SenderAddress.objects.create(group=group, address=address, name=f"{name} team", is_default=True)
    return group
