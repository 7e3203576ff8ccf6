"""Secret key packets (RFC 9580 §5.5.3): unlocking them with a passphrase, and the key objects for them.

Unlocked keys are kept for a while, because deriving a key from a passphrase takes a tenth of a second by design. No
exception from here carries anything secret.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealmail.errors import PassphraseError
from sealmail.keys.pgp.checking import SigningKey
from sealmail.keys.pgp.ciphers import CIPHERS, AEADMode, Cipher, aead, read_mode
from sealmail.keys.pgp.packets import Fields, Malformed, Tag
from sealmail.keys.pgp.passphrase import Derivation, Stub, read_derivation
from sealmail.keys.pgp.public import RSA_ALGORITHMS, Algorithm, Curve, PublicKey, Unsupported, read_public

PrivateKey = SigningKey | x25519.X25519PrivateKey | x448.X448PrivateKey

_UNPROTECTED, _AEAD, _CFB_SHA1, _CFB_SUM = 0, 253, 254, 255


@dataclass(frozen=True, slots=True, kw_only=True)
class _Protected:
    public: PublicKey
    usage: int
    cipher: Cipher | None = None
    mode: AEADMode | None = None
    derivation: Derivation | None = None
    nonce: bytes = b""
    content: bytes = field(repr=False)


class Mismatch(Malformed):
    """The secret part of this OpenPGP key does not fit its public part."""


def is_locked(body: bytes) -> bool:
    """Whether a secret key packet needs a passphrase. Raises `InputError` where it cannot be read."""
    return _read(body).usage != _UNPROTECTED


def holds_secret(body: bytes) -> bool:
    """Whether there is a secret in the packet, and not only GnuPG's note that it lies elsewhere (on a card)."""
    return stub(body) is None


@lru_cache(maxsize=64)
def stub(body: bytes) -> Stub | None:
    """Why there is no secret in a secret key packet; None where there is one. Remembered, since sealing one mail asks
    for it three times. Raises `InputError`."""
    derivation = _read(body).derivation
    return derivation.stub if derivation else None


def cost(body: bytes) -> int:
    """How much work one try of a passphrase is, in the unit of `passwords.Effort` (about a microsecond)."""
    derivation = _read(body).derivation
    if derivation is None or derivation.is_stub:
        return 0
    return max(derivation.count >> 10, derivation.passes << min(derivation.memory, 32))


def unlock(body: bytes, *, is_primary: bool, passphrases: tuple[str, ...]) -> PrivateKey:
    """The private key in a secret key packet, opened with the first of the passphrases that fits.

    Raises `PassphraseError` where none fits (its argument says whether there was any), `Unsupported` or `Malformed`.
    """
    name = hashlib.sha256(repr((body, passphrases)).encode()).digest()
    found = _UNLOCKED.find(name)
    if found is None:
        found = _unlock(_read(body), is_primary=is_primary, passphrases=passphrases)
        _UNLOCKED.keep(name, found)
    return found


