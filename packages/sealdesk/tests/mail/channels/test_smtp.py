"""What SMTP servers answer becomes outcomes; the server is a script that says what real ones rarely say."""

from __future__ import annotations

import socket
import threading

import pytest

from sealdesk.mail.channels.smtp import deliver
from sealdesk.mail.models import Channel
from sealdesk.mail.outbox.states import Result

pytestmark = pytest.mark.sockets

CAROL, DAVE, ERIN = "carol@x.example", "dave@x.example", "erin@x.example"
RAW = b"Subject: x\r\n\r\nwords\r\n.hidden dot\r\n"


class Script:
    """An SMTP server that answers by the first word of each command; None hangs up. `bye` after the mail's end."""

    def __init__(self, answers):
        self.answers = {"EHLO": "250 ok", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 ok"} | answers
        self.heard = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self):
        self._listener.close()
        self._thread.join(10)

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(self.answers.get("greeting", "220 hello").encode() + b"\r\n")
            stream.flush()
            in_data = False
            for line in stream:
                text = line.decode().rstrip("\r\n")
                self.heard.append(text)
                if in_data and text != ".":
                    continue
                word = text.split(" ")[0].split(":")[0].upper()
                address = text.partition("<")[2].partition(">")[0]
                answer = self.answers.get(address, self.answers.get(word, "250 ok"))
                in_data = word == "DATA" and (answer or "").startswith("354")
                if answer is None:
                    return
                stream.write(answer.encode() + b"\r\n")
                stream.flush()
                if word == "QUIT":
                    return


@pytest.fixture
def play():
    """Delivers to a server that follows a script; gives the outcomes and the server."""
    scripts = []

    def played(recipients, **answers):
        script = Script(answers.pop("answers", {}) | answers)
        scripts.append(script)
        channel = Channel(kind="smtp", host="127.0.0.1", port=script.port, security="none")
        outcomes = deliver(channel, sender="support@desk.example", recipients=recipients, raw=RAW)
        return {address: (one.result, one.code) for address, one in outcomes.items()}, script

    yield played
    for script in scripts:
        script.stop()


def test_a_mail_that_was_taken_is_sent_and_its_dots_are_kept(play):
    outcomes, script = play([CAROL])

    assert outcomes == {CAROL: (Result.SENT, "250")}
    script.stop()
    assert script.heard[-4:] == ["words", "..hidden dot", ".", "quit"]


def test_each_recipient_has_an_outcome_of_his_own(play):
    outcomes, _ = play([CAROL, DAVE, ERIN], answers={DAVE: "550 no such user", ERIN: "451 busy"})

    assert outcomes == {
        CAROL: (Result.SENT, "250"),
        DAVE: (Result.PERMANENT, "550"),
        ERIN: (Result.TEMPORARY, "451"),
    }


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({"greeting": "554 go away"}, (Result.TEMPORARY, "554"), id="greeted with a refusal"),
        pytest.param({"MAIL": "550 not you"}, (Result.PERMANENT, "550"), id="sender refused"),
        pytest.param({"MAIL": "421 closing"}, (Result.TEMPORARY, "421"), id="sender refused for now"),
        pytest.param({"DATA": "554 no"}, (Result.PERMANENT, "554"), id="mail refused before it began"),
        pytest.param({".": "552 too large"}, (Result.PERMANENT, "552"), id="mail refused at its end"),
        pytest.param({".": "451 try later"}, (Result.TEMPORARY, "451"), id="mail refused for now"),
        pytest.param({"RCPT": None}, (Result.TEMPORARY, "no_connection"), id="hung up before the mail"),
        pytest.param({".": None}, (Result.UNKNOWN, "lost"), id="hung up when it had the mail"),
    ],
)
def test_refusals_and_lost_connections(play, answers, expected):
    outcomes, _ = play([CAROL], answers=answers)

    assert outcomes == {CAROL: expected}


def test_no_mail_is_handed_over_where_nobody_is_accepted(play):
    _, script = play([CAROL], answers={CAROL: "550 no"})

    assert not any(line.startswith("DATA") for line in script.heard)


def test_a_server_that_is_not_there_is_asked_later():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    channel = Channel(kind="smtp", host="127.0.0.1", port=port, security="none")

    outcomes = deliver(channel, sender="support@desk.example", recipients=[CAROL], raw=RAW)

    assert (outcomes[CAROL].result, outcomes[CAROL].code) == (Result.TEMPORARY, "no_connection")


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(play):
    outcomes, _ = play(["jörg@x.example"])

    assert outcomes == {"jörg@x.example": (Result.PERMANENT, "not_supported")}
