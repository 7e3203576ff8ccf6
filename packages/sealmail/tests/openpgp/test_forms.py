"""Cipher and hash follow what the keys of all readers say; the same form is told beforehand and written."""

from __future__ import annotations

import email
from datetime import UTC, datetime

import pysequoia
import pytest

from sealmail import openpgp
from sealmail.errors import InputError
from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.keys.usability import Purpose, problems
from sealmail.openpgp import MessageCipher
from sealmail.report import Encryption, Integrity

ENTITY = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nSee you soon.\r\n"


@pytest.fixture(scope="module")
def modern(secret_of) -> SecretKey:
    """A version 6 key made by Sequoia."""
    profile = pysequoia.Profile.RFC9580
    return secret_of(bytes(pysequoia.Tsk.generate(user_id="Zed <zed@example.org>", profile=profile)))


@pytest.fixture
def made(fresh_gpg, secret_of):
    """Makes a key by gpg with a list of preferences."""

    def make(preferences: str, algorithm: str = "ed25519") -> SecretKey:
        encrypting = {"ed25519": "cv25519"}.get(algorithm, algorithm)
        given = ["--default-preference-list", preferences]
        fresh_gpg(*given, "--quick-generate-key", "Pat <pat@example.org>", algorithm, "cert,sign", "never")
        fresh_gpg("--quick-add-key", fresh_gpg.fingerprint("pat@example.org"), encrypting, "encrypt", "never")
        return secret_of(fresh_gpg.secret("pat@example.org"))

    return make


def message_in(entity: bytes) -> bytes:
    return email.message_from_bytes(entity).get_payload(1).get_payload().encode()


def written(recipients: list[Key], signer: SecretKey | None, reader: SecretKey, policy, now):
    entity = openpgp.encrypt(ENTITY, recipients, signer, datetime.now(UTC))
    store = MemoryKeyStore(keys=[signer.key] if signer else [], secrets=[reader])
    return message_in(entity), openpgp.decrypt(message_in(entity), store, policy, now)


@pytest.mark.parametrize(
    ("preferences", "cipher"),
    [
        ("AES256 AES192 AES SHA512", MessageCipher.AES256_MDC),
        ("AES SHA512", MessageCipher.AES128_MDC),
        ("3DES AES192 SHA512", MessageCipher.AES128_MDC),
        ("SHA512", MessageCipher.AES256_MDC),
    ],
)
def test_the_cipher_follows_the_lists_of_the_keys(
    made, fresh_gpg, cast, policy, now, preferences: str, cipher: MessageCipher
) -> None:
    pat = made(preferences)

    form = openpgp.message_form([cast.bob.key, pat.key], now)
    message, result = written([cast.bob.key, pat.key], None, pat, policy, now)

    assert form.cipher is cipher
    assert form.without_aead == (cast.bob.key.fingerprint, pat.key.fingerprint)
    assert form.without_aes256 == ((pat.key.fingerprint,) if cipher is MessageCipher.AES128_MDC else ())
    assert (result.facts.verdict, result.facts.algorithm) == (Encryption.DECRYPTED, cipher.value)
    assert fresh_gpg("--decrypt", stdin=message) == ENTITY


def test_a_key_for_old_ciphers_only_is_refused_with_a_sentence(made, now) -> None:
    pat = made("3DES CAST5 SHA256").key

    assert [(one.code, one.sentence) for one in problems(pat, Purpose.ENCRYPT, now)] == [
        (
            "old_ciphers_only",
            "By what it says, its owner reads only old ciphers, which Sealdesk does not write.",
        )
    ]
    with pytest.raises(InputError, match="reads only old ciphers"):
        openpgp.encrypt(ENTITY, [pat], None, now)


def test_aead_needs_every_reader(modern, cast, policy, now) -> None:
    alone, mixed = openpgp.message_form([modern.key], now), openpgp.message_form([modern.key, cast.bob.key], now)

    assert (alone.cipher, alone.without_aead) == (MessageCipher.AES256_OCB, ())
    assert (mixed.cipher, mixed.without_aead) == (MessageCipher.AES256_MDC, (cast.bob.key.fingerprint,))
    assert mixed.key_schemes == {modern.key.fingerprint: "X25519", cast.bob.key.fingerprint: "ECDH Curve25519"}
    for reader in (modern, cast.bob):
        _, result = written([modern.key, cast.bob.key], cast.bob, reader, policy, now)
        assert (result.facts.verdict, result.payload) == (Encryption.DECRYPTED, ENTITY)


@pytest.mark.parametrize(
    ("preferences", "hash_name"),
    [("AES256 SHA512 SHA256", "sha256"), ("AES256 SHA512 SHA384", "sha512"), ("AES256 SHA1", "sha256")],
)
def test_the_hash_follows_the_readers_and_never_falls_below_sha256(
    made, cast, policy, now, preferences: str, hash_name: str
) -> None:
    pat = made(preferences)

    form = openpgp.signature_form(cast.bob, [pat.key], now)
    _, result = written([pat.key], cast.bob, pat, policy, now)

    assert form.micalg == f"pgp-{hash_name}"
    assert [(one.integrity, one.hash_algorithm) for one in result.signers] == [(Integrity.INTACT, hash_name)]


@pytest.mark.parametrize(
    ("algorithm", "name", "micalg"),
    [
        ("rsa2048", "RSA", "pgp-sha256"),
        ("ed25519", "Ed25519", "pgp-sha256"),
        ("nistp256", "ECDSA", "pgp-sha256"),
        ("nistp384", "ECDSA", "pgp-sha512"),
        ("brainpoolP512r1", "ECDSA", "pgp-sha512"),
    ],
)
def test_micalg_names_the_hash_that_was_used(
    made, fresh_gpg, tmp_path, now, algorithm: str, name: str, micalg: str
) -> None:
    pat = made("AES256 SHA512", algorithm)

    form = openpgp.signature_form(pat, [], now)
    signed = email.message_from_bytes(openpgp.sign(ENTITY, pat, datetime.now(UTC)))

    assert (form.algorithm, form.micalg, signed.get_param("micalg")) == (name, micalg, micalg)
    (tmp_path / "signature").write_bytes(signed.get_payload(1).get_payload().encode())
    status = fresh_gpg("--status-fd", "1", "--verify", str(tmp_path / "signature"), "-", stdin=ENTITY).decode()
    (valid,) = [line.split() for line in status.splitlines() if "VALIDSIG" in line]
    assert valid[2].lower() == pat.key.fingerprint
    assert valid[9] == {"pgp-sha256": "8", "pgp-sha512": "10"}[micalg]


@pytest.mark.parametrize("algorithm", ["nistp521", "brainpoolP256r1", "secp256k1"])
def test_gpg_opens_what_is_written_for_other_curves(made, fresh_gpg, policy, now, algorithm: str) -> None:
    pat = made("AES256 SHA512", algorithm)

    message, result = written([pat.key], pat, pat, policy, now)

    assert fresh_gpg("--decrypt", stdin=message) == ENTITY
    assert (result.payload, result.signers[0].integrity) == (ENTITY, Integrity.INTACT)
