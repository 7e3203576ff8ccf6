"""Keys that mail brings along: candidates, with where they stood and whose they are said to be; trusted by nobody."""

from __future__ import annotations

import pytest
from django.urls import reverse

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredKey, TrustDecision
from sealdesk.mail.models import KeySighting
from sealdesk.mail.queries import keys_said_to_belong_to
from sealmail.keys.autocrypt import write_autocrypt
from sealmail.keys.openpgp_merging import minimal

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(cast, take_in, support):
    """Takes in a mail that claims a key for the address of its sender."""

    def taken(sender, key):
        header = write_autocrypt(sender, minimal(key.material, now()), prefers_encryption=True)
        raw = f"From: <{sender}>\r\nTo: {support.sender_addresses.first().address}\r\nAutocrypt: {header}\r\n\r\nHi\r\n"
        return take_in(raw.encode()).article

    return taken


@pytest.mark.mission("B9")
def test_a_key_is_kept_with_where_it_stood_and_whose_it_is_said_to_be(cast, told):
    key = cast.dave.openpgp.key

    article = told(cast.dave.address, key)

    (sighting,) = keys_said_to_belong_to(cast.dave.address)
    assert (sighting.article, sighting.source, sighting.claimed_address) == (article, "autocrypt", cast.dave.address)
    assert (sighting.key.fingerprint, sighting.key.origin) == (key.fingerprint, "harvested")
    assert not TrustDecision.objects.exists()


@pytest.mark.mission("B14")
def test_attack_a_claim_makes_a_key_nobodys_key_by_address(cast, told):
    mallory = cast.mallory

    told(cast.carol.address, mallory.openpgp.key)

    (sighting,) = KeySighting.objects.all()
    assert sighting.claimed_address == cast.carol.address
    assert cast.carol.address not in [one.address for one in sighting.key.named_addresses.all()]
    assert not TrustDecision.objects.exists()


def test_the_same_claim_is_kept_once_and_another_one_beside_it(cast, told):
    first = told(cast.dave.address, cast.dave.openpgp.key)
    told("dave@other.example", cast.dave.openpgp.key)

    assert StoredKey.objects.count() == 1
    assert KeySighting.objects.filter(article=first).count() == 1
    assert sorted(KeySighting.objects.values_list("claimed_address", flat=True)) == [
        cast.dave.address,
        "dave@other.example",
    ]


@pytest.mark.mission("B9")
def test_the_article_shows_the_claim_and_what_the_key_does_not_name(cast, told, client, alice):
    article = told(cast.carol.address, cast.mallory.openpgp.key)
    client.force_login(alice)

    page = client.get(reverse("ticket", args=[article.ticket.number])).content.decode()

    assert "in its Autocrypt header" in page
    assert f"{cast.carol.address} (the key itself does not name this address)" in page
    assert "nobody has confirmed it by this" in page
