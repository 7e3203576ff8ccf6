"""Opening what others encrypted: schemes, keys, and the outcomes that are not plain text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding

from sealmail import ber, smime
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import issuer_and_serial_id, subject_key_id
from sealmail.policy import Budget, Policy
from sealmail.report import Encryption
from sealmail.smime import cms, der
from sealmail.smime.algorithms import RSA_ENCRYPTION
from sealmail.smime.unwrapping import unwrap
from sealmail.testing import CA
from sealmail.testing.pki import loaded

POLICY = Policy()


def protected(secret: SecretKey, *known: str) -> SecretKey:
    """The same key under the passphrase "open sesame", with the passphrases that somebody knows."""
    material = loaded(secret).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    )
    return SecretKey(key=secret.key, material=material, passphrases=known)


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm"])
@pytest.mark.parametrize("names", ["issuer", "keyid"])
def test_decrypt_what_openssl_wrote(owners, entity: bytes, openssl, kind: str, cipher: str, names: str) -> None:
    options = ["-keyid"] if names == "keyid" else []
    mail = openssl(
        "cms", "-encrypt", "-binary", f"-{cipher}", *options, "-outform", "DER", owners[kind].file, given=entity
    )

    result = smime.decrypt(mail, MemoryKeyStore(secrets=[owners[kind].secret, owners["other"].secret]), POLICY)

    assert (result.payload, result.facts.verdict, result.facts.weak) == (entity, Encryption.DECRYPTED, False)
    assert result.facts.algorithm == cipher.upper()
    assert result.facts.malleable is cipher.endswith("cbc")


@pytest.mark.mission("B16")
@pytest.mark.parametrize(
    "options",
    [
        ["rsa_padding_mode:oaep"],
        ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256"],
        ["rsa_padding_mode:oaep", "rsa_oaep_md:sha512", "rsa_mgf1_md:sha1"],
        ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_oaep_label:00ff10"],
    ],
)
def test_decrypt_oaep_that_openssl_wrote(owners, entity: bytes, openssl, options: list[str]) -> None:
    chosen = [part for option in options for part in ("-keyopt", option)]
    mail = openssl(
        "cms",
        "-encrypt",
        "-aes256",
        "-outform",
        "DER",
        "-binary",
        "-recip",
        owners["rsa2048"].file,
        *chosen,
        given=entity,
    )

    assert smime.decrypt(mail, MemoryKeyStore(secrets=[owners["rsa2048"].secret]), POLICY).payload == entity


@pytest.mark.mission("B16")
@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_decrypt_agreement_with_each_derivation(owners, entity: bytes, openssl, digest: str) -> None:
    mail = openssl(
        "cms",
        "-encrypt",
        "-aes128",
        "-outform",
        "DER",
        "-binary",
        "-recip",
        owners["ec"].file,
        "-keyopt",
        f"ecdh_kdf_md:{digest}",
        given=entity,
    )

    assert smime.decrypt(mail, MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY).payload == entity


def test_decrypt_streamed_mail_in_pieces(owners, openssl) -> None:
    content = b"Content-Type: text/plain\r\n\r\n" + b"0123456789abcdef" * 65536
    mail = openssl(
        "cms", "-encrypt", "-binary", "-stream", "-aes256", "-outform", "DER", owners["ec"].file, given=content
    )

    assert mail[1] == 0x80  # an indefinite length
    assert smime.decrypt(mail, MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY).payload == content


@pytest.mark.parametrize("stream", [["-stream"], []], ids=["indefinite", "definite"])
def test_decrypt_25_megabytes_is_no_matter(owners, openssl, stream: list[str]) -> None:
    content = b"A line of forty octets in a long text.\r\n" * (25 * 1024 * 1024 // 40)
    mail = openssl(
        "cms", "-encrypt", "-binary", *stream, "-aes256", "-outform", "DER", owners["ec"].file, given=content
    )

    result = smime.decrypt(mail, MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY)

    assert result.payload == content


def test_decrypt_triple_des_is_read_with_a_mark(owners, entity: bytes, openssl) -> None:
    mail = openssl("cms", "-encrypt", "-binary", "-des3", "-outform", "DER", owners["rsa2048"].file, given=entity)

    result = smime.decrypt(mail, MemoryKeyStore(secrets=[owners["rsa2048"].secret]), POLICY)

    assert (result.payload, result.facts.weak, result.facts.algorithm) == (entity, True, "3DES-CBC")


def test_decrypt_without_key_names_all_recipients(owners, entity: bytes, cms_of) -> None:
    keys = [owners["rsa2048"].key, owners["ec"].key]

    result = smime.decrypt(cms_of(smime.encrypt(entity, keys)), MemoryKeyStore(), POLICY)

    outlines = [outline_of(key.material) for key in keys]
    assert (result.payload, result.facts.verdict) == (None, Encryption.NO_KEY)
    # The set is sorted in DER, so its order is not ours.
    assert set(result.facts.recipients) == {issuer_and_serial_id(one.issuer, one.serial) for one in outlines}


def test_decrypt_for_another_reader_does_not_try_our_keys(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["ec"].key]))

    facts = smime.decrypt(mail, MemoryKeyStore(secrets=[owners["other"].secret]), POLICY).facts

    assert facts.verdict is Encryption.NO_KEY


@pytest.mark.parametrize(("known", "why"), [((), "passphrase_missing"), (("a", "b"), "passphrase_wrong")])
def test_decrypt_with_closed_key_is_locked(owners, entity: bytes, cms_of, known: tuple[str, ...], why: str) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["rsa2048"].key]))

    result = smime.decrypt(mail, MemoryKeyStore(secrets=[protected(owners["rsa2048"].secret, *known)]), POLICY)

    assert (result.payload, result.facts.verdict, result.facts.why) == (None, Encryption.LOCKED, why)


def test_decrypt_with_passphrase_among_several_opens(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["rsa2048"].key]))

    result = smime.decrypt(
        mail, MemoryKeyStore(secrets=[protected(owners["rsa2048"].secret, "a", "open sesame")]), POLICY
    )

    assert result.payload == entity


def test_decrypt_opens_with_second_key_where_first_is_closed(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["rsa2048"].key, owners["ec"].key]))
    ours = MemoryKeyStore(secrets=[protected(owners["rsa2048"].secret), owners["ec"].secret])

    result = smime.decrypt(mail, ours, POLICY)

    assert (result.payload, result.facts.opened_with) == (entity, owners["ec"].key.fingerprint)


def test_decrypt_forgets_a_key_whose_passphrase_was_taken_away(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["ec"].key]))
    opened = protected(owners["ec"].secret, "open sesame")
    assert smime.decrypt(mail, MemoryKeyStore(secrets=[opened]), POLICY).payload == entity

    facts = smime.decrypt(mail, MemoryKeyStore(secrets=[replace(opened, passphrases=())]), POLICY).facts

    assert facts.verdict is Encryption.LOCKED


@pytest.mark.parametrize(("kind", "gcm"), [("rsa2048", False), ("rsa2048", True), ("ec", False), ("ec", True)])
def test_decrypt_with_wrong_key_under_the_right_name_is_damaged(
    ca: CA, owners, entity: bytes, cms_of, kind: str, gcm: bool
) -> None:
    stranger = ca.issue("stranger@customer.example", key_type=kind)
    impostor = SecretKey(key=owners[kind].key, material=stranger.material)
    mails = [cms_of(smime.encrypt(entity, [owners[kind].key], gcm=gcm)) for _ in range(8)]

    outcomes = [smime.decrypt(mail, MemoryKeyStore(secrets=[impostor]), POLICY) for mail in mails]

    # With RSA a random key goes on; under CBC its padding fits by accident once in 256 times.
    damaged = [one for one in outcomes if one.facts.verdict is Encryption.DAMAGED]
    assert len(damaged) >= (8 if gcm or kind == "ec" else 5)
    assert {(one.payload, one.facts.why) for one in damaged} == {(None, None)}
    assert all(one.payload != entity for one in outcomes)


@pytest.mark.parametrize("encrypted", [bytes(256), b"\x01" * 256, b"", b"x" * 255, b"short"])
def test_unwrap_of_anything_by_rsa_gives_a_key_of_the_right_length(owners, encrypted: bytes) -> None:
    """Nobody can tell from what follows whether the padding was right: there always is a key to go on with."""
    private = loaded(owners["rsa2048"].secret)
    identifier = cms.algorithm(ber.read(der.algorithm(RSA_ENCRYPTION, der.null())))
    transport = cms.KeyTransport(key_id=subject_key_id(b""), algorithm=identifier, encrypted_key=encrypted)

    keys = {unwrap(transport, private, key_bytes=32) for _ in range(4)}

    assert {len(key) for key in keys} == {32}


def test_unwrap_of_a_key_with_another_length_gives_a_random_one(owners) -> None:
    private = loaded(owners["rsa2048"].secret)
    encrypted = private.public_key().encrypt(b"k" * 16, padding.PKCS1v15())
    identifier = cms.algorithm(ber.read(der.algorithm(RSA_ENCRYPTION, der.null())))
    transport = cms.KeyTransport(key_id=subject_key_id(b""), algorithm=identifier, encrypted_key=encrypted)

    assert unwrap(transport, private, key_bytes=16) == b"k" * 16
    assert len(unwrap(transport, private, key_bytes=32)) == 32


def test_damage_in_key_and_damage_in_padding_look_the_same(owners, entity: bytes, cms_of) -> None:
    secret = owners["rsa2048"].secret
    facts = set()
    for _ in range(4):
        mail = cms_of(smime.encrypt(entity, [owners["rsa2048"].key]))
        for place in (-1, mail.index(b"\x04\x82\x01\x00") + 100):
            broken = bytearray(mail)
            broken[place] ^= 1
            result = smime.decrypt(bytes(broken), MemoryKeyStore(secrets=[secret]), POLICY)
            if result.facts.verdict is not Encryption.DECRYPTED:
                facts.add(replace(result.facts, recipients=()))

    assert len(facts) == 1


@pytest.mark.parametrize("place", ["content", "code", "nonce"])
def test_decrypt_gcm_that_was_changed_releases_nothing(owners, entity: bytes, cms_of, place: str) -> None:
    mail = bytearray(cms_of(smime.encrypt(entity, [owners["ec"].key], gcm=True)))
    mail[{"code": -1, "content": -25, "nonce": mail.rindex(b"\x04\x0c") + 3}[place]] ^= 1

    result = smime.decrypt(bytes(mail), MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY)

    assert (result.payload, result.facts.verdict) == (None, Encryption.DAMAGED)


def test_decrypt_gcm_with_shortened_code_releases_nothing(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["ec"].key], gcm=True))
    fields = cms.content_of(mail, cms.AUTH_ENVELOPED_DATA)[1].fields()
    kept = [fields.take().raw for _ in range(3)]
    code = fields.take().octets()

    for length in (0, 1, 4, 8, 12, 15):
        shorter = der.sequence(
            der.oid(cms.AUTH_ENVELOPED_DATA),
            der.explicit(0, der.sequence(*kept, der.octet_string(code[:length]))),
        )
        result = smime.decrypt(shorter, MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY)
        assert (result.payload, result.facts.verdict) == (None, Encryption.DAMAGED)


def test_decrypt_gcm_in_the_clothes_of_plain_enveloped_data_is_not_opened(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["ec"].key], gcm=True))
    fields = cms.content_of(mail, cms.AUTH_ENVELOPED_DATA)[1].fields()
    kept = [fields.take().raw for _ in range(3)]
    stripped = der.sequence(der.oid(cms.ENVELOPED_DATA), der.explicit(0, der.sequence(*kept)))

    result = smime.decrypt(stripped, MemoryKeyStore(secrets=[owners["ec"].secret]), POLICY)

    assert (result.payload, result.facts.verdict) == (None, Encryption.UNSUPPORTED)


def test_decrypt_names_by_subject_key_identifier(owners, entity: bytes, openssl) -> None:
    mail = openssl("cms", "-encrypt", "-keyid", "-outform", "DER", "-aes256", owners["ec"].file, given=entity)

    (name,) = smime.decrypt(mail, MemoryKeyStore(), POLICY).facts.recipients

    assert name in owners["ec"].key.ids
    assert name.startswith(subject_key_id(b""))


def test_decrypt_more_than_the_budget_is_not_tried(owners, cms_of) -> None:
    mail = cms_of(smime.encrypt(b"x" * 5000, [owners["ec"].key]))

    facts = smime.decrypt(
        mail, MemoryKeyStore(secrets=[owners["ec"].secret]), Policy(budget=Budget(payload_bytes=4096))
    ).facts

    assert (facts.verdict, facts.why) == (Encryption.UNSUPPORTED, "too_large")


@pytest.mark.parametrize("mail", [b"", b"\x30", b"hello", b"\x30\x80" * 100, bytes(1000)])
def test_decrypt_what_is_no_cms_is_damaged(mail: bytes) -> None:
    facts = smime.decrypt(mail, MemoryKeyStore(), POLICY).facts

    assert (facts.verdict, facts.why) == (Encryption.DAMAGED, "malformed")


def test_decrypt_a_signature_is_unsupported(owners, entity: bytes, now: datetime, parts_of) -> None:
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))

    assert smime.decrypt(signature, MemoryKeyStore(), POLICY).facts.verdict is Encryption.UNSUPPORTED


def test_kind_tells_structures_apart(owners, entity: bytes, now: datetime, parts_of, cms_of, openssl) -> None:
    bag = openssl("crl2pkcs7", "-nocrl", "-certfile", owners["ec"].file, "-outform", "DER")
    digest = openssl("cms", "-digest_create", "-outform", "DER", given=entity)

    assert [
        smime.kind(parts_of(smime.sign(entity, owners["ec"].secret, [], now))[1]),
        smime.kind(cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now))),
        smime.kind(cms_of(smime.encrypt(entity, [owners["ec"].key]))),
        smime.kind(cms_of(smime.encrypt(entity, [owners["ec"].key], gcm=True))),
        smime.kind(bag),
        smime.kind(digest),
        smime.kind(b"Content-Type: text/plain"),
        smime.kind(b""),
    ] == [
        smime.CMSKind.SIGNED,
        smime.CMSKind.SIGNED,
        smime.CMSKind.ENVELOPED,
        smime.CMSKind.AUTH_ENVELOPED,
        smime.CMSKind.CERTS_ONLY,
        smime.CMSKind.OTHER,
        None,
        None,
    ]


def test_kind_of_a_mail_that_ends_too_early_is_still_known(owners, entity: bytes, cms_of) -> None:
    mail = cms_of(smime.encrypt(entity, [owners["ec"].key]))

    assert smime.kind(mail[: len(mail) // 2]) is smime.CMSKind.ENVELOPED
