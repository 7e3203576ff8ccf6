"""Signed attributes and the certificate they name: what must agree, and what attackers do with them."""

from __future__ import annotations

from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealmail import ber, smime
from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.keys.certificate import key_from_certificate, outline_of
from sealmail.policy import Policy
from sealmail.report import Integrity, SignatureFacts
from sealmail.smime import algorithms, cms, der
from sealmail.smime.attributes import (
    ALGORITHM_PROTECTION,
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    is_set_of_attributes,
)
from sealmail.testing import forging
from sealmail.testing.forging import ECDSA_SHA256, attribute, signed_by_hand, structure
from sealmail.testing.forging import usual_attributes as usual

OTHER_TYPE = ber.encode_oid("1.2.840.113549.1.9.16.1.4")


def check(message: bytes, content: bytes | None, now: datetime, *known: Key) -> SignatureFacts:
    (signer,) = smime.verify(message, content, MemoryKeyStore(keys=known), Policy(), now).signers
    return signer


def test_verify_attributes_out_of_order_are_read_as_signed(owners, entity: bytes, now: datetime) -> None:
    """Signed in DER, sent in another order; and signed in another order than DER."""
    secret = owners["ec"].secret
    proper = sorted(usual(entity))
    mail = signed_by_hand(secret, entity, proper)
    shuffled = mail.replace(b"".join(proper), b"".join(reversed(proper)))

    assert shuffled != mail
    assert check(shuffled, None, now).integrity is Integrity.INTACT
    assert check(signed_by_hand(secret, entity, proper[::-1], sorts=False), None, now).integrity is Integrity.INTACT


MALFORMED = {
    "no attributes at all": lambda content: usual(content)[:0],
    "no content type": lambda content: usual(content)[1:],
    "no digest": lambda content: usual(content)[:1],
    "content type twice": lambda content: [*usual(content), usual(content)[0]],
    "digest twice": lambda content: [*usual(content), attribute(MESSAGE_DIGEST, der.octet_string(b"x" * 32))],
    "two digests in one": lambda content: [
        usual(content)[0],
        attribute(MESSAGE_DIGEST, der.octet_string(algorithms.SHA256.digest(content)), der.octet_string(b"x" * 32)),
    ],
    "empty digest": lambda content: [usual(content)[0], attribute(MESSAGE_DIGEST)],
    "other content type": lambda content: usual(content, content_type=OTHER_TYPE),
    "signing time is no time": lambda content: [*usual(content), attribute(SIGNING_TIME, der.integer(1))],
    "signing certificate is none": lambda content: [*usual(content), attribute(SIGNING_CERTIFICATE_V2, der.null())],
    "other signing certificate": lambda content: [
        *usual(content),
        attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(der.sequence(der.octet_string(b"x" * 32))))),
    ],
    "other signing certificate, old form": lambda content: [
        *usual(content),
        attribute(SIGNING_CERTIFICATE, der.sequence(der.sequence(der.sequence(der.octet_string(b"x" * 20))))),
    ],
}


@pytest.mark.parametrize("make", MALFORMED.values(), ids=MALFORMED)
def test_verify_ambiguous_attributes_are_malformed(owners, entity: bytes, now: datetime, make) -> None:
    mail = signed_by_hand(owners["ec"].secret, entity, make(entity))

    assert check(mail, None, now).integrity is Integrity.MALFORMED


def test_verify_other_content_without_attributes_is_malformed(owners, entity: bytes, now: datetime) -> None:
    mail = signed_by_hand(owners["ec"].secret, entity, None, content_type=OTHER_TYPE)

    assert (check(mail, None, now).integrity, check(mail, None, now).why) == (
        Integrity.MALFORMED,
        "attributes_missing",
    )


def test_verify_attributes_turned_into_content_are_malformed(owners, entity: bytes, now: datetime) -> None:
    """The signature of a good mail fits its attributes, here presented as if they were the signed text."""
    attributes = der.set_of(usual(entity))
    genuine = signed_by_hand(owners["ec"].secret, entity, usual(entity))
    signer = cms.signer_info(cms.signed_data(cms.content_of(genuine, cms.SIGNED_DATA)[1]).signers[0])
    outline = outline_of(owners["ec"].key.material)
    info = der.sequence(
        der.integer(1),
        der.sequence(outline.issuer, der.integer(outline.serial)),
        signer.digest.raw,
        signer.signature_algorithm.raw,
        der.octet_string(signer.signature),
    )
    forged = structure([info], attributes, cms.DATA, [owners["ec"].key.material])

    for mail, content in ((forged, None), (structure([info], None, cms.DATA, []), attributes)):
        facts = check(mail, content, now, owners["ec"].key)
        assert (facts.integrity, facts.why) == (Integrity.MALFORMED, "content_is_attributes")


