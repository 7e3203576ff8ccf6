"""ML-DSA signs and ML-KEM opens: certificates, signatures, and a mail from its plan to the page. How content keys
travel is in `test_encapsulation`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from sealmail import ber, smime
from sealmail.addresses import Mailbox
from sealmail.errors import InputError
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, Use
from sealmail.keys.import_rules import import_problems
from sealmail.keys.usability import Purpose, problems
from sealmail.mime import Draft
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Finding, Integrity, Reason, RevocationState, Signature, SignatureFacts
from sealmail.sealing import SealRequest, plan, seal
from sealmail.smime import algorithms, cms, der
from sealmail.testing import CA, forging
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC).replace(microsecond=0)
POLICY = Policy()
DESK, CAROL = "support@desk.example", "carol@customer.example"
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe offer is 100 euros.\r\n"
KEM_KINDS = {"mlkem768": "ML-KEM-768", "mlkem1024": "ML-KEM-1024"}


@pytest.fixture(scope="module")
def root() -> CA:
    return CA.create("Root of tomorrow", key="mldsa65")


@pytest.fixture(scope="module")
def signer(root: CA) -> SecretKey:
    return root.issue(CAROL, key_type="mldsa65")


@pytest.fixture(scope="module")
def recipients(root: CA) -> dict[str, SecretKey]:
    return {kind: root.issue(CAROL, key_type=kind) for kind in KEM_KINDS}


# Certificates


def test_certificates_are_named_and_used_as_their_keys_can(signer: SecretKey, recipients: dict[str, SecretKey]) -> None:
    keys = [signer.key, *(secret.key for secret in recipients.values())]

    assert [(key.algorithm, set(key.uses)) for key in keys] == [
        ("ML-DSA-65", {Use.SIGN}),
        ("ML-KEM-768", {Use.ENCRYPT}),
        ("ML-KEM-1024", {Use.ENCRYPT}),
    ]
    assert problems(keys[0], Purpose.SIGN, NOW) == problems(keys[1], Purpose.ENCRYPT, NOW) == ()
    assert [import_problems(key) for key in keys] == [(), (), ()]


@pytest.mark.parametrize(
    ("kind", "usage", "use"),
    [
        ("mldsa65", "key_encipherment", "Digital Signature"),
        ("mlkem768", "key_agreement", "Key Encipherment"),
        ("mlkem768", "digital_signature", "Key Encipherment"),
    ],
)
def test_a_key_usage_that_the_key_cannot_serve_is_told_at_import(root: CA, kind: str, usage: str, use: str) -> None:
    key = root.issue(CAROL, key_type=kind, critical=[key_usage(usage)]).key

    assert set(key.uses) == set()
    assert [problem.sentence for problem in import_problems(key)] == [
        f"Key Usage: it does not hold {use}, the only use for a key of {key.algorithm}."
    ]


def key_usage(allowed: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name == allowed for name in (*names, *rest)})


def test_a_ca_with_ml_dsa_vouches_and_one_that_only_looks_like_it_does_not(root: CA, signer: SecretKey) -> None:
    double = CA.create("Root of tomorrow", key="mldsa65")

    assert opened(signed(signer), anchor=root).report.signature.verdict is Signature.GOOD
    assert opened(signed(signer), anchor=double).report.signature.reason is Reason.UNTRUSTED_ISSUER


def test_a_list_that_ml_dsa_signed_revokes(root: CA, signer: SecretKey) -> None:
    store = MemoryKeyStore(revocations=[root.crl([signer.key], at=NOW)])
    report = open_message(signed(signer), store, MemoryTrust(anchors=[root.anchor]), POLICY, NOW).report

    facts = report.signature.facts
    assert (report.signature.verdict, report.signature.reason) == (Signature.BAD, Reason.REVOKED)
    assert facts is not None
    assert facts.revocation is RevocationState.REVOKED


def signed(signer: SecretKey) -> bytes:
    head = f"From: {CAROL}\r\nTo: {DESK}\r\nSubject: Offer\r\nMIME-Version: 1.0\r\n".encode()
    return head + smime.sign(ENTITY, signer, [], NOW)


def opened(raw: bytes, *secrets: SecretKey, anchor: CA) -> Opened:
    return open_message(raw, MemoryKeyStore(secrets=secrets), MemoryTrust(anchors=[anchor.anchor]), POLICY, NOW)


# Signatures


@pytest.fixture(scope="session")
def lamps(vectors: Path) -> Path:
    """Examples of RFC 9881, 9882 and 9936, by their authors."""
    return vectors / "lamps"


def pem(file: Path) -> bytes:
    return base64.b64decode(b"".join(line for line in file.read_bytes().splitlines() if b"--" not in line))


@pytest.mark.vectors
@pytest.mark.mission("B15")
@pytest.mark.parametrize("size", [44, 65, 87])
def test_signed_examples_fit(lamps: Path, certificate_in: Callable[[Path], Key], size: int) -> None:
    certificate = certificate_in(lamps / "dilithium-certificates" / "examples" / f"ML-DSA-{size}.crt")
    message = pem(lamps / "cms-ml-dsa" / "examples" / f"mldsa{size}-signed-attrs.pem")

    result = smime.verify(message, None, MemoryKeyStore(keys=[certificate]), POLICY, NOW)

    (facts,) = result.signers
    assert (facts.integrity, facts.algorithm, facts.hash_algorithm) == (Integrity.INTACT, f"ML-DSA-{size}", "SHA-512")
    assert certificate.algorithm == f"ML-DSA-{size}"
    assert result.payload == f"ML-DSA-{size} signed-data example with signed attributes".encode()


@pytest.mark.vectors
@pytest.mark.parametrize("size", [44, 65, 87])
def test_signed_examples_do_not_fit_once_changed(lamps: Path, certificate_in: Callable[[Path], Key], size: int) -> None:
    certificate = certificate_in(lamps / "dilithium-certificates" / "examples" / f"ML-DSA-{size}.crt")
    message = pem(lamps / "cms-ml-dsa" / "examples" / f"mldsa{size}-signed-attrs.pem")
    changes = [message.replace(b"signed-data", b"signed+data"), message[:-1] + bytes([message[-1] ^ 1])]

    found = [smime.verify(one, None, MemoryKeyStore(keys=[certificate]), POLICY, NOW).signers[0] for one in changes]

    assert [(facts.integrity, facts.why) for facts in found] == [
        (Integrity.CHANGED, "digest"),
        (Integrity.CHANGED, "signature"),
    ]


@pytest.mark.mission("B15")
def test_own_signature_is_of_the_form_of_its_standard(root: CA, signer: SecretKey, parts_of) -> None:
    sealed = smime.sign(ENTITY, signer, root.chain, NOW)
    content, signature = parts_of(sealed)

    (facts,) = smime.verify(signature, content, MemoryKeyStore(), POLICY, NOW).signers

    assert (facts.integrity, facts.algorithm, facts.hash_algorithm) == (Integrity.INTACT, "ML-DSA-65", "SHA-512")
    assert b"micalg=sha-512" in sealed
    assert bytes.fromhex("300b0609608648016503040312") in signature  # RFC 9882 §2: no parameters
    assert len(info_of(signature).signature) == 3309  # FIPS 204 table 2


def info_of(message: bytes) -> cms.SignerInfo:
    return cms.signer_info(cms.signed_data(cms.content_of(message, cms.SIGNED_DATA)[1]).signers[0])


ML_DSA_65 = ber.encode_oid("2.16.840.1.101.3.4.3.18")


def forged(signer: SecretKey, content: bytes, attributes: list[bytes] | None, **changes: object) -> SignatureFacts:
    settings = {"scheme": der.algorithm(ML_DSA_65), "signs": loaded(signer).sign} | changes  # type: ignore[union-attr]
    info = forging.signer_info(signer, content, attributes, **settings)  # type: ignore[arg-type]
    message = forging.signed_data([info], content, certificates=[signer.key.material])
    return smime.verify(message, None, MemoryKeyStore(), POLICY, NOW).signers[0]


@pytest.mark.mission("B15")
@pytest.mark.parametrize("digest", [algorithms.SHA512.oid, algorithms.SHA1.oid, b"\x2a\x03\x04"])
def test_digest_means_nothing_without_signed_attributes(signer: SecretKey, digest: bytes) -> None:
    facts = forged(signer, ENTITY, None, digest=digest)

    assert (facts.integrity, facts.hash_algorithm, facts.findings) == (Integrity.INTACT, "SHAKE256", frozenset())


def test_a_weak_digest_with_signed_attributes_is_weak(signer: SecretKey) -> None:
    digest = der.octet_string(algorithms.SHA1.digest(ENTITY))
    attributes = [
        forging.attribute(cms.CONTENT_TYPE, der.oid(cms.DATA)),
        forging.attribute(ber.encode_oid("1.2.840.113549.1.9.4"), digest),
    ]

    facts = forged(signer, ENTITY, attributes, digest=algorithms.SHA1.oid)

    assert (facts.integrity, facts.findings) == (Integrity.INTACT, {Finding.WEAK_ALGORITHM})


@pytest.mark.mission("B14")
def test_signed_attributes_are_no_content(signer: SecretKey) -> None:
    """The signature over attributes shall not pass as one over a content that happens to be them."""
    attributes = forging.usual_attributes(ENTITY)

    facts = forged(signer, der.set_of(attributes), None)

    assert (facts.integrity, facts.why) == (Integrity.MALFORMED, "content_is_attributes")


@pytest.mark.parametrize(
    "scheme", [ber.encode_oid("2.16.840.1.101.3.4.3.17"), ber.encode_oid("2.16.840.1.101.3.4.3.19"), algorithms.ED25519]
)
def test_signature_under_another_name_does_not_fit(signer: SecretKey, scheme: bytes) -> None:
    facts = forged(signer, ENTITY, forging.usual_attributes(ENTITY), scheme=der.algorithm(scheme))

    assert (facts.integrity, facts.why) == (Integrity.CHANGED, "signature")


def test_signature_with_a_context_does_not_fit(signer: SecretKey) -> None:
    private = loaded(signer)

    facts = forged(signer, ENTITY, None, signs=lambda content: private.sign(content, b"CMS"))  # type: ignore[union-attr]

    assert (facts.integrity, facts.why) == (Integrity.CHANGED, "signature")


def test_the_form_over_a_hash_is_not_supported(signer: SecretKey) -> None:
    hashed = ber.encode_oid("2.16.840.1.101.3.4.3.33")  # id-hash-ml-dsa-65-with-sha512

    facts = forged(signer, ENTITY, None, digest=algorithms.SHA512.oid, scheme=der.algorithm(hashed))

    assert facts.integrity is Integrity.UNSUPPORTED


def test_nothing_is_encrypted_to_a_key_that_only_signs(signer: SecretKey) -> None:
    with pytest.raises(InputError, match="not meant for encrypting"):
        smime.encrypt(ENTITY, [signer.key])


def test_nothing_is_signed_by_a_key_that_only_encrypts(recipients: dict[str, SecretKey]) -> None:
    with pytest.raises(InputError, match="cannot sign"):
        smime.sign(ENTITY, recipients["mlkem768"], [], NOW)


# From plan to page


@pytest.mark.mission("B15")
def test_a_reply_to_a_customer_of_tomorrow_is_sealed_and_opens(root: CA, recipients: dict[str, SecretKey]) -> None:
    carol, ours = recipients["mlkem768"], root.issue(DESK, key_type="mldsa65")
    reading = root.issue(DESK, key_type="mlkem1024")
    store, trust = MemoryKeyStore(keys=[carol.key], secrets=[ours, reading]), MemoryTrust(anchors=[root.anchor])
    made = plan(SealRequest(sender=DESK, to=(CAROL,), sign=True, encrypt=True), store, trust, POLICY, NOW)
    draft = Draft(from_=(Mailbox("", DESK),), to=(Mailbox("", CAROL),), subject="Offer", text="Words.\n")

    (copy,) = seal(made, draft, store, NOW)

    assert dict(made.copies[0].key_schemes) == {
        carol.key.fingerprint: "ML-KEM-768",
        reading.key.fingerprint: "ML-KEM-1024",
    }
    for reader in (carol, reading):
        result = opened(copy.raw, reader, anchor=root)
        assert (result.report.encryption.verdict, result.report.signature.verdict) == (
            Encryption.DECRYPTED,
            Signature.GOOD,
        )
        assert result.content.text == "Words.\n"
