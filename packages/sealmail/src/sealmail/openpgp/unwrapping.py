"""The search for the session key of a message: which of our secret keys it is for, tried within limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import SecretKey, Technology, openpgp_id
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.passphrase import Stub
from sealmail.keys.pgp.public import Algorithm, PublicKey, Unsupported
from sealmail.openpgp.session_keys import SessionKey, WrappedKey, unwrap
from sealmail.openpgp.signers import Circumstances
from sealmail.report import EncryptionFacts

MAXIMUM_HIDDEN_ATTEMPTS = 512
"""Tries of one of our keys on a session key whose recipient is hidden, over the whole message."""


@dataclass(slots=True)
class Attempts:
    """What was met on the way, while no key has opened the message."""

    locked: str | None = None
    """Why a passphrase did not unlock one of our keys."""
    unsupported: EncryptionFacts | None = None
    """What is known of an algorithm that we do not read."""
    failed: bool = False
    """Whether something that was made for one of our keys did not fit."""
    elsewhere: Stub | None = None
    """Why the secret part of one of our keys is not here."""
    hidden: int = 0
    """Tries on session keys whose recipient is hidden."""

    @property
    def is_over(self) -> bool:
        """Whether the limit of such tries ended the search."""
        return self.hidden > MAXIMUM_HIDDEN_ATTEMPTS


def scheme(public: PublicKey) -> str:
    """How the session key is wrapped for this key, for people: "RSA-3072", "ECDH Curve25519", "X25519"."""
    name = public.algorithm_name
    return f"ECDH {name.removeprefix('EC ')}" if public.algorithm == Algorithm.ECDH else name


def session_keys(
    wrapped_keys: Sequence[WrappedKey], facts: EncryptionFacts, around: Circumstances, attempts: Attempts
) -> Iterator[tuple[SecretKey, PublicKey, SessionKey]]:
    """Every session key that one of our keys unwraps; those for named recipients first."""
    for wrapped in sorted(wrapped_keys, key=lambda one: not one.recipient):
        for secret_key, component in _holders(wrapped, around):
            attempts.hidden += not wrapped.recipient
            if attempts.is_over:
                return
            try:
                session = _unwrapped(wrapped, secret_key, component, attempts)
            except PassphraseError as error:
                # Where the recipient is hidden, a locked key says nothing about this message unless none else opens it.
                attempts.locked = attempts.locked or str(error)
            except Unsupported:
                attempts.unsupported = replace(facts, key_scheme=scheme(component.public))
            except InputError:
                # With a hidden recipient a wrong key is nothing unusual.
                attempts.failed |= bool(wrapped.recipient)
            else:
                if session is not None:
                    yield secret_key, component.public, session


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


def _unwrapped(
    wrapped: WrappedKey, secret_key: SecretKey, component: Component, attempts: Attempts
) -> SessionKey | None:
    """None where the secret is not here."""
    body = component.secret or b""
    stub = secret.stub(body)
    if stub is not None:
        attempts.elsewhere = stub if wrapped.recipient else attempts.elsewhere
        return None
    private = secret.unlock(body, is_primary=component.is_primary, passphrases=secret_key.passphrases)
    return unwrap(wrapped, component.public, private)
