"""Mail of ours that did not leave: the buttons beside the recipients, and what they ask for."""

from __future__ import annotations

import pytest
from django.urls import reverse

from sealdesk.mail.models import Channel, Copy, CopyState, Delivery, Outgoing, OutgoingState
from sealdesk.mail.outbox.actions import reply
from sealdesk.mail.outbox.sealing import seal_due
from sealdesk.mail.outbox.sending import send_due
from sealdesk.mail.outbox.states import Outcome, Result

NOBODY = Outcome(result=Result.PERMANENT, code="550", sentence="No such user")


@pytest.fixture
def ticket(take_in, write, cast):
    Channel.objects.create(kind="smtp", name="Out", host="localhost", port=25)
    return take_in(write(cast.carol)).ticket


def answered(ticket, alice, *, encrypt=False):
    article = reply(
        ticket=ticket, by=alice.agent, to=["carol@customer.example"], text="Yes.", sign=False, encrypt=encrypt
    )
    seal_due(by="w")
    return article


def page(client, ticket):
    return client.get(reverse("ticket", args=[ticket.number])).content.decode()


def sending(article):
    return reverse("copy_send_again", args=[article.pk, Copy.objects.get().pk])


def lost(article):
    for rows in (Copy, Delivery):
        rows.objects.update(state=CopyState.UNKNOWN)
    return article


def test_refused_mail_is_sealed_again_by_its_button(alice, own, ticket):
    article = answered(ticket, alice, encrypt=True)
    before = page(alice, ticket)

    alice.post(reverse("article_seal_again", args=[article.pk]))

    assert "Seal again and send" in before
    assert "Seal again and send" not in page(alice, ticket)
    assert Outgoing.objects.get().state == OutgoingState.WAITING


def test_failed_copy_is_sent_again_by_one_click(alice, ticket):
    article = answered(ticket, alice)
    send_due(by="w", deliver=lambda *_, recipients, **__: dict.fromkeys(recipients, NOBODY))
    shown = page(alice, ticket)

    alice.post(sending(article))

    assert (sending(article) in shown, "gets it twice" in shown) == (True, False)
    assert Copy.objects.get().state == CopyState.RETRY


def test_copy_of_unknown_fate_is_sent_again_only_when_it_may_arrive_twice(alice, ticket):
    article = lost(answered(ticket, alice))
    shown = page(alice, ticket)

    refused = alice.post(sending(article), follow=True)
    after_refusal = Copy.objects.get().state
    alice.post(sending(article), {"may_arrive_twice": "yes"})

    assert "If it did, carol@customer.example gets it twice." in shown
    assert "It may have arrived already." in refused.content.decode()
    assert (after_refusal, Copy.objects.get().state) == (CopyState.UNKNOWN, CopyState.RETRY)


def test_sent_mail_offers_nothing_to_send_again(alice, ticket):
    article = answered(ticket, alice)
    Copy.objects.update(state=CopyState.SENT)
    Delivery.objects.update(state=CopyState.SENT)

    shown = page(alice, ticket)
    response = alice.post(sending(article), follow=True)

    assert sending(article) not in shown
    assert "Only a copy that failed" in response.content.decode()
    assert Copy.objects.get().state == CopyState.SENT


def test_agent_of_another_group_sends_nothing_again(alice, bob, ticket):
    article = lost(answered(ticket, alice))

    responses = [
        bob.post(sending(article), {"may_arrive_twice": "yes"}),
        bob.post(reverse("article_seal_again", args=[article.pk])),
    ]

    assert [response.status_code for response in responses] == [404, 404]
    assert Copy.objects.get().state == CopyState.UNKNOWN


def test_deliveries_ask_for_news_until_nothing_is_under_way(alice, ticket):
    article = answered(ticket, alice)
    address = reverse("article_deliveries", args=[article.pk])
    polling = f'hx-get="{address}"'

    before = alice.get(address).content.decode()
    send_due(by="w", deliver=lambda *_, recipients, **__: dict.fromkeys(recipients, NOBODY))
    after = alice.get(address).content.decode()

    assert (polling in before, polling in after) == (True, False)
    assert ("Not delivered" in before, "Not delivered" in after) == (False, True)


def test_deliveries_are_shown_to_agents_of_the_group_alone(alice, bob, client, ticket):
    address = reverse("article_deliveries", args=[answered(ticket, alice).pk])

    assert [browser.get(address).status_code for browser in (alice, bob, client)] == [200, 404, 302]


def test_copy_that_is_only_signed_says_that_it_is_not_encrypted(alice, ticket):
    article = answered(ticket, alice)
    Copy.objects.update(is_signed=True, technology="smime")

    shown = alice.get(reverse("article_deliveries", args=[article.pk])).content.decode()

    assert "Signed by S/MIME</span>" in shown
    assert "Not encrypted</span>" in shown
