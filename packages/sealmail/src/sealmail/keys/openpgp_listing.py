"""An OpenPGP key for people and programs that show it: each user ID and each part with its state at a time.

Pages and `sealmail keys --json` show these values. What may be done with a key is decided by `usability`, from the same
self-signatures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from sealmail.errors import InputError
from sealmail.keys.model import Key, Technology, Use
from sealmail.keys.openpgp_key import address_of, name_of, state_at
from sealmail.keys.openpgp_revoking import reason_in_words
from sealmail.keys.pgp.assembly import Part, SelfSignature, take_apart
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.subpackets import Kind

LONGEST_TEXT = 300
"""Characters of a user ID that are shown."""


class State(StrEnum):
    """Of a user ID or of a part of a key, at a time."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_YET_VALID = "not_yet_valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedUserId:
    """A user ID that the key certified."""

    text: str
    """For people: printable, at most 300 characters; proof of nothing."""
    name: str
    address: str | None
    """Canonical; None where it names none or several."""
    state: State
    since: datetime | None
    """When it was revoked or ran out."""
    is_main: bool
    explanation: str | None = None
    """Why it was revoked, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPart:
    """The primary key or a subkey."""

    fingerprint: str
    is_primary: bool
    algorithm: str
    """"Ed25519", "RSA-3072", "ML-KEM-768+X25519", …"""
    uses: frozenset[Use]
    """At that time; empty for an algorithm that Sealdesk does not use."""
    created: datetime
    until: datetime | None
    """When it ends by itself, as was known then; None: never."""
    state: State
    revoked: datetime | None = None
    explanation: str | None = None
    """Why it was revoked, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableUntil:
    """For how long something can be done with a key, as things stand."""

    is_usable: bool
    end: datetime | None = None
    """The moment from which on it is not; None: no end is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """Everything about a key that is worth showing."""

    user_ids: tuple[ListedUserId, ...]
    parts: tuple[ListedPart, ...]
    signing: UsableUntil
    encrypting: UsableUntil


@lru_cache(maxsize=64)
def listing(material: bytes, at: datetime) -> ListedKey:
    """The key at a time: its user IDs, the main one first, and its parts, the primary key first.

    Raises `InputError`.
    """
    certificate = check_certificate(material)
    state = state_at(material, at)
    parts = {one.public.fingerprint: one for one in certificate.components}
    return ListedKey(
        user_ids=user_ids(material, at),
        parts=tuple(_part(one, at) for one in certificate.components),
        signing=_until(certificate.primary, [parts[name] for name in state.signing], at),
        encrypting=_until(certificate.primary, [parts[name] for name in state.encryption], at),
    )


@lru_cache(maxsize=256)
def user_ids(material: bytes, at: datetime) -> tuple[ListedUserId, ...]:
    """The user IDs that the key ever certified, with their state at a time. One that was certified only later counts as
    valid, because keys are often handed out with their newest signatures alone. Raises `InputError`."""
    listed = [_user_id(part, at) for part in take_apart(material).user_ids if part.understood]
    return tuple(sorted(listed, key=lambda one: (one.state is not State.VALID, not one.is_main)))


def lapsed_addresses(key: Key, at: datetime) -> frozenset[str]:
    """Addresses of an OpenPGP key that, at a time, only user IDs name whose certification has run out; none for a
    certificate. `Key.addresses` knows no time. Never raises."""
    if key.technology is not Technology.OPENPGP:
        return frozenset()
    try:
        known = check_certificate(key.material).user_ids
    except InputError:
        return frozenset()
    if all(one.expires is None for one in known):
        return frozenset()
    valid = {address_of(one.raw) for one in known if one.expires is None or one.expires > at}
    named = (address_of(one.raw) for one in known)
    return frozenset(address for address in named if address and address not in valid)


def _user_id(part: Part, at: datetime) -> ListedUserId:
    before = [one for one in part.understood if one.created <= at]
    statement = before[0] if before else part.understood[-1]
    revocation = next((one for one in part.signatures if _holds(one, statement, at)), None)
    end = statement.read.expires
    state = State.REVOKED if revocation else State.EXPIRED if end and end <= at else State.VALID
    since = revocation.created if revocation else end if state is State.EXPIRED else None
    return ListedUserId(
        text=_printable(part.body),
        name=name_of(part.body)[:LONGEST_TEXT],
        address=address_of(part.body),
        state=state,
        since=since,
        is_main=statement.read.is_primary_user_id,
        explanation=_explanation(revocation) if revocation else None,
    )


def _holds(one: SelfSignature, statement: SelfSignature, at: datetime) -> bool:
    return one.is_revocation and statement.created <= one.created <= at


def _explanation(revocation: SelfSignature) -> str:
    words = reason_in_words(revocation.read.revocation_code)
    given = _printable((revocation.read.body(Kind.REVOCATION_REASON) or b"")[1:])
    return f"{words} (“{given}”)" if given else words


def _printable(raw: bytes) -> str:
    text = raw[: 4 * LONGEST_TEXT].decode("utf-8", "replace")
    return "".join(one if one.isprintable() else "�" for one in text)[:LONGEST_TEXT]


def _part(component: Component, at: datetime) -> ListedPart:
    revocation, end = component.revoked(at), component.expires(at)
    states = {
        State.REVOKED: revocation is not None,
        State.NOT_YET_VALID: at < component.public.created,
        State.EXPIRED: end is not None and end <= at,
    }
    allowed = {Use.SIGN: component.may_sign, Use.ENCRYPT: component.may_encrypt, Use.CERTIFY: component.may_certify}
    return ListedPart(
        fingerprint=component.public.fingerprint,
        is_primary=component.is_primary,
        algorithm=component.public.algorithm_name,
        uses=frozenset(use for use, may in allowed.items() if may(at)),
        created=component.public.created,
        until=end,
        state=next((state for state, holds in states.items() if holds), State.VALID),
        revoked=revocation.at if revocation else None,
        explanation=reason_in_words(revocation.code) if revocation else None,
    )


def _until(primary: Component, fitting: Iterable[Component], at: datetime) -> UsableUntil:
    """The last of the fitting parts decides, but none outlives the primary key."""
    ends = [_earliest(primary.expires(at), one.expires(at), _binding_end(one, at)) for one in fitting]
    if not ends:
        return UsableUntil(is_usable=False)
    known = [end for end in ends if end is not None]
    return UsableUntil(is_usable=True, end=max(known) if len(known) == len(ends) else None)


def _binding_end(component: Component, at: datetime) -> datetime | None:
    found = component.binding_at(at)
    return found[1].expires if found else None


def _earliest(*ends: datetime | None) -> datetime | None:
    return min((end for end in ends if end is not None), default=None)
