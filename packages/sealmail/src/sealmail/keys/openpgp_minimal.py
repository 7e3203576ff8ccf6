"""The smallest form of an OpenPGP key with which its owner can be written to and his mail be checked.

For Autocrypt headers (Autocrypt 1.1 §2.1.2) and attached keys: primary key, one user ID, the newest subkeys for
encrypting and for signing, each with the self-signature in force, and revocations of the primary key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sealmail.errors import InputError
from sealmail.keys.openpgp_key import public_material, state_at
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.checking import holds, over_user_id
from sealmail.keys.pgp.packets import Malformed, Packet, Tag, packet, walk
from sealmail.keys.pgp.public import PublicKey, read_public
from sealmail.keys.pgp.subpackets import Signature, SignatureType, read_signature

_OF_USER_ID = frozenset(range(SignatureType.GENERIC_CERTIFICATION, SignatureType.POSITIVE_CERTIFICATION + 1))


def minimal(material: bytes, at: datetime) -> bytes:
    """A binary transferable public key. Raises `InputError` where `material` is no key that we can check."""
    public = public_material(material)
    certificate, state = check_certificate(public), state_at(public, at)
    primary = certificate.primary.public
    wanted = {*state.encryption[:1], *state.signing[:1]}
    (head, signatures), *others = _groups(public)
    kept = [head, *_in_force(signatures, {SignatureType.DIRECT_KEY}, primary, primary.prefixed, at)]
    kept[1:1] = [one for one in signatures if _kind(one) == SignatureType.KEY_REVOCATION]
    main = certificate.user_ids[0].raw if certificate.user_ids else None
    for part, signatures in others:
        if part.tag == Tag.USER_ID and part.body == main:
            main = None  # once is enough
            kept += [part, *_in_force(signatures, _OF_USER_ID, primary, part.body, at)]
        elif part.tag == Tag.PUBLIC_SUBKEY and (subkey := _subkey(part)) and subkey.fingerprint in wanted:
            content = primary.prefixed + subkey.prefixed
            kept += [part, *_in_force(signatures, {SignatureType.SUBKEY_BINDING}, primary, content, at)]
    return b"".join(packet(one.tag, one.body) for one in kept)


def _groups(material: bytes) -> list[tuple[Packet, list[Packet]]]:
    """Each key or user ID with the signatures after it."""
    groups: list[tuple[Packet, list[Packet]]] = []
    for one in walk(material):
        if one.tag != Tag.SIGNATURE:
            groups.append((one, []))
        elif groups:
            groups[-1][1].append(one)
    return groups


def _in_force(
    signatures: Sequence[Packet], kinds: frozenset[int] | set[SignatureType], key: PublicKey, over: bytes, at: datetime
) -> Iterator[Packet]:
    """The latest valid self-signature made by then, else the oldest."""
    found = []
    for one in signatures:
        signature = _read(one)
        if signature is None or signature.type not in kinds or signature.created is None:
            continue
        content = over_user_id(signature, key, over) if signature.type in _OF_USER_ID else over
        if _holds(signature, key, content):
            found.append((signature.created, one))
    found.sort(key=lambda pair: pair[0])
    before = [one for created, one in found if created <= at]
    yield from before[-1:] or [one for _, one in found[:1]]


def _holds(signature: Signature, key: PublicKey, content: bytes) -> bool:
    try:
        return holds(signature, key, content)
    except InputError:
        return False


def _kind(one: Packet) -> int | None:
    signature = _read(one)
    return signature.type if signature is not None else None


def _read(one: Packet) -> Signature | None:
    try:
        return read_signature(one.body)
    except Malformed:
        return None


def _subkey(part: Packet) -> PublicKey | None:
    try:
        return read_public(part.body)[0]
    except InputError:
        return None
