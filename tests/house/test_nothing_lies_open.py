"""The canary: after the demo, and after a mail that made the worker fail, no file of the desk holds a word or a key.

What a desk keeps readable on purpose (names, addresses, codes) is left out of the words that are looked for: they are
those of a desk without any mail, and a short list here.
"""

import base64
import shutil
import sqlite3
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pysequoia.packet import PacketPile

from tests.e2e.demo_desk import DemoDesk
from tests.house.leaks import Leak, leaks, words_in
from tests.peers.programs import wait_until

READABLE = {"clinic", "example", "changed"}
"""Words of mails that stand in addresses and in the code of a verdict as well."""
SECRET_SUBJECT = "Pelican harmonica under the drawbridge"
SECRET_TEXT = "The porcupine counted sixteen tangerines yesterday."
FAILING_SUBJECT = "Chandelier imported by the locksmith"
FAILING_TEXT = "Nineteen gondolas sleep beneath the observatory."

WORDS = """
from sealdesk.demo.files import JOURNAL, OPENING_HOURS
from sealdesk.demo.mails import ANSWERS, FIRST_MAILS, FOLLOW_UPS
mails = (*FIRST_MAILS, *FOLLOW_UPS)
answer = [text for mail in mails for text in (mail.subject, mail.text, mail.html or "")]
answer += [file.name for mail in mails for file in mail.attachments] + [JOURNAL, OPENING_HOURS, *ANSWERS.values()]
"""
SECRETS = """
import base64
from sealdesk.demo.people import people
text = lambda data: base64.b64encode(data).decode()
here = people().by_name
answer = {
    "smime": {who.name: text(one.smime.material) for who, one in here.items() if one.smime},
    "openpgp": {who.name: text(one.openpgp.material) for who, one in here.items() if one.openpgp},
}
"""
FAILING_WORKER = """
import os
from sealdesk.mail.intake import actions
from sealdesk.mail.models import RawMail
from sealdesk.mail.worker import Worker
words = {words!r}
def decide(facts):
    raise ValueError("a bug that takes the mail's words along", words)
actions.decide = decide
head = "From: Erin <erin@shop.example>\\r\\nTo: support@desk.example\\r\\nSubject: "
mail = actions.receive(raw=(head + "\\r\\n\\r\\n".join(words)).encode(), envelope_recipients=["support@desk.example"])
Worker().work_once()
mail.refresh_from_db()
print(mail.state, mail.reason, mail.attempts, flush=True)
os._exit(0)  # as when the machine dies: nothing is tidied up, the write-ahead log stays
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The demo with one more mail in it, running."""
    with DemoDesk(tmp_path_factory.mktemp("canary") / "home", "--demo") as desk:
        desk.run("demo", "send", "--as", "frank", "--sign", "--encrypt", SECRET_SUBJECT, "--text", SECRET_TEXT)
        wait_until(lambda: SECRET_SUBJECT in _subjects(desk), timeout_seconds=30, what="the ticket")
        yield desk


@pytest.fixture(scope="module")
def words(desk, tmp_path_factory):
    """Every word of every mail, but for those that a desk without any mail holds anyway."""
    empty = DemoDesk(tmp_path_factory.mktemp("empty") / "home")
    empty.run("migrate")
    all_words = words_in([*desk.ask(WORDS), SECRET_SUBJECT, SECRET_TEXT, FAILING_SUBJECT, FAILING_TEXT])
    return all_words - READABLE - {leak.what for leak in leaks(empty.data_folder, words=all_words, secrets={})}


@pytest.fixture(scope="module")
def secrets(desk):
    """The master key, the password, and every private key in the forms in which it could be written down."""
    found = {
        "master key": base64.b64decode((desk.home / "key" / "master.key").read_bytes()),
        "password": desk.password.encode(),
    }
    kept = desk.ask(SECRETS)
    for who, text in kept["smime"].items():
        found |= _private_forms(who, base64.b64decode(text))
    for who, text in kept["openpgp"].items():
        found |= _openpgp_forms(who, base64.b64decode(text))
    return found


@pytest.mark.mission("B2")
def test_nothing_of_the_demo_lies_open_while_it_runs(desk, words, secrets):
    assert len(words) > 100
    assert len(secrets) == 2 + 2 * 8 + 2 * 5  # two forms of eight keys for S/MIME; five OpenPGP keys with a subkey each
    assert (desk.data_folder / "sealdesk.sqlite3-wal").stat().st_size > 0

    assert leaks(desk.data_folder, words=words, secrets=secrets) == []


@pytest.mark.mission("B2")
def test_nothing_lies_open_after_a_mail_that_made_the_worker_fail(desk, words, secrets):
    mail = (FAILING_SUBJECT, FAILING_TEXT)
    desk.stop()

    failed = desk.python(FAILING_WORKER.replace("{words!r}", repr(mail)))
    found = leaks(desk.data_folder, words=words, secrets=secrets)
    in_the_log = words & words_in([failed.stdout, failed.stderr])
    desk.start()

    assert failed.stdout == "stored internal_ValueError 1\n"
    assert found == []
    assert in_the_log == set()


def test_the_log_holds_no_word(desk, words):
    assert words & words_in([desk.said]) == set()


PLANTED = {
    "raw": lambda data: b"\x00\x01" + data + b"\xff",
    "base64": lambda data: base64.encodebytes(b"x" + data),
    "hex": lambda data: data.hex().upper().encode(),
}


@pytest.mark.parametrize("form", PLANTED)
@pytest.mark.parametrize("what", ["porcupine", "mallory's key", "master key"])
def test_a_planted_canary_is_found(secrets, tmp_path, form, what):
    planted = {"porcupine": SECRET_TEXT.encode(), "mallory's key": secrets["MALLORY openpgp 1"], **secrets}[what]
    (tmp_path / "task").write_bytes(PLANTED[form](planted))

    found = leaks(tmp_path, words={"porcupine"}, secrets=secrets)

    name = "MALLORY openpgp 1" if what == "mallory's key" else what
    assert Leak(file="task", what=name, form=form) in found


def test_a_canary_planted_in_the_database_is_found(desk, words, tmp_path):
    copy = shutil.copytree(desk.data_folder, tmp_path / "data")
    with closing(sqlite3.connect(copy / "sealdesk.sqlite3")) as database, database:
        database.execute("UPDATE tickets_article SET sender_name = ? WHERE kind = 'incoming'", [SECRET_SUBJECT])

    found = {leak.what for leak in leaks(copy, words=words, secrets={})}

    assert found == words_in([SECRET_SUBJECT])


@pytest.mark.parametrize("mark", ["-----BEGIN PRIVATE KEY-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----"])
def test_the_mark_of_any_private_key_is_found(tmp_path, mark):
    (tmp_path / "file").write_text(mark)

    assert leaks(tmp_path, words=set(), secrets={}) != []


def _subjects(desk):
    return desk.ask(
        "from sealdesk.tickets.models import Article\nanswer = [one.subject for one in Article.objects.all()]"
    )


def _private_forms(who, pkcs8):
    number = load_der_private_key(pkcs8, None).private_numbers().private_value
    return {f"{who} smime": pkcs8, f"{who} smime number": number.to_bytes(32, "big")}


def _openpgp_forms(who, material):
    """The secret number of each key packet: its last octets before the checksum (RFC 9580 §5.5.3)."""
    packets = [bytes(packet) for packet in PacketPile.from_bytes(material) if packet.fingerprint]
    return {f"{who} openpgp {place}": packet[-30:-2] for place, packet in enumerate(packets)}
