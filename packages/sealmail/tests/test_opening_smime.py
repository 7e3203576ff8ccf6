"""Whole S/MIME messages through `open_message`: rows of the verdict table that need a real certificate and mail."""

from __future__ import annotations

import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.x509 import ReasonFlags

from sealmail import mime, smime
from sealmail.addresses import Mailbox
from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel, Use
from sealmail.keys.reader import read
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Covers, Encryption, Reason, Signature, Warning
from sealmail.testing import CA, export_pem

NOW = datetime.now(UTC)
CAROL, DESK = "carol@bank.example", "support@desk.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One CA, Carol and the desk with their keys."""

    ca: CA
    carol: SecretKey
    desk: SecretKey

    def store(self, *more: Key) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[self.carol.key, self.ca.certificate, *more], secrets=[self.desk])

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(anchors=[self.ca.anchor])


@pytest.fixture(scope="module")
def world() -> World:
    ca = CA.create()
    return World(ca=ca, carol=ca.issue(CAROL), desk=ca.issue(DESK))


def draft(sender: str = CAROL, text: str = "The words.\n") -> Draft:
    return Draft(
        from_=(Mailbox("Carol", sender),), to=(Mailbox("", DESK),), subject="Contract", text=text, message_id="<1@x>"
    )


def message(entity: bytes, sender: str = CAROL) -> bytes:
    return build_headers(draft(sender)) + entity


def signed(world: World, signer: SecretKey | None = None, sender: str = CAROL, at: datetime = NOW) -> bytes:
    entity = smime.sign(build_entity(draft(sender)), signer or world.carol, [world.ca.certificate], at)
    return message(entity, sender)


def opened(raw: bytes, world: World, trust: MemoryTrust | None = None, **kwargs: object) -> Opened:
    store = kwargs.pop("store", None) or world.store()
    policy = kwargs.pop("policy", Policy())
    at = kwargs.pop("at", NOW)
    return open_message(raw, store, trust or world.trust, policy, at)  # type: ignore[arg-type]


def signature(result: Opened) -> tuple[Signature, Reason | None]:
    return result.report.signature.verdict, result.report.signature.reason


@pytest.mark.mission("A3")
def test_a_signed_mail_of_a_trusted_sender_is_good(world: World) -> None:
    result = opened(signed(world), world)

    assert signature(result) == (Signature.GOOD, None)
    assert result.report.signature.covers is Covers.WHOLE
    assert result.content.text == "The words.\n"
    assert result.content.attachments == ()
    assert result.headers.subject == "Contract"
    assert {key.fingerprint for key in result.report.keys_seen} == {
        world.carol.key.fingerprint,
        world.ca.certificate.fingerprint,
    }


def test_a_plain_mail_has_neither(world: World) -> None:
    result = opened(message(build_entity(draft())), world)

    assert signature(result) == (Signature.NONE, None)
    assert result.report.encryption.verdict is Encryption.NONE
    assert result.content.text == "The words.\n"


@pytest.mark.mission("A3")
def test_signed_inside_encrypted_is_decrypted_and_good(world: World) -> None:
    inner = smime.sign(build_entity(draft()), world.carol, [], NOW)

    result = opened(message(smime.encrypt(inner, [world.desk.key])), world)

    assert result.report.encryption.verdict is Encryption.DECRYPTED
    assert result.report.encryption.covers is Covers.WHOLE
    assert signature(result) == (Signature.GOOD, None)
    assert result.content.text == "The words.\n"
    assert result.report.warnings == ()


def test_encryption_that_nothing_covers_is_marked_malleable(world: World) -> None:
    result = opened(message(smime.encrypt(build_entity(draft()), [world.desk.key])), world)

    assert result.report.warnings == (Warning.MALLEABLE_ENCRYPTION,)


def test_a_signature_around_the_encryption_speaks_only_for_the_envelope(world: World) -> None:
    sealed = smime.encrypt(build_entity(draft()), [world.desk.key])

    result = opened(message(smime.sign(sealed, world.carol, [], NOW)), world)

    assert signature(result) == (Signature.UNVERIFIED, Reason.OUTSIDE_ENCRYPTION)
    assert result.content.text == "The words.\n"


def test_changed_content_is_bad_and_still_shown(world: World) -> None:
    result = opened(signed(world).replace(b"The words.", b"The wards."), world)

    assert signature(result) == (Signature.BAD, Reason.CONTENT_CHANGED)
    assert result.content.text == "The wards.\n"


