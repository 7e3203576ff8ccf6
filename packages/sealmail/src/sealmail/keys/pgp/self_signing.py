"""Signatures that a primary key makes over its own parts (RFC 9580 §5.2.1), with the time as a parameter."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import SecretKey
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.assembly import Part, SelfSignature, canonical_signature
from sealmail.keys.pgp.checking import SHA256, SHA512, SigningKey, over_user_id, signature_body
from sealmail.keys.pgp.drafting import drafted, subpacket
from sealmail.keys.pgp.public import Algorithm, PublicKey
from sealmail.keys.pgp.subpackets import Kind, Signature, SignatureType, Subpacket, read_signature

CERTIFY, SIGN, ENCRYPT = 0x01, 0x02, 0x0C
_RENEWED = frozenset(
    {Kind.CREATED, Kind.EXPIRES_AFTER, Kind.KEY_EXPIRES_AFTER, Kind.ISSUER, Kind.ISSUER_FINGERPRINT}
    | {Kind.EMBEDDED_SIGNATURE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A primary key with its secret, open."""

    public: PublicKey
    private: SigningKey = field(repr=False)
    passphrase: str = field(default="", repr=False)
    """What protects it; empty: nothing does."""

    def over_key(self, kind: SignatureType, at: datetime, subpackets: Sequence[bytes]) -> SelfSignature:
        """A signature over the primary key: it describes or revokes it."""
        return self._signed(kind, self.public.prefixed, at, subpackets)

    def over_user_id(self, kind: int, raw: bytes, at: datetime, subpackets: Sequence[bytes]) -> SelfSignature:
        """A certification of a user ID, or what takes it back."""
        draft = _draft(self.public, kind, at, subpackets)
        return self._made(draft, over_user_id(draft, self.public, raw))

    def over_subkey(
        self, kind: SignatureType, subkey: PublicKey, at: datetime, subpackets: Sequence[bytes]
    ) -> SelfSignature:
        """What binds a subkey, or revokes it."""
        return self._signed(kind, self.public.prefixed + subkey.prefixed, at, subpackets)

    def _signed(self, kind: int, content: bytes, at: datetime, subpackets: Sequence[bytes]) -> SelfSignature:
        return self._made(_draft(self.public, kind, at, subpackets), content)

    def _made(self, draft: Signature, content: bytes) -> SelfSignature:
        body = signature_body(draft, content, self.private)
        body = canonical_signature(read_signature(body), self.public, content, None)
        return SelfSignature(body=body, read=read_signature(body))


def opened(signer: SecretKey, primary: Part) -> Signer:
    """The primary key of a secret key, ready to sign. Raises `InputError` with a sentence where it cannot."""
    if not (primary.is_secret and secret.holds_secret(primary.body)):
        raise InputError("The secret part of the primary key is not here, and only it can change the key.")
    tried = signer.passphrases if secret.is_locked(primary.body) else ("",)
    for passphrase in tried:
        try:
            private = secret.unlock(primary.body, is_primary=True, passphrases=(passphrase,))
        except PassphraseError:
            continue
        if not isinstance(private, SigningKey):
            raise InputError("This OpenPGP key cannot sign.")
        return Signer(
            public=primary.public, private=private, passphrase=passphrase if secret.is_locked(primary.body) else ""
        )
    raise PassphraseError("The passphrase of the OpenPGP key is missing or wrong.")


def back_signature(subkey: PublicKey, private: SigningKey, primary: PublicKey, at: datetime) -> bytes:
    """A subkey's confirmation that it belongs to the primary key (RFC 9580 §5.2.1.9), as a subpacket."""
    content = primary.prefixed + subkey.prefixed
    body = signature_body(_draft(subkey, SignatureType.PRIMARY_KEY_BINDING, at, ()), content, private)
    return subpacket(Kind.EMBEDDED_SIGNATURE, body)


def lifetime(public: PublicKey, until: datetime | None) -> tuple[bytes, ...]:
    """The subpacket that says when a key ends; nothing for a key without end."""
    if until is None:
        return ()
    seconds = int(until.timestamp()) - int(public.created.timestamp())
    if not 0 < seconds < 1 << 32:
        raise InputError("A key has to end after it begins, and within 136 years.")
    return (subpacket(Kind.KEY_EXPIRES_AFTER, struct.pack(">I", seconds), is_critical=True),)


def repeated(statement: Signature) -> list[bytes]:
    """What an earlier self-signature said apart from times and issuer: flags, preferences, features."""
    return [_written(one) for one in statement.hashed if one.kind not in _RENEWED]


def after(part: Part, at: datetime) -> datetime:
    """The time for a new signature over a part: `at`, or a second after its last one. Signatures of the same second
    would contradict each other, and every program picks another of them."""
    last = max((int(one.created.timestamp()) for one in part.signatures), default=0)
    return datetime.fromtimestamp(max(int(at.timestamp()), last + 1), at.tzinfo)


def _written(one: Subpacket) -> bytes:
    return subpacket(one.kind, one.body, is_critical=one.is_critical)


def _draft(public: PublicKey, kind: int, at: datetime, subpackets: Sequence[bytes]) -> Signature:
    is_large = public.algorithm == Algorithm.ED448 or (public.curve is not None and public.curve.octets > 32)
    fingerprint = bytes([public.version]) + bytes.fromhex(public.fingerprint)
    return drafted(
        public,
        kind,
        SHA512 if is_large else SHA256,
        (
            subpacket(Kind.CREATED, struct.pack(">I", int(at.timestamp())), is_critical=True),
            *subpackets,
            subpacket(Kind.ISSUER_FINGERPRINT, fingerprint),
        ),
    )
