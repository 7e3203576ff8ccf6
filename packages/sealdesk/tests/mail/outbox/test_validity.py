"""Certificates outside of their time: never used for outgoing mail (the worker decides), still good for old mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sealdesk.core import clock
from sealdesk.core.clock import now
from sealdesk.mail.models import Channel, Copy, CopyState, Delivery, OutgoingState
from sealdesk.mail.outbox import sealing
from sealdesk.mail.outbox.actions import reply
from sealdesk.mail.outbox.planning import preview, recipients_of
from sealdesk.mail.outbox.sealing import seal_due
from sealdesk.mail.outbox.sending import send_due
from sealmail.report import Encryption
from sealmail.testing.cast import Person

pytestmark = [pytest.mark.django_db, pytest.mark.mission("S8")]

SUPPORT, CAROL = "support@desk.example", "carol@customer.example"
DAY = timedelta(days=1)
SOON = timedelta(hours=2)


@pytest.fixture
def own(ring, desk_keys, support):
    ring.own(desk_keys[SUPPORT], support)


@pytest.fixture
def ticket(own, support, write, cast, take_in):
    return take_in(write(cast.carol)).article.ticket


@pytest.fixture
def later(monkeypatch):
    """The worker seals when the time has come."""

    def moved(by):
        monkeypatch.setattr(sealing, "now", lambda: clock.now() + by)

    return moved


def answer(ticket, alice, *, sign=False, encrypt=True):
    return reply(ticket=ticket, by=alice, to=[CAROL], text="Turn it on.", sign=sign, encrypt=encrypt)


def test_certificate_that_expires_before_the_worker_seals_is_not_used(ring, ticket, alice, support, cast, later):
    short = cast.ca.issue(CAROL, valid_from=now() - DAY, valid_until=now() + SOON).key
    ring.know(short)
    shown = preview(group=support, recipients=recipients_of(to=[CAROL]), sign=False, encrypt=True)
    article = answer(ticket, alice)
    Channel.objects.create(kind="smtp", name="Out", host="localhost", port=25)
    sent = []

    later(2 * SOON)
    seal_due(by="w")
    send_due(by="w", deliver=lambda *_args, **given: sent.append(given))

    article.outgoing.refresh_from_db()
    delivery = Delivery.objects.get()
    assert shown.can_encrypt
    assert (article.outgoing.state, delivery.state, delivery.code) == (
        OutgoingState.REFUSED,
        CopyState.REFUSED,
        "expired",
    )
    assert "expired" in delivery.sentence
    assert (sent, Copy.objects.count()) == ([], 0)


def test_our_own_certificate_that_expires_meanwhile_does_not_sign(ring, support, alice, write, cast, take_in, later):
    short = cast.ca.issue(SUPPORT, valid_from=now() - DAY, valid_until=now() + SOON)
    ring.own(Person(name="Support", address=SUPPORT, smime=short), support)
    ticket = take_in(write(cast.carol)).article.ticket
    answer(ticket, alice, sign=True, encrypt=False)

    later(2 * SOON)
    seal_due(by="w")

    assert f"The private key for {SUPPORT} cannot sign now: It expired" in Delivery.objects.get().sentence
    assert Copy.objects.count() == 0


@pytest.mark.parametrize(
    "times", [(-9 * DAY, -DAY), (DAY, 9 * DAY), (-9 * DAY, SOON)], ids=["expired", "not yet valid", "expires meanwhile"]
)
def test_valid_certificate_is_used_beside_others_of_the_same_address(ring, ticket, alice, cast, later, times):
    since, until = times
    other = cast.ca.issue(CAROL, valid_from=now() + since, valid_until=now() + until).key
    ring.know(other, cast.carol.smime.key)
    answer(ticket, alice)

    later(2 * SOON)
    seal_due(by="w")

    assert Delivery.objects.get().key_fingerprint == cast.carol.smime.key.fingerprint


def test_certificate_that_is_not_valid_yet_is_used_from_its_day_on(ring, ticket, alice, cast, later):
    ring.know(cast.ca.issue(CAROL, valid_from=now() + SOON, valid_until=now() + 9 * DAY).key)
    answer(ticket, alice)

    seal_due(by="w")
    refused = Delivery.objects.get().code
    later(2 * SOON)
    answer(ticket, alice)
    seal_due(by="w")

    assert refused == "not_yet_valid"
    assert Copy.objects.get().is_encrypted


def test_expired_key_of_ours_still_opens_old_mail(ring, support, write, cast, take_in, desk_keys, monkeypatch):
    old = cast.ca.issue(SUPPORT, valid_from=now() - 9 * DAY, valid_until=now() + SOON)
    ring.own(Person(name="Support", address=SUPPORT, smime=old), support)
    monkeypatch.setitem(desk_keys, SUPPORT, Person(name="Support", address=SUPPORT, smime=old))
    raw = write(cast.carol, text="old words", encrypt=True)

    monkeypatch.setattr("sealdesk.mail.intake.actions.now", lambda: clock.now() + 5 * DAY)
    article = take_in(raw).article

    assert (article.encryption, article.text.strip()) == (Encryption.DECRYPTED, "old words")
