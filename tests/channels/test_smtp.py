"""The SMTP channel against Postfix: what it takes arrives, what it refuses is said."""

import os

import pytest

from sealdesk.mail.channels.smtp import deliver
from sealdesk.mail.models import Channel
from sealdesk.mail.outbox.states import Result
from tests.cast import SUPPORT
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.mission("H1"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix can only be started by root"),
]

RAW = b"From: support@desk.example\r\nTo: carol@bank.example\r\nSubject: x\r\n\r\n.words\r\n"


def test_a_mail_arrives_and_strangers_are_refused_one_by_one(postfix: Postfix, dovecot: Dovecot) -> None:
    channel = Channel(kind="smtp", host=postfix.host, port=postfix.smtp_port, security="none")

    outcomes = deliver(
        channel, sender=SUPPORT, recipients=["smtp-channel@bank.example", "x@elsewhere.example"], raw=RAW
    )

    assert {address: one.result for address, one in outcomes.items()} == {
        "smtp-channel@bank.example": Result.SENT,
        "x@elsewhere.example": Result.PERMANENT,
    }
    (arrived,) = dovecot.wait_for("smtp-channel@bank.example")
    assert arrived.endswith(RAW)
