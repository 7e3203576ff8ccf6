"""Who may open what: agents of another group, strangers, and agents who are no administrators."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from sealdesk.tickets.models import Article, Ticket

CANARY = "kingfisher"


@pytest.fixture
def article(take_in, write, cast):
    raw = write(cast.erin, subject=CANARY, text=CANARY, files=[("a.txt", "text/plain", CANARY.encode())])
    article = take_in(raw)
    article.html = f"<p>{CANARY}</p>"
    article.save()
    return article


def pages_of(article):
    number, file = article.ticket.number, article.attachments.get()
    return {
        reverse("ticket", args=[number]): CANARY,
        reverse("article_html", args=[article.pk]): CANARY,
        reverse("article_raw", args=[article.pk]): CANARY,
        reverse("attachment", args=[file.pk]): CANARY,
    }


def body_of(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_agent_of_the_group_reads_everything_of_a_ticket(alice, article):
    for address, words in pages_of(article).items():
        response = alice.get(address)
        assert (response.status_code, words.encode() in body_of(response)) == (200, True), address


def test_agent_of_another_group_gets_nothing_of_a_ticket(bob, article):
    for address in pages_of(article):
        response = bob.get(address)
        assert (response.status_code, CANARY.encode() in response.content) == (404, False), address


def test_administrator_of_another_group_gets_nothing_of_a_ticket(bob, article):
    bob.agent.is_staff = True
    bob.agent.save()

    assert {bob.get(address).status_code for address in pages_of(article)} == {404}


@pytest.mark.parametrize(
    "name", ["ticket_replies", "ticket_reply_preview", "ticket_notes", "ticket_state", "ticket_owner"]
)
def test_agent_of_another_group_changes_nothing_of_a_ticket(bob, article, name):
    posted = {"text": "x", "state": "closed", "to": "mallory@evil.example", "owner": str(bob.agent.pk)}

    response = bob.post(reverse(name, args=[article.ticket.number]), posted)

    ticket = Ticket.objects.get()
    assert (response.status_code, ticket.state, ticket.owner, Article.objects.count()) == (404, "new", None, 1)


def test_retry_by_an_agent_of_another_group_is_not_there(bob, article):
    assert bob.post(reverse("article_retry", args=[article.pk])).status_code == 404


def test_lists_search_and_counters_show_only_tickets_of_my_groups(bob, article):
    for address in (
        reverse("tickets", args=["all"]),
        reverse("tickets", args=["all"]) + "?q=erin",
        reverse("counters", args=["all"]),
    ):
        response = bob.get(address)
        assert CANARY.encode() not in response.content
        assert str(article.ticket.number).encode() not in response.content


def test_group_filter_with_a_foreign_group_shows_nothing(bob, article):
    response = bob.get(reverse("tickets", args=["all"]), {"group": str(article.ticket.group_id)})

    assert CANARY.encode() not in response.content


def test_stranger_is_sent_to_sign_in(db, article):
    addresses = [*pages_of(article), reverse("tickets", args=["open"]), reverse("admin_smime"), reverse("ticket_new")]

    assert {Client().get(address).url.split("?")[0] for address in addresses} == {"/accounts/login/"}


@pytest.mark.parametrize(
    "name",
    [
        "admin_smime",
        "admin_openpgp",
        "admin_logs",
        "admin_groups",
        "admin_agents",
        "admin_channels",
        "admin_quarantine",
    ],
)
def test_administration_is_for_administrators(alice, admin, name):
    assert alice.get(reverse(name)).status_code == 403
    assert admin.get(reverse(name)).status_code == 200


def test_nobody_can_sign_up(db):
    assert Client().get("/accounts/signup/").status_code == 404


def test_sign_in_works_and_says_what_was_wrong(alice):
    client = Client()

    wrong = client.post("/accounts/login/", {"login": "alice@desk.example", "password": "no"})
    right = client.post("/accounts/login/", {"login": "alice@desk.example", "password": "a long password"})

    assert (wrong.status_code, right.status_code, right.url) == (200, 302, "/")
    assert "Successfully" not in client.get("/", follow=True).content.decode()
    assert b"alice@desk.example" in wrong.content
    assert b"not correct" in wrong.content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "password/set/", "confirm-email/"])
def test_nobody_signs_up_and_no_page_sends_mail_by_itself(client, path):
    assert client.get(f"/accounts/{path}").status_code == 404


@pytest.mark.django_db
def test_a_wrong_password_is_answered_at_the_form(client):
    answer = client.post("/accounts/login/", {"login": "alice@desk.example", "password": "wrong wrong wrong"})

    assert answer.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["2fa/", "2fa/totp/activate/", "password/change/", "reauthenticate/", "logout/"])
def test_pages_of_the_account_open(alice, path):
    assert alice.get(f"/accounts/{path}", follow=True).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["password/reset/", "email/", "confirm-email/", "signup/", "password/reset/done/"])
def test_attack_pages_that_would_send_mail_past_the_outbox_are_not_there(alice, mailoutbox, page):
    form = {"email": "victim@elsewhere.example", "action_add": ""}

    answers = [client.post(f"/accounts/{page}", form) for client in (Client(), alice)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert mailoutbox == []
