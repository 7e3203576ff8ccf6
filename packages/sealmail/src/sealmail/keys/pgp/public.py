"""Public key packets (RFC 9580 §5.5.2), versions 4 and 6, and the key objects of `cryptography` for them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from functools import cached_property
from typing import TypedDict

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

from sealmail.errors import InputError
from sealmail.keys.pgp.packets import Fields, Malformed


class Algorithm(IntEnum):
    """Public key algorithms (RFC 9580 §9.1)."""

    RSA = 1
    RSA_ENCRYPT = 2
    RSA_SIGN = 3
    ELGAMAL = 16
    DSA = 17
    ECDH = 18
    ECDSA = 19
    EDDSA_LEGACY = 22
    X25519 = 25
    X448 = 26
    ED25519 = 27
    ED448 = 28


RSA_ALGORITHMS = frozenset({Algorithm.RSA, Algorithm.RSA_ENCRYPT, Algorithm.RSA_SIGN})
CAN_SIGN = frozenset(
    {Algorithm.RSA, Algorithm.RSA_SIGN, Algorithm.DSA, Algorithm.ECDSA, Algorithm.EDDSA_LEGACY}
    | {Algorithm.ED25519, Algorithm.ED448}
)
CAN_ENCRYPT = frozenset(
    {Algorithm.RSA, Algorithm.RSA_ENCRYPT, Algorithm.ELGAMAL, Algorithm.ECDH, Algorithm.X25519, Algorithm.X448}
)

# Names of the algorithms with fields of fixed size, and that size in octets. The post-quantum ones are named and kept,
# not used: draft-ietf-openpgp-pqc.
_FIXED: dict[int, tuple[str, int]] = {
    Algorithm.X25519: ("X25519", 32),
    Algorithm.X448: ("X448", 56),
    Algorithm.ED25519: ("Ed25519", 32),
    Algorithm.ED448: ("Ed448", 57),
    30: ("ML-DSA-65+Ed25519", 32 + 1952),
    31: ("ML-DSA-87+Ed448", 57 + 2592),
    32: ("SLH-DSA-SHAKE-128s", 32),
    33: ("SLH-DSA-SHAKE-128f", 32),
    34: ("SLH-DSA-SHAKE-256s", 64),
    35: ("ML-KEM-768+X25519", 32 + 1184),
    36: ("ML-KEM-1024+X448", 56 + 1568),
}
_FAMILIES: dict[int, str] = {
    Algorithm.RSA: "RSA",
    Algorithm.RSA_ENCRYPT: "RSA",
    Algorithm.RSA_SIGN: "RSA",
    8: "Kyber (LibrePGP)",
    Algorithm.ELGAMAL: "ElGamal",
    Algorithm.DSA: "DSA",
    Algorithm.ECDH: "ECDH",
    Algorithm.ECDSA: "ECDSA",
    20: "ElGamal",
    Algorithm.EDDSA_LEGACY: "EdDSA",
}
_NUMBERS: dict[int, int] = {
    Algorithm.RSA: 2,
    Algorithm.RSA_ENCRYPT: 2,
    Algorithm.RSA_SIGN: 2,
    Algorithm.ELGAMAL: 3,
    Algorithm.DSA: 4,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of ECDH, ECDSA or the old EdDSA (RFC 9580 §9.2)."""

    name: str
    octets: int
    weierstrass: ec.EllipticCurve | None = None


CURVE_25519 = Curve("Curve25519", 32)
CURVE_ED25519 = Curve("Ed25519", 32)
_CURVES = {
    bytes.fromhex("2b060104019755010501"): CURVE_25519,
    bytes.fromhex("2b06010401da470f01"): CURVE_ED25519,
    bytes.fromhex("2a8648ce3d030107"): Curve("EC P-256", 32, ec.SECP256R1()),
    bytes.fromhex("2b81040022"): Curve("EC P-384", 48, ec.SECP384R1()),
    bytes.fromhex("2b81040023"): Curve("EC P-521", 66, ec.SECP521R1()),
    bytes.fromhex("2b2403030208010107"): Curve("EC brainpoolP256r1", 32, ec.BrainpoolP256R1()),
    bytes.fromhex("2b240303020801010b"): Curve("EC brainpoolP384r1", 48, ec.BrainpoolP384R1()),
    bytes.fromhex("2b240303020801010d"): Curve("EC brainpoolP512r1", 64, ec.BrainpoolP512R1()),
    bytes.fromhex("2b8104000a"): Curve("EC secp256k1", 32, ec.SECP256K1()),
}

VerifyingKey = (
    rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)


