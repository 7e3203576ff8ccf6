"""Leases: nobody works on what somebody else has."""

from datetime import timedelta

import pytest
from django.db import transaction

from sealdesk.core import clock, leases
from sealdesk.mail.models import RawMail

pytestmark = pytest.mark.django_db


def mails(count):
    now = clock.now()
    return [
        RawMail.objects.create(received_at=now + timedelta(seconds=number), size=1, digest=b"d", blob="b")
        for number in range(count)
    ]


def queue():
    return RawMail.objects.filter(state="stored").order_by("received_at")


def claim(by, limit=10, seconds=60):
    return leases.claim(queue(), by=by, seconds=seconds, limit=limit)


def test_claim_gives_rows_in_order_up_to_the_limit():
    rows = mails(3)

    assert claim("one", limit=2) == [rows[0].pk, rows[1].pk]


def test_two_claimers_never_share_a_row():
    rows = mails(3)

    first, second = claim("one", limit=2), claim("two", limit=2)

    assert first + second == [row.pk for row in rows]
    assert claim("three") == []


def test_expired_lease_is_claimed_again():
    (row,) = mails(1)
    claim("one", seconds=0)

    assert claim("two") == [row.pk]


def test_rows_that_another_claimer_took_between_are_not_ours(monkeypatch):
    rows = mails(2)
    locked = leases._locked

    def taken_between(queryset):
        chosen = locked(queryset)
        pks = list(chosen.values_list("pk", flat=True))
        RawMail.objects.filter(pk=rows[0].pk).update(
            leased_by="quicker", leased_until=clock.now() + timedelta(minutes=1)
        )
        return RawMail.objects.filter(pk__in=pks).order_by("received_at")

    monkeypatch.setattr(leases, "_locked", taken_between)

    assert claim("one") == [rows[1].pk]


def test_release_gives_back_only_own_rows():
    rows = mails(2)
    claim("one", limit=1)
    claim("two", limit=1)

    assert leases.release(RawMail, [row.pk for row in rows], by="one") == 1
    assert claim("three") == [rows[0].pk]


def test_claim_rolled_back_with_its_transaction_is_free():
    (row,) = mails(1)

    with transaction.atomic():
        claim("one")
        transaction.set_rollback(True)

    assert claim("two") == [row.pk]


def test_renewed_lease_lasts_on_and_a_lost_one_is_not_renewed():
    (row,) = mails(1)
    claim("one", seconds=60)

    assert leases.renew(RawMail, [row.pk], by="one", seconds=600) == 1
    assert leases.renew(RawMail, [row.pk], by="two", seconds=600) == 0
    row.refresh_from_db()
    assert row.leased_until > clock.now() + timedelta(seconds=500)
    assert row.leased_by == "one"


def test_lease_that_ran_out_is_not_renewed():
    (row,) = mails(1)
    claim("one", seconds=0)

    assert leases.renew(RawMail, [row.pk], by="one", seconds=600) == 0
