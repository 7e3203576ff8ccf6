"""The key ring as the library sees it: groups, switches, trust, and few queries."""

import hashlib
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sealdesk.core import clock
from sealdesk.keyring import actions, queries
from sealdesk.keyring.actions import Vouching, decide, harvest, import_keys
from sealdesk.keyring.models import KeyAddress, KeyIdentifier, StoredKey, StoredSecret, TrustDecision
from sealdesk.keyring.store import DeskKeys, DeskTrust
from sealmail.keys import Anchor, KeyId, Technology, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.packets import Tag, walk
from sealmail.testing.export import export_pem

pytestmark = pytest.mark.django_db


@pytest.fixture
def secrets(cast, support, sales):
    """Alice's secret keys are Support's, Bob's are Sales'."""
    for person in (cast.alice, cast.bob):
        import_keys(blob=export_pem(person.smime), by=None)
        import_keys(blob=person.openpgp.material, by=None)


def off(technology):
    actions.switch(technology=technology, is_on=False, by=None)


def test_stored_key_is_the_key_that_was_read(cast, add):
    for key in (*cast.frank.keys, cast.ca.certificate):
        add(key)

        assert DeskKeys(None).keys(key.ids) == [key]


def test_keys_are_found_by_every_id_and_address_once(cast, add):
    key = cast.carol.smime.key
    add(key)

    for identifier in key.ids:
        assert DeskKeys(None).keys([identifier]) == [key]
    assert DeskKeys(None).keys_of("carol@customer.example") == [key]
    assert DeskKeys(None).keys_of("Carol@customer.example") == []


def test_certificates_of_a_ca_are_found_by_its_name(cast, add):
    add(cast.ca.certificate)

    assert DeskKeys(None).keys([cast.carol.smime.key.issuer]) == [cast.ca.certificate]


@pytest.mark.mission("P3")
def test_secret_keys_are_those_of_the_groups(cast, secrets, support, sales):
    ids = cast.alice.openpgp.key.ids | cast.bob.openpgp.key.ids

    assert DeskKeys([support]).secrets(ids) == [cast.alice.openpgp]
    assert DeskKeys([sales]).secrets(ids) == [cast.bob.openpgp]
    assert len(DeskKeys([support, sales]).secrets(ids)) == 2
    assert DeskKeys([]).secrets(ids) == DeskKeys(None).secrets(ids) == []


def test_secret_key_of_two_groups_comes_once(cast, secrets, support, sales):
    secret = StoredSecret.objects.get(key__fingerprint=cast.alice.smime.key.fingerprint)
    actions.set_secret_groups(secret=secret, groups=[support, sales], by=None)

    assert DeskKeys([support, sales]).secrets(cast.alice.smime.key.ids) == [cast.alice.smime]


def test_every_secret_is_of_one_technology_and_the_groups(cast, secrets, support):
    assert DeskKeys([support]).every_secret(Technology.SMIME) == [cast.alice.smime]
    assert DeskKeys([support]).every_secret(Technology.OPENPGP) == [cast.alice.openpgp]


@pytest.mark.mission("S1")
@pytest.mark.mission("P1")
@pytest.mark.parametrize("technology", Technology)
def test_technology_that_is_off_is_not_there(cast, secrets, support, add, technology):
    add(cast.ca.certificate, vouching={cast.ca.certificate.fingerprint: Vouching()})
    issuer, der = cast.ca.crl()
    import_keys(blob=der, by=None)
    off(technology)
    keys, trust = DeskKeys([support]), DeskTrust()
    other = next(one for one in Technology if one is not technology)

    assert {key.technology for key in keys.keys_of(cast.alice.address)} == {other}
    assert keys.every_secret(technology) == []
    assert len(keys.every_secret(other)) == 1
    mine = cast.alice.smime.key if technology is Technology.SMIME else cast.alice.openpgp.key
    assert trust.level(mine, cast.alice.address) is TrustLevel.CANDIDATE
    assert bool(trust.anchors()) is bool(keys.revocations(issuer)) is (technology is not Technology.SMIME)


@pytest.mark.mission("S1")
def test_technology_switched_on_again_is_as_before(cast, secrets, support):
    off(Technology.SMIME)
    actions.switch(technology=Technology.SMIME, is_on=True, by=None)

    assert DeskKeys([support]).every_secret(Technology.SMIME) == [cast.alice.smime]


