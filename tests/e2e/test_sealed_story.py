"""A sealed mail becomes a ticket, and the answer goes back sealed: both technologies, both directions, for real.

gpg and openssl make the customers' mails and read ours; mail travels SMTP → LMTP → IMAP, and SMTP → LMTP on its way
back; the agent works in Chromium.
"""

import email
from email.policy import default
from pathlib import Path

import pytest

from tests.cast import ERIN, SUPPORT
from tests.e2e.attacks import answer_byte_changed, ciphertext_byte_changed, signature_stripped
from tests.e2e.correspondents import Correspondent
from tests.e2e.story import INVOICE, TEXT, Story, letter
from tests.e2e.way import Change
from tests.peers.mail import File, Letter, pgp_signed, smime_signed
from tests.peers.programs import PeerError
from tests.peers.reading import Reading

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

ANSWER = "Danke für die Rechnung.\n\nIt is paid.\n"
RECEIPT = File(name="receipt.txt", type="text/plain", content=b"paid in full\n")
TECHNOLOGIES = ["smime", "pgp"]


def message_id(raw: bytes) -> str:
    return str(email.message_from_bytes(raw, policy=default)["Message-ID"])


def begins(story: Story, customer: Correspondent, subject: str) -> int:
    """The customer's sealed mail makes a ticket; its page is open."""
    mail = story.arrives(customer.signs_and_encrypts(letter(customer, subject)), customer.address)
    story.agent.opens(mail.ticket)
    return mail.ticket


def read_by(customer: Correspondent, raw: bytes) -> Reading | None:
    """What his own tool gives him; None where it refuses to open it."""
    try:
        return customer.reader.read(raw)
    except PeerError:
        return None


@pytest.mark.mission("S2", "S3", "P2", "P3", "A1", "A3", "A4", "H1")
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_sealed_mail_goes_there_and_back_and_there_again(story: Story, technology: str, tmp_path: Path) -> None:
    customer, agent = story.people(technology), story.agent

    # There: signed and encrypted by the customer's own tool, with a file.
    mail = story.arrives(customer.signs_and_encrypts(letter(customer, "The invoice")), customer.address)
    shown = story.shown(mail)

    agent.picture(tmp_path, "1-came")
    assert (shown.encryption, shown.signature, shown.is_green) == (*customer.good_badge, True)
    assert (shown.text, shown.files) == (TEXT, (INVOICE.name,))
    assert agent.downloads(mail.article, INVOICE.name) == INVOICE.content

    # Back: the desk presets both buttons; his tool opens and verifies what he gets.
    composer = agent.starts_reply()
    assert (composer.preset(), composer.possible()) == (BOTH, BOTH)
    composer.writes(ANSWER)
    composer.attaches(RECEIPT)
    agent.picture(tmp_path, "2-composed")
    composer.sends()
    (raw,) = story.received(customer.address)
    reading = customer.reader.read(raw)

    assert (reading.layers, reading.good_signers) == (customer.layers, (customer.desk,))
    assert (reading.text, reading.attachments) == (ANSWER, (RECEIPT,))
    assert b"It is paid" not in raw
    story.wait_until_sent(mail.ticket, mails=1)
    agent.opens(mail.ticket)
    agent.picture(tmp_path, "3-answered")
    assert agent.deliveries() == [f"{customer.address} Encrypted and signed by {customer.technology} Sent"]

    # There again: his answer names ours, and lands in the same ticket whatever its subject says.
    thread = [("In-Reply-To", message_id(raw)), ("References", message_id(raw))]
    answer = letter(customer, "Something else", text="Thank you!\n", attachments=(), headers=thread)
    again = story.arrives(customer.signs_and_encrypts(answer), customer.address)
    shown = story.shown(again)

    agent.picture(tmp_path, "4-continued")
    assert again.ticket == mail.ticket
    assert agent.articles() == ["Mail from the customer", "Mail from us", "Mail from the customer"]
    assert (shown.encryption, shown.signature, shown.text) == (*customer.good_badge, "Thank you!\n")


BOTH = {"Encrypt": True, "Sign": True}


