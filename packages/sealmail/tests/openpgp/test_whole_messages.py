"""Rows of the verdict table that need gpg's options, through `open_message`."""

import os
from base64 import b64encode
from datetime import UTC, datetime, timedelta

from sealmail import mime, openpgp
from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.keys.pgp.ciphers import AES256
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.mime import Draft, build_headers
from sealmail.opening import open_message
from sealmail.openpgp.containers import seal_mdc
from sealmail.openpgp.signing import signed_message, unlocked
from sealmail.openpgp.wrapping import wrapped
from sealmail.policy import Budget, Policy
from sealmail.report import Reason, Signature

ENTITY = b"Content-Type: text/plain\r\n\r\nI agree.\r\n"
HEADERS = build_headers(Draft(from_=(Mailbox("Bob", "bob@example.org"),), subject="Contract"))


def opened(raw, cast, at, policy=None, store=None):
    trust = MemoryTrust(levels={cast.bob.key.fingerprint: TrustLevel.BY_HAND})
    store = store or MemoryKeyStore(keys=cast.everybody)
    return open_message(raw, store, trust, policy or Policy(), at).report.signature


def signed(gpg, *options):
    signature = gpg("--armor", *options, "--local-user", "bob@example.org", "--detach-sign", stdin=ENTITY)
    part = b"Content-Type: application/pgp-signature\r\n\r\n" + signature
    return HEADERS + mime.multipart("signed", [ENTITY, part], {"protocol": "application/pgp-signature"})


def test_a_signature_with_an_end_is_unverified_after_it(gpg, cast, now):
    raw = signed(gpg, "--default-sig-expire", "1d")

    before, after = opened(raw, cast, now), opened(raw, cast, now + timedelta(days=2))

    assert (before.verdict, before.reason) == (Signature.GOOD, None)
    assert (after.verdict, after.reason) == (Signature.UNVERIFIED, Reason.SIGNATURE_EXPIRED)


def test_a_weak_hash_is_bad(gpg, cast, now):
    statement = opened(signed(gpg, "--digest-algo", "SHA1"), cast, now)

    assert (statement.verdict, statement.reason) == (Signature.BAD, Reason.WEAK_ALGORITHM)


def test_a_hash_that_nobody_can_check_is_unverified(gpg, cast, now):
    statement = opened(signed(gpg, "--digest-algo", "RIPEMD160"), cast, now)

    assert (statement.verdict, statement.reason) == (Signature.UNVERIFIED, Reason.UNSUPPORTED)


def test_signatures_past_the_budget_keep_a_mail_from_being_good_for_nothing_known(gpg, cast, now):
    raw = signed(gpg, "--local-user", "alice@example.org")

    statement = opened(raw, cast, now, Policy(budget=Budget(signers=0)))

    assert (statement.verdict, statement.reason) == (Signature.UNVERIFIED, Reason.UNSUPPORTED)


def test_a_mail_that_was_written_for_somebody_else_is_unverified(cast):
    at = datetime.now(UTC)
    by = unlocked(openpgp.signature_form(cast.bob, [cast.alice.key], at), cast.bob)
    inner = signed_message(ENTITY, by, [cast.alice.key], at)
    session_key = os.urandom(32)
    (target,) = openpgp.message_form([cast.carol.key], at).targets
    session = packet(Tag.PKESK, wrapped(session_key, AES256, target, with_aead=False))
    message = b64encode(session + packet(Tag.PROTECTED, seal_mdc(inner, session_key)))
    version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    body = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + message + b"\r\n"
    raw = HEADERS + mime.multipart("encrypted", [version, body], {"protocol": "application/pgp-encrypted"})

    statement = opened(raw, cast, at, store=MemoryKeyStore(keys=cast.everybody, secrets=[cast.carol]))

    assert (statement.verdict, statement.reason) == (Signature.UNVERIFIED, Reason.OTHER_RECIPIENT)
