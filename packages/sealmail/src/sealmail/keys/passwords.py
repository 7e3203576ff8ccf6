"""Decrypting what PKCS#8 and PKCS#12 files protect with a passphrase: PBES2, and the old PKCS#12 scheme with 3DES.

Only reads; nothing here is used to protect anything new. The caller is `pkcs12`; keys that stand alone are opened by
`private_key`, which asks here only what opening will cost.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from asn1crypto import algos
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sealmail import ber
from sealmail.errors import InputError, LimitExceeded, PassphraseError

_PURPOSE_KEY, _PURPOSE_IV, _PURPOSE_MAC = 1, 2, 3  # RFC 7292 appendix B.3
_MAX_SCRYPT_BYTES = 64 * 1024 * 1024
_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_HASHES = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})


class UnsupportedProtection(InputError):
    """The key is protected in a way that Sealdesk does not read."""


class Effort:
    """How much work guessing passphrases may still cause: iterations of a key derivation, over everything that is read
    at once.
    """

    def __init__(self, iterations: int = 20_000_000) -> None:
        """The default takes some ten seconds, and is far from what programs write (2,048 to 600,000 for one key)."""
        self._left = iterations

    def spend(self, iterations: int) -> None:
        """Count work that is about to be done. Raises `LimitExceeded` where it would be too much."""
        self._left -= max(iterations, 1)
        if self._left < 0:
            raise LimitExceeded("Opening this would take too long: too many rounds of passphrase derivation.")


def cost(algorithm: algos.EncryptionAlgorithm) -> int:
    """Iterations that one try of a passphrase takes. Raises `ValueError` or `KeyError` where the parameters cannot be
    read.
    """
    name = algorithm["algorithm"].native
    parameters = algorithm["parameters"]
    if name == "pbes2":
        derivation = parameters["key_derivation_func"]
        if derivation["algorithm"].native == "pbkdf2":
            return int(derivation["parameters"]["iteration_count"].native)
        if derivation["algorithm"].native == _SCRYPT:
            _, n, r, p = _scrypt_parameters(derivation)
            return n * r * p
        raise UnsupportedProtection("The passphrase derivation is not supported.")
    return int(parameters["iterations"].native)


def decrypt(algorithm: algos.EncryptionAlgorithm, encrypted: bytes, passphrase: str, effort: Effort) -> bytes:
    """The plain bytes of one protected piece.

    Raises `PassphraseError` (wrong, or the bytes are damaged: these schemes cannot tell), `UnsupportedProtection`,
    `LimitExceeded`.
    """
    effort.spend(cost(algorithm))
    name = algorithm["algorithm"].native
    if name == "pbes2":
        cipher = _pbes2_cipher(algorithm["parameters"], passphrase)
    elif name == "pkcs12_sha1_tripledes_3key":
        cipher = _pkcs12_cipher(algorithm["parameters"], passphrase)
    else:
        raise UnsupportedProtection(f"The protection {name} is not supported.")
    return _unpadded(cipher, encrypted)


def mac_fits(mac_data: Any, content: bytes, passphrase: str, effort: Effort) -> bool:
    """Whether the MAC of a PKCS#12 file was made with this passphrase over this content (RFC 7292 appendix B)."""
    name = mac_data["mac"]["digest_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise UnsupportedProtection(f"The integrity check {name} is not supported.")
    salt, iterations = mac_data["mac_salt"].native, int(mac_data["iterations"].native)
    expected = mac_data["mac"]["digest"].native
    for encoded in _pkcs12_passphrases(passphrase):
        effort.spend(iterations)
        key = _pkcs12_derive(name, _PURPOSE_MAC, encoded, salt, iterations, hashlib.new(name).digest_size)
        if hmac.compare_digest(hmac.digest(key, content, name), expected):
            return True
    return False


def _pbes2_cipher(parameters: Any, passphrase: str) -> Cipher[modes.CBC]:
    """RFC 8018 §6.2. The key length follows from the cipher."""
    scheme = parameters["encryption_scheme"]
    name = scheme["algorithm"].native
    lengths = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32, "tripledes_3key": 24}
    if name not in lengths:
        raise UnsupportedProtection(f"The cipher {name} is not supported.")
    key = _pbes2_key(parameters["key_derivation_func"], passphrase.encode(), lengths[name])
    iv = modes.CBC(scheme["parameters"].native)
    return Cipher(TripleDES(key), iv) if name == "tripledes_3key" else Cipher(algorithms.AES(key), iv)


