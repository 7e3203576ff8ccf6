"""Content keys by ML-KEM: our own way there and back, the example of the standard's authors, and what an attacker may
try.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from sealmail import ber, smime
from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.keys.usability import Purpose, problems
from sealmail.policy import Policy
from sealmail.report import Encryption
from sealmail.smime import algorithms, cms, der, kem
from sealmail.smime.ciphers import named_cipher, plain_text
from sealmail.testing import CA, forging
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC).replace(microsecond=0)
POLICY = Policy()
CAROL = "carol@customer.example"
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe offer is 100 euros.\r\n"
CONTENT_KEY = bytes(range(32))
KEM_KINDS = {"mlkem768": "ML-KEM-768", "mlkem1024": "ML-KEM-1024"}


@pytest.fixture(scope="module")
def root() -> CA:
    return CA.create("Root of tomorrow", key="mldsa65")


@pytest.fixture(scope="module")
def recipients(root: CA) -> dict[str, SecretKey]:
    return {kind: root.issue(CAROL, key_type=kind) for kind in KEM_KINDS}


@pytest.fixture(scope="session")
def lamps(vectors: Path) -> Path:
    """Examples of RFC 9881, 9882 and 9936, by their authors."""
    return vectors / "lamps"


def pem(file: Path) -> bytes:
    return base64.b64decode(b"".join(line for line in file.read_bytes().splitlines() if b"--" not in line))


@pytest.mark.mission("B15")
@pytest.mark.parametrize("gcm", [False, True], ids=["CBC", "GCM"])
@pytest.mark.parametrize("kind", KEM_KINDS)
def test_own_encryption_opens(recipients: dict[str, SecretKey], cms_of, kind: str, gcm: bool) -> None:
    message = cms_of(smime.encrypt(ENTITY, [secret.key for secret in recipients.values()], gcm=gcm))

    result = smime.decrypt(message, MemoryKeyStore(secrets=[recipients[kind]]), POLICY)

    assert (result.payload, result.facts.verdict) == (ENTITY, Encryption.DECRYPTED)
    assert result.facts.key_scheme == KEM_KINDS[kind] == smime.key_scheme(recipients[kind].key)


def test_own_encryption_is_of_the_form_of_its_standard(recipients: dict[str, SecretKey], cms_of) -> None:
    message = cms_of(smime.encrypt(ENTITY, [recipients["mlkem768"].key]))

    _, content = cms.content_of(message, cms.ENVELOPED_DATA)
    (one,) = cms.enveloped_data(content, authenticated=False).recipients
    assert isinstance(one, cms.KeyEncapsulation)
    assert content.fields().take().integer() == 3  # RFC 5652 §6.1
    assert one.algorithm.raw.hex() == "300b0609608648016503040402"
    assert one.derivation.raw.hex() == "300d060b2a864886f70d010910031c"
    assert one.wrap.raw.hex() == "300b060960864801650304012d"
    assert (len(one.ciphertext), one.kek_bytes, one.user_material) == (1088, 32, None)


def test_one_message_reaches_old_and_new_keys(root: CA, recipients: dict[str, SecretKey], owners, cms_of) -> None:
    everybody = [owners[kind].secret for kind in ("rsa2048", "ec", "x25519")] + list(recipients.values())
    message = cms_of(smime.encrypt(ENTITY, [secret.key for secret in everybody]))

    results = [smime.decrypt(message, MemoryKeyStore(secrets=[secret]), POLICY) for secret in everybody]

    assert [result.facts.key_scheme for result in results] == [
        "RSA",
        "ECDH P-256",
        "X25519",
        "ML-KEM-768",
        "ML-KEM-1024",
    ]
    assert [result.payload for result in results] == [ENTITY] * 5


def encapsulated(
    secret: SecretKey,
    *,
    material: bytes | None = None,
    digest: algorithms.Hash = algorithms.SHA256,
    derivation: bytes = algorithms.KEM_KDF,
    wrap: bytes = algorithms.AES256_WRAP,
    kek_bytes: int | None = None,
    scheme: str = "2.16.840.1.101.3.4.4.2",
    change: Callable[[bytes], bytes] = lambda ciphertext: ciphertext,
    spoil: Callable[[bytes], bytes] = lambda wrapped: wrapped,
    kind: bytes = cms.KEM_RECIPIENT,
    parameters: bytes = b"",
) -> bytes:
    """A message of another program, right or wrong, in the words of RFC 9629 §3."""
    public = loaded(secret).public_key()
    assert isinstance(public, mlkem.MLKEM768PublicKey)
    shared, ciphertext = public.encapsulate()
    size = algorithms.AES_WRAPS.get(wrap, 32)
    identifier = der.algorithm(wrap)
    kek = kem.derive(shared, digest, wrap=identifier, key_bytes=size, user_material=material)
    (key_id,) = (one for one in secret.key.ids if one.startswith("ski:"))
    info = der.sequence(
        der.integer(0),
        der.implicit(0, der.octet_string(bytes.fromhex(key_id.removeprefix("ski:")))),
        der.algorithm(ber.encode_oid(scheme)),
        der.octet_string(change(ciphertext)),
        der.algorithm(derivation, parameters),
        der.integer(kek_bytes or size),
        *([] if material is None else [der.explicit(0, der.octet_string(material))]),
        identifier,
        der.octet_string(spoil(aes_key_wrap(kek, CONTENT_KEY))),
    )
    return forging.chained([der.implicit(4, der.sequence(der.oid(kind), info))], CONTENT_KEY, ENTITY)


def outcome(message: bytes, secret: SecretKey) -> tuple[Encryption, str | None, bytes | None]:
    result = smime.decrypt(message, MemoryKeyStore(secrets=[secret]), POLICY)
    return result.facts.verdict, result.facts.why, result.payload


OPEN = (Encryption.DECRYPTED, None, ENTITY)
DAMAGED = (Encryption.DAMAGED, None, None)
UNSUPPORTED = (Encryption.UNSUPPORTED, "unknown_key_scheme", None)


@pytest.mark.parametrize("wrap", sorted(algorithms.AES_WRAPS))
@pytest.mark.parametrize("material", [None, b"", b"bound to this"], ids=["none", "empty", "some"])
def test_each_size_of_key_wrap_opens_with_and_without_user_material(
    recipients: dict[str, SecretKey], wrap: bytes, material: bytes | None
) -> None:
    message = encapsulated(recipients["mlkem768"], wrap=wrap, material=material)

    assert outcome(message, recipients["mlkem768"]) == OPEN


def test_user_material_is_bound_as_rfc_9629_says() -> None:
    wrap = bytes.fromhex("300b060960864801650304012d")

    bound = kem.other_info(wrap=wrap, key_bytes=32, user_material=b"bound to this")

    assert bound.hex() == f"3021{wrap.hex()}020120a00f040d{b'bound to this'.hex()}"


@pytest.mark.parametrize("derivation", sorted(algorithms.HKDFS))
def test_each_hash_of_the_derivation_opens(recipients: dict[str, SecretKey], derivation: bytes) -> None:
    message = encapsulated(recipients["mlkem768"], derivation=derivation, digest=algorithms.HKDFS[derivation])

    assert outcome(message, recipients["mlkem768"]) == OPEN


@pytest.mark.mission("B14")
def test_no_outcome_tells_what_was_wrong_with_the_ciphertext(recipients: dict[str, SecretKey]) -> None:
    ours = recipients["mlkem768"]
    changes: list[Callable[[bytes], bytes]] = [
        lambda ciphertext: bytes([ciphertext[0] ^ 1]) + ciphertext[1:],
        lambda ciphertext: bytes(len(ciphertext)),
        lambda ciphertext: ciphertext[:-1],
        lambda ciphertext: ciphertext[:0],
    ]
    spoils: list[Callable[[bytes], bytes]] = [
        lambda wrapped: bytes([wrapped[0] ^ 1]) + wrapped[1:],
        lambda wrapped: wrapped[:-1],
        lambda wrapped: wrapped[:0],
    ]

    messages = [encapsulated(ours, change=one) for one in changes] + [encapsulated(ours, spoil=one) for one in spoils]

    assert [outcome(message, ours) for message in messages] == [DAMAGED] * 7


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"kek_bytes": 16}, DAMAGED),
        ({"kek_bytes": 2**31}, DAMAGED),
        ({"digest": algorithms.SHA512}, DAMAGED),
        ({"scheme": "2.16.840.1.101.3.4.4.1"}, UNSUPPORTED),
        ({"scheme": "2.16.840.1.101.3.4.4.3"}, UNSUPPORTED),
        ({"scheme": "1.2.3.4"}, UNSUPPORTED),
        ({"derivation": b"\x2a\x03\x04"}, UNSUPPORTED),
        ({"parameters": der.null()}, UNSUPPORTED),
        ({"wrap": algorithms.TRIPLE_DES_WRAP}, UNSUPPORTED),
        ({"kind": b"\x2a\x03\x04"}, (Encryption.NO_KEY, None, None)),
    ],
    ids=["short", "long", "hash", "ml-kem-512", "ml-kem-1024", "kem", "kdf", "parameters", "wrap", "other"],
)
def test_what_does_not_belong_together_is_not_opened(
    recipients: dict[str, SecretKey], settings: dict[str, object], expected: object
) -> None:
    message = encapsulated(recipients["mlkem768"], **settings)  # type: ignore[arg-type]

    assert outcome(message, recipients["mlkem768"]) == expected


@pytest.mark.mission("B14")
def test_no_cut_and_no_changed_byte_opens_to_other_words(recipients: dict[str, SecretKey], cms_of) -> None:
    ours = recipients["mlkem768"]
    message = cms_of(smime.encrypt(ENTITY, [ours.key], gcm=True))
    cut = [message[:size] for size in range(0, len(message), 5)]
    changed = [message[:at] + bytes([message[at] ^ 0x55]) + message[at + 1 :] for at in range(0, len(message), 3)]

    found = [outcome(one, ours) for one in cut], [outcome(one, ours) for one in changed]

    assert {payload for _, _, payload in found[0]} == {None}
    assert {payload for _, _, payload in found[1]} <= {None, ENTITY}
    assert (Encryption.DAMAGED, None, None) in found[1]


def test_a_certificate_of_another_kind_under_the_same_name_opens_nothing(
    recipients: dict[str, SecretKey], owners
) -> None:
    ours = recipients["mlkem768"]
    wrong = replace(owners["ec"].secret, key=ours.key)

    assert outcome(encapsulated(ours), wrong) == UNSUPPORTED


# The example of RFC 9936, appendix C: with ML-KEM-512, whose decapsulation is not in the library


@pytest.fixture(scope="session")
def example(lamps: Path) -> Path:
    return lamps / "cms-kyber" / "example"


def values(example: Path, name: str) -> bytes:
    return bytes.fromhex((example / f"{name}.txt").read_text())


@pytest.mark.vectors
@pytest.mark.mission("B15")
def test_encrypted_example_opens_from_the_shared_secret_on(example: Path) -> None:
    _, content = cms.content_of(pem(example / "ML-KEM-512.cms"), cms.AUTH_ENVELOPED_DATA)
    envelope = cms.enveloped_data(content, authenticated=True)
    (one,) = envelope.recipients
    assert isinstance(one, cms.KeyEncapsulation)
    named = named_cipher(envelope.cipher)
    assert named.cipher is not None

    bound = {"wrap": one.wrap.raw, "key_bytes": one.kek_bytes, "user_material": one.user_material}
    kek = kem.derive(values(example, "shared_secret"), algorithms.HKDFS[one.derivation.oid], **bound)  # type: ignore[arg-type]
    key = aes_key_unwrap(kek, one.encrypted_key)

    assert algorithms.ML_KEM[one.algorithm.oid] == "ML-KEM-512"
    assert one.key_id == f"ski:{(example / 'ML-KEM-512.keyid').read_text().strip().lower()}"
    assert one.ciphertext == values(example, "ciphertext")
    assert kem.other_info(**bound) == values(example, "ori_info")  # type: ignore[arg-type]
    assert (kek, key) == (values(example, "kek"), values(example, "cek"))
    assert plain_text(envelope, named, named.cipher, key) == (example / "plaintext.txt").read_bytes()


@pytest.mark.vectors
def test_encrypted_example_names_its_recipient_and_has_no_key(
    example: Path, certificate_in: Callable[[Path], Key]
) -> None:
    certificate = certificate_in(example / "ML-KEM-512.pem")

    result = smime.decrypt(pem(example / "ML-KEM-512.cms"), MemoryKeyStore(keys=[certificate]), POLICY)

    assert (result.facts.verdict, set(result.facts.recipients) <= certificate.ids) == (Encryption.NO_KEY, True)
    assert [problem.code for problem in problems(certificate, Purpose.ENCRYPT, certificate.valid_from)] == [
        "unsupported_algorithm"
    ]


def test_private_key_material_is_a_seed(recipients: dict[str, SecretKey]) -> None:
    private = serialization.load_der_private_key(recipients["mlkem768"].material, None)

    assert isinstance(private, mlkem.MLKEM768PrivateKey)
    assert len(recipients["mlkem768"].material) == 86
