"""The command `sealdesk`, as people start it: in a process and a home of its own."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

MAIL = b"From: Erin <erin@shop.example>\r\nTo: support@desk.example\r\nSubject: Lamp\r\n\r\nIt is dark.\r\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The environment of a desk of its own, with its database made once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEALDESK_")}
    home = kept | {"SEALDESK_HOME": str(tmp_path_factory.mktemp("home") / "desk"), "PYTHONUNBUFFERED": "1"}
    subprocess.run([*COMMAND, "migrate"], env=home, capture_output=True, timeout=120, check=True)
    return home


@pytest.fixture
def sealdesk(home):
    """Runs one command to its end."""

    def ran(*words, given=b""):
        return subprocess.run([*COMMAND, *words], env=home, input=given, capture_output=True, timeout=120, check=False)

    return ran


COMMAND = (sys.executable, "-m", "sealdesk.cli")


def test_help_names_every_command(sealdesk):
    said = sealdesk("--help").stdout.decode()

    for name in ("run", "web", "worker", "fetch", "intake", "migrate", "manage"):
        assert f"\n    {name} " in said


@pytest.mark.parametrize(
    "words", [("check",), ("makemigrations", "--check", "--dry-run"), ("--version",)], ids=" ".join
)
def test_looking_makes_no_desk_where_there_is_none(words, tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEALDESK_")}

    done = subprocess.run([*COMMAND, "manage", *words], env=kept, cwd=tmp_path, timeout=120, check=False)

    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])


def test_wrong_usage_ends_with_2(sealdesk):
    assert [sealdesk().returncode, sealdesk("dance").returncode] == [2, 2]


def test_a_mail_file_is_taken_in_and_a_worker_ends_when_nothing_waits(sealdesk, tmp_path):
    (tmp_path / "mail.eml").write_bytes(MAIL)

    taken = sealdesk("intake", str(tmp_path / "mail.eml"))
    queued = sealdesk("intake", "-", "--queue", given=MAIL + b"more")
    worked = sealdesk("worker", "--once")

    assert (taken.returncode, taken.stdout.split()[1:]) == (0, [b"quarantined", b"no_group"])
    assert queued.stdout.split()[1:] == [b"stored"]
    assert (worked.returncode, sealdesk("fetch", "--once").stdout) == (0, b"0 mails taken\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("intake", "no-such-file"), b"No such file"), (("intake", "-", "--group", "Nobody"), b"no group Nobody")],
)
def test_a_mistake_is_a_sentence_and_ends_with_2(sealdesk, words, sentence):
    done = sealdesk(*words)

    assert (done.returncode, sentence in done.stderr, b"Traceback" in done.stderr) == (2, True, False)


@pytest.mark.sockets
def test_run_starts_everything_and_ends_it_again(home, tmp_path):
    home = home | {"SEALDESK_HOME": str(tmp_path / "home")}  # the demo gets a desk of its own
    web_port, intake_port = _free_port(), _free_port()
    ports = ("--port", str(web_port), "--intake-port", str(intake_port))
    with (tmp_path / "log").open("wb") as log:
        desk = subprocess.Popen([*COMMAND, "run", "--demo", *ports], env=home, stdout=log, stderr=log)
    try:
        _wait_until(lambda: b"Sealdesk is running at" in (tmp_path / "log").read_bytes(), desk)
        with urllib.request.urlopen(f"http://localhost:{web_port}/accounts/login/", timeout=20) as page:
            status = page.status
        with smtplib.SMTP("127.0.0.1", intake_port, timeout=20) as client:
            refused = client.sendmail("erin@shop.example", ["support@desk.example"], MAIL)
    finally:
        desk.send_signal(signal.SIGTERM)
        code = desk.wait(60)

    said = (tmp_path / "log").read_text()
    assert (status, refused, code) == (200, {}, 0)
    assert f"http://localhost:{web_port}/" in said
    assert "It is dark" not in said
    assert (Path(home["SEALDESK_HOME"]) / "key" / "master.key").stat().st_mode & 0o777 == 0o600
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", web_port)) != 0


@pytest.mark.sockets
def test_a_desk_that_was_killed_leaves_no_pages_behind(home, tmp_path):
    home, port = home | {"SEALDESK_HOME": str(tmp_path / "home")}, _free_port()
    with (tmp_path / "log").open("wb") as log:
        desk = subprocess.Popen([*COMMAND, "run", "--port", str(port)], env=home, stdout=log, stderr=log)
    _wait_until(lambda: b"Sealdesk is running at" in (tmp_path / "log").read_bytes(), desk)

    desk.kill()
    desk.wait(20)

    gone = time.monotonic() + 20
    while _answers(port):
        assert time.monotonic() < gone, "the web server went on without its desk"
        time.sleep(0.1)


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _wait_until(holds, process, seconds=40):
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, "the desk has ended by itself"
        assert time.monotonic() < deadline, "the desk does not answer"
        time.sleep(0.1)
