"""The loopback intake says 250 when the mail is committed, and not before."""

from __future__ import annotations

import smtplib

import pytest

from sealdesk.mail.channels.loopback import LoopbackServer
from sealdesk.mail.models import RawMail

pytestmark = [pytest.mark.sockets, pytest.mark.django_db(transaction=True)]

RAW = b"From: carol@customer.example\r\nTo: support@desk.example\r\n\r\nhello\r\n"


@pytest.fixture
def serve():
    servers = []

    def served(**options):
        server = LoopbackServer(port=0, **options)
        server.start()
        servers.append(server)
        return server

    yield served
    for server in servers:
        server.stop()


def send(server, recipients):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        return client.sendmail("carol@customer.example", recipients, RAW)


def test_a_mail_is_stored_when_the_server_says_so(support, serve):
    send(serve(), ["support@desk.example"])

    mail = RawMail.objects.get()
    assert (mail.state, mail.envelope_recipients, mail.size) == ("stored", ["support@desk.example"], len(RAW))


def test_mail_for_others_goes_elsewhere(support, serve):
    elsewhere = []
    server = serve(deliver_elsewhere=lambda raw, recipients: elsewhere.append((raw, list(recipients))))

    send(server, ["support@desk.example", "carol@customer.example"])

    assert RawMail.objects.get().envelope_recipients == ["support@desk.example"]
    assert elsewhere == [(RAW, ["carol@customer.example"])]


def test_what_cannot_be_stored_is_not_taken(support, serve, caplog):
    def fail(*_):
        raise OSError("canary")

    server = serve(deliver_elsewhere=fail)

    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(server, ["carol@customer.example"])

    assert caught.value.smtp_code == 451
    assert "canary" not in caplog.text