def test_verify_digest_that_contradicts_the_signature_is_malformed(owners, entity: bytes, now: datetime) -> None:
    attributes = [
        attribute(CONTENT_TYPE, der.oid(cms.DATA)),
        attribute(MESSAGE_DIGEST, der.octet_string(algorithms.SHA1.digest(entity))),
    ]
    mail = signed_by_hand(owners["ec"].secret, entity, attributes, digest=algorithms.SHA1.oid)

    assert (check(mail, None, now).integrity, check(mail, None, now).why) == (
        Integrity.MALFORMED,
        "algorithm_mismatch",
    )


def test_verify_forged_certificate_under_the_signers_name_is_malformed(
    owners, entity: bytes, now: datetime, parts_of
) -> None:
    """Same issuer, serial and public key, other address: the signing-certificate attribute tells them apart."""
    genuine = x509.load_der_x509_certificate(owners["ec"].key.material)
    forged = (
        x509.CertificateBuilder()
        .subject_name(genuine.subject)
        .issuer_name(genuine.issuer)
        .serial_number(genuine.serial_number)
        .public_key(genuine.public_key())
        .not_valid_before(genuine.not_valid_before_utc)
        .not_valid_after(genuine.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name("mallory@attacker.example")]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))
    signers = [one.raw for one in cms.signed_data(cms.content_of(signature, cms.SIGNED_DATA)[1]).signers]

    alone = check(structure(signers, None, cms.DATA, [forged]), entity, now)
    beside = check(structure(signers, None, cms.DATA, [forged, owners["ec"].key.material]), entity, now)

    assert (alone.integrity, alone.why) == (Integrity.MALFORMED, "other_certificate")
    assert (beside.integrity, beside.key) == (Integrity.INTACT, owners["ec"].key)
    assert key_from_certificate(forged).addresses == ("mallory@attacker.example",)


def test_attack_content_whose_line_ends_become_attributes_is_malformed(owners, now: datetime) -> None:
    """Detached content is also tried with CRLF for LF: attributes whose octets hold a CRLF, presented with a bare LF,
    read as nothing, and would become attributes again when mended.
    """
    secret, content = owners["ec"].secret, b"x"
    odd = attribute(ber.encode_oid("1.2.3.4"), der.octet_string(b"\r\n"))
    attributes = [*usual(content), odd]
    genuine = forging.signer_info(secret, content, attributes)
    signed = der.set_of(attributes)
    assert signed.count(b"\n") == 1
    info = forging.signer_info(secret, b"", None, signs=lambda _: cms.signer_info(ber.read(genuine)).signature)
    forged = forging.signed_data([info], None, certificates=[secret.key.material])

    for beside in (signed, signed.replace(b"\r\n", b"\n")):
        facts = check(forged, beside, now)
        assert (facts.integrity, facts.why) == (Integrity.MALFORMED, "content_is_attributes")


ATTRIBUTES = der.set_of(usual(b"x"))
INDEFINITE = b"\x31\x80" + b"".join(usual(b"x")) + b"\0\0"
DIGEST_ALONE = der.set_of(usual(b"x")[1:])


@pytest.mark.parametrize(
    "content",
    [
        ATTRIBUTES,
        ATTRIBUTES + b"trailing",
        INDEFINITE,
        DIGEST_ALONE,
        der.set_of([attribute(OTHER_TYPE, der.null()), *usual(b"x")]),
        b"\x31\x82" + len(ATTRIBUTES[2:]).to_bytes(2) + ATTRIBUTES[2:],
        ber.header(0x31, len(ATTRIBUTES[2:]) + 3) + ATTRIBUTES[2:] + b"\xff\xff\xff",
    ],
    ids=["DER", "trailing", "indefinite", "one of two", "after another", "long length", "broken at its end"],
)
def test_is_set_of_attributes_however_it_is_encoded(content: bytes) -> None:
    assert is_set_of_attributes(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"1", b"100 euros", b"1. First", b"1\x80", b"\x31\x00", b"Content-Type: text/plain", usual(b"x")[0]],
)
def test_is_set_of_attributes_says_no_of_words(content: bytes) -> None:
    assert not is_set_of_attributes(content)


