"""Makes signatures over mail: the packets, and what announces them (RFC 9580 §5.2, §5.4)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import Key, SecretKey
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component
from sealmail.keys.pgp.checking import HASHES, SigningKey, signature_body
from sealmail.keys.pgp.drafting import drafted, subpacket
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.keys.pgp.subpackets import Kind, SignatureType
from sealmail.openpgp.forming import SignatureForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An unlocked (sub)key, and how it signs."""

    form: SignatureForm
    private: SigningKey


def unlocked(form: SignatureForm, signer: SecretKey) -> Signer:
    """The signer of that form. Raises `PassphraseError` where the key stays locked, `InputError` where it cannot
    sign."""
    return Signer(form=form, private=_unlocked(form.component, signer))


def signature(signer: Signer, content: bytes, at: datetime, recipients: Sequence[Key] = ()) -> bytes:
    """The body of a signature packet over canonical content. `at`: the signing time; `recipients` are named as those
    for whom the content is meant (RFC 9580 §5.2.3.36)."""
    public, version = signer.form.component.public, signer.form.component.public.version
    area = (
        subpacket(Kind.CREATED, struct.pack(">I", int(at.timestamp())), is_critical=True),
        subpacket(Kind.ISSUER_FINGERPRINT, bytes([version]) + bytes.fromhex(public.fingerprint)),
        # Older peers look only at the key id, which has no place in version 6 (RFC 9580 §5.2.3.12).
        subpacket(Kind.ISSUER, bytes.fromhex(public.key_id)) if version == 4 else b"",
        *(subpacket(Kind.INTENDED_RECIPIENT, _versioned_fingerprint(key)) for key in recipients),
    )
    draft = drafted(public, SignatureType.BINARY, signer.form.hash_id, area)
    return signature_body(draft, content, signer.private)


def signed_message(content: bytes, signer: Signer, recipients: Sequence[Key], at: datetime) -> bytes:
    """The packets of a message with its signature, for encrypting."""
    made = signature(signer, content, at, recipients)
    public, hash_id = signer.form.component.public, signer.form.hash_id
    if public.version == 6:  # RFC 9580 §5.4
        salt_octets = HASHES[hash_id].salt_octets
        issuer = bytes([salt_octets]) + _salt(made, salt_octets) + bytes.fromhex(public.fingerprint)
    else:
        issuer = bytes.fromhex(public.key_id)
    version = 6 if public.version == 6 else 3
    announced = bytes([version, SignatureType.BINARY, hash_id, public.algorithm]) + issuer + b"\x01"
    return b"".join((packet(Tag.ONE_PASS, announced), literal(content), packet(Tag.SIGNATURE, made)))


def literal(content: bytes) -> bytes:
    """The packet of the content itself."""
    # Binary, no file name, no date: RFC 9580 §5.9 leaves them unprotected, and they would only tell things.
    return packet(Tag.LITERAL, b"b\0" + bytes(4), content)


def _unlocked(component: Component, signer: SecretKey) -> SigningKey:
    try:
        private = secret.unlock(
            component.secret or b"", is_primary=component.is_primary, passphrases=signer.passphrases
        )
    except PassphraseError:
        raise PassphraseError("The passphrase of the OpenPGP key that signs is missing or wrong.") from None
    if not isinstance(private, SigningKey):
        raise InputError("This OpenPGP key cannot sign.")
    return private


def _versioned_fingerprint(key: Key) -> bytes:
    fingerprint = bytes.fromhex(key.fingerprint)
    return bytes([6 if len(fingerprint) == 32 else 4]) + fingerprint


def _salt(signature: bytes, octets: int) -> bytes:
    hashed = struct.unpack_from(">I", signature, 4)[0]
    start = 8 + hashed + 4 + 2 + 1
    return signature[start : start + octets]
