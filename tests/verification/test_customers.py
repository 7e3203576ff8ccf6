"""Customers' tools against each other: what one seals, the other opens, and what was changed on the way is noticed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.cast import CAROL, DAVE, FRANK, MALLORY, SUPPORT
from tests.peers.gpg import Algorithm, GnuPG, GnuPGFactory
from tests.peers.mail import (
    File,
    Letter,
    pgp_encrypted,
    pgp_inline,
    pgp_signed,
    pgp_signed_inside_encrypted,
    plain,
    smime_enveloped,
    smime_opaque,
    smime_signed,
    smime_signed_inside_enveloped,
)
from tests.peers.openssl import KeyKind, OpenSSLCustomer, TestCA
from tests.peers.programs import PeerError
from tests.peers.reading import Layer, Reader

INVOICE = File(name="invoice.pdf", type="application/pdf", content=b"%PDF-1.7\r\n\x00\xff\n")
TEXT = "Grüße aus Wien.\n\nFrom here on we are sealed.  \n.\n"
LETTER = Letter(sender=DAVE.address, recipients=[SUPPORT], subject="Case 7", text=TEXT, attachments=[INVOICE])


@pytest.fixture
def dave(gpg_factory: GnuPGFactory) -> GnuPG:
    """Dave, who knows the desk's key."""
    dave = gpg_factory.customer(DAVE.address)
    dave.import_(gpg_factory.customer(SUPPORT).export_public())
    return dave


@pytest.fixture
def desk_gpg(gpg_factory: GnuPGFactory, dave: GnuPG) -> GnuPG:
    """The desk's key ring, which holds Dave's key."""
    desk = gpg_factory.customer(SUPPORT)
    desk.import_(dave.export_public(DAVE.address))
    return desk


@pytest.fixture
def desk(desk_gpg: GnuPG) -> Reader:
    """The desk as a reader of its mail."""
    return Reader(gpg=desk_gpg)


@pytest.fixture(scope="module")
def carol(test_ca: TestCA) -> OpenSSLCustomer:
    return test_ca.issue(CAROL.address, name=CAROL.name)


@pytest.fixture(scope="module")
def desk_certificate(test_ca: TestCA) -> OpenSSLCustomer:
    return test_ca.issue(SUPPORT, name="Support")


def dave_fingerprint(dave: GnuPG) -> str:
    return dave.import_(dave.export_public(DAVE.address))[0]


PGP_FORMS = [
    pytest.param(pgp_signed, (Layer.PGP_SIGNED,), id="signed"),
    pytest.param(pgp_encrypted, (Layer.PGP_ENCRYPTED,), id="encrypted"),
    pytest.param(
        lambda letter, gpg: pgp_encrypted(letter, gpg, sign=True),
        (Layer.PGP_ENCRYPTED, Layer.PGP_SIGNED),
        id="both in one",
    ),
    pytest.param(pgp_signed_inside_encrypted, (Layer.PGP_ENCRYPTED, Layer.PGP_SIGNED), id="signed inside encrypted"),
]


@pytest.mark.parametrize(("seal", "layers"), PGP_FORMS)
def test_pgp_mail_opens(dave: GnuPG, desk: Reader, seal: Callable[..., bytes], layers: tuple[Layer, ...]) -> None:
    reading = desk.read(seal(LETTER, dave))

    signers = (dave_fingerprint(dave),) if Layer.PGP_SIGNED in layers else ()
    assert (reading.layers, reading.good_signers) == (layers, signers)
    assert (reading.subject, reading.text, reading.attachments) == ("Case 7", TEXT, (INVOICE,))


def test_pgp_mail_with_rsa_key_and_passphrase_opens(gpg_factory: GnuPGFactory, desk: Reader, desk_gpg: GnuPG) -> None:
    frank = gpg_factory.customer(FRANK.address, algorithm=Algorithm.RSA_3072, passphrase="open sesame")
    frank.import_(desk_gpg.export_public(SUPPORT))
    (fingerprint,) = desk_gpg.import_(frank.export_public(FRANK.address))

    raw = pgp_encrypted(LETTER, frank, sign=True, passphrase="open sesame")

    assert desk.read(raw).good_signers == (fingerprint,)


def test_pgp_wrong_passphrase_signs_nothing(gpg_factory: GnuPGFactory) -> None:
    frank = gpg_factory.customer(FRANK.address, passphrase="open sesame")

    with pytest.raises(PeerError, match="Bad passphrase"):
        frank.sign_detached(b"x", passphrase="open barley")


def test_pgp_clearsigned_text_verifies(dave: GnuPG, desk: Reader) -> None:
    reading = desk.read(pgp_inline(LETTER, dave))

    assert reading.good_signers == (dave_fingerprint(dave),)
    # Blanks at the end of lines are not signed (RFC 9580 §7.2), and gpg leaves them out.
    assert reading.text == TEXT.replace("sealed.  ", "sealed.")


def test_pgp_changed_byte_is_noticed(dave: GnuPG, desk: Reader) -> None:
    raw = pgp_signed(LETTER, dave).replace(b"aus Wien", b"aus Bern")

    reading = desk.read(raw)

    assert (reading.good_signers, reading.signatures[0].ok) == ((), False)


