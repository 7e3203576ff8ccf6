"""Whole PGP/MIME messages through `open_message`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from pysequoia import Cert, Tsk
from pysequoia.packet import PacketPile

from sealmail import mime, openpgp
from sealmail.addresses import Mailbox
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Covers, Encryption, Reason, Signature, Warning
from sealmail.testing import openpgp_key

NOW = datetime.now(UTC)
DAVE, DESK = "dave@law.example", "support@desk.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Dave and the desk with their keys."""

    dave: SecretKey
    desk: SecretKey

    @property
    def store(self) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[self.dave.key], secrets=[self.desk])

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(levels={self.dave.key.fingerprint: TrustLevel.BY_HAND})


@pytest.fixture(scope="module")
def world() -> World:
    return World(dave=openpgp_key(DAVE, name="Dave"), desk=openpgp_key(DESK))


def draft(sender: str = DAVE, text: str = "The words.\n") -> Draft:
    return Draft(from_=(Mailbox("Dave", sender),), to=(Mailbox("", DESK),), subject="Case", text=text)


def message(entity: bytes, sender: str = DAVE) -> bytes:
    return build_headers(draft(sender)) + entity


def signed(secret: SecretKey, sender: str = DAVE) -> bytes:
    return message(openpgp.sign(build_entity(draft(sender)), secret, NOW), sender)


def opened(
    raw: bytes, world: World, trust: MemoryTrust | None = None, store: MemoryKeyStore | None = None, at: datetime = NOW
) -> Opened:
    return open_message(raw, store or world.store, trust or world.trust, Policy(), at)


def signature(result: Opened) -> tuple[Signature, Reason | None]:
    return result.report.signature.verdict, result.report.signature.reason


@pytest.mark.mission("P3", "A3")
def test_signed_and_encrypted_in_one_is_decrypted_and_good(world: World) -> None:
    result = opened(message(openpgp.encrypt(build_entity(draft()), [world.desk.key], world.dave, NOW)), world)

    assert result.report.encryption.verdict is Encryption.DECRYPTED
    assert result.report.encryption.covers is Covers.WHOLE
    assert signature(result) == (Signature.GOOD, None)
    assert result.content.text == "The words.\n"
    assert result.content.attachments == ()


def test_a_signed_mail_is_good(world: World) -> None:
    result = opened(signed(world.dave), world)

    assert signature(result) == (Signature.GOOD, None)
    assert result.content.attachments == ()


def test_signed_inside_encrypted_is_good(world: World) -> None:
    inner = openpgp.sign(build_entity(draft()), world.dave, NOW)

    result = opened(message(openpgp.encrypt(inner, [world.desk.key], None, NOW)), world)

    assert signature(result) == (Signature.GOOD, None)
    assert result.content.text == "The words.\n"


def test_encrypted_only_is_not_signed(world: World) -> None:
    result = opened(message(openpgp.encrypt(build_entity(draft()), [world.desk.key], None, NOW)), world)

    assert result.report.encryption.verdict is Encryption.DECRYPTED
    assert signature(result) == (Signature.NONE, None)


def test_a_signature_around_the_encryption_speaks_only_for_the_envelope(world: World) -> None:
    sealed = openpgp.encrypt(build_entity(draft()), [world.desk.key], None, NOW)

    result = opened(message(openpgp.sign(sealed, world.dave, NOW)), world)

    assert signature(result) == (Signature.UNVERIFIED, Reason.OUTSIDE_ENCRYPTION)


def test_changed_content_is_bad(world: World) -> None:
    result = opened(signed(world.dave).replace(b"The words.", b"The wards."), world)

    assert signature(result) == (Signature.BAD, Reason.CONTENT_CHANGED)
    assert result.content.text == "The wards.\n"


def test_a_signature_part_that_is_none_is_malformed(world: World) -> None:
    raw = signed(world.dave)
    part = mime.parse(raw).children[1]

    result = opened(raw.replace(part.body, b"no signature at all\r\n"), world)

    assert signature(result) == (Signature.BAD, Reason.MALFORMED)


