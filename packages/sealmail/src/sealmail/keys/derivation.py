"""From a passphrase to a key by the old rules: PKCS#12's own (RFC 7292 appendix B.2), and PBKDF1 (RFC 8018 §5.1).

They take as many rounds as they are told; `passwords` counts before it calls.
"""

from __future__ import annotations

import hashlib


def pkcs12_derive(name: str, purpose: int, passphrase: bytes, salt: bytes, iterations: int, length: int) -> bytes:
    """The key derivation of RFC 7292 appendix B.2, with its letters. `name`: of a hash, as `hashlib` has it."""
    digest = getattr(hashlib, name)
    v = digest().block_size
    d = bytes([purpose]) * v
    i = _filled(salt, v) + _filled(passphrase, v)
    result = b""
    while len(result) < length:
        a = d + i
        for _ in range(max(iterations, 1)):
            a = digest(a, usedforsecurity=False).digest()
        result += a
        b = int.from_bytes(_filled(a, v)[:v]) + 1
        blocks = (int.from_bytes(i[at : at + v]) + b for at in range(0, len(i), v))
        i = b"".join((block % (1 << 8 * v)).to_bytes(v) for block in blocks)
    return result[:length]


def pbes1_derive(name: str, passphrase: bytes, salt: bytes, iterations: int) -> bytes:
    """Key and initialization vector of PBES1, eight bytes each (RFC 8018 §6.1.2)."""
    derived, digest = passphrase + salt, getattr(hashlib, name)
    for _ in range(max(iterations, 1)):
        derived = digest(derived, usedforsecurity=False).digest()
    return derived[:16]


def _filled(value: bytes, block: int) -> bytes:
    """The value repeated until it fills whole blocks; nothing stays nothing."""
    length = -(-len(value) // block) * block
    return (value * (length // len(value) + 1))[:length] if value else b""
