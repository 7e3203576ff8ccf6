"""Lists of keys, presets and switches."""

from datetime import timedelta

import pytest

from sealdesk.core import clock
from sealdesk.core.errors import Invalid, NotAllowed
from sealdesk.keyring import actions, queries
from sealdesk.keyring.actions import harvest, import_keys
from sealdesk.keyring.models import StoredKey, StoredSecret
from sealdesk.keyring.queries import KeyProblem, Preset
from sealmail.keys import Technology, TrustLevel
from sealmail.testing.export import export_pem

pytestmark = pytest.mark.django_db


def rows(**options):
    return queries.key_rows(queries.stored_keys(Technology.SMIME, **options))


def test_list_says_what_has_a_secret_and_who_trusts_it(cast, add, support):
    add(cast.carol.smime.key)
    import_keys(blob=export_pem(cast.alice.smime), by=None)

    shown = {row.addresses: (row.has_secret, row.groups, row.level) for row in rows()}

    assert shown == {
        ("carol@customer.example",): (False, (), TrustLevel.BY_HAND),
        ("alice@desk.example",): (True, (support,), TrustLevel.BY_HAND),
    }


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_number_of_queries(cast, add, django_assert_num_queries, support, count):
    for person in (cast.carol, cast.frank, cast.alice)[:count]:
        add(person.smime.key)

    with django_assert_num_queries(4):
        assert len(rows()) == count


def test_expired_and_future_certificates_are_marked(cast, add):
    now, day = clock.now(), timedelta(days=1)
    old = cast.ca.issue("old@customer.example", valid_from=now - 3 * day, valid_until=now - day)
    new = cast.ca.issue("new@customer.example", valid_from=now + day, valid_until=now + 3 * day)
    add(old.key, new.key, cast.carol.smime.key)

    assert {row.addresses[0]: row.problems for row in rows()} == {
        "old@customer.example": (KeyProblem.EXPIRED,),
        "new@customer.example": (KeyProblem.NOT_YET_VALID,),
        "carol@customer.example": (),
    }


def test_candidates_are_listed_apart(cast, add):
    add(cast.carol.smime.key)
    harvest(keys=[cast.frank.smime.key], at=clock.now())

    assert [row.addresses for row in rows()] == [("carol@customer.example",)]
    assert [row.addresses for row in rows(candidates=True)] == [("frank@customer.example",)]


@pytest.mark.parametrize("wanted", ["carol@", "CAROL CUST", "fingerprint"])
def test_search_finds_by_address_name_and_fingerprint(cast, add, wanted):
    add(cast.carol.smime.key, cast.frank.smime.key)
    if wanted == "fingerprint":
        wanted = cast.carol.smime.key.fingerprint[:20].upper()

    assert [row.addresses for row in rows(search=wanted)] == [("carol@customer.example",)]
    assert rows(search="nobody") == []


@pytest.mark.mission("S9")
def test_group_presets_both_until_somebody_says_otherwise(support, sales):
    actions.set_default(group=support, technology=Technology.SMIME, sign=True, encrypt=False, by=None)

    assert queries.default_for(support, Technology.SMIME) == Preset(sign=True, encrypt=False)
    assert queries.default_for(support, Technology.OPENPGP) == Preset(sign=True, encrypt=True)
    assert queries.default_for(sales, Technology.SMIME) == Preset(sign=True, encrypt=True)


def test_only_administrators_change_the_key_ring(cast, add, alice, support):
    (row,) = add(cast.carol.smime.key).keys
    import_keys(blob=export_pem(cast.alice.smime), by=None)
    secret = StoredSecret.objects.get()

    for refused in (
        lambda: actions.decide(key=row, level=TrustLevel.REJECTED, by=alice),
        lambda: actions.delete_key(key=row, by=alice),
        lambda: actions.delete_secret(key=row, by=alice),
        lambda: actions.switch(technology=Technology.SMIME, is_on=False, by=alice),
        lambda: actions.set_secret_groups(secret=secret, groups=[support], by=alice),
        lambda: actions.set_default(group=support, technology=Technology.SMIME, sign=True, encrypt=True, by=alice),
    ):
        with pytest.raises(NotAllowed, match="Only administrators"):
            refused()
    assert StoredKey.objects.count() == 2


def test_secret_key_keeps_at_least_one_group(cast, support):
    import_keys(blob=export_pem(cast.alice.smime), by=None)

    with pytest.raises(Invalid) as refusal:
        actions.set_secret_groups(secret=StoredSecret.objects.get(), groups=[], by=None)

    assert list(refusal.value.fields) == ["groups"]
