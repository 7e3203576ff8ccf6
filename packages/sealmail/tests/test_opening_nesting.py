"""Layers in layers: which signature speaks, and where the budget ends; and the whole mails of RFC 4134."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sealmail import smime
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.keys.certificate import key_from_certificate
from sealmail.opening import Opened, open_message
from sealmail.policy import Budget, Policy
from sealmail.report import (
    Binding,
    Encryption,
    EncryptionLayer,
    Finding,
    Reason,
    Signature,
    SignatureLayer,
    Warning,
)
from sealmail.testing import CA, forging

NOW = datetime.now(UTC)
CAROL, DESK = "carol@bank.example", "support@desk.example"
HEAD = f"From: {CAROL}\r\nTo: {DESK}\r\nSubject: Contract\r\nMIME-Version: 1.0\r\n".encode()
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe words.\r\n"
GOOD, UNVERIFIED, BAD = Signature.GOOD, Signature.UNVERIFIED, Signature.BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """People who sign, the desk that reads."""

    ca: CA
    carol: SecretKey
    mallory: SecretKey
    desk: SecretKey

    def sealed(self, recipe: str) -> bytes:
        """Layers, innermost first: c and C for Carol's signature beside and around, m for Mallory's, e for encryption,
        a for authenticated encryption, x for a change of the words under a signature.
        """
        takes: dict[str, Callable[[bytes], bytes]] = {
            "c": lambda entity: smime.sign(entity, self.carol, [], NOW),
            "C": lambda entity: smime.sign_opaque(entity, self.carol, [], NOW),
            "m": lambda entity: smime.sign(entity, self.mallory, [], NOW),
            "e": lambda entity: smime.encrypt(entity, [self.desk.key]),
            "a": lambda entity: smime.encrypt(entity, [self.desk.key], gcm=True),
            "x": lambda entity: entity.replace(b"The words.", b"The wards."),
        }
        entity = ENTITY
        for step in recipe:
            entity = takes[step](entity)
        return HEAD + entity

    def opens(self, raw: bytes, policy: Policy | None = None) -> Opened:
        store = MemoryKeyStore(keys=[self.carol.key], secrets=[self.desk])
        return open_message(raw, store, MemoryTrust(anchors=[self.ca.anchor]), policy or Policy(), NOW)


@pytest.fixture(scope="module")
def world() -> World:
    ca = CA.create()
    return World(ca=ca, carol=ca.issue(CAROL), mallory=ca.issue("mallory@bank.example"), desk=ca.issue(DESK))


NESTINGS = [
    # recipe, signature, reason, the outer signature is bad
    ("cec", GOOD, None, False),
    ("CeC", GOOD, None, False),
    ("cac", GOOD, None, False),
    ("cem", GOOD, None, True),  # the envelope is Mallory's, and its signature does not fit the sender
    ("mec", BAD, Reason.SENDER_MISMATCH, False),
    ("ec", UNVERIFIED, Reason.OUTSIDE_ENCRYPTION, False),
    ("em", BAD, Reason.SENDER_MISMATCH, False),
    ("cee", GOOD, None, False),
    ("ecee", UNVERIFIED, Reason.OUTSIDE_ENCRYPTION, False),
    ("cCeCe", GOOD, None, False),
    ("ccc", GOOD, None, False),
    ("cm", BAD, Reason.SENDER_MISMATCH, False),
    ("mc", GOOD, None, True),
    ("cxec", BAD, Reason.CONTENT_CHANGED, False),
    ("cx", BAD, Reason.CONTENT_CHANGED, False),
    ("cxC", GOOD, None, True),
    ("e", Signature.NONE, None, False),
]


@pytest.mark.mission("A3")
@pytest.mark.parametrize(("recipe", "verdict", "reason", "outer_is_bad"), NESTINGS)
def test_the_signature_that_speaks_is_the_outermost_inside_the_encryption(
    world: World, recipe: str, verdict: Signature, reason: Reason | None, outer_is_bad: bool
) -> None:
    result = world.opens(world.sealed(recipe))

    assert (result.report.signature.verdict, result.report.signature.reason) == (verdict, reason)
    assert result.content.text == ("The wards.\n" if "x" in recipe else "The words.\n")
    assert len(result.report.layers) == len(recipe.replace("x", ""))
    assert (Warning.OUTER_SIGNATURE_BAD in result.report.warnings) is outer_is_bad


def test_layers_stand_in_the_report_from_outside_to_inside(world: World) -> None:
    layers = world.opens(world.sealed("cec")).report.layers

    assert [type(layer) for layer in layers] == [SignatureLayer, EncryptionLayer, SignatureLayer]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_layers_past_the_budget_stay_closed(world: World, layers: int) -> None:
    result = world.opens(world.sealed("cece"), Policy(budget=Budget(layers=layers)))

    assert Warning.CUT_BY_LIMITS in result.report.warnings
    assert len(result.report.layers) == layers
    assert "The words." not in result.content.text or layers == 3


@pytest.fixture(scope="session")
def examples(vectors: Path) -> Path:
    return vectors / "rfc4134" / "rfc4134"


@pytest.fixture(scope="session")
def known(examples: Path) -> list[Key]:
    files = [file for file in examples.glob("*.cer") if not file.name.startswith("DianeDSS")]
    return [key_from_certificate(file.read_bytes()) for file in files]


def bob(examples: Path) -> SecretKey:
    private = serialization.load_der_private_key((examples / "BobPrivRSAEncrypt.pri").read_bytes(), None)
    material = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SecretKey(key=key_from_certificate((examples / "BobRSASignByCarl.cer").read_bytes()), material=material)


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["4.8.eml", "4.9.eml"])
def test_rfc4134_signed_mail_is_weak_and_from_somebody_else(examples: Path, known: list[Key], name: str) -> None:
    """The certificate names another domain, by one letter; even trusted by hand it is not good."""
    trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in known})
    raw = (examples / name).read_bytes()

    result = open_message(raw, MemoryKeyStore(keys=known), trust, Policy(), NOW)
    lenient = open_message(raw, MemoryKeyStore(keys=known), trust, Policy(weak_hashes=frozenset()), NOW)

    assert (result.report.signature.verdict, result.report.signature.reason) == (BAD, Reason.WEAK_ALGORITHM)
    facts = result.report.signature.facts
    assert facts is not None
    assert (facts.binding, Finding.WEAK_ALGORITHM in facts.findings) == (Binding.MISMATCH, True)
    assert lenient.report.signature.verdict is BAD
    assert "This is some sample content." in result.content.text


@pytest.mark.vectors
def test_rfc4134_enveloped_mail_opens_with_a_mark(examples: Path) -> None:
    raw = (examples / "5.3.eml").read_bytes()

    result = open_message(raw, MemoryKeyStore(secrets=[bob(examples)]), MemoryTrust(), Policy(), NOW)

    facts = result.report.encryption.facts
    assert facts is not None
    assert (facts.verdict, facts.weak, facts.key_scheme) == (Encryption.DECRYPTED, True, "RSA")
    assert "This is some sample content." in result.content.text
    assert Warning.WEAK_ENCRYPTION in result.report.warnings


SINGLE = {
    "4.1": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.2": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.4": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.5": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.6": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.7": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.10": (BAD, Reason.WEAK_ALGORITHM, Encryption.NONE),
    "4.11": (Signature.NONE, None, Encryption.NONE),
    "5.1": (Signature.NONE, None, Encryption.DECRYPTED),
    "5.2": (Signature.NONE, None, Encryption.REFUSED),
    "6.0": (Signature.NONE, None, Encryption.UNSUPPORTED),
    "7.1": (Signature.NONE, None, Encryption.UNSUPPORTED),
    "7.2": (Signature.NONE, None, Encryption.UNSUPPORTED),
}


@pytest.mark.vectors
@pytest.mark.parametrize("number", SINGLE)
def test_rfc4134_structures_as_mail_have_the_outcome_of_the_standard(
    examples: Path, known: list[Key], number: str
) -> None:
    head = b"From: AliceDSS@example.com\r\nContent-Type: application/pkcs7-mime\r\n"
    head += b"Content-Transfer-Encoding: binary\r\n\r\n"
    store = MemoryKeyStore(keys=known, secrets=[bob(examples)])
    trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND for key in known})

    report = open_message(head + (examples / f"{number}.bin").read_bytes(), store, trust, Policy(), NOW).report

    assert (report.signature.verdict, report.signature.reason, report.encryption.verdict) == SINGLE[number]


@pytest.mark.vectors
@pytest.mark.parametrize("name", ["CarlDSSCRLForAll.crl", "CarlRSACRLForAll.crl"])
def test_rfc4134_revocation_lists_can_be_read(examples: Path, name: str) -> None:
    revoked = x509.load_der_x509_crl((examples / name).read_bytes())

    assert len(list(revoked)) > 0


@pytest.mark.mission("B14")
@pytest.mark.parametrize("wraps", ["compressed", "signed"])
def test_attack_encryption_in_other_clothes_inside_plain_mail_is_marked(wraps: str) -> None:
    """Old encrypted words come as a part that looks signed or compressed; they are set apart, and said to be there."""
    ca = CA.create()
    desk, mallory = ca.issue(DESK, key_type="rsa2048"), ca.issue("mallory@evil.example")
    old = forging.chained([forging.transported(desk.key, b"k" * 16)], b"k" * 16, ENTITY)
    inner = forging.compressed_data(old)
    if wraps == "signed":
        inner = forging.signed_data(
            [forging.signer_info(mallory, old, forging.usual_attributes(old))],
            old,
            certificates=[mallory.key.material],
        )
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nWhat do you think?\r\n"
        b"--b\r\nContent-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(inner)
        + b"--b--\r\n"
    )

    opened = open_message(raw, MemoryKeyStore(secrets=[desk]), MemoryTrust(anchors=[ca.anchor]), Policy(), NOW)

    assert opened.content.text.strip() == "What do you think?"
    assert [part.content.text.strip() for part in opened.parts] == ["The words."]
    assert {Warning.ENCRYPTED_PART, Warning.MALLEABLE_ENCRYPTION} <= set(opened.report.warnings)
