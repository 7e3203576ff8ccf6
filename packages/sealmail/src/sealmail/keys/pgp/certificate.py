"""A transferable key (RFC 9580 §10.1) with its self-signatures checked once, and its state at a time.

Only what the primary key itself signed counts: user IDs and subkeys without a valid self-signature are left out, so
that nobody can hang an address or a subkey of his own on someone else's key. Certifications by others are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sealmail.errors import InputError
from sealmail.keys.pgp.checking import hash_name, holds, over_user_id
from sealmail.keys.pgp.packets import Malformed, Packet, Tag, walk
from sealmail.keys.pgp.public import CAN_ENCRYPT, CAN_SIGN, PublicKey, Unsupported, read_public
from sealmail.keys.pgp.subpackets import Kind, Signature, SignatureType, read_signature

MAXIMUM_SELF_SIGNATURES = 32
"""Checked for one component, newest first."""

MAXIMUM_COMPONENTS = 200
"""User IDs and subkeys of one key; those after them are not looked at."""

_WEAK_BINDINGS = frozenset({"md5", "sha1", "ripemd160"})
_DIRECT = SignatureType.DIRECT_KEY
_CERTIFY, _SIGN, _ENCRYPT = 0x01, 0x02, 0x0C
_SOFT_REASONS = frozenset({1, 3, 32})  # superseded, retired, user ID no longer valid: RFC 9580 §5.2.3.31
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A valid revocation of a key or subkey."""

    at: datetime
    code: int | None
    """The reason code; None: none was given."""

    @property
    def is_hard(self) -> bool:
        """Whether it casts doubt on everything the key ever did, and not only on what comes after it."""
        return self.code not in _SOFT_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A primary key or subkey with what the primary key says about it."""

    public: PublicKey
    bindings: tuple[Signature, ...] = field(repr=False)
    """Valid self-signatures, oldest first."""
    revocations: tuple[Revocation, ...] = ()
    is_primary: bool = False
    has_back_signature: frozenset[int] = frozenset()
    """Positions of the bindings in which a subkey confirms that it belongs to the primary key."""
    secret: bytes | None = field(default=None, repr=False)
    """Body of its secret key packet, where there is one."""

    def binding_at(self, at: datetime) -> tuple[int, Signature] | None:
        """The self-signature in force: the latest one made by then that has not run out; the oldest where all are
        later (keys are often exported with their newest self-signature only)."""
        alive = [(i, one) for i, one in enumerate(self.bindings) if one.expires is None or one.expires > at]
        before = [(i, one) for i, one in alive if _created(one) <= at]
        return before[-1] if before else (alive[0] if alive else None)

    def saying(self, kind: Kind, at: datetime) -> Signature | None:
        """The self-signature in force that says something of this kind.

        A version 4 primary key has direct key signatures beside the certifications of its user IDs, and one may be
        silent on what the other says: GnuPG adds a direct one that names nothing but who else may revoke.
        """
        found = self.binding_at(at)
        if found is None or found[1].body(kind) is not None:
            return found[1] if found else None
        latest = found[1]
        others = tuple(one for one in self.bindings if (one.type == _DIRECT) is not (latest.type == _DIRECT))
        other = replace(self, bindings=others).binding_at(at)
        if other is None or other[1].body(kind) is None:
            return None
        was_known = _created(latest) > at or _created(other[1]) <= at
        return other[1] if was_known else None

    def expires(self, at: datetime) -> datetime | None:
        """When it stops to be usable, as was known at a time; None: never."""
        found = self.saying(Kind.KEY_EXPIRES_AFTER, at)
        seconds = found.key_expires_after_seconds if found else None
        return self.public.created + timedelta(seconds=seconds) if seconds else None

    def flags(self, at: datetime) -> int:
        """Key flags in force. Where a self-signature has none, what the algorithm can do (RFC 9580 §5.2.3.29)."""
        found = self.binding_at(at)
        if found is None:
            return 0
        saying = self.saying(Kind.KEY_FLAGS, at)
        flags = saying.key_flags if saying else None
        if flags is None:
            flags = _ENCRYPT | (_SIGN | _CERTIFY if self.is_primary else 0)
        if self.public.algorithm not in CAN_ENCRYPT:
            flags &= ~_ENCRYPT
        signs = self.public.algorithm in CAN_SIGN and (self.is_primary or found[0] in self.has_back_signature)
        return flags if signs else flags & ~_SIGN

    def may_sign(self, at: datetime) -> bool:
        """Whether it is bound, then, as a key for signing mail."""
        return bool(self.flags(at) & _SIGN)

    def may_encrypt(self, at: datetime) -> bool:
        """Whether it is bound, then, as a key to encrypt to."""
        return bool(self.flags(at) & _ENCRYPT)

    def may_certify(self, at: datetime) -> bool:
        """Whether it may vouch for user IDs."""
        return bool(self.flags(at) & _CERTIFY)

    def revoked(self, at: datetime) -> Revocation | None:
        """The revocation that holds at a time: a hard one whenever it was made, a soft one only from then on."""
        holding = [one for one in self.revocations if one.is_hard or one.at <= at]
        return min(holding, key=lambda one: (not one.is_hard, one.at), default=None)

    def is_weakly_bound(self, at: datetime) -> bool:
        """Whether its self-signature uses a broken hash."""
        found = self.binding_at(at)
        return found is not None and hash_name(found[1].hash_id) in _WEAK_BINDINGS

    def is_alive(self, at: datetime) -> bool:
        """Created, not expired and not revoked."""
        end = self.expires(at)
        return self.public.created <= at and (end is None or at < end) and self.revoked(at) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserId:
    """A user ID that the primary key certified and did not revoke."""

    raw: bytes
    certified: datetime
    is_primary: bool
    expires: datetime | None = None
    """When the certification runs out that was made last; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A checked transferable key."""

    primary: Component
    subkeys: tuple[Component, ...]
    user_ids: tuple[UserId, ...]
    """The main one first."""

    @property
    def components(self) -> tuple[Component, ...]:
        """Primary key and subkeys."""
        return (self.primary, *self.subkeys)

    @property
    def has_secret(self) -> bool:
        """Whether it came with secret key packets."""
        return any(one.secret is not None for one in self.components)

    def component(self, name: str) -> Component | None:
        """The key that goes by this fingerprint or key id."""
        return next((one for one in self.components if name in {one.public.fingerprint, one.public.key_id}), None)


def check_certificate(material: bytes) -> Certificate:
    """Parses and checks one binary transferable key, public or secret. Cached, because checking self-signatures costs
    more than the rest of opening a mail. Raises `InputError`."""
    return _check_secret(material) if material[:1] in _SECRET_HEADERS else _check_public(material)


# Old and new format headers of a secret key packet. Secret material is kept apart in a smaller cache.
_SECRET_HEADERS = frozenset({b"\x94", b"\x95", b"\x96", b"\x97", b"\xc5"})


def _check(material: bytes) -> Certificate:
    groups = list(_groups(material))
    if not groups or groups[0][0].tag not in {Tag.PUBLIC_KEY, Tag.SECRET_KEY}:
        raise Malformed("This is not an OpenPGP key.")
    (head, primary_signatures), *others = groups[: MAXIMUM_COMPONENTS + 1]
    primary, _ = read_public(head.body)
    user_ids = _user_ids(primary, others)
    return Certificate(
        primary=_primary(head, primary, primary_signatures, user_ids),
        subkeys=tuple(_subkeys(primary, others)),
        user_ids=tuple(user_id for user_id, _ in user_ids),
    )


_check_public = lru_cache(maxsize=512)(_check)
_check_secret = lru_cache(maxsize=64)(_check)


def _groups(material: bytes) -> Iterator[tuple[Packet, list[Signature]]]:
    """Each key, user ID or attribute with the readable signatures that follow it."""
    current: tuple[Packet, list[Signature]] | None = None
    for packet in walk(material):
        if packet.tag == Tag.SIGNATURE:
            if current is None:
                raise Malformed("This is not an OpenPGP key.")
            try:
                current[1].append(read_signature(packet.body))
            except Malformed:
                continue
        elif packet.tag not in {Tag.TRUST, Tag.MARKER, Tag.PADDING}:
            if current is not None:
                yield current
            current = (packet, [])
    if current is not None:
        yield current


def _user_ids(key: PublicKey, groups: list[tuple[Packet, list[Signature]]]) -> list[tuple[UserId, list[Signature]]]:
    """The valid user IDs, the main one first, with their certifications by the key itself, oldest first."""
    low, high = SignatureType.GENERIC_CERTIFICATION, SignatureType.POSITIVE_CERTIFICATION
    found = []
    for head, signatures in groups:
        if head.tag != Tag.USER_ID:
            continue
        own = [one for one in signatures if low <= one.type <= high]
        revoking = [one for one in signatures if one.type == SignatureType.CERTIFICATION_REVOCATION]
        certified = _valid_over_user_id(key, own, head.body)
        revoked = _valid_over_user_id(key, revoking, head.body)
        if certified and not (revoked and _created(revoked[-1]) >= _created(certified[-1])):
            last = certified[-1]
            user_id = UserId(
                raw=head.body, certified=_created(last), is_primary=last.is_primary_user_id, expires=last.expires
            )
            found.append((user_id, certified))
    return sorted(found, key=lambda one: (not one[0].is_primary, -one[0].certified.timestamp() * one[0].is_primary))


def _primary(
    head: Packet, key: PublicKey, signatures: list[Signature], user_ids: list[tuple[UserId, list[Signature]]]
) -> Component:
    direct = _valid(key, [one for one in signatures if one.type == SignatureType.DIRECT_KEY], key.prefixed)
    # RFC 9580 §5.2.3.10: version 6 keys describe themselves in direct key signatures, version 4 keys mostly in the
    # certifications of their user IDs. Where a version 6 key has none, its certifications are better than nothing.
    certifications = [] if key.version == 6 and direct else [one for _, certified in user_ids for one in certified]
    revocations = [one for one in signatures if one.type == SignatureType.KEY_REVOCATION]
    return Component(
        public=key,
        bindings=tuple(sorted(direct + certifications, key=_created)),
        revocations=tuple(_revocations(key, revocations, key.prefixed)),
        is_primary=True,
        secret=head.body if head.tag == Tag.SECRET_KEY else None,
    )


def _subkeys(primary: PublicKey, groups: list[tuple[Packet, list[Signature]]]) -> Iterator[Component]:
    for head, signatures in groups:
        if head.tag not in {Tag.PUBLIC_SUBKEY, Tag.SECRET_SUBKEY}:
            continue
        try:
            subkey, _ = read_public(head.body)
        except (Malformed, Unsupported):
            continue
        content = primary.prefixed + subkey.prefixed
        bindings = _valid(primary, [one for one in signatures if one.type == SignatureType.SUBKEY_BINDING], content)
        if bindings:
            revoking = [one for one in signatures if one.type == SignatureType.SUBKEY_REVOCATION]
            yield Component(
                public=subkey,
                bindings=tuple(bindings),
                revocations=tuple(_revocations(primary, revoking, content)),
                has_back_signature=frozenset(i for i, one in enumerate(bindings) if _confirms(one, subkey, content)),
                secret=head.body if head.tag == Tag.SECRET_SUBKEY else None,
            )


def _confirms(binding: Signature, subkey: PublicKey, content: bytes) -> bool:
    # RFC 9580 §5.2.1.9: without it, somebody could take a foreign signing key for a subkey of his own.
    if subkey.algorithm not in CAN_SIGN:
        return False
    back = binding.embedded
    return back is not None and back.type == SignatureType.PRIMARY_KEY_BINDING and _holds(back, subkey, content)


def _revocations(key: PublicKey, signatures: list[Signature], content: bytes) -> Iterator[Revocation]:
    # A condition that we do not know is no ground to go on using a key that its owner revoked.
    for one in sorted(_newest(key, signatures), key=_created):
        if one.created is not None and _fits(one, key, content):
            yield Revocation(at=one.created, code=one.revocation_code)


def _valid(key: PublicKey, signatures: list[Signature], content: bytes) -> list[Signature]:
    return sorted((one for one in _newest(key, signatures) if _holds(one, key, content)), key=_created)


def _valid_over_user_id(key: PublicKey, signatures: list[Signature], raw: bytes) -> list[Signature]:
    mine = _newest(key, signatures)
    return sorted((one for one in mine if _holds(one, key, over_user_id(one, key, raw))), key=_created)


def _newest(key: PublicKey, signatures: list[Signature]) -> list[Signature]:
    """The newest signatures that claim to be by the key itself; the others are not worth a check."""
    own = [one for one in signatures if not one.issuers or {key.fingerprint, key.key_id} & set(one.issuers)]
    return sorted(own, key=_created, reverse=True)[:MAXIMUM_SELF_SIGNATURES]


def _holds(signature: Signature, key: PublicKey, content: bytes) -> bool:
    return signature.created is not None and not signature.has_unknown_critical and _fits(signature, key, content)


def _fits(signature: Signature, key: PublicKey, content: bytes) -> bool:
    try:
        return holds(signature, key, content)
    except InputError:
        return False


def _created(signature: Signature) -> datetime:
    return signature.created or _EPOCH
