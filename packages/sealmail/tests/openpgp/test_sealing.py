"""Entities sealed by us, opened by gpg and by us."""

import email
import os
import re
from dataclasses import replace
from datetime import UTC, datetime

import pysequoia
import pytest

from sealmail import openpgp
from sealmail.errors import InputError, PassphraseError
from sealmail.keys import MemoryKeyStore
from sealmail.keys.model import Use
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.ciphers import AES256
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.pgp.secret import forget_unlocked
from sealmail.openpgp.containers import seal_mdc
from sealmail.openpgp.signing import signed_message, unlocked
from sealmail.openpgp.wrapping import wrapped
from sealmail.report import Encryption, Finding, Integrity

ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nSehr geehrte Frau B\xc3\xa4r,  \r\n\r\nbis bald.\r\n"
NAMES = ["alice", "bob", "carol"]


def signed_parts(entity):
    """What is signed, cut out by hand as RFC 3156 §5 says, and the signature."""
    boundary = re.search(rb'boundary="([^"]+)"', entity)[1]
    _, content, signature, end = entity.split(b"--" + boundary)
    assert end == b"--\r\n"
    return content.removeprefix(b"\r\n").removesuffix(b"\r\n"), signature.split(b"\r\n\r\n", 1)[1]


def encrypted_part(entity):
    version, message = email.message_from_bytes(entity).get_payload()
    assert (version.get_content_type(), version.get_payload()) == ("application/pgp-encrypted", "Version: 1\r\n")
    assert message.get_content_type() == "application/octet-stream"
    return message.get_payload().encode()


@pytest.mark.mission("P3")
@pytest.mark.parametrize("who", NAMES)
def test_sign_makes_what_gpg_verifies(gpg, cast, store, policy, now, who, tmp_path):
    signer = getattr(cast, who)

    entity = openpgp.sign(ENTITY, signer, datetime.now(UTC))

    content, signature = signed_parts(entity)
    assert content == ENTITY
    (tmp_path / "signature").write_bytes(signature)
    status = gpg("--status-fd", "1", "--verify", str(tmp_path / "signature"), "-", stdin=content).decode()
    assert f"VALIDSIG {signer.key.fingerprint.upper()}" in status
    (facts,) = openpgp.verify(signature, content, store, policy, now).signers
    assert (facts.integrity, facts.findings, facts.hash_algorithm) == (Integrity.INTACT, frozenset(), "sha256")
    head = email.message_from_bytes(entity)
    assert head.get_content_type() == "multipart/signed"
    assert (head.get_param("micalg"), head.get_param("protocol")) == ("pgp-sha256", "application/pgp-signature")


def test_sign_states_the_time_given(cast, store, policy, now):
    signed_at = datetime.now(UTC).replace(microsecond=0)

    content, signature = signed_parts(openpgp.sign(ENTITY, cast.bob, signed_at))

    assert openpgp.verify(signature, content, store, policy, now).signers[0].signed_at == signed_at


def test_sign_brings_line_ends_to_the_form_that_is_signed(cast, store, policy, now):
    content, signature = signed_parts(openpgp.sign(ENTITY.replace(b"\r\n", b"\n"), cast.bob, datetime.now(UTC)))

    assert content == ENTITY
    assert openpgp.verify(signature, content, store, policy, now).signers[0].integrity is Integrity.INTACT


def test_a_change_of_what_we_signed_is_noticed_by_gpg(gpg, cast, tmp_path):
    content, signature = signed_parts(openpgp.sign(ENTITY, cast.bob, datetime.now(UTC)))
    (tmp_path / "signature").write_bytes(signature)

    done = gpg.run("--verify", str(tmp_path / "signature"), "-", stdin=content.replace(b"bald", b"nie"), ok=False)

    assert done.returncode == 1
    assert b"BAD signature" in done.stderr