def test_a_broken_structure_is_malformed(world: World) -> None:
    raw = signed(world)
    parts = mime.parse(raw)
    boundary = parts.params["boundary"].encode()
    extra = b"--" + boundary + b"\r\nContent-Type: text/plain\r\n\r\nAdded.\r\n--" + boundary + b"--"

    result = opened(raw.replace(b"--" + boundary + b"--", extra), world)

    assert signature(result) == (Signature.BAD, Reason.MALFORMED)


def test_an_unknown_signer_is_unverified(world: World) -> None:
    raw = signed(world)
    part = mime.parse(raw).children[1]
    without = smime.sign(build_entity(draft()), world.carol, [], NOW)
    assert part.content_type == "application/pkcs7-signature"

    result = opened(_without_certificates(message(without), world), world, store=MemoryKeyStore())

    assert signature(result) == (Signature.UNVERIFIED, Reason.UNKNOWN_SIGNER)


def _without_certificates(raw: bytes, world: World) -> bytes:
    """The same mail as a sender writes it who leaves his certificate out."""
    signature_part = mime.parse(raw).children[1]
    content = cms.ContentInfo.load(signature_part.decoded())
    del content["content"]["certificates"]
    encoded = b64encode(content.dump(force=True))
    lines = b"\r\n".join(encoded[i : i + 64] for i in range(0, len(encoded), 64)) + b"\r\n"
    return raw.replace(signature_part.body, lines)


def test_a_certificate_not_for_signing_is_wrong_usage(world: World) -> None:
    encryption_only = world.ca.issue(CAROL, uses={Use.ENCRYPT})

    result = opened(signed(world, encryption_only), world)

    assert signature(result) == (Signature.BAD, Reason.WRONG_USAGE)


def test_a_rejected_certificate_is_bad(world: World) -> None:
    trust = MemoryTrust(anchors=[world.ca.anchor], levels={world.carol.key.fingerprint: TrustLevel.REJECTED})

    assert signature(opened(signed(world), world, trust)) == (Signature.BAD, Reason.REJECTED_KEY)


@pytest.mark.mission("A3")
def test_a_true_signature_by_somebody_else_is_a_mismatch(world: World) -> None:
    mallory = world.ca.issue("mallory@evil.example")

    result = opened(signed(world, mallory), world)

    assert signature(result) == (Signature.BAD, Reason.SENDER_MISMATCH)


def test_two_from_headers_are_a_mismatch(world: World) -> None:
    result = opened(b"From: someone@else.example\r\n" + signed(world), world)

    assert signature(result) == (Signature.BAD, Reason.SENDER_MISMATCH)


def test_an_expired_certificate_is_unverified(world: World) -> None:
    old = world.ca.issue(CAROL, valid_from=NOW - timedelta(days=20), valid_until=NOW - timedelta(days=10))

    result = opened(signed(world, old, at=NOW - timedelta(days=15)), world)

    assert signature(result) == (Signature.UNVERIFIED, Reason.EXPIRED)


def test_a_certificate_of_tomorrow_is_unverified(world: World) -> None:
    early = world.ca.issue(CAROL, valid_from=NOW + timedelta(days=1), valid_until=NOW + timedelta(days=10))

    assert signature(opened(signed(world, early), world)) == (Signature.UNVERIFIED, Reason.NOT_YET_VALID)


def test_an_untrusted_issuer_is_unverified(world: World) -> None:
    assert signature(opened(signed(world), world, MemoryTrust())) == (Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER)


@pytest.mark.mission("A3")
def test_mallorys_own_ca_inside_the_mail_earns_no_trust(world: World) -> None:
    ca = CA.create(name="Sealdesk Test CA")
    forged = ca.issue(CAROL)
    entity = smime.sign(build_entity(draft()), forged, [ca.certificate], NOW)

    result = opened(message(entity), world)

    assert signature(result) == (Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER)


def test_a_ca_for_other_domains_does_not_vouch(world: World) -> None:
    trust = MemoryTrust(anchors=[Anchor(key=world.ca.certificate, domains=("clinic.example",))])

    assert signature(opened(signed(world), world, trust)) == (Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER)


def test_a_contradicted_certificate_is_conflicting(world: World) -> None:
    trust = MemoryTrust(anchors=[world.ca.anchor], conflicting=frozenset({world.carol.key.fingerprint}))

    assert signature(opened(signed(world), world, trust)) == (Signature.UNVERIFIED, Reason.CONFLICTING_KEY)


