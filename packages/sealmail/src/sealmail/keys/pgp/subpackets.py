"""Signature packets and their subpackets (RFC 9580 §5.2), versions 3, 4 and 6.

What a signature says about itself is taken from the hashed area only, because nothing vouches for the other one. The
one exception is the issuer: it only helps to find the key, and a wrong one finds a key that does not verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property

from sealmail.keys.pgp.packets import Fields, Malformed


class SignatureType(IntEnum):
    """What a signature is over (RFC 9580 §5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    GENERIC_CERTIFICATION = 0x10
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30


class Kind(IntEnum):
    """Subpackets that we read (RFC 9580 §5.2.3.7)."""

    CREATED = 2
    EXPIRES_AFTER = 3
    KEY_EXPIRES_AFTER = 9
    PREFERRED_CIPHERS = 11
    ISSUER = 16
    PREFERRED_HASHES = 21
    PRIMARY_USER_ID = 25
    KEY_FLAGS = 27
    REVOCATION_REASON = 29
    FEATURES = 30
    EMBEDDED_SIGNATURE = 32
    ISSUER_FINGERPRINT = 33
    INTENDED_RECIPIENT = 35
    PREFERRED_AEAD = 39


# Critical subpackets outside of this list make a signature one that we cannot judge (RFC 9580 §5.2.3.7). Beside those
# above: exportable, trust, regular expression, revocable, preferences, revocation key, key server, policy, signer's
# user ID, attested certifications; none of them limits what the signature says about a mail.
_UNDERSTOOD = frozenset(Kind) | {4, 5, 6, 7, 11, 12, 21, 22, 23, 24, 26, 28, 34, 37, 39}


_SIZES: dict[int, int] = {Kind.CREATED: 4, Kind.EXPIRES_AFTER: 4, Kind.KEY_EXPIRES_AFTER: 4, Kind.ISSUER: 8}
"""Of a time of another size nobody knows what is meant."""


@dataclass(frozen=True, slots=True)
class Subpacket:
    """One subpacket."""

    kind: int
    is_critical: bool
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A parsed signature packet; nothing in it is verified yet. (No slots: times and names are kept once read.)"""

    version: int
    type: int
    algorithm: int
    hash_id: int
    hashed: tuple[Subpacket, ...] = field(repr=False)
    unhashed: tuple[Subpacket, ...] = field(repr=False)
    hashed_part: bytes = field(repr=False)
    """The bytes of the packet that go into the digest."""
    salt: bytes = field(repr=False)
    values: bytes = field(repr=False)
    """The algorithm's own fields."""

    @cached_property
    def created(self) -> datetime | None:
        """When it says that it was made."""
        return moment(self._number(Kind.CREATED))

    @cached_property
    def expires(self) -> datetime | None:
        """When the signature itself stops to hold; None: never."""
        return moment_after(self.created, self._number(Kind.EXPIRES_AFTER))

    @cached_property
    def key_expires_after_seconds(self) -> int | None:
        """For self-signatures: the life time of the key, counted from its creation; None: without end."""
        return self._number(Kind.KEY_EXPIRES_AFTER) or None

    @cached_property
    def key_flags(self) -> int | None:
        """The first octet of the key flags (RFC 9580 §5.2.3.29); None: there are none."""
        body = self.body(Kind.KEY_FLAGS)
        return None if body is None else (body[0] if body else 0)

    @property
    def features(self) -> int:
        """The first octet of the features (RFC 9580 §5.2.3.32)."""
        return (self.body(Kind.FEATURES) or b"\0")[0]

    @property
    def is_primary_user_id(self) -> bool:
        """Whether the self-signature marks its user ID as the main one."""
        return bool(self._number(Kind.PRIMARY_USER_ID))

    @property
    def revocation_code(self) -> int | None:
        """The reason code of a revocation; None: no reason is given."""
        body = self.body(Kind.REVOCATION_REASON)
        return body[0] if body else None

    @property
    def intended_recipients(self) -> tuple[str, ...]:
        """Fingerprints of the keys for which a signed and encrypted message was made (RFC 9580 §5.2.3.36)."""
        return tuple(one.body[1:].hex() for one in self.hashed if one.kind == Kind.INTENDED_RECIPIENT)

    @cached_property
    def issuers(self) -> tuple[str, ...]:
        """Fingerprints and key ids by which it names its key, the exact ones first; from both areas."""
        areas = self.hashed + self.unhashed
        exact = [one.body[1:].hex() for one in areas if one.kind == Kind.ISSUER_FINGERPRINT]
        short = [one.body.hex() for one in areas if one.kind == Kind.ISSUER]
        return tuple(dict.fromkeys(name for name in exact + short if len(name) in {16, 40, 64}))

    @property
    def embedded(self) -> Signature | None:
        """The first readable signature embedded in either area; it vouches for itself."""
        for one in self.hashed + self.unhashed:
            if one.kind == Kind.EMBEDDED_SIGNATURE:
                try:
                    return read_signature(one.body)
                except Malformed:
                    continue
        return None

    @property
    def has_unknown_critical(self) -> bool:
        """Whether it carries a condition that we do not understand."""
        return any(one.is_critical and one.kind not in _UNDERSTOOD for one in self.hashed)

    def body(self, kind: Kind) -> bytes | None:
        """The last subpacket of a kind in the hashed area."""
        return next((one.body for one in reversed(self.hashed) if one.kind == kind), None)

    def _number(self, kind: Kind) -> int | None:
        body = self.body(kind)
        return None if body is None else int.from_bytes(body[:4], "big")


def moment(seconds: int | None) -> datetime | None:
    """The time of an OpenPGP timestamp."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def moment_after(start: datetime | None, seconds: int | None) -> datetime | None:
    """The time so many seconds later; None where there is no start, or no end (zero means never)."""
    return None if start is None or not seconds else datetime.fromtimestamp(int(start.timestamp()) + seconds, UTC)


class UnknownVersion(Malformed):
    """The signature has a version that we do not read."""


def read_signature(body: bytes) -> Signature:
    """Parses the body of a signature packet. Raises `UnknownVersion` or `Malformed`."""
    fields = Fields(body)
    match fields.number(1):
        case 3:
            return _version_3(fields)
        case 4:
            return _version_4_or_6(body, fields, 4)
        case 6:
            return _version_4_or_6(body, fields, 6)
    raise UnknownVersion


def _version_3(fields: Fields) -> Signature:
    # RFC 9580 §5.2.2: five hashed octets, then the issuer, which is not hashed.
    if fields.number(1) != 5:
        raise Malformed
    hashed = fields.take(5)
    issuer, algorithm, hash_id, _ = fields.take(8), fields.number(1), fields.number(1), fields.take(2)
    return Signature(
        version=3,
        type=hashed[0],
        algorithm=algorithm,
        hash_id=hash_id,
        hashed=(Subpacket(Kind.CREATED, is_critical=False, body=hashed[1:]),),
        unhashed=(Subpacket(Kind.ISSUER, is_critical=False, body=issuer),),
        hashed_part=hashed,
        salt=b"",
        values=fields.rest(),
    )


def _version_4_or_6(body: bytes, fields: Fields, version: int) -> Signature:
    # RFC 9580 §5.2.3
    width = 4 if version == 6 else 2
    kind, algorithm, hash_id = fields.number(1), fields.number(1), fields.number(1)
    hashed = tuple(_subpackets(fields.take(fields.number(width))))
    if any(len(one.body) != _SIZES.get(one.kind, len(one.body)) for one in hashed):
        raise Malformed
    hashed_part = body[: fields.position]
    unhashed = tuple(_subpackets(fields.take(fields.number(width))))
    fields.take(2)
    salt = fields.take(fields.number(1)) if version == 6 else b""
    return Signature(
        version=version,
        type=kind,
        algorithm=algorithm,
        hash_id=hash_id,
        hashed=hashed,
        unhashed=unhashed,
        hashed_part=hashed_part,
        salt=salt,
        values=fields.rest(),
    )


def _subpackets(area: bytes) -> Iterator[Subpacket]:
    fields = Fields(area)
    while not fields.at_end:
        first = fields.number(1)
        if first < 192:
            size = first
        elif first < 255:
            size = ((first - 192) << 8) + fields.number(1) + 192
        else:
            size = fields.number(4)
        content = fields.take(size)
        if not content:
            raise Malformed
        yield Subpacket(content[0] & 0x7F, bool(content[0] & 0x80), content[1:])
