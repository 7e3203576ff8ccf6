"""Messages that other projects made, with the results that their makers wrote down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealmail import smime
from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.mime import parse
from sealmail.policy import Policy
from sealmail.report import Encryption, Finding, Integrity
from sealmail.results import VerificationResult

pytestmark = pytest.mark.vectors

AT = datetime(2026, 1, 1, tzinfo=UTC)
WEAK = {Finding.WEAK_ALGORITHM}


@pytest.fixture(scope="session")
def examples(vectors: Path) -> Path:
    """RFC 4134: SHA-1, DSA and RSA with 1024 bits throughout."""
    return vectors / "rfc4134" / "rfc4134"


@pytest.fixture(scope="session")
def known(examples: Path, certificate_in: Callable[[Path], Key]) -> MemoryKeyStore:
    files = [file for file in examples.glob("*.cer") if not file.name.startswith("DianeDSS")]
    return MemoryKeyStore(keys=map(certificate_in, files))


@pytest.mark.parametrize("number", ["4.1", "4.2", "4.3", "4.4", "4.5", "4.7", "4.10"])
def test_rfc4134_signature_fits_but_is_weak(examples: Path, known: MemoryKeyStore, number: str) -> None:
    message, content = (examples / f"{number}.bin").read_bytes(), (examples / "ExContent.bin").read_bytes()

    result = smime.verify(message, content if number == "4.3" else None, known, Policy(), AT)

    (signer,) = result.signers
    assert (signer.integrity, signer.findings) == (Integrity.INTACT, WEAK)
    assert result.payload == (None if number == "4.3" else content)


def test_rfc4134_signature_of_two_is_told_apart(examples: Path, known: MemoryKeyStore) -> None:
    result = smime.verify((examples / "4.6.bin").read_bytes(), None, known, Policy(), AT)

    # Diane's certificate leaves out the parameters of its DSA key, which nobody reads any more.
    assert [(signer.integrity, signer.why) for signer in result.signers] == [
        (Integrity.INTACT, None),
        (Integrity.UNSUPPORTED, "public_key"),
    ]


def test_rfc4134_bag_of_certificates_is_not_signed(examples: Path, known: MemoryKeyStore) -> None:
    message = (examples / "4.11.bin").read_bytes()

    result = smime.verify(message, None, known, Policy(), AT)

    assert (smime.kind(message), result.signers) == (smime.CMSKind.CERTS_ONLY, ())
    assert [key.name for key in result.keys_seen] == ["CarlDSS", "AliceDSS"]


@pytest.mark.parametrize("name", ["4.8.eml", "4.9.eml"])
def test_rfc4134_mail_fits_and_names_another_domain(examples: Path, known: MemoryKeyStore, name: str) -> None:
    result = _verify_mail((examples / name).read_bytes(), known)

    (signer,) = result.signers
    assert (signer.integrity, signer.findings) == (Integrity.INTACT, WEAK)
    assert signer.key is not None
    assert signer.key.addresses == ("alicedss@example.com",)  # the mail is from examples.com


@pytest.fixture(scope="session")
def bob(examples: Path, secret_in: Callable[[Path, Path], SecretKey]) -> MemoryKeyStore:
    secret = secret_in(examples / "BobRSASignByCarl.cer", examples / "BobPrivRSAEncrypt.pri")
    return MemoryKeyStore(secrets=[secret])


def test_rfc4134_enveloped_opens_with_a_mark(examples: Path, bob: MemoryKeyStore) -> None:
    result = smime.decrypt((examples / "5.1.bin").read_bytes(), bob, Policy())

    assert result.payload == (examples / "ExContent.bin").read_bytes()
    assert (result.facts.verdict, result.facts.weak) == (Encryption.DECRYPTED, True)


def test_rfc4134_rc2_is_refused(examples: Path, bob: MemoryKeyStore) -> None:
    result = smime.decrypt((examples / "5.2.bin").read_bytes(), bob, Policy())

    assert (result.payload, result.facts.verdict, result.facts.why) == (None, Encryption.REFUSED, "weak_cipher")
    assert len(result.facts.recipients) == 1


@pytest.mark.parametrize("number", ["6.0", "7.1", "7.2"])
def test_rfc4134_other_structures_are_unsupported(examples: Path, bob: MemoryKeyStore, number: str) -> None:
    message = (examples / f"{number}.bin").read_bytes()

    assert smime.kind(message) is smime.CMSKind.OTHER
    assert smime.decrypt(message, bob, Policy()).facts.verdict is Encryption.UNSUPPORTED


@pytest.fixture(scope="session")
def lamps(vectors: Path) -> Path:
    return vectors / "rfc9216" / "pem"


@pytest.mark.parametrize("owner", ["alice.sign", "bob.sign", "carlos.sign.25519", "dana.sign.25519"])
def test_rfc9216_signing_keys_sign(
    lamps: Path, secret_in: Callable[[Path, Path], SecretKey], entity: bytes, parts_of, owner: str
) -> None:
    secret = secret_in(lamps / f"{owner}.crt", lamps / f"{owner}.key")

    (signer,) = smime.verify(
        parts_of(smime.sign(entity, secret, [], AT))[1], entity, MemoryKeyStore(), Policy(), AT
    ).signers

    assert (signer.integrity, signer.key, signer.findings) == (Integrity.INTACT, secret.key, frozenset())


@pytest.mark.parametrize("owner", ["alice.encrypt", "bob.encrypt", "carlos.encrypt.25519", "dana.encrypt.25519"])
def test_rfc9216_encryption_keys_open(
    lamps: Path, secret_in: Callable[[Path, Path], SecretKey], entity: bytes, cms_of, owner: str
) -> None:
    secret = secret_in(lamps / f"{owner}.crt", lamps / f"{owner}.key")

    result = smime.decrypt(cms_of(smime.encrypt(entity, [secret.key])), MemoryKeyStore(secrets=[secret]), Policy())

    assert result.payload == entity


def test_rfc9788_signed_mails_are_alices(vectors: Path, lamps: Path, certificate_in: Callable[[Path], Key]) -> None:
    alice = certificate_in(lamps / "alice.sign.crt")
    mails = sorted((vectors / "rfc9788" / "signed").glob("*.eml"))

    signers = [one for mail in mails for one in _verify_mail(mail.read_bytes(), MemoryKeyStore()).signers]

    assert [(one.integrity, one.key, one.findings) for one in signers] == [(Integrity.INTACT, alice, frozenset())] * 3
    assert {one.signed_at.date().isoformat() for one in signers if one.signed_at} == {"2021-02-20"}


def test_rfc9788_encrypted_mails_open_for_bob(
    vectors: Path, lamps: Path, certificate_in: Callable[[Path], Key], secret_in: Callable[[Path, Path], SecretKey]
) -> None:
    keys = MemoryKeyStore(secrets=[secret_in(lamps / "bob.encrypt.crt", lamps / "bob.encrypt.key")])
    mails = sorted((vectors / "rfc9788" / "encrypted-reenveloped").glob("*.eml"))
    assert len(mails) == 2

    for mail in mails:
        opened = smime.decrypt(parse(mail.read_bytes()).decoded(), keys, Policy())
        assert opened.payload is not None
        assert len(opened.facts.recipients) == 2
        (signer,) = _verify_mail(opened.payload, keys).signers
        assert (signer.integrity, signer.key) == (Integrity.INTACT, certificate_in(lamps / "alice.sign.crt"))


@pytest.fixture(scope="session")
def kde(vectors: Path) -> Path:
    return vectors / "kde-mimetreeparser"


@pytest.fixture(scope="session")
def unittest_key(kde: Path, secret_in: Callable[[Path, Path], SecretKey]) -> MemoryKeyStore:
    derived = kde / "keys-derived"
    return MemoryKeyStore(secrets=[secret_in(derived / "unittest.crt", derived / "unittest.key")])


@pytest.mark.parametrize("name", ["smime-encrypted", "smime-encrypted-octet-stream"])
def test_kde_encrypted_mail_opens(kde: Path, unittest_key: MemoryKeyStore, name: str) -> None:
    mail = (kde / "autotests" / "testdata" / f"{name}.mbox").read_bytes()

    result = smime.decrypt(parse(mail).decoded(), unittest_key, Policy())

    assert result.payload is not None
    assert b"The quick brown fox jumped over the lazy dog." in result.payload


@pytest.mark.parametrize(
    "name", ["smime-opaque-enc+sign", "smime-signed-encrypted", "smime-opaque-signed-encrypted-attachment"]
)
def test_kde_encrypted_and_signed_mail_opens_and_fits(kde: Path, unittest_key: MemoryKeyStore, name: str) -> None:
    mail = (kde / "autotests" / "testdata" / f"{name}.mbox").read_bytes()
    opened = smime.decrypt(parse(mail).decoded(), unittest_key, Policy())
    assert opened.payload is not None

    (signer,) = _verify_mail(opened.payload, unittest_key).signers

    # Small RSA key; it expired in 2013, and the time claimed shows that it did so before.
    assert signer.integrity is Integrity.INTACT
    assert Finding.WEAK_ALGORITHM in signer.findings


@pytest.mark.parametrize(
    ("name", "integrity"),
    [
        ("smime-opaque-sign", Integrity.INTACT),
        ("smime-signed-apple", Integrity.CHANGED),
        ("smime-signed-charset", Integrity.NO_KEY),
    ],
)
def test_kde_signed_mail_has_the_known_outcome(
    kde: Path, unittest_key: MemoryKeyStore, name: str, integrity: Integrity
) -> None:
    mail = (kde / "autotests" / "testdata" / f"{name}.mbox").read_bytes()

    assert [signer.integrity for signer in _verify_mail(mail, unittest_key).signers] == [integrity]


def test_kde_certificate_mail_without_certificate_is_no_cms(kde: Path) -> None:
    mail = (kde / "autotests" / "testdata" / "smime-cert.mbox").read_bytes()

    assert smime.kind(parse(mail).decoded()) is None


def _verify_mail(mail: bytes, keys: MemoryKeyStore) -> VerificationResult:
    root = parse(mail)
    if root.content_type == "multipart/signed":
        content, signature = root.children
        return smime.verify(signature.decoded(), content.entity, keys, Policy(), AT)
    return smime.verify(root.decoded(), None, keys, Policy(), AT)
