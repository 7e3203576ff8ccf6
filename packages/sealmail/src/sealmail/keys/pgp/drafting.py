"""What a signature will say, before it is made: its subpackets and the part of the packet that is hashed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from sealmail.keys.pgp.checking import HASHES
from sealmail.keys.pgp.packets import length
from sealmail.keys.pgp.public import PublicKey
from sealmail.keys.pgp.subpackets import Signature


def subpacket(kind: int, body: bytes, *, is_critical: bool = False) -> bytes:
    """One subpacket of a signature (RFC 9580 §5.2.3.7)."""
    return length(len(body) + 1) + bytes([kind | 0x80 if is_critical else kind]) + body


def drafted(public: PublicKey, kind: int, hash_id: int, subpackets: Iterable[bytes]) -> Signature:
    """A signature by this key of its version, with these hashed subpackets, for `checking.signature_body` to make."""
    version, area = public.version, b"".join(subpackets)
    head = bytes([version, kind, public.algorithm, hash_id])
    return Signature(
        version=version,
        type=kind,
        algorithm=public.algorithm,
        hash_id=hash_id,
        hashed=(),
        unhashed=(),
        hashed_part=head + struct.pack(">I" if version == 6 else ">H", len(area)) + area,
        salt=os.urandom(HASHES[hash_id].salt_octets) if version == 6 else b"",
        values=b"",
    )
