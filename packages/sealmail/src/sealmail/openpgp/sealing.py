"""Signed and encrypted PGP/MIME entities (RFC 3156), made from a MIME entity.

Nothing is compressed: the length of compressed text tells about the text beside it, and mail quotes strangers.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import openpgp.errors
from openpgp.composed import SignedPublicKey, SignedPublicSubKey
from openpgp.util import encrypt_session_key_to_recipient
from pysequoia import ArmorKind

from sealmail.errors import EngineError, InputError, PassphraseError
from sealmail.keys.model import Key, SecretKey
from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.armor import armored
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.checking import HASHES, SHA256, SHA512, SigningKey, canonical_text, signature_body
from sealmail.keys.pgp.packets import Tag, length, packet
from sealmail.keys.pgp.public import RSA_ALGORITHMS, Algorithm, PublicKey
from sealmail.keys.pgp.subpackets import Kind, Signature, SignatureType
from sealmail.openpgp.containers import seal_mdc, seal_ocb
from sealmail.openpgp.session_keys import wrap_rsa


def sign(entity: bytes, signer: SecretKey, at: datetime) -> bytes:
    """A multipart/signed entity around `entity`, which is brought to CRLF line ends and otherwise placed as it is.

    Signed with the newest subkey that may sign at `at`, or the primary key; `at` is the signing time. The result has
    no MIME-Version field. Raises `InputError` where no key may sign, `PassphraseError` where it stays locked.
    """
    content = canonical_text(entity)
    signing = _signing(signer, at)
    signature = armored(ArmorKind.Signature, packet(Tag.SIGNATURE, _signature(signing, content, at, ())))
    boundary = _boundary()
    head = (
        f'Content-Type: multipart/signed; boundary="{boundary}";\r\n'
        f' micalg=pgp-{signing.hash_name}; protocol="application/pgp-signature"\r\n\r\n'
    )
    part = (
        b'Content-Type: application/pgp-signature; name="signature.asc"\r\n'
        b"Content-Description: OpenPGP digital signature\r\n"
        b'Content-Disposition: attachment; filename="signature.asc"\r\n\r\n'
    )
    return _multipart(head, boundary, content, part + signature)


def encrypt(entity: bytes, recipients: Sequence[Key], signer: SecretKey | None, at: datetime) -> bytes:
    """A multipart/encrypted entity that holds `entity`, signed in one pass where there is a signer.

    AES-256; AEAD (RFC 9580 §5.13.2) where every recipient says that he reads it, else with MDC, which everybody reads.
    Encrypted to the newest (sub)key of each recipient that may be encrypted to at `at`. The signature names the
    recipients, so that nobody can pass it on as meant for someone else. Raises `InputError` where a recipient has no
    such key or nobody is a recipient, and what `sign` raises.
    """
    if not recipients:
        raise InputError("There is nobody to encrypt to.")
    content = canonical_text(entity)
    states = [state_at(key.material, at) for key in recipients]
    targets = [_target(key, state.encryption) for key, state in zip(recipients, states, strict=True)]
    with_aead = all(state.reads_seipd_v2 for state in states)
    inner = _literal(content) if signer is None else _signed_message(content, _signing(signer, at), recipients, at)
    session_key = os.urandom(32)
    wrapped = b"".join(
        _wrapped(session_key, key, target, with_aead=with_aead) for key, target in zip(recipients, targets, strict=True)
    )
    body = seal_ocb(inner, session_key) if with_aead else seal_mdc(inner, session_key)
    return _encrypted_entity(armored(ArmorKind.Message, wrapped + packet(Tag.PROTECTED, body)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signing:
    """The (sub)key that signs, with the hash that fits it."""

    component: Component
    private: SigningKey
    hash_id: int

    @property
    def hash_name(self) -> str:
        return HASHES[self.hash_id].name


def _signing(signer: SecretKey, at: datetime) -> _Signing:
    names = state_at(signer.material, at).signing
    certificate = check_certificate(signer.material)
    found = (certificate.component(name) for name in names)
    for one in found:
        if one is not None and one.secret is not None and secret.holds_secret(one.secret):
            return _Signing(component=one, private=_unlocked(one, signer), hash_id=_hash_for(one))
    raise InputError("This OpenPGP key has no secret part that may sign at this time.")


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


def _hash_for(component: Component) -> int:
    # RFC 9580 §5.2.3.2 and §5.2.3.5: the digest is at least as strong as the curve.
    public = component.public
    is_large = public.algorithm == Algorithm.ED448 or (public.curve is not None and public.curve.octets > 32)
    return SHA512 if is_large else SHA256


def _signature(signing: _Signing, content: bytes, at: datetime, recipients: Sequence[Key]) -> bytes:
    public = signing.component.public
    version = public.version
    area = b"".join(
        (
            _subpacket(Kind.CREATED, struct.pack(">I", int(at.timestamp())), is_critical=True),
            _subpacket(Kind.ISSUER_FINGERPRINT, bytes([version]) + bytes.fromhex(public.fingerprint)),
            # Older peers look only at the key id, which has no place in version 6 (RFC 9580 §5.2.3.12).
            _subpacket(Kind.ISSUER, bytes.fromhex(public.key_id)) if version == 4 else b"",
            *(_subpacket(Kind.INTENDED_RECIPIENT, _versioned_fingerprint(key)) for key in recipients),
        )
    )
    head = bytes([version, SignatureType.BINARY, public.algorithm, signing.hash_id])
    draft = Signature(
        version=version,
        type=SignatureType.BINARY,
        algorithm=public.algorithm,
        hash_id=signing.hash_id,
        hashed=(),
        unhashed=(),
        hashed_part=head + struct.pack(">I" if version == 6 else ">H", len(area)) + area,
        salt=os.urandom(HASHES[signing.hash_id].salt_octets) if version == 6 else b"",
        values=b"",
    )
    return signature_body(draft, content, signing.private)


def _versioned_fingerprint(key: Key) -> bytes:
    fingerprint = bytes.fromhex(key.fingerprint)
    return bytes([6 if len(fingerprint) == 32 else 4]) + fingerprint


def _subpacket(kind: Kind, body: bytes, *, is_critical: bool = False) -> bytes:
    return length(len(body) + 1) + bytes([kind | 0x80 if is_critical else kind]) + body


def _literal(content: bytes) -> bytes:
    # Binary, no file name, no date: RFC 9580 §5.9 leaves them unprotected, and they would only tell things.
    return packet(Tag.LITERAL, b"b\0" + bytes(4) + content)


def _signed_message(content: bytes, signing: _Signing, recipients: Sequence[Key], at: datetime) -> bytes:
    signature = _signature(signing, content, at, recipients)
    public = signing.component.public
    if public.version == 6:  # RFC 9580 §5.4
        salt_octets = HASHES[signing.hash_id].salt_octets
        salt = _salt(signature, salt_octets)
        issuer = bytes([salt_octets]) + salt + bytes.fromhex(public.fingerprint)
    else:
        issuer = bytes.fromhex(public.key_id)
    version = 6 if public.version == 6 else 3
    announced = bytes([version, SignatureType.BINARY, signing.hash_id, public.algorithm]) + issuer + b"\x01"
    return packet(Tag.ONE_PASS, announced) + _literal(content) + packet(Tag.SIGNATURE, signature)


def _salt(signature: bytes, octets: int) -> bytes:
    hashed = struct.unpack_from(">I", signature, 4)[0]
    start = 8 + hashed + 4 + 2 + 1
    return signature[start : start + octets]


def _target(key: Key, fingerprints: Sequence[str]) -> PublicKey:
    certificate = check_certificate(key.material)
    component = certificate.component(fingerprints[0]) if fingerprints else None
    if component is None:
        raise InputError(f"The OpenPGP key {key.fingerprint} has no part that may be encrypted to at this time.")
    return component.public


@lru_cache(maxsize=256)
def _parts(material: bytes) -> dict[str, SignedPublicKey | SignedPublicSubKey]:
    """The keys in a transferable public key, as the library that wraps session keys wants them."""
    try:
        whole = SignedPublicKey.from_bytes(material)
    except openpgp.errors.Error:
        raise InputError("This OpenPGP key cannot be read.") from None
    parts: dict[str, SignedPublicKey | SignedPublicSubKey] = {whole.fingerprint: whole}
    parts.update((one.key.fingerprint, one) for one in whole.public_subkeys)
    return parts


def _wrapped(session_key: bytes, key: Key, target: PublicKey, *, with_aead: bool) -> bytes:
    if target.algorithm in RSA_ALGORITHMS:
        return packet(Tag.PKESK, wrap_rsa(session_key, target, with_aead=with_aead))
    part = _parts(key.material).get(target.fingerprint)
    if part is None:
        raise InputError(f"The OpenPGP key {key.fingerprint} uses an algorithm that Sealdesk cannot encrypt to.")
    try:
        return encrypt_session_key_to_recipient(
            session_key, part, version="seipd-v2" if with_aead else "seipd-v1", symmetric_algorithm="aes256"
        ).to_bytes()
    except openpgp.errors.Error:
        raise EngineError("A session key could not be encrypted to a recipient's OpenPGP key.") from None


def _encrypted_entity(message: bytes) -> bytes:
    boundary = _boundary()
    head = f'Content-Type: multipart/encrypted; boundary="{boundary}";\r\n protocol="application/pgp-encrypted"\r\n\r\n'
    version = (
        b"Content-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\n"
        b"Version: 1\r\n"
    )
    part = (
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b"Content-Description: OpenPGP encrypted message\r\n"
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n'
    )
    return _multipart(head, boundary, version, part + message)


def _boundary() -> str:
    # 128 random bits: it cannot be foreseen, so no content can hold it.
    return f"=_{secrets.token_hex(16)}"


def _multipart(head: str, boundary: str, first: bytes, second: bytes) -> bytes:
    line = b"--" + boundary.encode()
    # The line end before a boundary line belongs to that line (RFC 2046 §5.1.1), so what is signed ends before it.
    return b"".join((head.encode(), line, b"\r\n", first, b"\r\n", line, b"\r\n", second, b"\r\n", line, b"--\r\n"))