def test_an_unknown_key_is_unverified(world: World) -> None:
    stranger = openpgp_key(DAVE)

    assert signature(opened(signed(stranger), world)) == (Signature.UNVERIFIED, Reason.UNKNOWN_SIGNER)


def test_a_key_that_nobody_confirmed_is_untrusted(world: World) -> None:
    assert signature(opened(signed(world.dave), world, MemoryTrust())) == (
        Signature.UNVERIFIED,
        Reason.UNTRUSTED_KEY,
    )


def test_mallorys_key_with_daves_address_earns_no_trust(world: World) -> None:
    mallory = openpgp_key(DAVE, name="Dave")
    store = MemoryKeyStore(keys=[world.dave.key, mallory.key], secrets=[world.desk])

    assert signature(opened(signed(mallory), world, store=store)) == (Signature.UNVERIFIED, Reason.UNTRUSTED_KEY)


def test_a_true_signature_by_somebody_else_is_a_mismatch(world: World) -> None:
    result = opened(signed(world.dave, sender="frank@clinic.example"), world)

    assert signature(result) == (Signature.BAD, Reason.SENDER_MISMATCH)


def test_a_key_without_address_is_unverified(world: World) -> None:
    nameless = openpgp_key(None, name="Dave of the law firm")
    store = MemoryKeyStore(keys=[nameless.key])

    assert signature(opened(signed(nameless), world, store=store)) == (Signature.UNVERIFIED, Reason.NO_ADDRESS)


def test_a_rejected_key_is_bad(world: World) -> None:
    trust = MemoryTrust(levels={world.dave.key.fingerprint: TrustLevel.REJECTED})

    assert signature(opened(signed(world.dave), world, trust)) == (Signature.BAD, Reason.REJECTED_KEY)


def test_an_expired_key_is_unverified(world: World) -> None:
    old = openpgp_key(DAVE, created=NOW - timedelta(days=30), expires=NOW + timedelta(days=1))
    store = MemoryKeyStore(keys=[old.key])
    trust = MemoryTrust(levels={old.key.fingerprint: TrustLevel.BY_HAND})

    later = opened(signed(old), world, trust, store, at=NOW + timedelta(days=2))

    assert signature(opened(signed(old), world, trust, store)) == (Signature.GOOD, None)
    assert signature(later) == (Signature.UNVERIFIED, Reason.EXPIRED)


def test_a_key_of_tomorrow_is_unverified(world: World) -> None:
    raw = signed(world.dave)
    before = datetime.now(UTC) - timedelta(days=1000)

    assert signature(opened(raw, world, at=before)) == (Signature.UNVERIFIED, Reason.NOT_YET_VALID)


@pytest.mark.mission("P3")
def test_a_revoked_key_is_bad(world: World) -> None:
    revoked = _revoked(world.dave)
    store = MemoryKeyStore(keys=[revoked], secrets=[world.desk])

    assert signature(opened(signed(world.dave), world, store=store)) == (Signature.BAD, Reason.REVOKED)


def _revoked(secret: SecretKey) -> Key:
    """The public key after its owner revoked it (no reason given: for all time)."""
    revocation = Cert.from_bytes(secret.key.material).revoke(Tsk.from_bytes(secret.material).certifier())
    # A key revocation stands right after the primary key packet (RFC 9580 §10.1).
    first, *rest = list(PacketPile.from_bytes(secret.key.material))
    return key_from_openpgp(bytes(Cert.from_packets([first, *PacketPile.from_bytes(bytes(revocation)), *rest])))


def test_mail_for_other_keys_is_no_key_and_keeps_its_body(world: World) -> None:
    stranger = openpgp_key("stranger@else.example")

    result = opened(message(openpgp.encrypt(build_entity(draft()), [stranger.key], None, NOW)), world)

    assert result.report.encryption.verdict is Encryption.NO_KEY
    assert result.content.text == ""
    assert [file.content_type for file in result.content.attachments] == ["application/octet-stream"]