def test_revocation_lists_are_found_by_their_issuer(cast, db):
    issuer, der = cast.ca.crl()
    import_keys(blob=der, by=None)

    assert DeskKeys(None).revocations(issuer) == [der]
    assert DeskKeys(None).revocations(KeyId("name:other")) == []


def test_added_key_is_trusted_for_its_own_addresses_only(cast, add):
    add(cast.dave.openpgp.key)
    trust = DeskTrust()

    assert trust.level(cast.dave.openpgp.key, "dave@customer.example") is TrustLevel.BY_HAND
    assert trust.level(cast.dave.openpgp.key, "carol@customer.example") is TrustLevel.CANDIDATE
    assert trust.level(cast.mallory_as_dave.openpgp.key, "dave@customer.example") is TrustLevel.CANDIDATE


def test_harvested_key_is_a_candidate(cast, db):
    harvest(keys=[cast.carol.smime.key, cast.ca.certificate], at=clock.now())

    assert DeskTrust().level(cast.carol.smime.key, "carol@customer.example") is TrustLevel.CANDIDATE
    assert DeskTrust().anchors() == []
    assert not TrustDecision.objects.exists()


def test_harvesting_again_changes_nothing(cast, db):
    first = harvest(keys=[cast.carol.smime.key, cast.carol.smime.key, cast.dave.openpgp.key], at=clock.now())

    assert harvest(keys=[cast.carol.smime.key, cast.dave.openpgp.key], at=clock.now()) == first
    assert StoredKey.objects.count() == 2


def test_harvested_news_of_a_trusted_key_do_not_extend_its_trust(add):
    import pysequoia

    from sealmail.keys.openpgp_key import key_from_openpgp

    tsk = pysequoia.Tsk.generate("Mallory <mallory@customer.example>")
    known = key_from_openpgp(bytes(tsk.extract_certificate()))
    bigger = tsk.extract_certificate().add_user_id(value="Boss <boss@desk.example>", certifier=tsk.certifier())
    import_keys(blob=known.material, by=None)

    harvest(keys=[key_from_openpgp(bytes(bigger))], at=clock.now())

    (key,) = DeskKeys(None).keys_of("boss@desk.example")
    assert DeskTrust().level(key, "mallory@customer.example") is TrustLevel.BY_HAND
    assert DeskTrust().level(key, "boss@desk.example") is TrustLevel.CANDIDATE


def test_harvesting_what_is_off_or_too_large_keeps_nothing(cast, monkeypatch):
    off(Technology.SMIME)
    monkeypatch.setattr(actions, "LARGEST_HARVESTED", 10)

    assert harvest(keys=[cast.carol.smime.key, cast.dave.openpgp.key], at=clock.now()) == []


def test_confirmed_ca_is_an_anchor_with_its_domains(cast, add):
    add(cast.ca.certificate, vouching={cast.ca.certificate.fingerprint: Vouching(domains=("customer.example",))})

    assert DeskTrust().anchors() == [Anchor(key=cast.ca.certificate, domains=("customer.example",))]


def test_newest_decision_holds_and_the_older_is_history(cast, add):
    (row,) = add(cast.dave.openpgp.key).keys
    decide(key=row, level=TrustLevel.REJECTED, by=None)

    assert DeskTrust().level(cast.dave.openpgp.key, "dave@customer.example") is TrustLevel.REJECTED
    assert DeskTrust().level(cast.dave.openpgp.key, "any@where.example") is TrustLevel.REJECTED
    assert [decision.level for decision in queries.decisions(row)] == [TrustLevel.REJECTED, TrustLevel.BY_HAND]


def test_rejected_ca_is_no_anchor(cast, add):
    ca = cast.ca.certificate
    (row,) = add(ca, vouching={ca.fingerprint: Vouching()}).keys
    decide(key=row, level=TrustLevel.REJECTED, by=None)

    assert DeskTrust().anchors() == []


def test_key_accepted_once_is_contradicted_by_another_trusted_one(cast, add):
    (candidate,) = harvest(keys=[cast.mallory_as_dave.openpgp.key], at=clock.now())
    decide(key=candidate, level=TrustLevel.ACCEPTED_ONCE, by=None)
    assert not DeskTrust().conflicts(cast.mallory_as_dave.openpgp.key, "dave@customer.example")

    add(cast.dave.openpgp.key)

    assert DeskTrust().conflicts(cast.mallory_as_dave.openpgp.key, "dave@customer.example")
    assert not DeskTrust().conflicts(cast.dave.openpgp.key, "dave@customer.example")


