"""Encrypted OpenPGP messages -> plain text and facts. Never raises on bad bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys.model import KeyId, Technology, openpgp_id
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.ciphers import CIPHERS, PLAINTEXT
from sealmail.keys.pgp.packets import Malformed, Packet, Tag, walk
from sealmail.keys.pgp.passphrase import Stub
from sealmail.keys.pgp.public import Unsupported
from sealmail.keys.store import KeyStore
from sealmail.openpgp.containers import (
    Container,
    Damaged,
    NoCipher,
    algorithm_name,
    fits,
    open_container,
    read_container,
)
from sealmail.openpgp.content import Compression, NestedEncryption, is_passed_over, read_content
from sealmail.openpgp.session_keys import SessionKey, WrappedKey, read_wrapped
from sealmail.openpgp.signers import Circumstances, facts_of_content
from sealmail.openpgp.unwrapping import Attempts, scheme, session_keys
from sealmail.policy import Policy
from sealmail.report import Encryption, EncryptionFacts
from sealmail.results import DecryptionResult

MAXIMUM_SESSION_KEYS = 256
"""Recipients of one message whose session keys are looked at."""
MAXIMUM_CONTAINER_ATTEMPTS = 16
"""Unwrapped session keys with which one container is tried; real messages bring one for each of our keys."""

_DATA_TAGS = frozenset({Tag.ENCRYPTED, Tag.PROTECTED, Tag.GNUPG_OCB})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    wrapped: tuple[WrappedKey, ...]
    has_password: bool
    data: Packet = field(repr=False)


def decrypt(message: bytes, keys: KeyStore, policy: Policy, at: datetime) -> DecryptionResult:
    """Opens an armored or binary encrypted message with whichever secret key it was made for.

    Session keys in it name their recipients; keys whose recipient is hidden are tried with every secret key, within
    the budget. Expired and revoked own keys open too. A payload comes only with the verdict DECRYPTED, after the
    integrity of the whole was checked; signatures made in one pass are in `signers`. `why` of the other verdicts:
    "unreadable", "changed", "session_key", "content", "passphrase_missing", "passphrase_wrong", "password_encrypted",
    "no_integrity_protection", "no_cipher", "limit_exceeded", "algorithm", "compression", "nested_encryption",
    "partitioned",
    "secret_on_card", "secret_missing" (the key is ours, and only its public half is here).
    """
    facts = EncryptionFacts(technology=Technology.OPENPGP, verdict=Encryption.DAMAGED, why="unreadable")
    if _PART_OF_ONE.search(message, 0, _LOOKED_AT):
        return _without(facts, Encryption.UNSUPPORTED, "partitioned")
    try:
        parsed = _parsed(dearmor(message))
    except Unsupported:
        return DecryptionResult(facts=replace(facts, verdict=Encryption.UNSUPPORTED, why="algorithm"))
    except InputError:
        return DecryptionResult(facts=facts)
    names = (one.recipient for one in parsed.wrapped)
    recipients = tuple(dict.fromkeys(openpgp_id(name) if name else _HIDDEN for name in names))
    return _opened(parsed, replace(facts, recipients=recipients), Circumstances(keys=keys, policy=policy, at=at))


_LOOKED_AT = 4096
_PART_OF_ONE = re.compile(rb"^-----BEGIN PGP MESSAGE, PART [0-9]+", re.MULTILINE)
"""One of several mails that hold a message together (RFC 4880 §6.2). They are not put together."""
_HIDDEN = KeyId("")
"""How facts write a recipient that the sender hid."""


def _parsed(data: bytes) -> _Message:
    # Ways that carry binary parts may leave a line end behind them; anything else there is no part of a message.
    for end in (b"", b"\n", b"\r\n"):
        if data.endswith(end):
            try:
                return _read_message(data[: len(data) - len(end)])
            except Malformed:
                continue
    raise Malformed


def _read_message(data: bytes) -> _Message:
    """RFC 9580 §10.3: session keys, then one container, then nothing."""
    wrapped: list[WrappedKey] = []
    unread = False
    has_password = False
    packets = (packet for packet in walk(data) if not is_passed_over(packet))
    for packet in packets:
        if packet.tag == Tag.PKESK:
            try:
                wrapped.append(read_wrapped(packet.body))
            except InputError:
                unread = True
        elif packet.tag == Tag.SKESK:
            has_password = True
        elif packet.tag in _DATA_TAGS and next(packets, None) is None:
            if unread and not wrapped:
                raise Unsupported
            kept = tuple(wrapped[:MAXIMUM_SESSION_KEYS])
            return _Message(wrapped=kept, has_password=has_password, data=packet)
        else:
            raise Malformed
    raise Malformed


def _opened(message: _Message, facts: EncryptionFacts, around: Circumstances) -> DecryptionResult:
    if message.data.tag == Tag.ENCRYPTED:
        return _without(facts, Encryption.REFUSED, "no_integrity_protection")
    try:
        container = read_container(message.data)
    except InputError:
        return _without(facts, Encryption.UNSUPPORTED, "algorithm")
    if container.cipher == PLAINTEXT:
        return _without(facts, Encryption.REFUSED, "no_cipher")
    if not message.wrapped:
        verdict = Encryption.UNSUPPORTED if message.has_password else Encryption.NO_KEY
        return _without(facts, verdict, "password_encrypted" if message.has_password else None)
    wrapped = [one for one in message.wrapped if fits(container, one.version)]
    if not wrapped:
        return _without(facts, Encryption.DAMAGED, "session_key")
    return _tried(message.data, container, wrapped, facts, around)


def _tried(
    data: Packet, container: Container, wrapped: Sequence[WrappedKey], facts: EncryptionFacts, around: Circumstances
) -> DecryptionResult:
    attempts = Attempts()
    found = session_keys(wrapped, facts, around, attempts)
    for secret_key, public, session in islice(found, MAXIMUM_CONTAINER_ATTEMPTS):
        cipher = container.cipher if container.cipher is not None else session.cipher
        known = CIPHERS.get(cipher) if cipher is not None else None
        described = replace(
            facts,
            algorithm=algorithm_name(container, cipher),
            key_scheme=scheme(public),
            weak=known.is_weak if known else False,
        )
        opened = _with_session(data, container, session, described, around)
        if opened.facts.verdict is Encryption.DECRYPTED or opened.facts.why not in {"changed", "algorithm"}:
            return replace(opened, facts=replace(opened.facts, opened_with=secret_key.key.fingerprint))
        attempts.failed |= opened.facts.why == "changed"
        if opened.facts.why == "algorithm":
            attempts.unsupported = described
    return _unopened(facts, attempts)


def _without(facts: EncryptionFacts, verdict: Encryption, why: str | None) -> DecryptionResult:
    return DecryptionResult(facts=replace(facts, verdict=verdict, why=why))


def _unopened(facts: EncryptionFacts, attempts: Attempts) -> DecryptionResult:
    if attempts.failed:
        return _without(facts, Encryption.DAMAGED, "changed")
    if attempts.locked:
        return _without(facts, Encryption.LOCKED, attempts.locked)
    if attempts.unsupported is not None:
        return _without(attempts.unsupported, Encryption.UNSUPPORTED, "algorithm")
    if attempts.is_over:
        return _without(facts, Encryption.REFUSED, "limit_exceeded")
    return _without(facts, Encryption.NO_KEY, _ELSEWHERE[attempts.elsewhere])


_ELSEWHERE = {None: None, Stub.ABSENT: "secret_missing", Stub.ON_CARD: "secret_on_card"}


def _with_session(
    data: Packet, container: Container, session: SessionKey, facts: EncryptionFacts, around: Circumstances
) -> DecryptionResult:
    try:
        content = read_content(open_container(data, container, session), around.policy.budget.payload_bytes)
    except Damaged:
        return _without(facts, Encryption.DAMAGED, "changed")
    except NoCipher:
        return _without(facts, Encryption.REFUSED, "no_cipher")
    except Unsupported:
        return _without(facts, Encryption.UNSUPPORTED, "algorithm")
    except LimitExceeded:
        return _without(facts, Encryption.REFUSED, "limit_exceeded")
    except NestedEncryption:
        return _without(facts, Encryption.UNSUPPORTED, "nested_encryption")
    except Compression:
        return _without(facts, Encryption.UNSUPPORTED, "compression")
    except InputError:
        return _without(facts, Encryption.DAMAGED, "content")
    return DecryptionResult(
        facts=replace(facts, verdict=Encryption.DECRYPTED, why=None),
        payload=content.literal,
        signers=facts_of_content(content, around),
    )