def entry(secret: SecretKey, *, hashed: bytes | None = None, issuer: bytes | None = None, serial: int = 0) -> bytes:
    """One ESSCertID with IssuerSerial, true where nothing else is asked for."""
    outline = outline_of(secret.key.material)
    names = der.sequence(der.explicit(4, issuer or outline.issuer))
    return der.sequence(
        der.octet_string(hashed or algorithms.SHA256.digest(secret.key.material)),
        der.sequence(names, der.integer(serial or outline.serial)),
    )


def with_entry(secret: SecretKey, content: bytes, one: bytes, kind: bytes = SIGNING_CERTIFICATE_V2) -> bytes:
    named = attribute(kind, der.sequence(der.sequence(one)))
    return signed_by_hand(secret, content, [*usual(content), named])


def test_verify_signing_certificate_with_issuer_and_serial(owners, entity: bytes, now: datetime) -> None:
    secret = owners["ec"].secret
    other = der.sequence(der.set_of([der.sequence(der.oid(ber.encode_oid("2.5.4.3")), der.tagged(0x0C, b"Other"))]))
    anew = outline_of(secret.key.material).issuer.replace(b"\x0c\x10Seal", b"\x13\x10Seal")
    assert anew != outline_of(secret.key.material).issuer

    outcomes = [
        check(with_entry(secret, entity, one), None, now).why
        for one in (
            entry(secret),
            entry(secret, issuer=anew),
            entry(secret, serial=1),
            entry(secret, issuer=other),
            entry(secret, hashed=bytes(32)),
        )
    ]

    # The issuer's name may have been written anew with another type of string, as some programs do.
    assert outcomes == [None, None, "other_certificate", "other_certificate", "other_certificate"]


def test_verify_signing_certificate_of_the_old_form(owners, entity: bytes, now: datetime) -> None:
    secret = owners["ec"].secret
    true = entry(secret, hashed=algorithms.SHA1.digest(secret.key.material))

    assert check(with_entry(secret, entity, true, SIGNING_CERTIFICATE), None, now).integrity is Integrity.INTACT
    assert check(with_entry(secret, entity, entry(secret), SIGNING_CERTIFICATE), None, now).why == "other_certificate"


def protection(digest: bytes, signature: bytes, number: int = 1) -> bytes:
    return attribute(ALGORITHM_PROTECTION, der.sequence(digest, der.implicit(number, signature)))


SHA256, SHA384 = der.algorithm(algorithms.SHA256.oid), der.algorithm(algorithms.SHA384.oid)
PROTECTIONS = {
    "the same": (protection(SHA256, der.algorithm(ECDSA_SHA256)), None),
    "the same with NULL": (
        protection(der.algorithm(algorithms.SHA256.oid, der.null()), der.algorithm(ECDSA_SHA256, der.null())),
        None,
    ),
    "another digest": (protection(SHA384, der.algorithm(ECDSA_SHA256)), "algorithm_protection"),
    "another signature": (protection(SHA256, der.algorithm(algorithms.RSA_PSS)), "algorithm_protection"),
    "for a MAC": (protection(SHA256, der.algorithm(ECDSA_SHA256), number=2), "signer_structure"),
    "nothing": (attribute(ALGORITHM_PROTECTION, der.sequence()), "signer_structure"),
    "twice": (attribute(ALGORITHM_PROTECTION, der.null(), der.null()), "signer_structure"),
}


@pytest.mark.parametrize(("given", "why"), PROTECTIONS.values(), ids=PROTECTIONS)
def test_verify_algorithm_protection(owners, entity: bytes, now: datetime, given: bytes, why: str | None) -> None:
    facts = check(signed_by_hand(owners["ec"].secret, entity, [*usual(entity), given]), None, now)

    assert (facts.integrity, facts.why) == (Integrity.INTACT if why is None else Integrity.MALFORMED, why)
