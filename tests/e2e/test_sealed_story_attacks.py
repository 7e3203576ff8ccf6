"""Somebody sits between the customers and the desk. Whatever he does, no mail of his gets the badge of a good one.

Each attack begins with the very mail that the honest story shows as good; only what is done on the way differs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cast import CAROL
from tests.e2e.attacks import ciphertext_byte_changed, signature_stripped, signed_byte_changed
from tests.e2e.correspondents import Correspondent
from tests.e2e.story import INVOICE, TEXT, Story, letter
from tests.e2e.way import Change
from tests.peers.mail import File, Letter, pgp_encrypted, smime_signed_inside_enveloped
from tests.peers.openssl import OpenSSLCustomer, TestCA
from tests.peers.programs import PeerError

pytestmark = [pytest.mark.e2e, pytest.mark.sockets]

TECHNOLOGIES = ["smime", "pgp"]
OPENED = "Encrypted for you"
READABLE = "Not encrypted"

Seal = Callable[[Correspondent, Letter], bytes]


def signed(customer: Correspondent, words: Letter) -> bytes:
    return customer.signs(words)


def encrypted(customer: Correspondent, words: Letter) -> bytes:
    return customer.signs_and_encrypts(words)


@pytest.fixture(scope="module")
def lookalike() -> Iterator[OpenSSLCustomer]:
    """A certificate in Carol's name from a CA of Mallory's own that bears the name of the true one."""
    with TestCA() as false_ca:
        yield false_ca.issue(CAROL.address, name=CAROL.name)


@pytest.fixture(scope="module")
def swapped(strange_ca: TestCA) -> OpenSSLCustomer:
    """A certificate in Carol's name from a CA that nobody trusts."""
    return strange_ca.issue(CAROL.address, name=CAROL.name)


def badge_of(story: Story, raw: bytes, customer: Correspondent) -> tuple[str, str]:
    """The two texts of the badge; anything that is not a good signature must not be green either."""
    shown = story.shown(story.arrives(raw, customer.address))
    is_good = shown.signature == customer.good_badge[1]
    assert shown.is_green is is_good
    assert shown.statements[:2] == (shown.encryption, shown.signature)
    return shown.encryption, shown.signature


@pytest.mark.mission("A3", "S2", "P3")
@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize(("seal", "encryption"), [(signed, READABLE), (encrypted, OPENED)], ids=["signed", "encrypted"])
def test_untouched_mail_is_shown_as_good(story: Story, technology: str, seal: Seal, encryption: str) -> None:
    customer = story.people(technology)

    badge = badge_of(story, seal(customer, letter(customer, "Untouched")), customer)

    assert badge == (encryption, f"Signed by {customer.address}")


ON_THE_WAY = [
    pytest.param(signed, signature_stripped, (READABLE, "Not signed"), id="signature stripped"),
    pytest.param(signed, signed_byte_changed, (READABLE, "Changed after signing"), id="signed byte changed"),
]


@pytest.mark.mission("A3")
@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize(("seal", "change", "expected"), ON_THE_WAY)
def test_mail_changed_on_the_way_loses_its_badge(
    story: Story, technology: str, seal: Seal, change: Change, expected: tuple[str, str]
) -> None:
    customer = story.people(technology)
    raw = seal(customer, letter(customer, "Changed"))

    with story.way.held(change):
        badge = badge_of(story, raw, customer)

    assert change(raw) != raw
    assert badge == expected


