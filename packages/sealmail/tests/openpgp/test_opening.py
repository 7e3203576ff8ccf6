"""Messages made by gpg, opened by us."""

import bz2
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore
from sealmail.keys.model import openpgp_id
from sealmail.keys.pgp import armor
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.pgp.secret import forget_unlocked
from sealmail.openpgp.content import Content, read_content
from sealmail.policy import Budget, Policy
from sealmail.report import Encryption, Integrity

TEXT = b"Content-Type: text/plain\r\n\r\nThe contract is in the blue folder.\r\n"
WHO = ["alice@example.org", "bob@example.org", "carol@example.org"]


def encrypted(gpg, *options, to=("alice@example.org",), text=TEXT):
    recipients = [argument for address in to for argument in ("--recipient", address)]
    return gpg(*options, *recipients, "--encrypt", stdin=text)


@pytest.mark.mission("P3")
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("options", [(), ("--armor",), ("--compress-algo", "bzip2"), ("--compress-algo", "zip")])
def test_decrypt_opens_what_gpg_made(gpg, store, policy, now, who, options):
    result = openpgp.decrypt(encrypted(gpg, *options, to=[who]), store, policy, now)

    assert (result.facts.verdict, result.payload, result.signers) == (Encryption.DECRYPTED, TEXT, ())
    assert result.facts.opened_with == gpg.fingerprint(who)
    assert result.facts.algorithm == "AES-256-CFB with MDC"


@pytest.mark.mission("P3")
@pytest.mark.parametrize("who", ["alice@example.org", "bob@example.org"])
def test_decrypt_verifies_signatures_made_in_one_pass(gpg, store, policy, now, who):
    message = encrypted(gpg, "--sign", "--local-user", who)

    result = openpgp.decrypt(message, store, policy, now)

    assert result.payload == TEXT
    assert [(one.integrity, one.findings, one.key.addresses) for one in result.signers] == [
        (Integrity.INTACT, frozenset(), (who,))
    ]


def test_decrypt_tells_two_signers_apart(gpg, store, policy, now):
    message = encrypted(gpg, "--sign", "--local-user", "alice@example.org", "--local-user", "bob@example.org")

    result = openpgp.decrypt(message, store, policy, now)

    assert {(one.integrity, one.key.addresses) for one in result.signers} == {
        (Integrity.INTACT, ("alice@example.org",)),
        (Integrity.INTACT, ("bob@example.org",)),
    }


@pytest.mark.parametrize("cipher", ["AES", "3DES", "CAMELLIA256", "CAST5"])
def test_decrypt_reads_old_ciphers_and_marks_weak_ones(gpg, store, policy, now, cipher):
    message = encrypted(gpg, "--cipher-algo", cipher, "--rfc4880", "--force-mdc")

    result = openpgp.decrypt(message, store, policy, now)

    assert (result.payload, result.facts.weak) == (TEXT, cipher in {"3DES", "CAST5"})


def test_decrypt_finds_the_key_of_a_hidden_recipient(gpg, store, policy, now):
    result = openpgp.decrypt(encrypted(gpg, "--throw-keyids", to=WHO[1:]), store, policy, now)

    assert (result.payload, result.facts.recipients) == (TEXT, ("",))


def test_decrypt_without_the_key_names_the_recipients(gpg, policy, now, cast):
    empty = MemoryKeyStore(keys=cast.everybody)

    result = openpgp.decrypt(encrypted(gpg), empty, policy, now)

    assert (result.facts.verdict, result.payload) == (Encryption.NO_KEY, None)
    assert len(result.facts.recipients) == 1
    assert set(result.facts.recipients) <= cast.alice.key.ids


@pytest.mark.mission("P2")
@pytest.mark.parametrize(
    ("passphrases", "why"), [((), "passphrase_missing"), (("falsch", "auch falsch"), "passphrase_wrong")]
)
def test_decrypt_with_a_locked_key_says_so(gpg, policy, now, cast, passphrases, why):
    forget_unlocked()
    locked = MemoryKeyStore(secrets=[replace(cast.carol, passphrases=passphrases)])

    result = openpgp.decrypt(encrypted(gpg, to=WHO[2:]), locked, policy, now)

    assert (result.facts.verdict, result.facts.why, result.payload) == (Encryption.LOCKED, why, None)


def test_decrypt_refuses_data_without_integrity_protection(gpg, store, policy, now):
    message = encrypted(gpg)
    session = b"".join(packet(one.tag, one.body) for one in walk(message) if one.tag == Tag.PKESK)
    body = next(one.body for one in walk(message) if one.tag == Tag.PROTECTED)

    result = openpgp.decrypt(session + packet(Tag.ENCRYPTED, body[1:]), store, policy, now)

    assert (result.facts.verdict, result.facts.why) == (Encryption.REFUSED, "no_integrity_protection")
    assert result.payload is None


def test_decrypt_does_not_know_passwords(gpg, store, policy, now):
    message = gpg("--symmetric", stdin=TEXT, passphrase="sesam")

    result = openpgp.decrypt(message, store, policy, now)

    assert (result.facts.verdict, result.facts.why) == (Encryption.UNSUPPORTED, "password_encrypted")