def test_required_revocation_data_that_is_missing_is_said(world: World) -> None:
    result = opened(signed(world), world, policy=Policy(revocation_required=True))

    assert signature(result) == (Signature.UNVERIFIED, Reason.REVOCATION_UNKNOWN)


def test_a_certificate_trusted_by_hand_needs_no_ca(world: World) -> None:
    trust = MemoryTrust(levels={world.carol.key.fingerprint: TrustLevel.BY_HAND})

    assert signature(opened(signed(world), world, trust)) == (Signature.GOOD, None)


def test_mail_for_other_keys_is_no_key_and_keeps_its_body(world: World) -> None:
    stranger = world.ca.issue("stranger@else.example")

    result = opened(message(smime.encrypt(build_entity(draft()), [stranger.key])), world)

    assert result.report.encryption.verdict is Encryption.NO_KEY
    assert result.content.text == ""
    assert [file.name for file in result.content.attachments] == ["smime.p7m"]


def test_a_protected_key_without_passphrase_is_locked(world: World) -> None:

    pem = export_pem(world.desk, passphrase="right")
    secret = replace(read(pem, ["right"]).secrets[0], passphrases=())
    store = MemoryKeyStore(keys=[world.desk.key], secrets=[secret])

    result = opened(message(smime.encrypt(build_entity(draft()), [world.desk.key])), world, store=store)

    assert result.report.encryption.verdict is Encryption.LOCKED
    assert result.content.text == ""


def test_damaged_ciphertext_gives_no_words(world: World) -> None:
    entity = smime.encrypt(build_entity(draft(text="x" * 4000)), [world.desk.key])
    lines = entity.split(b"\r\n")
    lines = [line for index, line in enumerate(lines) if index != len(lines) - 4]

    result = opened(message(b"\r\n".join(lines)), world)

    assert result.report.encryption.verdict is Encryption.DAMAGED
    assert result.content.text == ""


@pytest.mark.parametrize("size", [0, 1, 10, 100, 1000])
def test_a_truncated_mail_still_gives_a_report(world: World, size: int) -> None:
    inner = smime.sign(build_entity(draft()), world.carol, [], NOW)
    raw = message(smime.encrypt(inner, [world.desk.key]))[:size]

    result = opened(raw, world)

    assert result.report.signature.verdict is not Signature.GOOD


def test_a_footer_beside_the_signed_part_makes_it_a_part(world: World) -> None:
    inner = smime.sign(build_entity(draft()), world.carol, [world.ca.certificate], NOW)
    footer = b"Content-Type: text/plain\r\n\r\nUnsubscribe here.\r\n"

    result = opened(message(mime.multipart("mixed", [inner, footer])), world)

    assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.NONE, Covers.PART)
    assert [part.path for part in result.report.parts] == ["1"]
    assert result.report.parts[0].signature.verdict is Signature.GOOD
    assert Warning.SIGNED_PART in result.report.warnings


def test_attack_words_beside_a_signed_part_are_not_among_the_signed_words(world: World) -> None:
    inner = smime.sign(build_entity(draft()), world.carol, [world.ca.certificate], NOW)
    false_words = b"Content-Type: text/plain\r\n\r\nPay Mallory.\r\n"

    for order in ([false_words, inner], [inner, false_words]):
        result = opened(message(mime.multipart("mixed", order)), world)

        assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.NONE, Covers.PART)
        assert [part.content.text for part in result.parts] == ["The words.\n"]
        assert "Pay Mallory." in result.content.text


def test_an_encrypted_part_is_opened_apart(world: World) -> None:
    sealed = smime.encrypt(build_entity(draft(text="secret words\n")), [world.desk.key])
    around = b"Content-Type: text/html\r\n\r\n<img src='http://evil.example/?\r\n"

    result = opened(message(mime.multipart("mixed", [around, sealed])), world)

    assert "secret" not in result.content.text
    assert "secret" not in (result.content.html or "")
    assert (result.report.encryption.verdict, result.report.encryption.covers) == (
        Encryption.DECRYPTED,
        Covers.PART,
    )
    assert [part.content.text for part in result.parts] == ["secret words\n"]


def test_signed_mail_attached_to_plain_mail_says_nothing_of_it(world: World) -> None:
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" + signed(world)
    words = b"Content-Type: text/plain\r\n\r\nSee below.\r\n"

    result = opened(message(mime.multipart("mixed", [words, forwarded]), sender="mallory@evil.example"), world)

    assert (result.report.signature.verdict, result.report.signature.covers) == (Signature.NONE, Covers.NONE)
    assert result.content.text.split() == ["See", "below."]


