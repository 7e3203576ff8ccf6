"""OpenPGP keys as the rest of Sealdesk sees them: any transferable key -> `Key`, and its state at a time.

Who calls it: the key reader, the choice of keys for sealing, and the OpenPGP engine. Trust is not decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from sealmail.addresses import canonical
from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import Key, KeyId, Technology, Use, openpgp_id
from sealmail.keys.pgp import armor, secret
from sealmail.keys.pgp.certificate import Certificate, Component, Revocation, check_certificate
from sealmail.keys.pgp.packets import Malformed, Tag, packet, walk
from sealmail.keys.pgp.public import Unsupported, read_public

_FEATURE_SEIPD_V2 = 0x08
_KEY_LABELS = frozenset({"PUBLIC KEY BLOCK", "PRIVATE KEY BLOCK"})
_PUBLIC_TAG = {Tag.SECRET_KEY: Tag.PUBLIC_KEY, Tag.SECRET_SUBKEY: Tag.PUBLIC_SUBKEY}
_COMMENT = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPGPState:
    """What holds for an OpenPGP key at a time."""

    fingerprint: str
    revoked: Revocation | None
    """Of the primary key: hard ones whenever they were made, soft ones from their time on."""
    not_yet_valid: bool
    expired: bool
    valid_until: datetime | None
    """When the primary key expires, as was known at that time; None: never."""
    weakly_bound: bool
    """The primary key's self-signature uses a broken hash: it opens and verifies, but nothing new is made with it."""
    signing: tuple[str, ...]
    """Fingerprints of the (sub)keys that may sign now, newest first; empty where the key as a whole may not."""
    encryption: tuple[str, ...]
    """The same for encrypting to it."""
    reads_seipd_v2: bool
    """Whether it says that it understands AEAD encryption (RFC 9580 §5.2.3.32)."""


def key_from_openpgp(material: bytes) -> Key:
    """The key of a binary transferable public or secret key; nothing secret is kept in it.

    Names only addresses of user IDs that the key itself certified and did not revoke; subkeys likewise. `uses` and
    `valid_until` are those of the latest self-signatures. Raises `InputError` where it is no key that we can read.
    """
    public = public_material(material)
    certificate = check_certificate(public)
    primary = certificate.primary
    newest = max((one.created for one in primary.bindings if one.created), default=primary.public.created)
    addresses = (address_of(user_id.raw) for user_id in certificate.user_ids)
    return Key(
        technology=Technology.OPENPGP,
        fingerprint=primary.public.fingerprint,
        material=public,
        name=name_of(certificate.user_ids[0].raw) if certificate.user_ids else "",
        addresses=tuple(dict.fromkeys(address for address in addresses if address)),
        ids=frozenset(name for one in certificate.components for name in ids_of(one)),
        algorithm=primary.public.algorithm_name,
        valid_from=primary.public.created,
        valid_until=primary.expires(newest),
        uses=_uses(certificate),
    )


def ids_of(component: Component) -> tuple[KeyId, KeyId]:
    """The two names of a primary key or subkey: by fingerprint and by key id."""
    return openpgp_id(component.public.fingerprint), openpgp_id(component.public.key_id)


def _uses(certificate: Certificate) -> frozenset[Use]:
    uses: set[Use] = set()
    for one in certificate.components:
        newest = max((binding.created for binding in one.bindings if binding.created), default=None)
        if newest is None or (one.revocations and not one.is_primary):
            continue
        allowed = {Use.SIGN: one.may_sign, Use.ENCRYPT: one.may_encrypt, Use.CERTIFY: one.may_certify}
        uses.update(use for use, may in allowed.items() if may(newest))
    return frozenset(uses)


def address_of(user_id: bytes) -> str | None:
    """The canonical address of "Name <address>" or of a bare address; anything else names none."""
    try:
        text = user_id.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "<" not in text and ">" not in text:
        return canonical(text)
    if text.count("<") == 1 and text.count(">") == 1 and text.endswith(">"):
        return canonical(text[text.index("<") + 1 : -1])
    return None


def name_of(user_id: bytes) -> str:
    """The name part of a user ID for people: printable, without a comment; proof of nothing."""
    text = user_id.decode("utf-8", "replace")
    shown = "".join(character if character.isprintable() else " " for character in text)
    before = _COMMENT.sub("", shown.split("<", 1)[0]).strip()
    return before or shown.strip("<> ")


def public_material(material: bytes) -> bytes:
    """The transferable public key in a public or secret one. Raises `InputError`."""
    if not material or material[0] & 0x80 == 0:
        raise Malformed("This is not an OpenPGP key.")
    pieces = [(one.tag, one.body) for one in walk(material) if one.tag != Tag.TRUST]
    if not pieces or pieces[0][0] not in {Tag.PUBLIC_KEY, Tag.SECRET_KEY}:
        raise Malformed("This is not an OpenPGP key.")
    if not any(tag in _PUBLIC_TAG for tag, _ in pieces):
        return material
    return b"".join(
        packet(_PUBLIC_TAG[Tag(tag)], read_public(body)[0].body) if tag in _PUBLIC_TAG else packet(tag, body)
        for tag, body in pieces
    )