def test_decrypt_of_something_else_than_a_message_is_damaged(gpg, store, policy, now):
    for junk in (b"", b"hello", b"\x85", b"\xff" * 40, gpg.public("alice@example.org")):
        result = openpgp.decrypt(junk, store, policy, now)

        assert (result.facts.verdict, result.payload) == (Encryption.DAMAGED, None)


def test_decrypt_of_a_bzip2_bomb_stops_at_the_limit(gpg, store, now):
    squeezer = bz2.BZ2Compressor()
    literal = b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(300)) + squeezer.flush()
    assert len(literal) < 1000
    bomb = packet(Tag.COMPRESSED, b"\x03" + literal)
    message = gpg("--no-literal", "--compress-algo", "none", "--recipient", "bob@example.org", "--encrypt", stdin=bomb)
    limited = Policy(budget=Budget(payload_bytes=8 << 20))

    result = openpgp.decrypt(message, store, limited, now)

    assert (result.facts.verdict, result.facts.why) == (Encryption.REFUSED, "limit_exceeded")
    assert result.payload is None


def test_compressed_packets_inside_each_other_share_one_limit():
    literal = packet(Tag.LITERAL, b"b\0" + bytes(4) + bytes(4000))
    nested = packet(Tag.COMPRESSED, b"\x03" + bz2.compress(literal))

    content = read_content(packet(Tag.COMPRESSED, b"\x03" + bz2.compress(nested)), 10_000)

    assert content == Content(literal=bytes(4000))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changing_any_byte_never_opens_to_something_else(gpg, store, policy, now, tampered_message, data):
    message = tampered_message
    position = data.draw(st.integers(0, len(message) - 1))
    changed = bytearray(message)
    changed[position] ^= data.draw(st.integers(1, 255))

    result = openpgp.decrypt(bytes(changed), store, policy, now)

    assert result.payload in {None, TEXT}
    assert (result.facts.verdict is Encryption.DECRYPTED) is (result.payload is not None)
    assert all(one.integrity is Integrity.INTACT for one in result.signers)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cutting_off_a_message_never_releases_text(store, policy, now, tampered_message, data):
    cut = tampered_message[: data.draw(st.integers(0, len(tampered_message) - 1))]

    result = openpgp.decrypt(cut, store, policy, now)

    assert (result.payload, result.facts.verdict) == (None, Encryption.DAMAGED)


@pytest.fixture(scope="module")
def tampered_message(gpg):
    """A signed and encrypted message, to be changed."""
    return encrypted(gpg, "--sign", "--local-user", "bob@example.org", to=["bob@example.org"])


def test_changed_content_is_damaged(store, policy, now, tampered_message):
    changed = tampered_message[:-30] + bytes([tampered_message[-30] ^ 1]) + tampered_message[-29:]

    result = openpgp.decrypt(changed, store, policy, now)

    assert (result.facts.verdict, result.facts.why) == (Encryption.DAMAGED, "changed")


def test_decrypt_with_an_expired_own_key_still_opens(fresh_gpg, secret_of, policy, now):
    fresh_gpg.key("Old <old@example.org>", "ed25519", "2020-06-01", when="20200101T000000")
    old = secret_of(fresh_gpg.secret("old@example.org"))
    message = fresh_gpg(
        "--faked-system-time", "20200201T000000!", "--recipient", "old@example.org", "--encrypt", stdin=TEXT
    )

    result = openpgp.decrypt(message, MemoryKeyStore(secrets=[old]), policy, now)

    assert result.payload == TEXT


def test_payload_and_keys_do_not_show_in_representations(gpg, store, policy, now, cast):
    result = openpgp.decrypt(encrypted(gpg), store, policy, now)

    assert "blue folder" not in repr(result)
    assert repr(cast.carol.passphrases[0]) not in repr(cast.carol)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--recipient", "bob@example.org", "--encrypt"), "encrypted"),
        (("--sign", "--local-user", "bob@example.org"), "signed"),
        (("--detach-sign", "--local-user", "bob@example.org"), "signature"),
        (("--clearsign", "--local-user", "bob@example.org"), "clearsigned"),
        (("--export", "bob@example.org"), "keys"),
    ],
)
@pytest.mark.parametrize("is_armored", [True, False])
def test_kind_tells_what_gpg_made(gpg, arguments, expected, is_armored):
    data = gpg(*(["--armor"] if is_armored else []), *arguments, stdin=TEXT * 2000)

    assert openpgp.kind(data) == expected
    assert openpgp.kind(b"Hello,\r\n\r\n" + data if is_armored else data[:400]) == expected


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_kind_takes_any_bytes(data):
    assert openpgp.kind(data) in {None, *openpgp.OpenPGPKind}


def test_recipients_are_those_that_gpg_lists(gpg, store, policy, now):
    message = encrypted(gpg, to=WHO)

    result = openpgp.decrypt(message, store, policy, now)

    keys = [one.body[1:9].hex() for one in walk(armor.dearmor(message)) if one.tag == Tag.PKESK]
    assert result.facts.recipients == tuple(openpgp_id(key) for key in keys)
