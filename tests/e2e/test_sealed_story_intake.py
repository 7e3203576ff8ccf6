"""Mail as nobody should send it: each becomes an article or waits with a reason, and the next mail is not held up."""

import random
from collections.abc import Callable

import pytest

from tests.cast import ERIN, SUPPORT
from tests.e2e import badmail
from tests.e2e.console import TakenIn
from tests.e2e.story import TEXT, Story, letter
from tests.peers.mail import File, Letter, plain

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

SECONDS = 20
"""In which both a strange mail and the next one have become something."""
MEGABYTES_25 = 25_000_000
GREETING = "Next, please.\n"


def followed_by_another(story: Story, raw: bytes) -> TakenIn:
    """Sends a mail and another one right behind it; the first one, after the other became an article."""
    following = Letter(sender=ERIN.address, recipients=[SUPPORT], subject="Next", text=GREETING)
    before = len(story.desk.console.taken_in())
    story.way.send(raw, ERIN.address, SUPPORT)
    story.way.send(plain(following), ERIN.address, SUPPORT)
    mails = story.desk.console.wait_for_mail(before + 2, timeout_seconds=SECONDS)[before:]
    (another,) = (mail for mail in mails if mail.message_id == following.message_id)
    (first,) = (mail for mail in mails if mail != another)

    assert story.shown(another).text == GREETING
    return first


HELD_BACK = [("empty", "no_content"), ("binary", "no_sender"), ("no header", "no_sender"), ("no sender", "no_sender")]


@pytest.mark.parametrize(("name", "reason"), HELD_BACK)
def test_mail_that_can_be_no_ticket_waits_with_its_reason(story: Story, name: str, reason: str) -> None:
    mail = followed_by_another(story, badmail.PLAIN[name])

    assert (mail.state, mail.reason) == ("quarantined", reason)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing but a sender", ""),
        ("wrong charset", "Grüße ÿþ\n"),
        ("unknown charset", "Qapla´\n"),
        ("1000 parts", "part 0\n"),
        ("500 deep", ""),
    ],
)
def test_strange_mail_becomes_a_readable_article(story: Story, name: str, text: str) -> None:
    shown = story.shown(followed_by_another(story, badmail.PLAIN[name]))

    assert (shown.encryption, shown.signature) == ("Not encrypted", "Not signed")
    assert shown.text.startswith(text) if text else shown.text == ""
    assert ("Not all of it is shown" in shown.statements) is (name in {"1000 parts", "500 deep"})


def test_binary_below_a_header_becomes_an_article(story: Story) -> None:
    mail = followed_by_another(story, badmail.PLAIN["binary below a header"])

    assert mail.state == "done"
    assert story.shown(mail).text != ""


@pytest.mark.parametrize(
    ("make", "label"),
    [
        pytest.param(lambda story: badmail.truncated(story.carol), "Damaged", id="truncated smime"),
        pytest.param(lambda story: badmail.truncated(story.dave), "Damaged", id="truncated pgp"),
        pytest.param(lambda story: badmail.bomb(story.pgp.mallory), "Too large to open", id="bzip2 bomb"),
    ],
)
def test_sealed_mail_that_cannot_be_opened_says_why(story: Story, make: Callable[[Story], bytes], label: str) -> None:
    shown = story.shown(followed_by_another(story, make(story)))

    assert (shown.encryption, shown.signature, shown.text) == (label, "Signature not known", "")


@pytest.mark.mission("H1")
@pytest.mark.parametrize("technology", ["plain", "smime", "pgp"])
def test_mail_of_25_mb_is_taken_in(story: Story, technology: str) -> None:
    size = 13_500_000 if technology == "smime" else 18_400_000  # S/MIME encodes twice, and gpg compresses in between
    scan = File(name="scan.bin", type="application/octet-stream", content=random.Random(3).randbytes(size))  # noqa: S311 -- any bytes
    customer = story.dave if technology == "pgp" else story.carol
    large = letter(customer, "The scan", attachments=[scan])
    raw = plain(large) if technology == "plain" else customer.signs_and_encrypts(large)

    mail = followed_by_another(story, raw)
    shown = story.shown(mail)

    good = ("Not encrypted", "Not signed") if technology == "plain" else customer.good_badge
    assert (shown.encryption, shown.signature, shown.text, shown.files) == (*good, TEXT, (scan.name,))
    assert story.agent.downloads(mail.article, scan.name) == scan.content
    assert len(raw) > MEGABYTES_25 * 0.97