def test_deleting_the_secret_keeps_the_key(cast, secrets):
    row = queries.known(Technology.SMIME, cast.alice.smime.key.fingerprint)

    actions.delete_secret(key=row, by=None)
    assert queries.secret_of(row) is None
    assert DeskKeys(None).keys_of(cast.alice.address)

    actions.delete_key(key=row, by=None)
    assert queries.known(Technology.SMIME, cast.alice.smime.key.fingerprint) is None


def flood(count):
    """Many keys of strangers, in the tables alone."""
    now = clock.now()
    rows = [
        StoredKey(
            technology="smime",
            fingerprint=uuid.uuid4().hex,
            material=b"x",
            algorithm="EC",
            valid_from=now,
            can_sign=True,
            can_encrypt=True,
            can_certify=False,
            origin="harvested",
            added_at=now + timedelta(seconds=number),
        )
        for number in range(count)
    ]
    StoredKey.objects.bulk_create(rows)
    KeyAddress.objects.bulk_create(KeyAddress(key=row, address=f"{row.fingerprint}@many.example") for row in rows)
    KeyIdentifier.objects.bulk_create(KeyIdentifier(key=row, identifier=f"ski:{row.fingerprint}") for row in rows)
    return rows


def test_look_ups_among_thousands_of_keys_are_few_indexed_queries(cast, add, django_assert_num_queries):
    add(cast.carol.smime.key)
    flood(3000)
    keys = DeskKeys(None)

    with django_assert_num_queries(4):  # the row, the switches, its addresses, its ids
        assert keys.keys_of("carol@customer.example") == [cast.carol.smime.key]
    with django_assert_num_queries(3):
        assert keys.keys(cast.carol.smime.key.ids) == [cast.carol.smime.key]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite")
def test_no_look_up_walks_through_all_keys(cast, secrets, support):
    keys, trust, key = DeskKeys([support]), DeskTrust(), cast.alice.smime.key

    with CaptureQueriesContext(connection) as captured:
        keys.keys(key.ids)
        keys.keys([f"ski:{number}" for number in range(200)])
        keys.keys_of(cast.alice.address)
        keys.secrets(key.ids)
        keys.every_secret(Technology.SMIME)
        trust.level(key, cast.alice.address)
        trust.conflicts(key, cast.alice.address)
        trust.anchors()

    plans = [line for query in captured for line in plan(query["sql"])]
    walks = {line for line in plans if "SCAN keyring_" in line or line.endswith("(technology=?)")}
    # The switches are one row for each technology; the index `vouching` holds the desk's CAs and nothing else.
    assert walks == {"SCAN keyring_integration", "SCAN keyring_trustdecision USING INDEX vouching"}


def plan(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]


def test_flood_of_candidates_does_not_push_out_the_trusted_key(cast, add, monkeypatch):
    add(cast.carol.smime.key)
    KeyAddress.objects.bulk_create(KeyAddress(key=row, address="carol@customer.example") for row in flood(50))
    monkeypatch.setattr("sealdesk.keyring.store.MOST_KEYS", 10)

    found = DeskKeys(None).keys_of("carol@customer.example")

    assert (len(found), found[0]) == (10, cast.carol.smime.key)


def test_attack_a_key_flooded_with_certifications_of_others_stays_small(cast, add):
    dave = cast.dave.openpgp.key
    (row,) = add(dave).keys
    before = bytes(row.material)

    harvest(keys=[key_from_openpgp(_flooded(dave.material))], at=clock.now())

    row.refresh_from_db()
    assert bytes(row.material) == before
    assert TrustLevel(row.trust_decisions.get(is_current=True).level) is TrustLevel.BY_HAND


def _flooded(material, certifications=500):
    """The key with certifications that claim to be of strangers, behind its user ID."""
    packets = []
    for one in walk(material):
        packets.append(_packet(one.tag, one.body))
        if one.tag == Tag.USER_ID:
            packets += [_packet(Tag.SIGNATURE, _certification(number)) for number in range(certifications)]
    return b"".join(packets)


def _packet(tag, body):
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


def _certification(number):
    created, issuer = b"\x05\x02" + (1_700_000_000).to_bytes(4, "big"), b"\x09\x10" + number.to_bytes(8, "big")
    values = (b"\x01\x00" + hashlib.sha256(bytes([number % 256, half])).digest() for half in (1, 2))
    return b"\x04\x10\x16\x08\x00\x06" + created + b"\x00\x0a" + issuer + b"\x12\x34" + b"".join(values)