def _pbes2_key(derivation: Any, passphrase: bytes, length: int) -> bytes:
    name = derivation["algorithm"].native
    parameters = derivation["parameters"]
    if name == "pbkdf2":
        prf = parameters["prf"]["algorithm"].native
        if prf not in _HASHES:
            raise UnsupportedProtection(f"The passphrase derivation with {prf} is not supported.")
        salt, iterations = parameters["salt"].native, parameters["iteration_count"].native
        return hashlib.pbkdf2_hmac(prf, passphrase, salt, iterations, length)
    if name != _SCRYPT:
        raise UnsupportedProtection(f"The passphrase derivation {name} is not supported.")
    salt, n, r, p = _scrypt_parameters(derivation)
    return hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, maxmem=2 * _MAX_SCRYPT_BYTES, dklen=length)


def _scrypt_parameters(derivation: Any) -> tuple[bytes, int, int, int]:
    """Salt, cost, block size and parallelization (RFC 7914 §7.1), which asn1crypto does not know."""
    fields = ber.read(derivation["parameters"].dump()).fields()
    salt = fields.take(ber.OCTET_STRING).octets()
    n, r, p = (fields.take(ber.INTEGER).integer() for _ in range(3))
    if 128 * r * (n + p) > _MAX_SCRYPT_BYTES:
        raise LimitExceeded("Opening this would take too much memory for passphrase derivation.")
    return salt, n, r, p


def _pkcs12_cipher(parameters: Any, passphrase: str) -> Cipher[modes.CBC]:
    """The scheme pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C)."""
    salt, iterations = parameters["salt"].native, int(parameters["iterations"].native)
    encoded = _pkcs12_passphrases(passphrase)[0]
    key = _pkcs12_derive("sha1", _PURPOSE_KEY, encoded, salt, iterations, 24)
    iv = _pkcs12_derive("sha1", _PURPOSE_IV, encoded, salt, iterations, 8)
    return Cipher(TripleDES(key), modes.CBC(iv))


def _pkcs12_passphrases(passphrase: str) -> tuple[bytes, ...]:
    """The passphrase as RFC 7292 appendix B.1 wants it; for an empty one programs differ about the final zero."""
    encoded = passphrase.encode("utf-16-be") + b"\0\0"
    return (encoded,) if passphrase else (encoded, b"")


def _pkcs12_derive(name: str, purpose: int, passphrase: bytes, salt: bytes, iterations: int, length: int) -> bytes:
    """The key derivation of RFC 7292 appendix B.2, with its letters."""
    v = hashlib.new(name).block_size
    d = bytes([purpose]) * v
    i = _filled(salt, v) + _filled(passphrase, v)
    result = b""
    while len(result) < length:
        a = d + i
        for _ in range(max(iterations, 1)):
            a = hashlib.new(name, a, usedforsecurity=False).digest()
        result += a
        b = int.from_bytes(_filled(a, v)[:v]) + 1
        blocks = (int.from_bytes(i[at : at + v]) + b for at in range(0, len(i), v))
        i = b"".join((block % (1 << 8 * v)).to_bytes(v) for block in blocks)
    return result[:length]


def _filled(value: bytes, block: int) -> bytes:
    """The value repeated until it fills whole blocks; nothing stays nothing."""
    length = -(-len(value) // block) * block
    return (value * (length // len(value) + 1))[:length] if value else b""


def _unpadded(cipher: Cipher[modes.CBC], encrypted: bytes) -> bytes:
    try:
        decryptor = cipher.decryptor()
        padded = decryptor.update(encrypted) + decryptor.finalize()
        unpadder = padding.PKCS7(cipher.algorithm.block_size).unpadder()  # type: ignore[attr-defined]  # block ciphers only
        return unpadder.update(padded) + unpadder.finalize()
    except UnsupportedAlgorithm as error:
        raise UnsupportedProtection from error
    except ValueError as error:
        raise PassphraseError from error
