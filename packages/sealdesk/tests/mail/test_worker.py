"""The worker: claims, goes on after failures, ends when asked."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from sealdesk.core.clock import now
from sealdesk.mail.intake.actions import receive
from sealdesk.mail.intake.opening import close_opener
from sealdesk.mail.models import Copy, CopyState, RawMail, RawState
from sealdesk.mail.outbox.actions import reply
from sealdesk.mail.worker import Done, Worker


@pytest.mark.django_db
def test_a_round_takes_in_everything_that_waits(support, write, cast):
    for _ in range(3):
        receive(raw=write(cast.erin))

    worker = Worker()
    rounds = [worker.work_once(), worker.work_once()]

    assert rounds == [Done(taken_in=3), Done()]
    assert set(RawMail.objects.values_list("state", "attempts")) == {(RawState.DONE, 1)}


@pytest.mark.django_db
def test_an_answer_is_sealed_and_tried_in_one_round(support, alice, write, cast, take_in):
    ticket = take_in(write(cast.carol)).article.ticket
    reply(ticket=ticket, by=alice, to=["carol@customer.example"], text="Hi", sign=False, encrypt=False)

    done = Worker().work_once()

    assert done == Done(sealed=1, sent=1)
    assert Copy.objects.get().state == CopyState.RETRY  # there is no server yet


@pytest.mark.django_db
def test_a_mail_that_ended_a_worker_before_comes_alone_and_after_the_others(support, write, cast):
    troubled = [receive(raw=write(cast.erin)) for _ in range(2)]
    RawMail.objects.update(attempts=1)
    receive(raw=write(cast.erin))
    worker = Worker()

    rounds = [worker.work_once().taken_in for _ in range(4)]

    assert rounds == [1, 1, 1, 0]
    assert {mail.state for mail in RawMail.objects.filter(pk__in=[one.pk for one in troubled])} == {RawState.DONE}


@pytest.mark.django_db
def test_leases_of_a_dead_worker_run_out(support, write, cast):
    mail = receive(raw=write(cast.erin))
    RawMail.objects.update(leased_by="dead", leased_until=now() + timedelta(minutes=1))
    worker = Worker()
    before = worker.work_once().taken_in
    RawMail.objects.update(leased_until=now() - timedelta(seconds=1))

    assert (before, worker.work_once().taken_in) == (0, 1)
    assert RawMail.objects.get(pk=mail.pk).state == RawState.DONE


@pytest.mark.django_db
def test_a_worker_that_is_stopped_gives_back_what_it_claimed(support, write, cast):
    receive(raw=write(cast.erin))
    worker = Worker()
    worker.stop()

    assert worker.work_once() == Done()
    assert list(RawMail.objects.values_list("state", "attempts", "leased_by")) == [(RawState.STORED, 0, "")]


@pytest.mark.django_db(transaction=True)
def test_run_ends_when_it_is_stopped(support, write, cast):
    mail = receive(raw=write(cast.erin))
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    for _ in range(200):
        if RawMail.objects.get(pk=mail.pk).state == RawState.DONE:
            break
        threading.Event().wait(0.05)
    worker.stop()
    thread.join(10)
    close_opener()

    assert (thread.is_alive(), RawMail.objects.get(pk=mail.pk).state) == (False, RawState.DONE)
