"""Whole mails whose verdict hangs on the path: names outside of ASCII, separate certificates, and what a CA cannot
take back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from sealmail import smime
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel, Use
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Reason, Signature
from sealmail.testing import CA

NOW = datetime.now(UTC).replace(microsecond=0)
CAROL, DUESI = "carol@customer.example", "düsi@customer.example"
ENTITY = b"Content-Type: text/plain\r\n\r\nThe words.\r\n"


@pytest.fixture(scope="module")
def root() -> CA:
    return CA.create("Root")


def opened(
    signer: SecretKey,
    sender: str,
    *,
    chain: Sequence[Key] = (),
    anchors: Sequence[CA] = (),
    by_hand: Sequence[Key] = (),
    at: datetime = NOW,
    signed_at: datetime = NOW,
) -> Opened:
    head = f"From: {sender}\r\nTo: support@desk.example\r\nSubject: Words\r\nMIME-Version: 1.0\r\n".encode()
    raw = head + smime.sign(ENTITY, signer, chain, signed_at)
    trust = MemoryTrust(
        anchors=[one.anchor for one in anchors], levels={key.fingerprint: TrustLevel.BY_HAND for key in by_hand}
    )
    return open_message(raw, MemoryKeyStore(), trust, Policy(), at)


def verdict(result: Opened) -> tuple[Signature, Reason | None]:
    return result.report.signature.verdict, result.report.signature.reason


def limited(root: CA, host: str) -> CA:
    constraints = x509.NameConstraints([x509.RFC822Name(host)], None)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    extensions = [x509.BasicConstraints(ca=True, path_length=None), usage, constraints]
    return CA(secret=root.issue(None, name=f"Only {host}", critical=extensions), parents=root.chain)


def for_duesi(authority: CA) -> SecretKey:
    content = DUESI.encode()
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), bytes([0x0C, len(content)]) + content)
    return authority.issue(None, name="Düsi", extra=[x509.SubjectAlternativeName([name])])


def test_mail_from_an_address_outside_of_ascii_is_good_where_its_ca_may_speak_for_it(root: CA) -> None:
    authority = limited(root, "customer.example")

    result = opened(for_duesi(authority), DUESI, chain=authority.chain, anchors=[root])

    assert verdict(result) == (Signature.GOOD, None)


@pytest.mark.mission("B14")
def test_mail_from_an_address_outside_of_ascii_is_bad_where_its_ca_may_not_speak_for_it(root: CA) -> None:
    authority = limited(root, "other.example")
    signer = for_duesi(authority)

    by_ca = opened(signer, DUESI, chain=authority.chain, anchors=[root])
    by_hand = opened(signer, DUESI, chain=authority.chain, anchors=[root], by_hand=[signer.key])

    assert verdict(by_ca) == (Signature.BAD, Reason.WRONG_USAGE)
    assert verdict(by_hand) == (Signature.GOOD, None)


def test_mail_from_a_look_alike_outside_of_ascii_is_a_mismatch(root: CA) -> None:
    result = opened(for_duesi(root), "dùsi@customer.example", anchors=[root])

    assert verdict(result) == (Signature.BAD, Reason.SENDER_MISMATCH)


def test_mail_by_a_certificate_that_is_trusted_by_hand_outlives_its_ca(root: CA) -> None:
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    extensions = [x509.BasicConstraints(ca=True, path_length=None), usage]
    secret = root.issue(None, name="Ended", critical=extensions, valid_until=NOW - timedelta(days=1))
    ended = CA(secret=secret, parents=root.chain)
    signer = ended.issue(CAROL)

    by_ca = opened(signer, CAROL, chain=ended.chain, anchors=[root])
    by_hand = opened(signer, CAROL, chain=ended.chain, anchors=[root], by_hand=[signer.key])

    assert verdict(by_ca) == (Signature.UNVERIFIED, Reason.EXPIRED)
    assert verdict(by_hand) == (Signature.GOOD, None)


@pytest.mark.parametrize(
    ("flag", "outcome"),
    [
        ("digital_signature", (Signature.GOOD, None)),
        ("content_commitment", (Signature.GOOD, None)),
        ("key_agreement", (Signature.BAD, Reason.WRONG_USAGE)),
    ],
)
def test_usage_of_the_certificate_decides_whether_it_signs(
    root: CA, flag: str, outcome: tuple[Signature, Reason | None]
) -> None:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    others = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    usage = x509.KeyUsage(**{name: name == flag for name in (*names, *others)})

    assert verdict(opened(root.issue(CAROL, critical=[usage]), CAROL, anchors=[root])) == outcome


def test_signing_certificate_beside_one_for_encryption_is_good(root: CA) -> None:
    """Two certificates for one address come along; only one of them may sign, and did."""
    signing, encrypting = root.issue(CAROL, uses=[Use.SIGN]), root.issue(CAROL, uses=[Use.ENCRYPT])

    result = opened(signing, CAROL, chain=[encrypting.key, root.certificate], anchors=[root])

    assert verdict(result) == (Signature.GOOD, None)
    assert {key.fingerprint for key in result.report.keys_seen} >= {signing.key.fingerprint, encrypting.key.fingerprint}


@pytest.mark.parametrize(
    ("arrives", "claims", "outcome"),
    [
        (0, 0, (Signature.GOOD, None)),
        (400, 0, (Signature.UNVERIFIED, Reason.EXPIRED)),
        (0, -400, (Signature.UNVERIFIED, Reason.NOT_YET_VALID)),
        (400, 400, (Signature.UNVERIFIED, Reason.EXPIRED)),
        (0, 3, (Signature.UNVERIFIED, Reason.NOT_YET_VALID)),
    ],
)
def test_certificate_must_be_in_its_time_at_signing_and_at_receipt(
    root: CA, arrives: int, claims: int, outcome: tuple[Signature, Reason | None]
) -> None:
    at, signed_at = NOW + timedelta(days=arrives), NOW + timedelta(days=claims)

    assert verdict(opened(root.issue(CAROL), CAROL, anchors=[root], at=at, signed_at=signed_at)) == outcome
