"""Keys from passphrases: the string-to-key specifiers (RFC 9580 §3.7.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sealmail.keys.pgp.checking import HASHES
from sealmail.keys.pgp.packets import Fields
from sealmail.keys.pgp.public import Unsupported

_ITERATED, _ARGON2 = 3, 4
MAXIMUM_ARGON2_MEMORY = 21
"""As a power of two, in KiB: 2 GiB, what RFC 9580 §3.7.1.4 recommends at most."""
MAXIMUM_ARGON2_PASSES = 16


class Stub(IntEnum):
    """GnuPG's own notes in the place of a secret."""

    ABSENT = 1
    """It was left out: the offline primary key of a laptop."""
    ON_CARD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """How a passphrase becomes a key."""

    kind: int
    hash_id: int = 0
    salt: bytes = b""
    count: int = 0
    passes: int = 0
    lanes: int = 0
    memory: int = 0
    stub: Stub | None = None
    """Why the secret is not here, where it is not."""

    @property
    def is_stub(self) -> bool:
        """Whether the secret is not here."""
        return self.stub is not None

    def key(self, passphrase: str, octets: int) -> bytes:
        """The key of so many octets. Raises `Unsupported`."""
        secret = passphrase.encode()
        if self.kind == _ARGON2:
            return self._argon2(secret, octets)
        algorithm = HASHES.get(self.hash_id)
        if algorithm is None:
            raise Unsupported
        material = self.salt + secret
        total = max(self.count, len(material)) if self.kind == _ITERATED else len(material)
        key = b""
        while len(key) < octets:
            # Each further round is preloaded with one more zero octet (RFC 9580 §3.7.1.1).
            digest = hashlib.new(algorithm.name, bytes(len(key) // algorithm.for_openssl.digest_size))
            _feed(digest, material, total)
            key += digest.digest()
        return key[:octets]

    def _argon2(self, secret: bytes, octets: int) -> bytes:
        if self.memory > MAXIMUM_ARGON2_MEMORY or not 0 < self.passes <= MAXIMUM_ARGON2_PASSES or not self.lanes:
            raise Unsupported
        memory = max(1 << self.memory, 8 * self.lanes)
        derivation = Argon2id(
            salt=self.salt, length=octets, iterations=self.passes, lanes=self.lanes, memory_cost=memory
        )
        return derivation.derive(secret)


def _feed(digest: hashlib._Hash, material: bytes, total: int) -> None:
    piece = material * max(1, 65536 // max(1, len(material)))
    left = total
    while left >= len(piece) > 0:
        digest.update(piece)
        left -= len(piece)
    digest.update(piece[:left])


def read_derivation(fields: Fields) -> Derivation:
    """Reads a specifier. Raises `Unsupported` for kinds that we do not know."""
    kind = fields.number(1)
    match kind:
        case 0:
            return Derivation(kind=kind, hash_id=fields.number(1))
        case 1:
            return Derivation(kind=kind, hash_id=fields.number(1), salt=fields.take(8))
        case 3:
            hash_id, salt, coded = fields.number(1), fields.take(8), fields.number(1)
            return Derivation(kind=kind, hash_id=hash_id, salt=salt, count=(16 + (coded & 15)) << (coded >> 4) + 6)
        case 4:
            return Derivation(
                kind=kind,
                salt=fields.take(16),
                passes=fields.number(1),
                lanes=fields.number(1),
                memory=fields.number(1),
            )
        case 101:
            return Derivation(kind=kind, stub=_stub(fields))
    raise Unsupported


def _stub(fields: Fields) -> Stub:
    # GnuPG's doc/DETAILS: an octet that says nothing, "GNU", and the kind.
    fields.take(1)
    if fields.take(3) != b"GNU":
        raise Unsupported
    try:
        return Stub(fields.number(1))
    except ValueError:
        raise Unsupported from None