def test_a_protected_key_without_passphrase_is_locked(world: World) -> None:
    locked = openpgp_key(DESK, passphrase="tell nobody")
    raw = message(openpgp.encrypt(build_entity(draft()), [locked.key], None, NOW))

    closed = opened(raw, world, store=MemoryKeyStore(secrets=[replace(locked, passphrases=())]))
    wrong = opened(raw, world, store=MemoryKeyStore(secrets=[replace(locked, passphrases=("guess",))]))
    right = opened(raw, world, store=MemoryKeyStore(secrets=[replace(locked, passphrases=("guess", "tell nobody"))]))

    assert closed.report.encryption.verdict is Encryption.LOCKED
    assert wrong.report.encryption.verdict is Encryption.LOCKED
    assert right.content.text == "The words.\n"


def test_damaged_ciphertext_gives_no_words(world: World) -> None:
    entity = openpgp.encrypt(build_entity(draft(text="x" * 4000)), [world.desk.key], None, NOW)
    lines = entity.split(b"\r\n")
    del lines[len(lines) // 2]

    result = opened(message(b"\r\n".join(lines)), world)

    assert result.report.encryption.verdict is Encryption.DAMAGED
    assert result.content.text == ""


def test_a_mailing_list_footer_around_encrypted_mail_leaves_it_apart(world: World) -> None:
    sealed = openpgp.encrypt(build_entity(draft()), [world.desk.key], world.dave, NOW)
    footer = b"Content-Type: text/plain\r\n\r\nUnsubscribe here.\r\n"

    result = opened(message(mime.multipart("mixed", [sealed, footer])), world)

    assert "The words" not in result.content.text
    assert [part.content.text for part in result.parts] == ["The words.\n"]
    assert (result.report.encryption.verdict, result.report.encryption.covers) == (
        Encryption.DECRYPTED,
        Covers.PART,
    )
    assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.NONE, Covers.PART)
    assert Warning.ENCRYPTED_PART in result.report.warnings


def test_a_hidden_subject_comes_back(world: World) -> None:
    headers, payload = mime.protect_headers(
        mime.parse(build_headers(draft()) + b"\r\n").headers,
        build_entity(draft()),
        encrypted=True,
        hide_subject=True,
    )
    raw = mime.fields_to_bytes(headers) + openpgp.encrypt(payload, [world.desk.key], world.dave, NOW)

    result = opened(raw, world)

    assert b"Case" not in raw
    assert (result.headers.subject, result.headers.outer_subject) == ("Case", "[...]")
    assert result.headers.from_is_protected
    assert signature(result) == (Signature.GOOD, None)


def test_a_protected_author_who_signed_counts_whatever_stands_outside(world: World) -> None:
    headers, payload = mime.protect_headers(
        mime.parse(build_headers(draft()) + b"\r\n").headers, build_entity(draft()), encrypted=True, hide_subject=False
    )
    outside = mime.fields_to_bytes(headers).replace(DAVE.encode(), b"list@lists.example")

    result = opened(outside + openpgp.encrypt(payload, [world.desk.key], world.dave, NOW), world)

    assert result.headers.from_ is not None
    assert (result.headers.from_.address, result.headers.from_is_protected) == (DAVE, True)
    assert Warning.FROM_DIFFERS not in result.report.warnings
    assert signature(result) == (Signature.GOOD, None)


def test_a_protected_author_who_did_not_sign_does_not_count(world: World) -> None:
    inner = mime.parse(build_headers(draft("frank@clinic.example")) + b"\r\n").headers
    _, payload = mime.protect_headers(inner, build_entity(draft()), encrypted=True, hide_subject=False)
    raw = message(openpgp.encrypt(payload, [world.desk.key], world.dave, NOW))

    result = opened(raw, world)

    assert result.headers.from_ is not None
    assert result.headers.from_.address == DAVE
    assert Warning.FROM_DIFFERS in result.report.warnings


def test_control_headers_inside_are_never_obeyed(world: World) -> None:
    inner = replace(draft(), extra=(("Auto-Submitted", "auto-replied"),))
    _, payload = mime.protect_headers(
        mime.parse(build_headers(inner) + b"\r\n").headers, build_entity(inner), encrypted=True, hide_subject=False
    )

    result = opened(message(openpgp.encrypt(payload, [world.desk.key], world.dave, NOW)), world)

    assert not result.headers.auto_submitted