def split_keys(data: bytes) -> list[bytes]:
    """Every transferable key in armored or binary data, each as binary.

    Text around armor and blocks that are no keys are passed over. Raises `InputError` where a block is broken, or where
    binary data are no keys.
    """
    if armor.is_binary(data):
        return _split(data)
    return [key for block in armor.blocks(data) if block.label in _KEY_LABELS for key in _split(block.data)]


def _split(data: bytes) -> list[bytes]:
    packets = [one for one in walk(data) if one.tag not in {Tag.MARKER, Tag.PADDING}]
    starts = [i for i, one in enumerate(packets) if one.tag in {Tag.PUBLIC_KEY, Tag.SECRET_KEY}]
    if not starts or starts[0] != 0:
        raise Malformed("This is not an OpenPGP key.")
    return [
        b"".join(packet(one.tag, one.body) for one in packets[start:end])
        for start, end in pairwise([*starts, len(packets)])
    ]


def is_secret(material: bytes) -> bool:
    """Whether a binary transferable key holds a secret that can be used here. Raises `InputError`."""
    return bool(_secrets(material))


def is_locked(material: bytes) -> bool:
    """Whether any of its secrets needs a passphrase. Raises `InputError`."""
    return any(secret.is_locked(body) for _, body in _secrets(material))


def unlocks(material: bytes, passphrase: str) -> bool:
    """Whether this one passphrase opens every protected secret in it. Raises `InputError` for what is no secret key."""
    secrets = _secrets(material)
    if not secrets:
        raise InputError("There is no secret key here.")
    try:
        for is_primary, body in secrets:
            if secret.is_locked(body):
                secret.unlock(body, is_primary=is_primary, passphrases=(passphrase,))
    except PassphraseError:
        return False
    return True


def _secrets(material: bytes) -> list[tuple[bool, bytes]]:
    found = [(one.tag == Tag.SECRET_KEY, one.body) for one in walk(material) if one.tag in _PUBLIC_TAG]
    return [(is_primary, body) for is_primary, body in found if _is_here(body)]


def _is_here(body: bytes) -> bool:
    try:
        return secret.holds_secret(body)
    except Unsupported:
        return False


@lru_cache(maxsize=64)
def state_at(material: bytes, at: datetime) -> OpenPGPState:
    """What holds for a binary transferable key at a time; remembered, since sealing one mail asks for it six times.
    Raises `InputError`."""
    certificate = check_certificate(material)
    primary = certificate.primary
    end = primary.expires(at)
    usable = primary.is_alive(at) and not primary.is_weakly_bound(at)
    binding = primary.binding_at(at)
    return OpenPGPState(
        fingerprint=primary.public.fingerprint,
        revoked=primary.revoked(at),
        not_yet_valid=at < primary.public.created,
        expired=end is not None and end <= at,
        valid_until=end,
        weakly_bound=primary.is_weakly_bound(at),
        signing=_usable(certificate, at, Use.SIGN) if usable else (),
        encryption=_usable(certificate, at, Use.ENCRYPT) if usable else (),
        reads_seipd_v2=bool(binding and binding[1].features & _FEATURE_SEIPD_V2),
    )


def _usable(certificate: Certificate, at: datetime, use: Use) -> tuple[str, ...]:
    fitting = [
        one
        for one in certificate.components
        if (one.may_sign(at) if use is Use.SIGN else one.may_encrypt(at))
        and one.is_alive(at)
        and not one.is_weakly_bound(at)
    ]
    # Subkeys made for the purpose go before the primary key; among them the newest.
    fitting.sort(key=lambda one: (not one.is_primary, one.public.created), reverse=True)
    return tuple(one.public.fingerprint for one in fitting)


def usable_for(key: Key, use: Use, at: datetime) -> str | None:
    """None where an OpenPGP key may be used so at a time; else why not, as a code: "revoked", "expired",
    "not_yet_valid", "weak_binding", "no_signing_subkey", "no_encryption_subkey", "unreadable"."""
    try:
        state = state_at(key.material, at)
    except InputError:
        return "unreadable"
    reasons = {
        "revoked": state.revoked is not None,
        "not_yet_valid": state.not_yet_valid,
        "expired": state.expired,
        "weak_binding": state.weakly_bound,
        "no_signing_subkey": use is Use.SIGN and not state.signing,
        "no_encryption_subkey": use is Use.ENCRYPT and not state.encryption,
    }
    return next((code for code, applies in reasons.items() if applies), None)
