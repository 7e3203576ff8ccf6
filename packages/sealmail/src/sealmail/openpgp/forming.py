"""In which form OpenPGP is written: what all readers of a message can read, and nothing that is too old.

Encrypts and signs nothing itself: asked by `sealing`, and by whoever plans a mail and says beforehand what it will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from sealmail.errors import InputError
from sealmail.keys.model import Key, SecretKey
from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.checking import HASHES, SHA256, SHA512
from sealmail.keys.pgp.ciphers import AES128, AES256
from sealmail.keys.pgp.preferences import Preferences, preferences_at
from sealmail.keys.pgp.public import Algorithm, PublicKey
from sealmail.openpgp.unwrapping import scheme


class MessageCipher(StrEnum):
    """How OpenPGP content is encrypted, in the words of `EncryptionFacts.algorithm`.

    LibrePGP's own containers are read, never written.
    """

    AES256_OCB = "AES-256-OCB"
    AES128_OCB = "AES-128-OCB"
    AES256_MDC = "AES-256-CFB with MDC"
    AES128_MDC = "AES-128-CFB with MDC"

    @property
    def with_aead(self) -> bool:
        """Whether it is the authenticated container of RFC 9580 §5.13.2, instead of the older one with a digest."""
        return self in {MessageCipher.AES256_OCB, MessageCipher.AES128_OCB}

    @property
    def number(self) -> int:
        """The number of the cipher (RFC 9580 §9.3)."""
        return AES256 if self in {MessageCipher.AES256_OCB, MessageCipher.AES256_MDC} else AES128

    @property
    def key_octets(self) -> int:
        """The size of a session key."""
        return 32 if self.number == AES256 else 16


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """How a message for some recipients is encrypted."""

    cipher: MessageCipher
    targets: tuple[PublicKey, ...] = field(repr=False)
    """The (sub)keys that it is encrypted to, in the order of the recipients."""
    key_schemes: Mapping[str, str]
    """By fingerprint of the recipient's key: how the session key is protected."""
    without_aead: tuple[str, ...] = ()
    """Fingerprints of the keys because of which it is not AEAD."""
    without_aes256: tuple[str, ...] = ()
    """Fingerprints of the keys because of which it is AES with 128 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureForm:
    """The signature that a key of ours makes."""

    algorithm: str
    """For people: "RSA", "DSA", "ECDSA", "Ed25519", "Ed448"."""
    hash_id: int
    component: Component = field(repr=False)

    @property
    def micalg(self) -> str:
        """The name of the hash in a multipart/signed (RFC 3156 §5)."""
        return f"pgp-{HASHES[self.hash_id].name}"


def message_form(recipients: Sequence[Key], at: datetime) -> MessageForm:
    """The best form that every recipient reads: AEAD where each key says so, AES-256 unless a key's list leaves it out.

    Encrypted to the newest (sub)key of each that may be encrypted to at `at`. Raises `InputError` where a recipient has
    none that we can write to, where his programs read only old ciphers, or where nobody is a recipient.
    """
    if not recipients:
        raise InputError("There is nobody to encrypt to.")
    targets = tuple(_target(key, at) for key in recipients)
    said = {key.fingerprint: _preferences(key, at) for key in recipients}
    without_aead = tuple(one for one, can in said.items() if not can.reads_seipd_v2)
    with_aead = not without_aead
    without_aes256 = tuple(one for one, can in said.items() if not can.reads_aes256(with_aead=with_aead))
    return MessageForm(
        cipher=_CIPHERS[with_aead, not without_aes256],
        targets=targets,
        key_schemes={key.fingerprint: scheme(target) for key, target in zip(recipients, targets, strict=True)},
        without_aead=without_aead,
        without_aes256=without_aes256,
    )


_CIPHERS = {
    (True, True): MessageCipher.AES256_OCB,
    (True, False): MessageCipher.AES128_OCB,
    (False, True): MessageCipher.AES256_MDC,
    (False, False): MessageCipher.AES128_MDC,
}


def signature_form(signer: SecretKey, recipients: Sequence[Key], at: datetime) -> SignatureForm:
    """The newest subkey that may sign at `at` and whose secret is here, or the primary key, with its hash.

    SHA-256, or SHA-512 for curves of more than 256 bits and where a recipient's key does not list SHA-256 while all
    list SHA-512. `recipients`: those of an encrypted message; of a mail that is only signed nobody's wishes count.
    Raises `InputError` where no key may sign.
    """
    certificate = check_certificate(signer.material)
    for name in state_at(signer.material, at).signing:
        one = certificate.component(name)
        if one is not None and one.secret is not None and secret.holds_secret(one.secret):
            readers = [_preferences(key, at) for key in recipients]
            return SignatureForm(algorithm=_algorithm(one.public), hash_id=_hash(one.public, readers), component=one)
    raise InputError("This OpenPGP key has no secret part that may sign at this time.")


def _target(key: Key, at: datetime) -> PublicKey:
    certificate = check_certificate(key.material)
    for name in state_at(key.material, at).encryption:
        component = certificate.component(name)
        if component is not None and component.public.takes_session_keys:
            return component.public
    raise InputError(f"The OpenPGP key {key.fingerprint} has no part that may be encrypted to at this time.")


@lru_cache(maxsize=64)
def _said(material: bytes, at: datetime) -> Preferences:
    """Remembered, since planning and sealing one mail ask for it five times a recipient."""
    return preferences_at(check_certificate(material), at)


def _preferences(key: Key, at: datetime) -> Preferences:
    found = _said(key.material, at)
    if not found.reads_aes:
        raise InputError(f"The OpenPGP key {key.fingerprint} says that its owner reads only old ciphers.")
    return found


def _hash(public: PublicKey, readers: Sequence[Preferences]) -> int:
    # RFC 9580 §5.2.3.2 and §5.2.3.5: the digest is at least as strong as the curve.
    if public.algorithm == Algorithm.ED448 or (public.curve is not None and public.curve.octets > 32):
        return SHA512
    fitting = (one for one in (SHA256, SHA512) if all(reader.reads_hash(one) for reader in readers))
    return next(fitting, SHA256)


def _algorithm(public: PublicKey) -> str:
    names = {Algorithm.DSA: "DSA", Algorithm.ECDSA: "ECDSA", Algorithm.EDDSA_LEGACY: "Ed25519"}
    return names.get(Algorithm(public.algorithm)) or public.algorithm_name.partition("-")[0]