class Unsupported(InputError):
    """The OpenPGP data uses an algorithm or version that Sealdesk does not know."""


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """One primary key or subkey."""

    body: bytes = field(repr=False)
    """The public key packet's body, without any secret."""
    version: int
    created: datetime
    algorithm: int
    numbers: tuple[int, ...] = field(default=(), repr=False)
    point: bytes = field(default=b"", repr=False)
    """For the curves: the encoded point, without the prefix octet of the old native form."""
    curve: Curve | None = None
    curve_id: bytes = field(default=b"", repr=False)
    kdf: bytes = field(default=b"", repr=False)
    """For ECDH: hash and cipher of the key derivation (RFC 9580 §11.5)."""

    @cached_property
    def fingerprint(self) -> str:
        """Lower-case hex (RFC 9580 §5.5.4)."""
        if self.version == 6:
            return hashlib.sha256(self.prefixed).hexdigest()
        return hashlib.sha1(self.prefixed, usedforsecurity=False).hexdigest()

    @property
    def key_id(self) -> str:
        """The 16 digits by which version 3 session keys and old signatures name it."""
        return self.fingerprint[:16] if self.version == 6 else self.fingerprint[-16:]

    @cached_property
    def prefixed(self) -> bytes:
        """The form in which it is hashed, for its fingerprint and for signatures over it (RFC 9580 §5.2.4)."""
        size = len(self.body)
        return (
            b"\x9b" + struct.pack(">I", size) if self.version == 6 else b"\x99" + struct.pack(">H", size)
        ) + self.body

    @property
    def bits(self) -> int | None:
        """The size of an RSA or DSA modulus; None for curves."""
        return self.numbers[0].bit_length() if self.numbers else None

    @property
    def algorithm_name(self) -> str:
        """For people: "RSA-3072", "Ed25519", …"""
        if self.numbers:
            return f"{_FAMILIES[self.algorithm]}-{self.bits}"
        if self.curve:
            return self.curve.name
        return algorithm_label(self.algorithm)

    @property
    def takes_session_keys(self) -> bool:
        """Whether we can encrypt to it: ElGamal, unknown curves and algorithms we cannot."""
        if self.algorithm == Algorithm.ECDH:
            return self.curve is not None and (self.curve is CURVE_25519 or self.curve.weierstrass is not None)
        return self.algorithm in {Algorithm.RSA, Algorithm.RSA_ENCRYPT, Algorithm.X25519, Algorithm.X448}

    @cached_property
    def verifying(self) -> VerifyingKey:
        """The key object that checks signatures. Raises `Unsupported`, also where the numbers make no key."""
        try:
            return self._verifying()
        except (ValueError, UnsupportedAlgorithm):
            raise Unsupported from None

    def _verifying(self) -> VerifyingKey:
        match self.algorithm:
            case Algorithm.RSA | Algorithm.RSA_SIGN | Algorithm.RSA_ENCRYPT:
                return self.rsa
            case Algorithm.DSA:
                p, q, g, y = self.numbers
                return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
            case Algorithm.ECDSA if self.curve and self.curve.weierstrass:
                return ec.EllipticCurvePublicKey.from_encoded_point(self.curve.weierstrass, self.point)
            case Algorithm.EDDSA_LEGACY if self.curve is CURVE_ED25519:
                return ed25519.Ed25519PublicKey.from_public_bytes(self.point)
            case Algorithm.ED25519:
                return ed25519.Ed25519PublicKey.from_public_bytes(self.point)
            case Algorithm.ED448:
                return ed448.Ed448PublicKey.from_public_bytes(self.point)
        raise Unsupported

    @property
    def rsa(self) -> rsa.RSAPublicKey:
        """The RSA key object; raises ValueError where the numbers make none."""
        modulus, exponent = self.numbers
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def algorithm_label(number: int) -> str:
    """The name of a public key algorithm where no key of it is at hand, known to us or not."""
    fixed = _FIXED.get(number)
    return fixed[0] if fixed else _FAMILIES.get(number, f"algorithm {number}")


def read_public(body: bytes) -> tuple[PublicKey, int]:
    """The public key at the start of a public or secret key packet, and where its secret part would begin.

    Raises `Malformed` or `Unsupported` (versions 2, 3 and 5).
    """
    fields = Fields(body)
    version = fields.number(1)
    if version not in {4, 6}:
        raise Unsupported
    created, algorithm = fields.number(4), fields.number(1)
    declared = fields.number(4) if version == 6 else None
    start = fields.position
    material = _material(fields, algorithm, declared)
    if declared is not None and fields.position - start != declared:
        raise Malformed
    return PublicKey(
        body=body[: fields.position],
        version=version,
        created=datetime.fromtimestamp(created, UTC),
        algorithm=algorithm,
        **material,
    ), fields.position


class _Material(TypedDict, total=False):
    numbers: tuple[int, ...]
    point: bytes
    curve: Curve | None
    curve_id: bytes
    kdf: bytes


def _material(fields: Fields, algorithm: int, declared: int | None) -> _Material:
    if algorithm in _NUMBERS:
        return {"numbers": tuple(int.from_bytes(fields.mpi(), "big") for _ in range(_NUMBERS[algorithm]))}
    if algorithm in {Algorithm.ECDH, Algorithm.ECDSA, Algorithm.EDDSA_LEGACY}:
        return _on_curve(fields, algorithm)
    if algorithm in _FIXED:
        return {"point": fields.take(_FIXED[algorithm][1])}
    # Unknown algorithm: version 6 says how long its fields are; in version 4 they run to the end of a public packet.
    return {"point": fields.rest() if declared is None else fields.take(declared)}


def _on_curve(fields: Fields, algorithm: int) -> _Material:
    curve_id = fields.take(fields.number(1))
    curve = _CURVES.get(curve_id)
    point = fields.mpi()
    if curve in {CURVE_25519, CURVE_ED25519}:
        if len(point) != 33 or point[0] != 0x40:  # RFC 9580 §11.2: the native form of the old curves
            raise Malformed
        point = point[1:]
    kdf = b""
    if algorithm == Algorithm.ECDH:
        parameters = fields.take(fields.number(1))
        if len(parameters) != 3 or parameters[0] != 1:
            raise Malformed
        kdf = parameters[1:]
    return {"point": point, "curve": curve, "curve_id": curve_id, "kdf": kdf}


def x25519_public(point: bytes) -> x25519.X25519PublicKey:
    """The X25519 key object of 32 octets."""
    return x25519.X25519PublicKey.from_public_bytes(point)


def x448_public(point: bytes) -> x448.X448PublicKey:
    """The X448 key object of 56 octets."""
    return x448.X448PublicKey.from_public_bytes(point)