@pytest.mark.mission("P3")
@pytest.mark.parametrize("who", NAMES)
@pytest.mark.parametrize("is_signed", [True, False])
def test_encrypt_makes_what_gpg_and_we_open(gpg, cast, store, policy, now, passphrase, who, is_signed):
    recipient = getattr(cast, who)

    entity = openpgp.encrypt(ENTITY, [recipient.key], cast.bob if is_signed else None, datetime.now(UTC))

    message = encrypted_part(entity)
    done = gpg("--status-fd", "2", "--decrypt", stdin=message, passphrase=passphrase if who == "carol" else "")
    assert done == ENTITY
    result = openpgp.decrypt(message, store, policy, now)
    assert (result.facts.verdict, result.payload) == (Encryption.DECRYPTED, ENTITY)
    assert [(one.integrity, one.findings) for one in result.signers] == [(Integrity.INTACT, set())] * is_signed


def test_gpg_opens_messages_of_every_length_modulo_the_armor(gpg, cast):
    for length in range(6):
        entity = ENTITY + b"x" * length + b"\r\n"

        message = encrypted_part(openpgp.encrypt(entity, [cast.bob.key], None, datetime.now(UTC)))

        assert gpg("--decrypt", stdin=message) == entity


def test_encrypt_signs_so_that_gpg_verifies(gpg, cast):
    entity = openpgp.encrypt(ENTITY, [cast.alice.key], cast.bob, datetime.now(UTC))

    done = gpg.run("--status-fd", "2", "--decrypt", stdin=encrypted_part(entity))

    assert f"VALIDSIG {cast.bob.key.fingerprint.upper()}".encode() in done.stderr
    assert b"DECRYPTION_OKAY" in done.stderr


def test_encrypt_reaches_every_recipient_and_nobody_else(cast, policy, now):
    message = encrypted_part(openpgp.encrypt(ENTITY, [cast.alice.key, cast.carol.key], None, datetime.now(UTC)))

    verdicts = [
        openpgp.decrypt(message, MemoryKeyStore(secrets=[one]), policy, now).facts.verdict
        for one in (cast.alice, cast.carol, cast.bob)
    ]

    assert verdicts == [Encryption.DECRYPTED, Encryption.DECRYPTED, Encryption.NO_KEY]


def test_a_message_passed_on_to_someone_else_is_noticed(cast, policy, now):
    at = datetime.now(UTC)
    by = unlocked(openpgp.signature_form(cast.bob, [cast.alice.key], at), cast.bob)
    inner = signed_message(ENTITY, by, [cast.alice.key], at)
    key = os.urandom(32)
    targets = openpgp.message_form([cast.alice.key, cast.carol.key], at).targets
    sessions = [packet(Tag.PKESK, wrapped(key, AES256, target, with_aead=False)) for target in targets]
    message = b"".join(sessions) + packet(Tag.PROTECTED, seal_mdc(inner, key))

    found = [
        openpgp.decrypt(message, MemoryKeyStore(keys=cast.everybody, secrets=[one]), policy, now).signers[0]
        for one in (cast.alice, cast.carol)
    ]

    assert [one.intended_recipients for one in found] == [(cast.alice.key.fingerprint,)] * 2
    assert [one.findings for one in found] == [set(), {Finding.OTHER_RECIPIENT}]


def test_encrypt_names_neither_files_nor_compresses(cast):
    message = dearmor(encrypted_part(openpgp.encrypt(bytes(50_000), [cast.bob.key], None, datetime.now(UTC))))

    assert [one.tag for one in walk(message)] == [Tag.PKESK, Tag.PROTECTED]
    assert len(message) > 50_000


