"""Private keys of ML-DSA and ML-KEM, which travel as a seed, as the expanded key, or as both (RFC 9881 §6, RFC 9935
§6).

The library reads seeds. Of both, the seed is kept once the expanded key was seen to come from it; an expanded key alone
cannot be used. Nothing is computed on lattices here: what else the expanded key holds is thrown away and never used.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem

from sealmail import ber
from sealmail.errors import InputError

_SEED: Final = 0x80
"""[0] IMPLICIT OCTET STRING: the choice that is a seed alone."""


class Expanded(InputError):
    """Only the expanded key is there."""


class Contradiction(InputError):
    """The expanded key is not the one that comes from the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One set of parameters."""

    seed_bytes: int
    expanded_bytes: int
    known_parts: Callable[[bytes], Mapping[int, bytes]]
    """Parts of the expanded key that a seed gives, by where they stand."""


def by_seed(kind: str, private: bytes) -> bytes:
    """The privateKey octets of PKCS#8 with the seed alone, out of any of the three forms.

    `kind`: a name like "ML-DSA-65". Raises `Expanded`, `Contradiction`, `InputError`; nothing else where the kind is
    not known here, for which the octets come back as they are.
    """
    known = _KINDS.get(kind)
    if known is None:
        return private
    choice = ber.read(private)
    if choice.stop != len(private):
        raise InputError("Something follows the private key.")
    if choice.tag == _SEED:
        return private
    if choice.tag == ber.OCTET_STRING:
        raise Expanded
    fields = choice.fields()
    seed, expanded = fields.take().octets(), fields.take().octets()
    fields.end()
    if len(seed) != known.seed_bytes or len(expanded) != known.expanded_bytes or not _fits(known, seed, expanded):
        raise Contradiction
    return ber.header(_SEED, len(seed)) + seed


def _fits(known: _Kind, seed: bytes, expanded: bytes) -> bool:
    parts = known.known_parts(seed).items()
    return all(hmac.compare_digest(expanded[start : start + len(part)], part) for start, part in parts)


_SigningKey = type[mldsa.MLDSA44PrivateKey] | type[mldsa.MLDSA65PrivateKey] | type[mldsa.MLDSA87PrivateKey]


def _signing(private: _SigningKey, rows: int, columns: int, expanded_bytes: int) -> _Kind:
    """ML-DSA: its expanded key begins with a public seed, a secret one, and the hash of the public key (FIPS 204 §7.2);
    both seeds come from the seed and the size of the matrix (FIPS 204, algorithm 6).
    """

    def known_parts(seed: bytes) -> Mapping[int, bytes]:
        public = private.from_seed_bytes(seed).public_key().public_bytes_raw()
        secret = hashlib.shake_256(seed + bytes((rows, columns))).digest(128)[96:]
        return {0: public[:32] + secret + hashlib.shake_256(public).digest(64)}

    return _Kind(seed_bytes=32, expanded_bytes=expanded_bytes, known_parts=known_parts)


def _opening(private: type[mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey], rank: int) -> _Kind:
    """ML-KEM: its expanded key ends with the public key, its hash, and the second half of the seed (FIPS 203 §7.1)."""
    vector = 384 * rank

    def known_parts(seed: bytes) -> Mapping[int, bytes]:
        public = private.from_seed_bytes(seed).public_key().public_bytes_raw()
        return {vector: public + hashlib.sha3_256(public).digest() + seed[32:]}

    return _Kind(seed_bytes=64, expanded_bytes=2 * vector + 96, known_parts=known_parts)


_KINDS: Final = {
    "ML-DSA-44": _signing(mldsa.MLDSA44PrivateKey, 4, 4, 2560),
    "ML-DSA-65": _signing(mldsa.MLDSA65PrivateKey, 6, 5, 4032),
    "ML-DSA-87": _signing(mldsa.MLDSA87PrivateKey, 8, 7, 4896),
    "ML-KEM-768": _opening(mlkem.MLKEM768PrivateKey, 3),
    "ML-KEM-1024": _opening(mlkem.MLKEM1024PrivateKey, 4),
}
"""Sizes by FIPS 204 table 2 and FIPS 203 table 3."""