def revoked(world: World, reason: ReasonFlags | None, since: datetime) -> Opened:
    crl = world.ca.crl([world.carol.key], reason=reason, revoked_at=since, at=NOW - timedelta(hours=1))
    store = MemoryKeyStore(keys=[world.ca.certificate], secrets=[world.desk], revocations=[crl])
    return opened(signed(world), world, store=store)


def test_a_compromised_certificate_is_revoked_for_all_time(world: World) -> None:
    result = revoked(world, ReasonFlags.key_compromise, NOW - timedelta(hours=2))

    assert signature(result) == (Signature.BAD, Reason.REVOKED)


def test_a_superseded_certificate_is_revoked_from_then_on(world: World) -> None:
    result = revoked(world, ReasonFlags.superseded, NOW - timedelta(hours=2))

    assert signature(result) == (Signature.BAD, Reason.REVOKED)


def test_a_revocation_list_that_names_others_changes_nothing(world: World) -> None:
    other = world.ca.issue("other@bank.example")
    crl = world.ca.crl([other.key], at=NOW - timedelta(hours=1))
    store = MemoryKeyStore(keys=[world.ca.certificate], secrets=[world.desk], revocations=[crl])

    assert signature(opened(signed(world), world, store=store)) == (Signature.GOOD, None)


def test_a_certificate_without_address_is_unverified(world: World) -> None:
    nameless = world.ca.issue(None, name="Carol of the bank")

    assert signature(opened(signed(world, nameless), world)) == (Signature.UNVERIFIED, Reason.NO_ADDRESS)


def test_a_key_too_short_for_today_is_weak(world: World) -> None:
    result = opened(
        signed(world, world.ca.issue(CAROL, key_type="rsa2048")), world, policy=Policy(minimum_rsa_bits=3072)
    )

    assert signature(result) == (Signature.BAD, Reason.WEAK_ALGORITHM)


@pytest.fixture(scope="module")
def rsa_desk(world: World) -> SecretKey:
    return world.ca.issue(DESK, key_type="rsa2048")


def test_a_mail_whose_cipher_is_unacceptable_is_refused(
    world: World, rsa_desk: SecretKey, openssl_encrypt: Callable[[str], bytes]
) -> None:
    result = opened(message(openssl_encrypt("-des-cbc")), world, store=MemoryKeyStore(secrets=[rsa_desk]))

    assert result.report.encryption.verdict is Encryption.REFUSED
    assert result.content.text == ""


def test_a_kind_of_cms_that_is_no_mail_is_unsupported(world: World) -> None:
    digested = cms.ContentInfo(
        {
            "content_type": "digested_data",
            "content": {
                "version": "v0",
                "digest_algorithm": {"algorithm": "sha256"},
                "encap_content_info": {"content_type": "data", "content": b"words"},
                "digest": b"0" * 32,
            },
        }
    ).dump()
    entity = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    result = opened(message(entity + b64encode(digested) + b"\r\n"), world)

    assert result.report.encryption.verdict is Encryption.UNSUPPORTED


@pytest.fixture
def openssl_encrypt(rsa_desk: SecretKey, tmp_path: Path) -> Callable[[str], bytes]:
    def encrypt(cipher: str) -> bytes:
        recipient = tmp_path / "to.pem"
        recipient.write_text(ssl.DER_cert_to_PEM_cert(rsa_desk.key.material))
        providers = ["-provider", "default", "-provider", "legacy"]
        command = ["openssl", "cms", "-encrypt", *providers, cipher, recipient]
        done = subprocess.run(command, input=build_entity(draft()), capture_output=True, check=True)
        return done.stdout.split(b"MIME-Version: 1.0\n", 1)[1].replace(b"\n", b"\r\n")

    return encrypt


@pytest.mark.parametrize(
    ("smime_type", "encryption", "reason"),
    [
        ("enveloped-data", Encryption.DAMAGED, None),
        ("signed-data", Encryption.NONE, Reason.MALFORMED),
        ("certs-only", Encryption.NONE, None),
    ],
)
def test_what_is_no_cms_is_judged_by_what_it_says_to_be(
    world: World, smime_type: str, encryption: Encryption, reason: Reason | None
) -> None:
    head = f"Content-Type: application/pkcs7-mime; smime-type={smime_type}; name=smime.p7m\r\n\r\n".encode()

    result = opened(message(head + b"nothing of the kind\r\n"), world)

    assert result.report.encryption.verdict is encryption
    assert result.report.signature.reason is reason
    assert [file.name for file in result.content.attachments] == ["smime.p7m"]