@pytest.mark.mission("P2")
def test_sealing_with_a_locked_key_says_so_without_secrets(cast):
    forget_unlocked()
    wrong = replace(cast.carol, passphrases=("falsch",))

    with pytest.raises(PassphraseError, match="missing or wrong") as caught:
        openpgp.sign(ENTITY, wrong, datetime.now(UTC))

    assert "falsch" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_encrypt_refuses_keys_that_cannot_be_encrypted_to(fresh_gpg, now):
    fresh_gpg("--quick-generate-key", "Sign <sign@example.org>", "ed25519", "cert,sign", "never")
    key = key_from_openpgp(fresh_gpg.public("sign@example.org"))

    with pytest.raises(InputError, match="no part that may be encrypted to"):
        openpgp.encrypt(ENTITY, [key], None, now)

    assert (openpgp.usable_for(key, Use.ENCRYPT, now), openpgp.usable_for(key, Use.SIGN, now)) == (
        "no_encryption_subkey",
        None,
    )


def test_encrypt_takes_the_newest_subkey(fresh_gpg, secret_of, now):
    primary = fresh_gpg.key("Sue <sue@example.org>", "ed25519", when="20200101T000000")
    fresh_gpg("--quick-add-key", primary, "cv25519", "encrypt", "never")
    sue = secret_of(fresh_gpg.secret("sue@example.org"))
    newest = openpgp.state_at(sue.material, now).encryption[0]

    message = dearmor(encrypted_part(openpgp.encrypt(ENTITY, [sue.key], None, now)))

    (session,) = [one for one in walk(message) if one.tag == Tag.PKESK]
    assert session.body[1:9].hex() == newest[-16:]
    assert len(openpgp.state_at(sue.material, now).encryption) == 2


@pytest.fixture(scope="module")
def modern(secret_of):
    """A version 6 key made by Sequoia."""
    profile = pysequoia.Profile.RFC9580
    return secret_of(bytes(pysequoia.Tsk.generate(user_id="Zed <zed@example.org>", profile=profile)))


def test_a_version_6_key_seals_and_opens_with_aead(modern, policy, now):
    store = MemoryKeyStore(secrets=[modern])

    message = encrypted_part(openpgp.encrypt(ENTITY * 9000, [modern.key], modern, now))
    result = openpgp.decrypt(message, store, policy, now)

    assert (result.payload, result.facts.algorithm) == (ENTITY * 9000, "AES-256-OCB")
    assert [(one.integrity, one.findings) for one in result.signers] == [(Integrity.INTACT, set())]
    theirs = pysequoia.decrypt(message, decryptor=pysequoia.Tsk.from_bytes(modern.material).decryptor())
    assert theirs.bytes == ENTITY * 9000


def test_a_version_6_signature_is_verified_by_sequoia(modern, store, policy, now):
    content, signature = signed_parts(openpgp.sign(ENTITY, modern, datetime.now(UTC)))
    certificate = pysequoia.Cert.from_bytes(modern.key.material)

    verified = pysequoia.verify(
        bytes=content, signature=pysequoia.Sig.from_bytes(signature), store=lambda _: [certificate]
    )

    assert len(verified.valid_sigs) == 1


def test_a_message_for_old_and_new_keys_is_one_that_both_open(gpg, cast, modern, policy, now):
    message = encrypted_part(openpgp.encrypt(ENTITY, [cast.alice.key, modern.key], cast.bob, datetime.now(UTC)))

    assert gpg("--decrypt", stdin=message) == ENTITY
    assert openpgp.decrypt(message, MemoryKeyStore(secrets=[modern]), policy, now).payload == ENTITY


def test_sequoia_and_we_agree_on_signatures_inside(modern, cast, policy, now):
    signer = pysequoia.Tsk.from_bytes(modern.material).signer()
    message = pysequoia.encrypt(
        bytes=ENTITY, recipients=[pysequoia.Cert.from_bytes(modern.key.material)], signer=signer
    )

    result = openpgp.decrypt(message, MemoryKeyStore(secrets=[modern]), policy, now)

    assert result.payload == ENTITY
    assert [one.integrity for one in result.signers] == [Integrity.INTACT]
    assert Finding.OTHER_RECIPIENT not in result.signers[0].findings