@pytest.mark.mission("A3")
@pytest.mark.parametrize(
    ("seal", "expected"),
    [
        pytest.param("-aes256", (OPENED, "Changed after signing"), id="smime cbc"),
        pytest.param("-aes-256-gcm", ("Damaged", "Signature not known"), id="smime gcm"),
        pytest.param("pgp", ("Damaged", "Signature not known"), id="pgp"),
    ],
)
def test_ciphertext_changed_on_the_way_is_not_shown_as_good(
    story: Story, seal: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    customer = story.dave if seal == "pgp" else story.carol
    long = letter(customer, "Changed ciphertext", text=TEXT * 60, attachments=())
    raw = (
        pgp_encrypted(long, story.pgp.dave_with_key, sign=True, options=["--compress-algo", "none"])
        if seal == "pgp"
        else smime_signed_inside_enveloped(
            long, story.smime.carol_with_key, [story.smime.desk.certificate], cipher=seal
        )
    )

    with story.way.held(ciphertext_byte_changed):
        badge = badge_of(story, raw, customer)

    story.agent.picture(tmp_path, "damaged")
    assert badge == expected


@pytest.mark.mission("A3")
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_encrypted_mail_of_somebody_who_knows_only_our_public_key_is_not_signed(story: Story, technology: str) -> None:
    """Nobody can take the signature out of an encrypted mail, but anybody can encrypt another one to us."""
    customer = story.people(technology)

    badge = badge_of(story, customer.encrypts(letter(customer, "Encrypted only")), customer)

    assert badge == (OPENED, "Not signed")


@pytest.mark.mission("A3")
@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize(("seal", "encryption"), [(signed, READABLE), (encrypted, OPENED)], ids=["signed", "encrypted"])
def test_mallorys_own_trusted_key_does_not_make_him_somebody_else(
    story: Story, technology: str, seal: Seal, encryption: str
) -> None:
    """The desk trusts Mallory's key, for Mallory's address; the mail says it comes from Carol or Dave."""
    people = (
        story.smime.as_carol(story.smime.mallory) if technology == "smime" else story.pgp.as_dave(story.pgp.mallory)
    )

    badge = badge_of(story, seal(people, letter(people, "From me, truly")), people)

    assert badge == (encryption, "Signed by someone else")


@pytest.mark.mission("S2", "A3")
@pytest.mark.parametrize(("seal", "encryption"), [(signed, READABLE), (encrypted, OPENED)], ids=["signed", "encrypted"])
@pytest.mark.parametrize("certificate", ["lookalike", "swapped"])
def test_certificate_of_a_false_issuer_is_not_trusted(
    story: Story, certificate: str, seal: Seal, encryption: str, request: pytest.FixtureRequest
) -> None:
    people = story.smime.as_carol(request.getfixturevalue(certificate))

    badge = badge_of(story, seal(people, letter(people, "A new certificate")), people)

    assert badge == (encryption, "Issuer not trusted")


@pytest.mark.mission("P3", "A3")
@pytest.mark.parametrize(("seal", "encryption"), [(signed, READABLE), (encrypted, OPENED)], ids=["signed", "encrypted"])
def test_false_pgp_key_is_not_trusted_when_a_mail_brought_it(story: Story, seal: Seal, encryption: str) -> None:
    """Mallory's key in Dave's name comes with a mail of his; the desk keeps it, and still trusts it never."""
    people = story.pgp.as_dave(story.pgp.false_dave)
    key = File(name="key.asc", type="application/pgp-keys", content=story.pgp.false_dave.export_public())
    bringing = badge_of(story, seal(people, letter(people, "My new key", attachments=[INVOICE, key])), people)

    badge = badge_of(story, seal(people, letter(people, "With my new key")), people)

    assert bringing in {(encryption, "Signer unknown"), (encryption, "Key not confirmed")}
    assert badge == (encryption, "Key not confirmed")


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_key_that_came_with_a_false_mail_is_never_encrypted_to(
    story: Story, technology: str, lookalike: OpenSSLCustomer
) -> None:
    """The answer to a mail with a false key opens with the true one, and not with the false one."""
    smime = technology == "smime"
    false = story.smime.as_carol(lookalike) if smime else story.pgp.as_dave(story.pgp.false_dave)
    true = story.people(technology)
    story.arrives(true.signs(letter(true, "My true key")), true.address)
    mail = story.arrives(false.signs_and_encrypts(letter(false, "My false key")), false.address)
    story.agent.opens(mail.ticket)

    composer = story.agent.starts_reply()
    composer.writes("To the true one.\n")
    composer.sends()
    (raw,) = story.received(true.address)

    assert true.reader.read(raw).text == "To the true one.\n"
    with pytest.raises(PeerError, match=r"could not decrypt|openssl cms failed"):
        false.reader.read(raw)


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_story_would_fail_if_an_attack_went_unnoticed(story: Story, technology: str) -> None:
    """The story's own assertion, on an attacked mail: it does not hold."""
    customer = story.people(technology)
    raw = customer.signs_and_encrypts(letter(customer, "Changed", text=TEXT * 60, attachments=()))

    with story.way.held(ciphertext_byte_changed):
        shown = story.shown(story.arrives(raw, customer.address))

    assert (shown.encryption, shown.signature) != customer.good_badge
    assert (shown.text == TEXT * 60, shown.is_green) == (False, False)
