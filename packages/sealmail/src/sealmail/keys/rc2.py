"""RC2 in CBC mode (RFC 2268), for reading only: what OpenSSL before 3.0, Windows and Java protected certificates with.

In Python, because libraries that still have it take keys of 128 bits only. It is slow, some 50 kB a second, so its
caller counts blocks against a limit. Nothing is ever encrypted with it.
"""

from __future__ import annotations

BLOCK = 8
"""Bytes."""

_PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b255597"
    "312d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289"
    "a90d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
"""The permutation of RFC 2268 §2, made of the digits of pi."""


def decrypt_cbc(key: bytes, effective_bits: int, iv: bytes, encrypted: bytes) -> bytes:
    """The plain text, padding included. Raises `ValueError` where it is not whole blocks."""
    if not key or len(iv) != BLOCK or len(encrypted) % BLOCK:
        raise ValueError("not whole blocks")
    words = _expanded(key, effective_bits)
    plain, before = bytearray(), iv
    for at in range(0, len(encrypted), BLOCK):
        block = encrypted[at : at + BLOCK]
        plain += bytes(a ^ b for a, b in zip(_block(words, block), before, strict=True))
        before = block
    return bytes(plain)


def _expanded(key: bytes, effective_bits: int) -> list[int]:
    """The 64 words of the key schedule (RFC 2268 §2)."""
    schedule = bytearray(key)
    for at in range(len(key), 128):
        schedule.append(_PI[(schedule[at - 1] + schedule[at - len(key)]) & 0xFF])
    size = (effective_bits + 7) // 8
    schedule[128 - size] = _PI[schedule[128 - size] & (0xFF >> (8 * size - effective_bits))]
    for at in range(127 - size, -1, -1):
        schedule[at] = _PI[schedule[at + 1] ^ schedule[at + size]]
    return [schedule[at] | schedule[at + 1] << 8 for at in range(0, 128, 2)]


_ROTATIONS = (1, 2, 3, 5)
_MASHED = frozenset({44, 20})
"""After the rounds that end before these words, going backwards (RFC 2268 §4)."""


def _block(words: list[int], block: bytes) -> bytes:
    r = [block[at] | block[at + 1] << 8 for at in range(0, BLOCK, 2)]
    for first in range(60, -1, -4):
        for at in (3, 2, 1, 0):
            turned = (r[at] >> _ROTATIONS[at] | r[at] << (16 - _ROTATIONS[at])) & 0xFFFF
            mixed = (r[at - 1] & r[at - 2]) + (~r[at - 1] & r[at - 3])
            r[at] = (turned - words[first + at] - mixed) & 0xFFFF
        if first in _MASHED:
            for at in (3, 2, 1, 0):
                r[at] = (r[at] - words[r[at - 1] & 63]) & 0xFFFF
    return b"".join(word.to_bytes(2, "little") for word in r)
