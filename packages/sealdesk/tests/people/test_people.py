"""Agents, groups and customers: who is who, and who may what."""

import pytest
import sealdesk_factories as factories
from django.test import Client

from sealdesk.core.errors import Invalid, NotAllowed
from sealdesk.people import actions, queries, rules
from sealdesk.people.models import Agent, Customer, CustomerAddress, Group

pytestmark = pytest.mark.django_db


def test_customer_is_made_once_for_all_forms_of_an_address():
    first = actions.ensure_customer(address="carol@customer.example", name="Carol  Customer")
    again = actions.ensure_customer(address="Carol@Customer.Example", name="Somebody Else")

    assert again == first
    assert Customer.objects.get().name == "Carol Customer"
    assert queries.customer_by_address("CAROL@customer.example") == first


def test_customer_without_name_gets_the_first_that_comes():
    actions.ensure_customer(address="carol@customer.example")
    actions.ensure_customer(address="carol@customer.example", name="Carol")

    assert Customer.objects.get().name == "Carol"


def test_customer_made_at_the_same_moment_is_used(monkeypatch):
    other = actions.ensure_customer(address="carol@customer.example")
    monkeypatch.setattr(queries, "customer_by_address", lambda _: None)

    assert actions.ensure_customer(address="carol@customer.example") == other
    assert Customer.objects.count() == CustomerAddress.objects.count() == 1


@pytest.mark.parametrize("address", ["", "carol", "carol@", "a@b@c", "Carol <carol@customer.example>"])
def test_what_is_no_address_makes_no_customer(address):
    with pytest.raises(Invalid) as refusal:
        actions.ensure_customer(address=address)

    assert refusal.value.fields == {"address": ("This is not a valid e-mail address.",)}
    assert not Customer.objects.exists()


def test_group_receives_at_its_addresses_in_every_form(support):
    assert queries.sender_address("Support@DESK.example").group == support
    assert queries.sender_address("nobody@desk.example") is None
    assert [one.address for one in support.sender_addresses.all()] == ["alice@desk.example", "support@desk.example"]
    assert support.sender_addresses.get(is_default=True).address == "alice@desk.example"


def test_address_of_another_group_is_refused_and_no_group_made(support):
    with pytest.raises(Invalid) as refusal:
        actions.create_group(name="Sales", addresses=["sales@desk.example", "Support@desk.example"], by=None)

    assert refusal.value.sentence == "support@desk.example belongs to the group Support."
    assert list(Group.objects.all()) == [support]


@pytest.mark.parametrize("name", ["Support", " Support ", ""])
def test_group_needs_a_name_of_its_own(support, name):
    with pytest.raises(Invalid) as refusal:
        actions.create_group(name=name, addresses=[], by=None)

    assert list(refusal.value.fields) == ["name"]


def test_agent_reads_own_groups_only(support, sales, alice, bob, administrator):
    assert [rules.can_read_group(one, support) for one in (alice, bob, administrator)] == [True, False, False]
    assert list(queries.groups_of(alice)) == [support]
    with pytest.raises(NotAllowed, match="You are not a member of the group Sales"):
        rules.check_can_read_group(alice, sales)


def test_agent_or_group_switched_off_reads_nothing(support, alice):
    Group.objects.update(is_active=False)
    assert not rules.can_read_group(alice, support)
    Group.objects.update(is_active=True)
    alice.is_active = False

    assert not rules.can_read_group(alice, support)


def test_only_administrators_make_groups_and_accounts(alice, administrator):
    with pytest.raises(NotAllowed):
        actions.create_group(name="Mine", addresses=[], by=alice)
    with pytest.raises(NotAllowed):
        actions.create_agent(email="eve@desk.example", by=alice)

    assert actions.create_group(name="New", addresses=[], by=administrator).name == "New"


def test_account_with_a_weak_password_or_a_taken_address_is_refused(alice):
    with pytest.raises(Invalid) as weak:
        actions.create_agent(email="new@desk.example", password="password", by=None)
    with pytest.raises(Invalid) as taken:
        actions.create_agent(email="Alice@desk.example", by=None)

    assert list(weak.value.fields) == ["password"]
    assert list(taken.value.fields) == ["email"]
    assert Agent.objects.count() == 1


def test_agent_signs_in_with_address_and_password(alice, client):
    answer = client.post("/accounts/login/", {"login": "alice@desk.example", "password": factories.PASSWORD})

    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_nobody_makes_an_account_by_himself():
    form = {"email": "eve@evil.example", "password1": factories.PASSWORD, "password2": factories.PASSWORD}

    Client().post("/accounts/signup/", form)

    assert not Agent.objects.exists()