class _Unlocked:
    """The private keys used last, by a hash over their packet and the passphrases."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[bytes, PrivateKey] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: bytes) -> PrivateKey | None:
        with self._lock:
            if name in self._keys:
                self._keys.move_to_end(name)
            return self._keys.get(name)

    def keep(self, name: bytes, key: PrivateKey) -> None:
        with self._lock:
            self._keys[name] = key
            while len(self._keys) > self._size:
                self._keys.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._keys.clear()


_UNLOCKED = _Unlocked(64)


def forget_unlocked() -> None:
    """Empties the memory of unlocked keys."""
    _UNLOCKED.clear()


def _read(body: bytes) -> _Protected:
    public, position = read_public(body)
    fields = Fields(body, position)
    usage = fields.number(1)
    if usage == _UNPROTECTED:
        return _Protected(public=public, usage=usage, content=fields.rest())
    if usage not in {_AEAD, _CFB_SHA1, _CFB_SUM}:
        raise Unsupported  # the forms of before 1998, an MD5 of the passphrase as key
    is_v6 = public.version == 6
    if is_v6:
        fields.take(1)
    cipher = CIPHERS.get(fields.number(1))
    mode = read_mode(fields.number(1)) if usage == _AEAD else None
    if is_v6:
        fields.take(1)
    derivation = read_derivation(fields)
    if derivation.is_stub:
        return _Protected(public=public, usage=usage, derivation=derivation, content=b"")
    if cipher is None:
        raise Unsupported
    nonce = fields.take(mode.nonce_octets if mode else cipher.block_octets)
    return _Protected(
        public=public, usage=usage, cipher=cipher, mode=mode, derivation=derivation, nonce=nonce, content=fields.rest()
    )


def _unlock(protected: _Protected, *, is_primary: bool, passphrases: tuple[str, ...]) -> PrivateKey:
    if protected.usage == _UNPROTECTED:
        content = protected.content
        if protected.public.version != 6:
            content, total = content[:-2], content[-2:]
            if total != _sum(content):
                raise Malformed
        return _private(protected.public, content)
    if protected.derivation is not None and protected.derivation.is_stub:
        raise Unsupported
    for passphrase in passphrases:
        content_or_none = _decrypted(protected, passphrase, is_primary=is_primary)
        if content_or_none is not None:
            return _private(protected.public, content_or_none)
    raise PassphraseError("passphrase_wrong" if passphrases else "passphrase_missing")


def _decrypted(protected: _Protected, passphrase: str, *, is_primary: bool) -> bytes | None:
    cipher, derivation = protected.cipher, protected.derivation
    if cipher is None or derivation is None:
        raise Unsupported
    key = derivation.key(passphrase, cipher.key_octets)
    if protected.mode is not None:
        return _decrypted_aead(protected, cipher, protected.mode, key, is_primary=is_primary)
    plain = cipher.cfb_decrypt(key, protected.nonce, protected.content)
    if protected.usage == _CFB_SHA1:
        content, check = plain[:-20], hashlib.sha1(plain[:-20], usedforsecurity=False).digest()
        return content if hmac.compare_digest(plain[-20:], check) else None
    return plain[:-2] if hmac.compare_digest(plain[-2:], _sum(plain[:-2])) else None


def _decrypted_aead(
    protected: _Protected, cipher: Cipher, mode: AEADMode, key: bytes, *, is_primary: bool
) -> bytes | None:
    # RFC 9580 §5.5.3: the key is bound to the packet's type and to the public part.
    tag = bytes([0xC0 | (Tag.SECRET_KEY if is_primary else Tag.SECRET_SUBKEY)])
    info = tag + bytes([protected.public.version, cipher.number, mode])
    derived = HKDF(hashes.SHA256(), cipher.key_octets, None, info).derive(key)
    try:
        return aead(mode, cipher, derived).decrypt(protected.nonce, protected.content, tag + protected.public.body)
    except InvalidTag:
        return None


def _sum(content: bytes) -> bytes:
    return (sum(content) & 0xFFFF).to_bytes(2, "big")


def _private(public: PublicKey, content: bytes) -> PrivateKey:
    try:
        private = _key_object(public, Fields(content))
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed("The secret part of this OpenPGP key is broken.") from None
    if not _belongs(public, private):
        raise Mismatch
    return private


def _belongs(public: PublicKey, private: PrivateKey) -> bool:
    """Whether a private key is the one to a public key.

    The passphrase of a version 4 key does not protect its public part: somebody who can write to the file could
    exchange that, and learn the secret from signatures made with the two (Bruseghini, Huigens, Paterson 2022).
    """
    other = private.public_key()
    match other:
        case rsa.RSAPublicKey():
            numbers = other.public_numbers()
            return public.numbers == (numbers.n, numbers.e)
        case dsa.DSAPublicKey():
            return public.numbers[-1] == other.public_numbers().y
        case ec.EllipticCurvePublicKey():
            return public.point == other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() | x25519.X25519PublicKey() | x448.X448PublicKey():
            return public.point == other.public_bytes_raw()


def _key_object(public: PublicKey, fields: Fields) -> PrivateKey:
    if public.algorithm in _FIXED:
        make, octets = _FIXED[public.algorithm]
        return make(fields.take(octets))
    if public.algorithm in RSA_ALGORITHMS:
        return _rsa(public, *(int.from_bytes(fields.mpi(), "big") for _ in range(4)))
    if public.algorithm not in _ONE_NUMBER:
        raise Unsupported
    scalar = fields.mpi()
    if public.algorithm == Algorithm.DSA:
        p, q, g, y = public.numbers
        numbers = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g))
        return dsa.DSAPrivateNumbers(int.from_bytes(scalar, "big"), numbers).private_key()
    if public.curve is None:
        raise Unsupported
    return _on_curve(public, public.curve, scalar)


_ONE_NUMBER = frozenset({Algorithm.DSA, Algorithm.ECDH, Algorithm.ECDSA, Algorithm.EDDSA_LEGACY})


_FIXED: dict[int, tuple[Callable[[bytes], PrivateKey], int]] = {
    Algorithm.X25519: (x25519.X25519PrivateKey.from_private_bytes, 32),
    Algorithm.X448: (x448.X448PrivateKey.from_private_bytes, 56),
    Algorithm.ED25519: (ed25519.Ed25519PrivateKey.from_private_bytes, 32),
    Algorithm.ED448: (ed448.Ed448PrivateKey.from_private_bytes, 57),
}


def _on_curve(public: PublicKey, curve: Curve, scalar: bytes) -> PrivateKey:
    if curve.weierstrass:
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve.weierstrass, public.point)
        return ec.EllipticCurvePrivateNumbers(int.from_bytes(scalar, "big"), point.public_numbers()).private_key()
    octets = scalar.rjust(32, b"\0")
    if public.algorithm == Algorithm.ECDH:
        # The old form of Curve25519 stores its scalar big-endian (RFC 9580 §5.5.5.6.1.1).
        return x25519.X25519PrivateKey.from_private_bytes(octets[::-1])
    return ed25519.Ed25519PrivateKey.from_private_bytes(octets)


def _rsa(public: PublicKey, d: int, p: int, q: int, u: int) -> rsa.RSAPrivateKey:
    modulus, exponent = public.numbers
    # OpenSSL's own check proves the primality of p and q and takes many times as long as using the key; what matters
    # is that the parts belong together, so that a damaged key never makes a faulty signature.
    if p * q != modulus or d * exponent % (p - 1) != 1 or d * exponent % (q - 1) != 1 or u * p % q != 1:
        raise Mismatch
    # OpenPGP keeps p^-1 mod q where PKCS#1 keeps q^-1 mod p: the primes change places (RFC 9580 §5.5.5.1).
    numbers = rsa.RSAPrivateNumbers(q, p, d, d % (q - 1), d % (p - 1), u, rsa.RSAPublicNumbers(exponent, modulus))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)
