"""Several copies of one OpenPGP key as one, and the smaller forms of a key that are handed out.

All of them hold only what the key itself signed: certifications by others, pictures and strangers' user IDs or subkeys
fall away. The callers are importing, harvesting, exporting and sealing. Nothing here decides about trust.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sealmail.errors import InputError
from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.assembly import Assembly, Part, SelfSignature, arranged, take_apart, united
from sealmail.keys.pgp.subpackets import SignatureType


def merged(known: bytes, copy: bytes) -> bytes:
    """The binary transferable key `known` with the news of another copy of it: user IDs, subkeys, self-signatures,
    revocations, and secrets that were not here. RFC 9580 §10.1.

    The order of the copies does not matter, save that a secret which both have is kept as `known` has it, with its
    passphrase; whether a new secret fits is asked by `openpgp_secrets.check_secrets` before. A key in which the other
    has a new revocation is revoked. Nothing comes in that the key did not sign. Equal to `exported(known)` where the
    copy brings no news. Raises `InputError` where either is no key that we can check, or they are two keys.
    """
    one, other = take_apart(known), take_apart(copy)
    if one.primary.public.fingerprint != other.primary.public.fingerprint:
        raise InputError("These are two different OpenPGP keys.")
    one, other = _with_fuller_secrets(one, other), _with_fuller_secrets(other, one)
    together = Assembly(
        primary=united(one.primary, other.primary),
        user_ids=one.user_ids + other.user_ids,
        subkeys=one.subkeys + other.subkeys,
    )
    return arranged(together).to_bytes()


def has_news(known: bytes, copy: bytes) -> bool:
    """Whether a copy of the key adds anything. Raises what `merged` raises."""
    return merged(known, copy) != exported(known, with_secret=True)


def exported(material: bytes, *, with_secret: bool = False) -> bytes:
    """The binary key with everything that it signed itself, and nothing of others; the same for all copies of one state
    of the key. Raises `InputError`."""
    assembly = take_apart(material)
    return (assembly if with_secret else assembly.without_secrets).to_bytes()


def minimal(material: bytes, at: datetime) -> bytes:
    """The smallest public form with which others can write to the key's owner and check his mail: primary key, main
    user ID, newest subkeys for encrypting and for signing, each with the self-signature in force at `at` only, and the
    revocations of the key. For Autocrypt headers (below 10 kB, Autocrypt 1.1 §2.1) and attached keys.

    Raises `InputError` where it is no key that we can check.
    """
    assembly = take_apart(material).without_secrets
    state = state_at(assembly.to_bytes(), at)
    wanted = {*state.encryption[:1], *state.signing[:1]}
    user_ids = [_in_force(part, at) for part in assembly.user_ids]
    alive = [part for part in user_ids if not part.signatures[0].is_revocation]
    # The one marked as the main one, else the first: `sorted` keeps their order.
    main = sorted(alive or user_ids, key=lambda part: not part.signatures[-1].read.is_primary_user_id)[:1]
    subkeys = (_in_force(part, at) for part in assembly.subkeys if part.public.fingerprint in wanted)
    return Assembly(primary=_in_force(assembly.primary, at), user_ids=tuple(main), subkeys=tuple(subkeys)).to_bytes()


def _in_force(part: Part, at: datetime) -> Part:
    """The part with its latest statement by then, or its oldest where all are later, and what revokes it."""
    statements = [one for one in part.understood if one.read.expires is None or one.read.expires > at]
    before = [one for one in statements if one.created <= at]
    kept = before[:1] or statements[-1:] or part.statements[:1]
    revocations = tuple(one for one in part.signatures if one.is_revocation and _takes_back(one, kept))
    return replace(part, signatures=(*revocations, *kept))


def _takes_back(revocation: SelfSignature, statements: list[SelfSignature] | tuple[SelfSignature, ...]) -> bool:
    # A user ID that was certified again after its revocation holds again; keys and subkeys stay revoked.
    if revocation.read.type != SignatureType.CERTIFICATION_REVOCATION:
        return True
    return all(one.created <= revocation.created for one in statements)


def _with_fuller_secrets(one: Assembly, other: Assembly) -> Assembly:
    """Without its notes that a secret lies elsewhere where the other has the secret itself."""
    there = {part.public.fingerprint for part in other.keys if _has_secret(part)}
    return replace(
        one,
        primary=_without_note(one.primary, there),
        subkeys=tuple(_without_note(part, there) for part in one.subkeys),
    )


def _without_note(part: Part, there: set[str]) -> Part:
    is_note = part.is_secret and not _has_secret(part) and part.public.fingerprint in there
    return part.without_secret if is_note else part


def _has_secret(part: Part) -> bool:
    try:
        return part.is_secret and secret.holds_secret(part.body)
    except InputError:
        return False
