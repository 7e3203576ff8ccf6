"""Forgeries by somebody who knows how we read OpenPGP: other readings of signed words, and keys dressed up."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest

from sealmail import mime
from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.keys.autocrypt import write_autocrypt
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.packets import Malformed, Tag, mpi, packet, walk
from sealmail.keys.pgp.public import Unsupported, read_public
from sealmail.keys.pgp.secret import unlock
from sealmail.keys.pgp.subpackets import MAXIMUM_SUBPACKETS, read_signature
from sealmail.opening import open_message
from sealmail.openpgp import OpenPGPKind, kind, unwrapping
from sealmail.policy import Policy
from sealmail.report import Encryption, Reason, Signature

pytestmark = pytest.mark.mission("B14")
BOB = "bob@example.org"


@pytest.fixture
def trusting(now) -> Callable:
    """Opens a mail as a desk that has these keys and trusts all of them by hand."""

    def opened(raw: bytes, *keys, secrets=()):
        levels = {key.fingerprint: TrustLevel.BY_HAND for key in keys}
        return open_message(raw, MemoryKeyStore(keys=keys, secrets=secrets), MemoryTrust(levels=levels), Policy(), now)

    return opened


def public(secret):
    return check_certificate(secret.key.material).primary.public


def with_subkey(owner, adopted, write_signature, at, *, confirms: bool) -> bytes:
    """The owner's public key with somebody's primary key hung on it as a signing subkey."""
    content = public(owner).prefixed + public(adopted).prefixed
    back = write_signature(adopted, at, content, kind=0x19)
    unhashed = [(32, next(walk(back)).body)] if confirms else []
    binding = write_signature(owner, at, content, kind=0x18, hashed=[(27, b"\x02")], unhashed=unhashed)
    return owner.key.material + packet(Tag.PUBLIC_SUBKEY, public(adopted).body) + binding


def revoked(owner, write_signature, at, *more: bytes) -> bytes:
    head, *rest = walk(owner.key.material)
    revocation = write_signature(owner, at, public(owner).prefixed, kind=0x20, hashed=[(29, b"\x02")])
    tail = b"".join(packet(one.tag, one.body) for one in rest)
    return packet(head.tag, head.body) + revocation + b"".join(more) + tail


def offering(copy: bytes) -> bytes:
    return f"Autocrypt: {write_autocrypt(BOB, copy, prefers_encryption=True)}\r\n".encode()


def test_a_copy_in_the_mail_never_stands_for_a_revoked_key_of_ours(cast, signed, write_signature, trusting, now):
    stolen, mallory, early = cast.bob, cast.carol, now - timedelta(seconds=30)
    known = key_from_openpgp(revoked(stolen, write_signature, early))
    copy = with_subkey(stolen, mallory, write_signature, early, confirms=True)

    opened = trusting(offering(copy) + signed(write_signature(mallory, early), BOB), known)

    assert opened.report.signature.reason is Reason.REVOKED


def test_a_new_subkey_in_a_copy_of_a_trusted_key_is_believed(cast, signed, write_signature, trusting, now):
    early = now - timedelta(seconds=30)
    copy = with_subkey(cast.bob, cast.carol, write_signature, early, confirms=True)

    opened = trusting(offering(copy) + signed(write_signature(cast.carol, early), BOB), cast.bob.key)

    assert opened.report.signature.verdict is Signature.GOOD


def test_a_copy_in_the_mail_brings_no_address_into_trust(cast, signed, write_signature, trusting, now):
    mallory, early = cast.carol, now - timedelta(seconds=30)
    user_id = f"Bob <{BOB}>".encode()
    over = public(mallory).prefixed + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
    copy = with_subkey(mallory, cast.alice, write_signature, early, confirms=True)
    copy += packet(Tag.USER_ID, user_id) + write_signature(mallory, early, over, kind=0x13)

    opened = trusting(offering(copy) + signed(write_signature(cast.alice, early), BOB), mallory.key)

    assert opened.report.signature.reason is Reason.SENDER_MISMATCH


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["first", "last"])
def test_a_trusted_key_that_takes_in_a_foreign_one_does_not_spoil_its_mail(
    cast, signed, write_signature, trusting, now, order
):
    early = now - timedelta(seconds=30)
    greedy = key_from_openpgp(with_subkey(cast.carol, cast.bob, write_signature, early, confirms=False))

    opened = trusting(signed(write_signature(cast.bob, early), BOB), *[greedy, cast.bob.key][order])

    assert opened.report.signature.verdict is Signature.GOOD


def test_false_revocations_do_not_hide_the_true_one(cast, signed, write_signature, trusting, now):
    early = now - timedelta(seconds=30)
    false = write_signature(cast.bob, now, b"something else", kind=0x20)
    key = key_from_openpgp(revoked(cast.bob, write_signature, early, false * 100))

    opened = trusting(signed(write_signature(cast.bob, early), BOB), key)

    assert opened.report.signature.reason is Reason.REVOKED


@pytest.mark.parametrize("first", ["Warning:", "From here", "Subject:"])
def test_signed_words_do_not_become_header_fields(cast, signed, write_signature, trusting, now, first):
    early = now - timedelta(seconds=30)
    words = f"{first} nothing is true\r\n\r\nPay Mallory.\r\n"

    signature = write_signature(cast.bob, early, words.encode(), kind=1)
    opened = trusting(signed(signature, BOB, words.encode()), cast.bob.key)

    assert opened.report.signature.verdict is Signature.GOOD
    assert opened.content.text == words.replace("\r\n", "\n")


def test_signed_words_do_not_become_header_fields_when_they_are_encrypted_again(gpg, cast, sealed, trusting):
    words = "Warning: nothing is true\r\n\r\nPay Mallory.\r\n"
    gpg_made = gpg("--sign", "--local-user", BOB, "--encrypt", "--recipient", BOB, stdin=words.encode())

    opened = trusting(sealed(gpg_made, BOB), cast.bob.key, secrets=[cast.bob])

    assert opened.report.signature.verdict is Signature.GOOD
    assert opened.content.text == words.replace("\r\n", "\n")


@pytest.mark.parametrize("last", [b"", b"!", b"\xfc", b"!\xfc"])
@pytest.mark.parametrize("charset", ["utf-7", "utf-16-le", "utf-16-be", "cp037", "hz"])
def test_the_character_set_gives_signed_words_no_other_reading(gpg, cast, trusting, charset, last):
    words = b"1 +AGE- ~{VPND~} 2" + last
    block = gpg("--clear-sign", "--local-user", BOB, stdin=words)
    head = f"From: {BOB}\r\nSubject: x\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode()

    opened = trusting(head + block.replace(b"\n", b"\r\n"), cast.bob.key)

    assert (opened.report.signature.verdict, opened.content.text) == (Signature.GOOD, words.decode("windows-1252"))


def with_keys(*materials: bytes) -> bytes:
    head = b"Content-Type: application/pgp-keys\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    parts = [head + base64.encodebytes(one) for one in materials]
    return f"From: {BOB}\r\n".encode() + mime.multipart("mixed", parts, {})


@pytest.mark.parametrize("false", [packet(Tag.SIGNATURE, b"\4\x13"), packet(Tag.USER_ID, b"x" * 1024 * 1024)])
def test_a_key_grown_large_takes_no_time(cast, trusting, false):
    large = cast.bob.key.material + false * (4_000 if len(false) < 100 else 1)

    assert trusting(with_keys(large)).report.keys_seen == ()


def test_a_key_with_a_long_exponent_is_not_computed_with():
    modulus = (1 << 3071) | 1
    body = b"\4\0\0\0\0\1" + mpi(modulus) + mpi(modulus - 2)

    with pytest.raises(Unsupported):
        _ = read_public(body)[0].verifying


def test_a_million_empty_packets_are_not_looked_through():
    # Behind so many nothing is recognised any more, however fast it would be found.
    behind = packet(Tag.PKESK, b"") + packet(Tag.PROTECTED, b"")

    assert kind(packet(Tag.MARKER, b"PGP") * 10 + behind) is OpenPGPKind.ENCRYPTED
    assert kind(packet(Tag.MARKER, b"") * 1_000_000 + behind) is None


def test_a_signature_with_very_many_subpackets_names_few_keys(write_signature, cast, now):
    crowd = [(16, number.to_bytes(8, "big")) for number in range(6_000)]

    (usual,) = walk(write_signature(cast.bob, now, unhashed=crowd))
    (crowded,) = walk(write_signature(cast.bob, now, hashed=crowd))

    assert len(read_signature(usual.body).issuers) == MAXIMUM_SUBPACKETS + 1
    with pytest.raises(Malformed):
        read_signature(crowded.body)


def test_a_key_that_stays_locked_is_tried_once(gpg, cast, secret_of, sealed, trusting, monkeypatch):
    locked = secret_of(cast.carol.material, "wrong")
    message = gpg("--encrypt", "--recipient", "carol@example.org", stdin=b"words")
    recipient, *rest = [packet(one.tag, one.body) for one in walk(message)]
    tries = []

    def counted(*given, **more):
        tries.append(given)
        return unlock(*given, **more)

    monkeypatch.setattr(unwrapping.secret, "unlock", counted)

    opened = trusting(sealed(recipient * 200 + b"".join(rest), BOB), secrets=[locked])

    assert (opened.report.encryption.verdict, len(tries)) == (Encryption.LOCKED, 1)


def test_files_beside_the_other_form_of_a_sealed_text_are_not_lost(gpg, cast, trusting):
    block = gpg("--armor", "--encrypt", "--recipient", BOB, stdin=b"words").replace(b"\n", b"\r\n")
    pdf = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF"
    page = mime.multipart("mixed", [b"Content-Type: text/html\r\n\r\n<p>sealed", pdf], {})
    mail = f"From: {BOB}\r\n".encode() + mime.multipart("alternative", [b"\r\n" + block, page], {})

    opened = trusting(mail, secrets=[cast.bob])

    assert [part.content.text for part in opened.parts] == ["words"]
    assert [one.name for one in opened.content.attachments] == ["a.pdf"]
    assert (opened.content.text, opened.content.html) == ("", None)
