"""The outside of an unprotected private key, looked at before a library computes with it: what kind it is, how dear it
is to check, and the public key that newer PKCS#8 holds beside it (RFC 5958 §2), which the library does not read.

The caller is `private_key`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys import seeded

_NOT_USED = "The private key{} is of a kind that Sealdesk does not use."
_DAMAGED = "The private key{} is damaged or contradicts itself. Export it again from where it is used."
_EXPANDED = (
    "The private key{} is there in its expanded form only, which Sealdesk cannot use: export it by its seed, or both."
)
LONGEST_MODULUS_BITS = 16_384
_ROUNDS_FOR_2048 = 20_000
"""What checking the primes of RSA-2048 costs, in rounds of a hash."""
_KINDS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    "2.16.840.1.101.3.4.4.1": "ML-KEM-512",
    "2.16.840.1.101.3.4.4.2": "ML-KEM-768",
    "2.16.840.1.101.3.4.4.3": "ML-KEM-1024",
}
_BY_OID = {ber.encode_oid(dotted): kind for dotted, kind in _KINDS.items()}
_PUBLIC = 0x81  # [1] IMPLICIT BIT STRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A private key as it will be loaded."""

    der: bytes = field(repr=False)
    """PKCS#8 without attributes and public key, or as it came."""
    kind: str | None
    """For people; None where only loading tells."""
    cost: int = 1
    """Of checking it, in rounds of a hash."""
    public: bytes | None = None
    """The SubjectPublicKeyInfo that it says it belongs to, where it says so."""

    @property
    def in_words(self) -> str:
        """To stand behind "private key"."""
        return f" ({self.kind})" if self.kind else ""

    @property
    def unsupported(self) -> str:
        """A sentence: nobody here computes with such keys."""
        return _NOT_USED.format(self.in_words)

    @property
    def damaged(self) -> str:
        """A sentence: it cannot be loaded."""
        return _DAMAGED.format(self.in_words)

    @property
    def public_hash(self) -> str | None:
        """Lower-case hex SHA-256 of `public`."""
        return None if self.public is None else hashlib.sha256(self.public).hexdigest()


def read(der: bytes) -> Shape:
    """Raises `InputError` where it is no private key, or none of a kind that seals mail."""
    outer = ber.read(der)
    fields = outer.fields()
    fields.take(ber.INTEGER)
    second = fields.take()
    if second.tag == ber.SEQUENCE:
        return _pkcs8(der, outer, second)
    if second.tag == ber.INTEGER:
        return Shape(der=der, kind="RSA", cost=_rsa_cost(second))
    return Shape(der=der, kind="EC")


def _pkcs8(der: bytes, outer: ber.Element, algorithm: ber.Element) -> Shape:
    kind = _BY_OID.get(algorithm.fields().take(ber.OID).content)
    if kind is None:
        raise InputError(_NOT_USED.format(""))
    _, _, private, *more = outer.children()
    cost = _rsa_cost(_modulus(private)) if kind.startswith("RSA") else 1
    octets = _private_octets(kind, private)
    public = next((field.content for field in more if field.tag == _PUBLIC), None)
    bare = _encoded(ber.SEQUENCE, _VERSION_1 + algorithm.raw + octets)
    if public is None:
        return Shape(der=der if octets == private.raw else bare, kind=kind, cost=cost)
    info = _encoded(ber.SEQUENCE, algorithm.raw + _encoded(ber.BIT_STRING, public))
    return Shape(der=bare, kind=kind, cost=cost, public=info)


def _private_octets(kind: str, private: ber.Element) -> bytes:
    """The privateKey field as it will be loaded."""
    if not kind.startswith("ML-"):
        return private.raw
    try:
        return _encoded(ber.OCTET_STRING, seeded.by_seed(kind, private.octets()))
    except seeded.Expanded:
        raise InputError(_EXPANDED.format(f" ({kind})")) from None
    except InputError:
        raise InputError(_DAMAGED.format(f" ({kind})")) from None


def _encoded(tag: int, content: bytes) -> bytes:
    return ber.header(tag, len(content)) + content


_VERSION_1 = bytes.fromhex("020100")


def _modulus(private: ber.Element) -> ber.Element:
    fields = ber.read(private.octets()).fields()
    fields.take(ber.INTEGER)
    return fields.take(ber.INTEGER)


def rsa_cost(bits: int) -> int:
    """What checking the primes of an RSA key costs, in rounds of a hash. Raises `InputError` where it is too large."""
    if bits > LONGEST_MODULUS_BITS + 8:
        raise InputError(f"The private key is too large: more than {LONGEST_MODULUS_BITS} bits.")
    return _ROUNDS_FOR_2048 * bits**3 // 2048**3


def _rsa_cost(modulus: ber.Element) -> int:
    return rsa_cost(8 * modulus.size)