@pytest.mark.mission("S3", "P3", "A1")
@pytest.mark.parametrize(
    ("choice", "encrypts", "signs"), [("neither", False, False), ("signed", False, True), ("encrypted", True, False)]
)
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_reply_leaves_as_the_agent_chose(
    story: Story, technology: str, choice: str, *, encrypts: bool, signs: bool
) -> None:
    customer = story.people(technology)
    ticket = begins(story, customer, f"Please answer {choice}")
    composer = story.agent.starts_reply()
    composer.writes(ANSWER)

    composer.chooses("Encrypt", on=encrypts)
    composer.chooses("Sign", on=signs)
    if not encrypts:
        composer.means_it_plain()
    composer.sends()
    (raw,) = story.received(customer.address)
    reading = customer.reader.read(raw)

    encryption, signature = customer.layers
    wanted = [*([encryption] if encrypts else []), *([signature] if signs else [])]
    assert (list(reading.layers), reading.text) == (wanted, ANSWER)
    assert reading.good_signers == ((customer.desk,) if signs else ())
    story.wait_until_sent(ticket, mails=1)


@pytest.mark.mission("A1", "A4", "A7", "B3")
def test_mixed_reply_is_refused_for_who_has_no_key_and_leaves_as_two_copies(story: Story, tmp_path: Path) -> None:
    agent, carol, dave = story.agent, story.carol, story.dave
    ticket = begins(story, carol, "For all of us")
    composer = agent.starts_reply()
    composer.writes(ANSWER, to=f"{carol.address}, {dave.address}")
    composer.insists_on_encrypting()

    # Erin has no key: nothing leaves, and she is named with the reason.
    composer.writes(ANSWER, cc=ERIN.address)
    agent.picture(tmp_path, "1-erin")
    assert composer.possible()["Encrypt"] is False
    composer.sends()
    agent.picture(tmp_path, "2-refused")
    refusal = composer.refusal()
    assert "It cannot be encrypted, so it was not sent." in refusal
    assert ERIN.address in refusal
    assert story.desk.console.ask("outgoing", ticket=ticket) == {"mails": [], "copies": []}

    # Without her: one copy for each technology, each opened by its owner's tool.
    composer.removes_cc()
    agent.picture(tmp_path, "3-without-erin")
    composer.sends()
    story.wait_until_sent(ticket, mails=1)
    readings = {each.technology: each.reader.read(*story.received(each.address)) for each in (carol, dave)}

    assert {name: (one.layers, one.good_signers, one.text) for name, one in readings.items()} == {
        each.technology: (each.layers, (each.desk,), ANSWER) for each in (carol, dave)
    }
    assert story.desk.console.ask("outgoing", ticket=ticket) == {"mails": ["sealed"], "copies": ["sent", "sent"]}
    agent.opens(ticket)
    agent.picture(tmp_path, "4-sent")
    assert agent.deliveries() == [
        f"{each.address} Encrypted and signed by {each.technology} Sent" for each in (carol, dave)
    ]
    assert story.dovecot.count(ERIN.address) == 0


def mallorys_own(story: Story, customer: Correspondent) -> Change:
    """Puts another mail in the place of the desk's, with the same words, signed by Mallory's key."""
    forged = Letter(sender=SUPPORT, recipients=[customer.address], subject="Please sign", text=ANSWER)
    if customer is story.carol:
        return lambda _: smime_signed(forged, story.smime.mallory)
    return lambda _: pgp_signed(forged, story.pgp.mallory)


@pytest.mark.parametrize("attack", ["byte changed", "signature stripped", "key swapped"])
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_signed_reply_that_was_attacked_on_the_way_is_noticed_by_the_customer(
    story: Story, technology: str, attack: str
) -> None:
    customer = story.people(technology)
    begins(story, customer, "Please sign")
    composer = story.agent.starts_reply()
    composer.writes(ANSWER)
    composer.chooses("Encrypt", on=False)
    composer.means_it_plain()
    changes = {"byte changed": answer_byte_changed, "signature stripped": signature_stripped}

    with story.way.held(changes.get(attack) or mallorys_own(story, customer)):
        composer.sends()
        (raw,) = story.received(customer.address)
    reading = customer.reader.read(raw)

    assert ("It is qaid." in reading.text) is (attack == "byte changed")
    assert (reading.layers == ()) is (attack == "signature stripped")
    assert customer.desk not in reading.good_signers


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_encrypted_reply_that_was_changed_on_the_way_is_noticed_by_the_customer(story: Story, technology: str) -> None:
    customer = story.people(technology)
    begins(story, customer, "Please encrypt")
    composer = story.agent.starts_reply()
    composer.writes(ANSWER * 40)

    with story.way.held(ciphertext_byte_changed):
        composer.sends()
        (raw,) = story.received(customer.address)
    reading = read_by(customer, raw)

    assert reading is None or reading.good_signers == ()
