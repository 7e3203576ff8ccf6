"""What correspondents' programs read: remembered from good signatures only; planning asks for the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sealdesk.core.clock import now
from sealdesk.mail.capabilities import known_capabilities, remember
from sealdesk.mail.intake import actions as intake
from sealdesk.mail.intake.opening import open_for
from sealdesk.mail.outbox.planning import preferred_technologies, preview, recipients_of
from sealmail.keys import Capabilities, Technology
from sealmail.keys.capabilities import AES256_GCM
from sealmail.report import Covers, Signature
from sealmail.sealing.model import ContentCipher

pytestmark = [pytest.mark.django_db, pytest.mark.mission("B16")]

CAROL = "carol@customer.example"
READS_GCM, READS_CBC = Capabilities(algorithms=(AES256_GCM,)), Capabilities(algorithms=("2.16.840.1.101.3.4.1.42",))
HOUR = timedelta(hours=1)


def stating(opened, capabilities, *, signed_at=None, **statement):
    """The same opened mail, as if its signature had said this."""
    signature = opened.report.signature
    facts = replace(signature.facts, capabilities=capabilities, signed_at=signed_at)
    return replace(opened, report=replace(opened.report, signature=replace(signature, facts=facts, **statement)))


@pytest.fixture
def opened(support, ring, cast, write):
    """A good-signed mail of Carol."""
    ring.know(cast.carol.smime.key)
    found = open_for(support, write(cast.carol, sign=True), now())
    assert found.report.signature.verdict is Signature.GOOD
    return found


def remembered(opened, received_at, sender=CAROL):
    remember(opened, sender=sender, received_at=received_at)
    return known_capabilities([CAROL]).get(CAROL)


def test_capabilities_of_a_good_signature_are_remembered_for_its_sender(opened):
    assert remembered(stating(opened, READS_GCM), now()) == READS_GCM


def test_newest_mail_counts_and_one_that_arrives_late_changes_nothing(opened):
    first, later = now() - 5 * HOUR, now() - HOUR
    remembered(stating(opened, READS_GCM, signed_at=first), first)

    assert remembered(stating(opened, READS_CBC, signed_at=later), later) == READS_CBC
    assert remembered(stating(opened, READS_GCM, signed_at=first + HOUR), now()) == READS_CBC


def test_claimed_time_of_signing_reaches_no_further_than_the_arrival(opened):
    remembered(stating(opened, READS_GCM, signed_at=now() + 20 * HOUR), now() - HOUR)

    assert remembered(stating(opened, READS_CBC), now()) == READS_CBC


def test_signature_that_says_nothing_erases_nothing(opened):
    remembered(stating(opened, READS_GCM), now() - HOUR)

    assert remembered(stating(opened, None), now()) == READS_GCM


@pytest.mark.parametrize(
    "statement",
    [
        {"verdict": Signature.UNVERIFIED},
        {"verdict": Signature.BAD},
        {"covers": Covers.PART},
        {"technology": Technology.OPENPGP},
    ],
    ids=str,
)
def test_attack_capabilities_of_any_other_signature_are_not_remembered(opened, statement):
    assert remembered(stating(opened, READS_CBC, **statement), now()) is None


def test_flood_of_algorithms_is_cut(opened):
    many = Capabilities(algorithms=(*("1.2." + "3" * 100,), *(f"1.2.{number}" for number in range(1000))))

    assert len(remembered(stating(opened, many), now()).algorithms) == 64


def test_intake_remembers_and_the_plan_asks_for_all_recipients_at_once(
    opened, support, take_in, write, cast, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(intake, "open_for", lambda *asked: stating(open_for(*asked), READS_GCM))
    take_in(write(cast.carol, sign=True))
    recipients = recipients_of(to=[CAROL, "dave@customer.example"], cc=["erin@customer.example"])

    plan = preview(group=support, recipients=recipients, sign=False, encrypt=True)
    with django_assert_num_queries(2):
        known_capabilities(recipients.everybody)
        preferred_technologies(recipients.everybody)

    assert plan.request.capabilities == {CAROL: READS_GCM}
    assert plan.request.preferred == {CAROL: Technology.SMIME}


@pytest.mark.django_db
def test_cipher_of_a_reply_follows_what_the_customers_own_signature_said(
    ring, desk_keys, support, write, cast, take_in, alice
):
    """Nothing is made up here: Carol's mail says what it reads, the desk answers so."""
    ring.own(desk_keys["support@desk.example"], support)
    ring.know(cast.carol.smime.key)
    unknown = preview(group=support, recipients=recipients_of(to=[CAROL]), sign=False, encrypt=True)
    take_in(write(cast.carol, sign=True, encrypt=True))

    known = preview(group=support, recipients=recipients_of(to=[CAROL]), sign=False, encrypt=True)

    ciphers = [copy.cipher for planned in (unknown, known) for copy in planned.copies]
    assert ciphers == [ContentCipher.CBC, ContentCipher.GCM]
