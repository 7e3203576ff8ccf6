"""Encrypted OpenPGP messages -> plain text and facts. Never raises on bad bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sealmail.errors import InputError, LimitExceeded, PassphraseError
from sealmail.keys.model import KeyId, SecretKey, Technology, openpgp_id
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.ciphers import CIPHERS
from sealmail.keys.pgp.packets import Malformed, Packet, Tag, walk
from sealmail.keys.pgp.public import Unsupported
from sealmail.keys.store import KeyStore
from sealmail.openpgp.containers import Container, Damaged, NoCipher, algorithm_name, open_container, read_container
from sealmail.openpgp.content import read_content
from sealmail.openpgp.session_keys import SessionKey, WrappedKey, read_wrapped, unwrap
from sealmail.openpgp.signers import Circumstances, facts_of_all
from sealmail.policy import Policy
from sealmail.report import Encryption, EncryptionFacts
from sealmail.results import DecryptionResult

MAXIMUM_SESSION_KEYS = 256
"""Recipients of one message whose session keys are looked at."""

_DATA_TAGS = frozenset({Tag.ENCRYPTED, Tag.PROTECTED, Tag.GNUPG_OCB})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    wrapped: tuple[WrappedKey, ...]
    has_password: bool
    data: Packet = field(repr=False)


@dataclass(slots=True)
class _Attempts:
    """What was met on the way, while no key has opened the message."""

    locked: str | None = None
    unsupported: bool = False
    failed: bool = False


def decrypt(message: bytes, keys: KeyStore, policy: Policy, at: datetime) -> DecryptionResult:
    """Opens an armored or binary encrypted message with whichever secret key it was made for.

    Session keys in it name their recipients; keys whose recipient is hidden are tried with every secret key, within
    the budget. Expired and revoked own keys open too. A payload comes only with the verdict DECRYPTED, after the
    integrity of the whole was checked; signatures made in one pass are in `signers`. `why` of the other verdicts:
    "unreadable", "changed", "session_key", "content", "passphrase_missing", "passphrase_wrong", "password_encrypted",
    "no_integrity_protection", "no_cipher", "limit_exceeded", "algorithm", "partitioned".
    """
    facts = EncryptionFacts(technology=Technology.OPENPGP, verdict=Encryption.DAMAGED, why="unreadable")
    if _PART_OF_ONE.search(message, 0, _LOOKED_AT):
        return _without(facts, Encryption.UNSUPPORTED, "partitioned")
    try:
        parsed = _read_message(dearmor(message))
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


def _read_message(data: bytes) -> _Message:
    wrapped: list[WrappedKey] = []
    unread = False
    has_password = False
    for packet in walk(data):
        if packet.tag == Tag.PKESK and len(wrapped) < MAXIMUM_SESSION_KEYS:
            try:
                wrapped.append(read_wrapped(packet.body))
            except InputError:
                unread = True
        elif packet.tag == Tag.SKESK:
            has_password = True
        elif packet.tag in _DATA_TAGS:
            if unread and not wrapped:
                raise Unsupported
            return _Message(wrapped=tuple(wrapped), has_password=has_password, data=packet)
    raise Malformed


def _opened(message: _Message, facts: EncryptionFacts, around: Circumstances) -> DecryptionResult:
    if message.data.tag == Tag.ENCRYPTED:
        return _without(facts, Encryption.REFUSED, "no_integrity_protection")
    try:
        container = read_container(message.data)
    except InputError:
        return _without(facts, Encryption.UNSUPPORTED, "algorithm")
    if not message.wrapped:
        verdict = Encryption.UNSUPPORTED if message.has_password else Encryption.NO_KEY
        return _without(facts, verdict, "password_encrypted" if message.has_password else None)
    attempts = _Attempts()
    for secret_key, session in _session_keys(message.wrapped, around, attempts):
        cipher = container.cipher if container.cipher is not None else session.cipher
        known = CIPHERS.get(cipher) if cipher is not None else None
        described = replace(facts, algorithm=algorithm_name(container, cipher), weak=known.is_weak if known else False)
        opened = _with_session(message.data, container, session, described, around)
        if opened.facts.verdict is Encryption.DECRYPTED or opened.facts.why not in {"changed", "algorithm"}:
            return replace(opened, facts=replace(opened.facts, opened_with=secret_key.key.fingerprint))
        attempts.failed |= opened.facts.why == "changed"
        attempts.unsupported |= opened.facts.why == "algorithm"
    return _unopened(facts, attempts)


def _without(facts: EncryptionFacts, verdict: Encryption, why: str | None) -> DecryptionResult:
    return DecryptionResult(facts=replace(facts, verdict=verdict, why=why))


def _unopened(facts: EncryptionFacts, attempts: _Attempts) -> DecryptionResult:
    if attempts.failed:
        return _without(facts, Encryption.DAMAGED, "changed")
    if attempts.locked:
        return _without(facts, Encryption.LOCKED, attempts.locked)
    if attempts.unsupported:
        return _without(facts, Encryption.UNSUPPORTED, "algorithm")
    return _without(facts, Encryption.NO_KEY, None)


def _session_keys(
    wrapped_keys: Sequence[WrappedKey], around: Circumstances, attempts: _Attempts
) -> Iterator[tuple[SecretKey, SessionKey]]:
    """Every session key that one of our keys unwraps; those for named recipients first."""
    for wrapped in sorted(wrapped_keys, key=lambda one: not one.recipient):
        for secret_key, component in _holders(wrapped, around):
            try:
                session = _unwrapped(wrapped, secret_key, component)
            except PassphraseError as error:
                # Where the recipient is hidden, a locked key says nothing about this message unless none else opens it.
                attempts.locked = attempts.locked or str(error)
            except Unsupported:
                attempts.unsupported = True
            except InputError:
                # With a hidden recipient a wrong key is nothing unusual.
                attempts.failed |= bool(wrapped.recipient)
            else:
                yield secret_key, session


def _holders(wrapped: WrappedKey, around: Circumstances) -> Iterator[tuple[SecretKey, Component]]:
    """Our secret (sub)keys for which a session key may be."""
    budget = around.policy.budget.secret_keys_tried
    if wrapped.recipient:
        secrets = around.keys.secrets([openpgp_id(wrapped.recipient)])
    else:
        secrets = around.keys.every_secret(Technology.OPENPGP)
    for secret_key in secrets[:budget]:
        try:
            components = check_certificate(secret_key.material).components
        except InputError:
            continue
        for one in components:
            named = wrapped.recipient in {"", one.public.fingerprint, one.public.key_id}
            if named and one.secret is not None and one.public.algorithm == wrapped.algorithm:
                yield secret_key, one


def _unwrapped(wrapped: WrappedKey, secret_key: SecretKey, component: Component) -> SessionKey:
    private = secret.unlock(
        component.secret or b"", is_primary=component.is_primary, passphrases=secret_key.passphrases
    )
    return unwrap(wrapped, component.public, private)


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
    except InputError:
        return _without(facts, Encryption.DAMAGED, "content")
    return DecryptionResult(
        facts=replace(facts, verdict=Encryption.DECRYPTED, why=None),
        payload=content.literal,
        signers=facts_of_all(content.signatures, [content.literal], around),
    )
