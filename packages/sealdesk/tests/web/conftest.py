"""A desk with two groups, keys in its ring, and mails that came in through the real intake."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from sealdesk.core.clock import now
from sealdesk.keyring.actions import import_keys
from sealdesk.mail.intake.actions import process, receive
from sealdesk.mail.intake.opening import close_opener
from sealdesk.people.models import Agent, Group, Membership, SenderAddress
from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.mime import Draft, DraftAttachment, build_message
from sealmail.policy import Policy
from sealmail.sealing import SealRequest, plan, seal
from sealmail.testing import Cast, export_armored, export_pem

SUPPORT = "support@desk.example"
HTML_MAIL = (
    b"From: Erin <erin@customer.example>\r\nTo: support@desk.example\r\nSubject: Hello\r\n"
    b"Message-ID: <html@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<p onclick="x()">Look</p><script>alert(1)</script><img src="https://tracker.example/p.png">'
    b'<a href="https://evil.example/">bank.example</a>'
)


@pytest.fixture(scope="session")
def cast():
    return Cast()


@pytest.fixture(scope="session")
def own_key(cast):
    """Our key for the support address."""
    return cast.ca.issue(SUPPORT, name="Support")


@pytest.fixture(scope="session", autouse=True)
def opener_ends():
    yield
    close_opener()


@pytest.fixture
def support(db):
    group = Group.objects.create(name="Support")
    SenderAddress.objects.create(group=group, address=SUPPORT, is_default=True)
    return group


@pytest.fixture
def billing(db):
    group = Group.objects.create(name="Billing")
    SenderAddress.objects.create(group=group, address="billing@desk.example", is_default=True)
    return group


def signed_in(email, group, **more):
    agent = Agent.objects.create_user(username=email, email=email, password="a long password", **more)
    Membership.objects.create(agent=agent, group=group)
    client = Client()
    client.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    client.agent = agent
    return client


@pytest.fixture
def alice(support):
    """The browser of an agent of Support."""
    return signed_in("alice@desk.example", support)


@pytest.fixture
def bob(billing):
    """The browser of an agent of Billing."""
    return signed_in("bob@desk.example", billing)


@pytest.fixture
def admin(support):
    """The browser of an administrator."""
    return signed_in("admin@desk.example", support, is_staff=True)


@pytest.fixture
def own(support, own_key):
    """Our private key, in the ring."""
    return import_keys(blob=export_pem(own_key), by=None)


@pytest.fixture
def know(db):
    """Adds certificates or keys of customers to the ring."""

    def known(*people):
        for person in people:
            for key in person.keys:
                import_keys(blob=_bytes(export_armored(key)), by=None)

    return known


@pytest.fixture
def take_in(support):
    """A mail that comes in as channel and worker take it in; gives its article."""

    def taken(raw):
        mail = process(raw_mail=receive(raw=raw, group=support, envelope_recipients=[SUPPORT]).pk)
        assert mail.article is not None, mail.reason
        return mail.article

    return taken


@pytest.fixture
def write(cast, own_key):
    """A mail of a customer, sealed with his own keys."""

    def written(person, *, subject="A question", text="What is it?", sign=False, encrypt=False, files=()):
        draft = Draft(
            from_=(Mailbox(person.name, person.address),),
            to=(Mailbox("", SUPPORT),),
            subject=subject,
            text=text,
            attachments=tuple(DraftAttachment(*file) for file in files),
            message_id=f"<{uuid.uuid4()}@customer.example>",
            date=now(),
        )
        if not sign and not encrypt:
            return build_message(draft)
        theirs = [*person.keys, own_key.key]
        store = MemoryKeyStore(keys=theirs, secrets=person.secrets)
        trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in theirs})
        request = SealRequest(sender=person.address, to=(SUPPORT,), sign=sign, encrypt=encrypt)
        (copy,) = seal(plan(request, store, trust, Policy(), now()), draft, store, now())
        return copy.raw

    return written


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def wrapped(sealed):
    """A plain mail of Mallory with somebody else's sealed mail as a part of it."""
    head, _, body = sealed.partition(b"\r\n\r\n")
    kept = (b"content-", b"mime-", b" ", b"\t")
    fields = [line for line in head.split(b"\r\n") if line.lower().startswith(kept)]
    part = b"\r\n".join(fields) + b"\r\n\r\n" + body
    return (
        b"From: mallory@evil.example\r\nTo: support@desk.example\r\nSubject: Hi\r\nMessage-ID: <w@evil.example>\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nPlease answer.\r\n--b\r\n" + part + b"\r\n--b--\r\n"
    )
