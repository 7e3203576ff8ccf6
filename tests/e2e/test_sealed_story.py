"""A sealed mail becomes a ticket, and the answer goes back sealed: both technologies, both directions, for real."""

from pathlib import Path

import pytest

from tests.cast import ERIN, SUPPORT
from tests.e2e.story import INVOICE, TEXT, Story, letter
from tests.peers.mail import File
from tests.peers.reading import Layer

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

ANSWER = "Danke für die Rechnung.\n\nIt is paid.\n"
RECEIPT = File(name="receipt.txt", type="text/plain", content=b"paid in full\n")


@pytest.mark.mission("S2", "S3", "P2", "P3", "A1", "A3", "A4", "H1")
@pytest.mark.parametrize("technology", ["smime", "pgp"])
def test_sealed_story_goes_there_and_back_and_there_again(story: Story, technology: str, tmp_path: Path) -> None:
    customer, agent = story.people(technology), story.agent

    mail = story.arrives(customer.signs_and_encrypts(letter(customer, "The invoice")), customer.address)
    shown = story.shown(mail)

    agent.picture(tmp_path, "came")
    assert (shown.encryption, shown.signature) == customer.good_badge
    assert (shown.text, shown.files) == (TEXT, (INVOICE.name,))
    assert agent.downloads(mail.article, INVOICE.name) == INVOICE.content

    composer = agent.starts_reply()
    assert composer.preset() == {"Encrypt": True, "Sign": True}
    composer.writes(ANSWER)
    composer.attaches(RECEIPT)
    agent.picture(tmp_path, "composed")
    composer.sends()
    (raw,) = story.received(customer.address)
    reading = customer.reader.read(raw)

    assert reading.layers == customer.layers
    assert reading.good_signers == (customer.desk,)
    assert (reading.text, reading.attachments) == (ANSWER, (RECEIPT,))
