"""A transferable key taken apart and put together again: only what the key itself signed, in one order.

Signatures of others, pictures, user IDs and subkeys without a signature of the key, and everything in the unhashed
areas that nobody vouches for fall away. So two copies of the same key can be compared and united byte by byte, and
nobody can make a key grow. Who calls it: merging, exporting and making keys.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys.pgp.checking import digest_of, holds, over_user_id
from sealmail.keys.pgp.drafting import subpacket
from sealmail.keys.pgp.packets import Fields, Malformed, Packet, Tag, mpi, packet, walk
from sealmail.keys.pgp.public import CAN_SIGN, Algorithm, PublicKey, Unsupported, read_public
from sealmail.keys.pgp.subpackets import Kind, Signature, SignatureType, read_signature

MAXIMUM_BYTES = 5 * 1024 * 1024
"""Of one key; larger ones are refused."""
MAXIMUM_USER_IDS = 100
MAXIMUM_SUBKEYS = 100
"""Kept of one key, those with the newest signatures."""
MAXIMUM_USER_ID_OCTETS = 2048
"""Longer user IDs fall away; GnuPG reads no longer ones either."""
MAXIMUM_KEPT = 32
"""Signatures of one kind kept for one part, the newest."""
MAXIMUM_CHECKS = 2_000
"""Signatures checked for one key: some ten times what a key of ten years has."""

SECRET_TAGS = {Tag.PUBLIC_KEY: Tag.SECRET_KEY, Tag.PUBLIC_SUBKEY: Tag.SECRET_SUBKEY}
PUBLIC_TAGS = {secret: public for public, secret in SECRET_TAGS.items()}
_EPOCH = datetime.fromtimestamp(0, UTC)
_CERTIFICATIONS = frozenset(range(SignatureType.GENERIC_CERTIFICATION, SignatureType.POSITIVE_CERTIFICATION + 1))
_ON_PRIMARY = frozenset({SignatureType.DIRECT_KEY, SignatureType.KEY_REVOCATION})
_ON_USER_ID = _CERTIFICATIONS | {SignatureType.CERTIFICATION_REVOCATION}
_ON_SUBKEY = frozenset({SignatureType.SUBKEY_BINDING, SignatureType.SUBKEY_REVOCATION})
_REVOCATIONS = frozenset(
    {SignatureType.KEY_REVOCATION, SignatureType.SUBKEY_REVOCATION, SignatureType.CERTIFICATION_REVOCATION}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfSignature:
    """A signature by the primary key over a part of the key, checked, in its canonical form."""

    body: bytes = field(repr=False)
    read: Signature = field(repr=False, compare=False)

    @property
    def created(self) -> datetime:
        """When it was made."""
        return self.read.created or _EPOCH

    @property
    def is_revocation(self) -> bool:
        """Whether it takes something back."""
        return self.read.type in _REVOCATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The primary key, a user ID or a subkey with what the primary key signed about it."""

    tag: int
    body: bytes = field(repr=False)
    signatures: tuple[SelfSignature, ...] = ()
    """Revocations first, then the newest first."""

    @property
    def is_secret(self) -> bool:
        """Whether it is a secret key packet."""
        return self.tag in PUBLIC_TAGS

    @property
    def public(self) -> PublicKey:
        """The public key of a primary key or subkey."""
        return read_public(self.body)[0]

    @property
    def statements(self) -> tuple[SelfSignature, ...]:
        """Everything that is no revocation, the newest first."""
        return tuple(one for one in self.signatures if not one.is_revocation)

    @property
    def understood(self) -> tuple[SelfSignature, ...]:
        """Its statements without those under conditions that we do not know; only these count."""
        return tuple(one for one in self.statements if not one.read.has_unknown_critical)

    @property
    def without_secret(self) -> Part:
        """The same with its public side only."""
        return replace(self, tag=PUBLIC_TAGS[Tag(self.tag)], body=self.public.body) if self.is_secret else self

    def to_bytes(self) -> bytes:
        """Its packets."""
        own = packet(self.tag, self.body)
        return own + b"".join(packet(Tag.SIGNATURE, one.body) for one in self.signatures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A key as its parts."""

    primary: Part
    user_ids: tuple[Part, ...] = ()
    subkeys: tuple[Part, ...] = ()

    @property
    def keys(self) -> tuple[Part, ...]:
        """Primary key and subkeys."""
        return (self.primary, *self.subkeys)

    @property
    def without_secrets(self) -> Assembly:
        """The public side."""
        return replace(
            self, primary=self.primary.without_secret, subkeys=tuple(one.without_secret for one in self.subkeys)
        )

    def to_bytes(self) -> bytes:
        """The transferable key (RFC 9580 §10.1), always in the same order."""
        return b"".join(part.to_bytes() for part in (self.primary, *self.user_ids, *self.subkeys))


def take_apart(material: bytes) -> Assembly:
    """The parts of one binary transferable key, public or secret, that the key itself signed.

    Of a primary key whose signatures we cannot check (post-quantum ones) nothing but itself is left. Raises
    `InputError` where it is no key, and `LimitExceeded` past 5 MiB.
    """
    if len(material) > MAXIMUM_BYTES:
        raise LimitExceeded("This is too large to be a key: more than 5 MiB.")
    heads = _heads(material)
    if not heads or heads[0][0].tag not in {Tag.PUBLIC_KEY, Tag.SECRET_KEY}:
        raise Malformed("This is not an OpenPGP key.")
    head, signatures = heads[0]
    checking = _Checking(read_public(head.body)[0])
    primary = Part(tag=head.tag, body=head.body, signatures=checking.primary(signatures))
    # The user IDs come last: they are what a stranger adds by the thousand.
    subkeys = list(_subkeys(heads[1:], checking))
    user_ids = list(_user_ids(heads[1:], checking))
    return arranged(Assembly(primary=primary, user_ids=tuple(user_ids), subkeys=tuple(subkeys)))


def arranged(assembly: Assembly) -> Assembly:
    """The same parts in canonical order, each once, within the limits of one key."""
    user_ids = {part.body: part for part in _once(assembly.user_ids, lambda part: part.body)}
    subkeys = {part.public.fingerprint: part for part in _once(assembly.subkeys, lambda part: part.public.fingerprint)}
    return Assembly(
        primary=_in_order(assembly.primary),
        user_ids=tuple(sorted(_newest_of(user_ids.values(), MAXIMUM_USER_IDS), key=_by_first_signature)),
        subkeys=tuple(sorted(_newest_of(subkeys.values(), MAXIMUM_SUBKEYS), key=_by_creation)),
    )


def united(one: Part, other: Part) -> Part:
    """The same part in two copies, as one: all signatures of both, and the secret where either has it."""
    kept: dict[bytes, SelfSignature] = {}
    for signature in (*one.signatures, *other.signatures):
        before = kept.get(signature.read.hashed_part)
        # The same statement twice: the one with the confirmation of the subkey, which may be unhashed, is the longer.
        if before is None or _fullness(signature) > _fullness(before):
            kept[signature.read.hashed_part] = signature
    holder = one if one.is_secret or not other.is_secret else other
    return _in_order(replace(holder, signatures=tuple(kept.values())))


def _fullness(signature: SelfSignature) -> tuple[int, bytes]:
    return len(signature.body), signature.body


def _once(parts: Iterable[Part], name: Callable[[Part], bytes | str]) -> Iterable[Part]:
    found: dict[bytes | str, Part] = {}
    for part in parts:
        key = name(part)
        found[key] = united(found[key], part) if key in found else part
    return found.values()


def _in_order(part: Part) -> Part:
    ordered = sorted(part.signatures, key=lambda one: (not one.is_revocation, -one.created.timestamp(), one.body))
    kept = [one for one in ordered if one.is_revocation][:MAXIMUM_KEPT]
    kept += [one for one in ordered if not one.is_revocation][:MAXIMUM_KEPT]
    return replace(part, signatures=tuple(kept))


def _newest_of(parts: Iterable[Part], limit: int) -> list[Part]:
    newest = sorted(parts, key=lambda part: (max(one.created for one in part.signatures), part.body), reverse=True)
    return [_in_order(part) for part in newest[:limit]]


def _by_first_signature(part: Part) -> tuple[datetime, bytes]:
    return min(one.created for one in part.signatures), part.body


def _by_creation(part: Part) -> tuple[datetime, str]:
    return part.public.created, part.public.fingerprint


def _heads(material: bytes) -> list[tuple[Packet, list[Signature]]]:
    """Each packet that can carry signatures with the readable ones that follow it."""
    heads: list[tuple[Packet, list[Signature]]] = []
    for one in walk(material):
        if one.tag == Tag.SIGNATURE and heads:
            try:
                heads[-1][1].append(read_signature(one.body))
            except Malformed:
                continue
        elif one.tag not in {Tag.TRUST, Tag.MARKER, Tag.PADDING}:
            heads.append((one, []))
    return heads


def _subkeys(heads: list[tuple[Packet, list[Signature]]], checking: _Checking) -> Iterator[Part]:
    for head, signatures in heads:
        if head.tag not in {Tag.PUBLIC_SUBKEY, Tag.SECRET_SUBKEY}:
            continue
        try:
            subkey, _ = read_public(head.body)
        except (Malformed, Unsupported):
            continue
        kept = checking.subkey(subkey, signatures)
        if any(not one.is_revocation for one in kept):
            yield Part(tag=head.tag, body=head.body, signatures=kept)


def _user_ids(heads: list[tuple[Packet, list[Signature]]], checking: _Checking) -> Iterator[Part]:
    for head, signatures in heads:
        if head.tag == Tag.USER_ID and len(head.body) <= MAXIMUM_USER_ID_OCTETS:
            kept = checking.user_id(head.body, signatures)
            if any(not one.is_revocation for one in kept):
                yield Part(tag=head.tag, body=head.body, signatures=kept)


class _Checking:
    """Finds what the primary key signed, with a bound on the work for one key."""

    def __init__(self, primary: PublicKey) -> None:
        self._primary = primary
        self._left = MAXIMUM_CHECKS

    def primary(self, signatures: list[Signature]) -> tuple[SelfSignature, ...]:
        return self._own(signatures, _ON_PRIMARY, lambda _: self._primary.prefixed, None)

    def user_id(self, raw: bytes, signatures: list[Signature]) -> tuple[SelfSignature, ...]:
        return self._own(signatures, _ON_USER_ID, lambda one: over_user_id(one, self._primary, raw), None)

    def subkey(self, subkey: PublicKey, signatures: list[Signature]) -> tuple[SelfSignature, ...]:
        content = self._primary.prefixed + subkey.prefixed
        return self._own(signatures, _ON_SUBKEY, lambda _: content, subkey)

    def _own(
        self,
        signatures: list[Signature],
        types: Collection[int],
        content: Callable[[Signature], bytes],
        subkey: PublicKey | None,
    ) -> tuple[SelfSignature, ...]:
        names = {self._primary.fingerprint, self._primary.key_id}
        own = [one for one in signatures if one.type in types and (not one.issuers or names & set(one.issuers))]
        own.sort(key=lambda one: one.created or _EPOCH, reverse=True)
        found: dict[bytes, SelfSignature] = {}
        for one in own:
            kept = self._checked(one, content(one), subkey)
            if kept is not None and (
                one.hashed_part not in found or _fullness(kept) > _fullness(found[one.hashed_part])
            ):
                found[one.hashed_part] = kept
        return tuple(found.values())

    def _checked(self, one: Signature, content: bytes, subkey: PublicKey | None) -> SelfSignature | None:
        if not self._holds(one, self._primary, content):
            return None
        back = None if subkey is None else self._back_signature(one, subkey, content)
        body = canonical_signature(one, self._primary, content, back)
        return SelfSignature(body=body, read=read_signature(body))

    def _back_signature(self, binding: Signature, subkey: PublicKey, content: bytes) -> bytes | None:
        """The confirmation by the subkey that stands in the unhashed area, where GnuPG puts it."""
        if subkey.algorithm not in CAN_SIGN:
            return None
        for one in binding.unhashed:
            if one.kind == Kind.EMBEDDED_SIGNATURE:
                try:
                    back = read_signature(one.body)
                except Malformed:
                    continue
                if back.type == SignatureType.PRIMARY_KEY_BINDING and self._holds(back, subkey, content):
                    return canonical_signature(back, subkey, content, None)
        return None

    def _holds(self, signature: Signature, key: PublicKey, content: bytes) -> bool:
        if signature.created is None or self._left <= 0:
            return False
        self._left -= 1
        try:
            return holds(signature, key, content)
        except InputError:
            return False


def canonical_signature(signature: Signature, key: PublicKey, content: bytes, embedded: bytes | None) -> bytes:
    """The body of a signature packet that holds, with nothing in it that the signature does not vouch for: its
    unhashed area has the issuer's key id and the confirmation of a subkey, nothing else."""
    prefix = digest_of(signature, content)[:2]
    values = _canonical_values(signature)
    if signature.version == 3:
        algorithms = bytes([signature.algorithm, signature.hash_id])
        return b"\x03\x05" + signature.hashed_part + bytes.fromhex(key.key_id) + algorithms + prefix + values
    area = b""
    issuer = Kind.ISSUER_FINGERPRINT if key.version == 6 else Kind.ISSUER
    if all(one.kind != issuer for one in signature.hashed):
        # Programs before GnuPG 2.2 find the key by its id only.
        area += subpacket(
            issuer, b"\x06" + bytes.fromhex(key.fingerprint) if key.version == 6 else bytes.fromhex(key.key_id)
        )
    if embedded is not None:
        area += subpacket(Kind.EMBEDDED_SIGNATURE, embedded)
    size = struct.pack(">I" if signature.version == 6 else ">H", len(area))
    salt = bytes([len(signature.salt)]) + signature.salt if signature.version == 6 else b""
    return signature.hashed_part + size + area + prefix + salt + values


def _canonical_values(signature: Signature) -> bytes:
    """The algorithm's fields without anything behind them, numbers without leading zeros."""
    fields = Fields(signature.values)
    match signature.algorithm:
        case Algorithm.ED25519:
            return fields.take(64)
        case Algorithm.ED448:
            return fields.take(114)
        case Algorithm.RSA | Algorithm.RSA_SIGN:
            return mpi(int.from_bytes(fields.mpi(), "big"))
    return b"".join(mpi(int.from_bytes(fields.mpi(), "big")) for _ in range(2))