def test_pgp_changed_encrypted_byte_is_refused(dave: GnuPG, desk_gpg: GnuPG) -> None:
    entity = LETTER.entity()
    message = dave.encrypt(entity, [SUPPORT], sign=True, options=["--no-armor"])
    changed = message[:-100] + bytes([message[-100] ^ 1]) + message[-99:]

    assert desk_gpg.decrypt(message).plain == entity
    with pytest.raises(PeerError, match="could not decrypt"):
        desk_gpg.decrypt(changed)


def test_pgp_stripped_signature_is_noticed(dave: GnuPG, desk: Reader) -> None:
    stripped = plain(LETTER)

    reading = desk.read(stripped)

    assert (reading.layers, reading.good_signers) == ((), ())


def test_pgp_swapped_key_is_noticed(gpg_factory: GnuPGFactory, desk: Reader) -> None:
    """Mallory made a key with Dave's address; the desk does not have it."""
    mallory = gpg_factory.customer(DAVE.address, key_number=2)

    reading = desk.read(pgp_signed(LETTER, mallory))

    assert (reading.good_signers, reading.signatures[0].ok) == ((), False)


def test_pgp_mail_for_somebody_else_stays_closed(gpg_factory: GnuPGFactory, dave: GnuPG) -> None:
    mallory = gpg_factory.customer(MALLORY.address)

    with pytest.raises(PeerError, match="could not decrypt"):
        Reader(gpg=mallory).read(pgp_encrypted(LETTER, dave))


def test_smime_signed_mail_verifies(carol: OpenSSLCustomer) -> None:
    reading = Reader(trusted=carol.authority).read(smime_signed(LETTER, carol))

    assert (reading.layers, reading.good_signers) == ((Layer.SMIME_SIGNED,), (CAROL.address,))
    assert (reading.text, reading.attachments) == (TEXT, (INVOICE,))


def test_smime_opaque_mail_verifies(carol: OpenSSLCustomer) -> None:
    reading = Reader(trusted=carol.authority).read(smime_opaque(LETTER, carol))

    assert (reading.layers, reading.good_signers, reading.text) == ((Layer.SMIME_SIGNED,), (CAROL.address,), TEXT)


@pytest.mark.parametrize("cipher", ["-aes128", "-aes256", "-aes-256-gcm"])
def test_smime_enveloped_mail_opens(carol: OpenSSLCustomer, desk_certificate: OpenSSLCustomer, cipher: str) -> None:
    raw = smime_enveloped(LETTER, carol, [desk_certificate.certificate, carol.certificate], cipher=cipher)

    readings = [Reader(smime=reader).read(raw) for reader in (desk_certificate, carol)]

    assert [reading.layers for reading in readings] == [(Layer.SMIME_ENVELOPED,)] * 2
    assert [reading.text for reading in readings] == [TEXT, TEXT]


@pytest.mark.parametrize("opaque", [False, True], ids=["detached", "opaque"])
def test_smime_signed_inside_enveloped_mail_opens(
    carol: OpenSSLCustomer, desk_certificate: OpenSSLCustomer, *, opaque: bool
) -> None:
    raw = smime_signed_inside_enveloped(LETTER, carol, [desk_certificate.certificate], opaque=opaque)

    reading = Reader(smime=desk_certificate).read(raw)

    assert (reading.layers, reading.good_signers) == ((Layer.SMIME_ENVELOPED, Layer.SMIME_SIGNED), (CAROL.address,))
    assert (reading.text, reading.attachments) == (TEXT, (INVOICE,))


def test_smime_mail_between_keys_on_curves_opens(ec_ca: TestCA) -> None:
    frank, desk = (ec_ca.issue(address, kind=KeyKind.EC_P256) for address in (FRANK.address, SUPPORT))

    reading = Reader(smime=desk).read(smime_signed_inside_enveloped(LETTER, frank, [desk.certificate]))

    assert (reading.good_signers, reading.text) == ((FRANK.address,), TEXT)


def test_smime_changed_byte_is_noticed(carol: OpenSSLCustomer) -> None:
    raw = smime_signed(LETTER, carol).replace(b"aus Wien", b"aus Bern")

    reading = Reader(trusted=carol.authority).read(raw)

    assert (reading.good_signers, reading.signatures[0].ok) == ((), False)


def test_smime_swapped_certificate_is_noticed(carol: OpenSSLCustomer, strange_ca: TestCA) -> None:
    mallory = strange_ca.issue(CAROL.address, name=CAROL.name)

    reading = Reader(trusted=carol.authority).read(smime_signed(LETTER, mallory))

    assert (reading.good_signers, reading.signatures[0].ok) == ((), False)


def test_smime_mail_for_somebody_else_stays_closed(carol: OpenSSLCustomer, strange_ca: TestCA) -> None:
    mallory = strange_ca.issue(MALLORY.address)

    with pytest.raises(PeerError, match="openssl cms failed"):
        Reader(smime=mallory).read(smime_enveloped(LETTER, carol, [carol.certificate], cipher="-aes-256-gcm"))


def test_smime_expired_certificate_is_noticed(test_ca: TestCA) -> None:
    today = datetime.now(UTC)
    old = test_ca.issue(CAROL.address, valid_from=today - timedelta(days=20), valid_until=today - timedelta(days=10))

    checked = old.cms_verify(old.cms_sign(b"x"), content=b"x")

    assert checked.ok is False
    assert "certificate has expired" in checked.reason
