"""Decrypting what PKCS#8 and PKCS#12 files protect with a passphrase: PBES2, PBES1, and the schemes of PKCS#12 with
3DES and RC2; and the MAC of PKCS#12, old and new (PBMAC1).

Only reads; nothing here is used to protect anything new. The work that a file asks for is counted before it is done.
The callers are `pkcs12` and `private_key`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import algos
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sealmail import ber
from sealmail.errors import InputError, LimitExceeded, PassphraseError
from sealmail.keys import rc2
from sealmail.keys.derivation import pbes1_derive, pkcs12_derive

_PURPOSE_KEY, _PURPOSE_IV, _PURPOSE_MAC = 1, 2, 3  # RFC 7292 appendix B.3
_MAX_SCRYPT_BYTES = 64 * 1024 * 1024
_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_PBMAC1 = "1.2.840.113549.1.5.14"
_HASHES = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"})
_RC2_COST = 50
"""Decrypting a block of RC2 takes as long as so many rounds of a hash."""


_UNUSABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What asn1crypto and the derivations raise for parameters that are none: no rounds, no salt, a cost that is no power
of two.
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """A passphrase as bytes. PKCS#12 has its own encoding, about which programs differ."""

    passphrase: str = field(repr=False)
    pkcs12: bytes = field(repr=False)


def spellings(passphrase: str) -> tuple[Spelling, ...]:
    """The ways in which programs write a passphrase into PKCS#12, the right one first (RFC 7292 appendix B.1).

    An empty one may lack the final zero; OpenSSL before 1.1 took each byte of UTF-8 for a letter.
    """
    right = passphrase.encode("utf-16-be") + b"\0\0"
    if not passphrase:
        others = [b""]
    else:
        others = [] if passphrase.isascii() else [passphrase.encode().decode("latin-1").encode("utf-16-be") + b"\0\0"]
    return tuple(Spelling(passphrase=passphrase, pkcs12=encoded) for encoded in (right, *others))


def decrypt(algorithm: algos.EncryptionAlgorithm, encrypted: bytes, spelling: Spelling, effort: Effort) -> bytes:
    """The plain bytes of one protected piece.

    Raises `PassphraseError` (wrong, or the bytes are damaged: these schemes cannot tell), `UnsupportedProtection`,
    `LimitExceeded`.
    """
    try:
        effort.spend(_cost(algorithm))
        return _decrypted_by(algorithm, encrypted, spelling, effort)
    except _UNUSABLE as error:
        raise UnsupportedProtection from error


def mac_fits(mac_data: Any, content: bytes, spelling: Spelling, effort: Effort) -> bool:
    """Whether the MAC of a PKCS#12 file fits this passphrase and content (RFC 7292 appendix B; RFC 9579).

    Raises `UnsupportedProtection`, `LimitExceeded`.
    """
    algorithm = mac_data["mac"]["digest_algorithm"]
    name = algorithm["algorithm"].native
    if name == _PBMAC1:
        name, key = _pbmac1_key(algorithm["parameters"], spelling.passphrase.encode(), effort)
    elif name in _HASHES:
        salt, iterations = mac_data["mac_salt"].native, int(mac_data["iterations"].native)
        effort.spend(iterations)
        key = pkcs12_derive(name, _PURPOSE_MAC, spelling.pkcs12, salt, iterations, hashlib.new(name).digest_size)
    else:
        raise UnsupportedProtection(f"The integrity check {name} is not supported.")
    return hmac.compare_digest(hmac.digest(key, content, name), mac_data["mac"]["digest"].native)


def _decrypted_by(algorithm: Any, encrypted: bytes, spelling: Spelling, effort: Effort) -> bytes:
    name = algorithm["algorithm"].native
    parameters = algorithm["parameters"]
    if name == "pbes2":
        return _pbes2(parameters, encrypted, spelling.passphrase.encode(), effort)
    if name in _PKCS12_SCHEMES:
        return _pkcs12_scheme(name, parameters, encrypted, spelling.pkcs12, effort)
    if name in _PBES1_SCHEMES:
        return _pbes1(name, parameters, encrypted, spelling.passphrase.encode(), effort)
    raise UnsupportedProtection(f"The protection {name} is not supported.")


def _cost(algorithm: algos.EncryptionAlgorithm) -> int:
    """Iterations that one try of a passphrase takes."""
    name = algorithm["algorithm"].native
    parameters = algorithm["parameters"]
    return _derivation_cost(parameters["key_derivation_func"]) if name == "pbes2" else _iterations(parameters)


def _derivation_cost(derivation: Any) -> int:
    if derivation["algorithm"].native == "pbkdf2":
        return int(derivation["parameters"]["iteration_count"].native)
    if derivation["algorithm"].native == _SCRYPT:
        _, n, r, p = _scrypt_parameters(derivation)
        return n * r * p
    raise UnsupportedProtection("The passphrase derivation is not supported.")


def _iterations(parameters: Any) -> int:
    return int(parameters["iterations"].native)


def _pbes2(parameters: Any, encrypted: bytes, passphrase: bytes, effort: Effort) -> bytes:
    """RFC 8018 §6.2. The key length follows from the cipher."""
    scheme = parameters["encryption_scheme"]
    name = scheme["algorithm"].native
    if name not in _KEY_BYTES:
        raise UnsupportedProtection(f"The cipher {name} is not supported.")
    key = _pbes2_key(parameters["key_derivation_func"], passphrase, _KEY_BYTES[name])
    iv = scheme["parameters"].native
    return _decrypted(name, key, iv, encrypted, effort)


_KEY_BYTES = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32, "tripledes_3key": 24, "des": 8}


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


_PKCS12_SCHEMES = {
    "pkcs12_sha1_tripledes_3key": ("tripledes_3key", 24),
    "pkcs12_sha1_tripledes_2key": ("tripledes_2key", 16),
    "pkcs12_sha1_rc2_128": ("rc2", 16),
    "pkcs12_sha1_rc2_40": ("rc2", 5),
}
"""Cipher, and bytes of its key (RFC 7292 appendix C)."""


def _pkcs12_scheme(name: str, parameters: Any, encrypted: bytes, passphrase: bytes, effort: Effort) -> bytes:
    cipher, length = _PKCS12_SCHEMES[name]
    salt, iterations = parameters["salt"].native, _iterations(parameters)
    key = pkcs12_derive("sha1", _PURPOSE_KEY, passphrase, salt, iterations, length)
    iv = pkcs12_derive("sha1", _PURPOSE_IV, passphrase, salt, iterations, 8)
    return _decrypted(cipher, key, iv, encrypted, effort)


_PBES1_SCHEMES = {
    "pbes1_md5_des": ("md5", "des"),
    "pbes1_sha1_des": ("sha1", "des"),
    "pbes1_md5_rc2": ("md5", "rc2"),
    "pbes1_sha1_rc2": ("sha1", "rc2"),
}
"""Hash and cipher (RFC 8018 §6.1)."""


def _pbes1(name: str, parameters: Any, encrypted: bytes, passphrase: bytes, effort: Effort) -> bytes:
    digest, cipher = _PBES1_SCHEMES[name]
    derived = pbes1_derive(digest, passphrase, parameters["salt"].native, _iterations(parameters))
    return _decrypted(cipher, derived[:8], derived[8:], encrypted, effort)


def _pbmac1_key(parameters: Any, passphrase: bytes, effort: Effort) -> tuple[str, bytes]:
    """The hash and key of PBMAC1 (RFC 9579 §5, RFC 8018 appendix A.5). The length of the key must be named there."""
    fields = ber.read(parameters.dump()).fields()
    derivation = algos.KdfAlgorithm.load(fields.take(ber.SEQUENCE).raw)
    scheme = algos.HmacAlgorithm.load(fields.take(ber.SEQUENCE).raw)["algorithm"].native
    length = derivation["parameters"]["key_length"].native
    if derivation["algorithm"].native != "pbkdf2" or scheme not in _HASHES or not length or length > 1024:
        raise UnsupportedProtection("The integrity check of the PKCS#12 file is not supported.")
    effort.spend(_derivation_cost(derivation) * _blocks(derivation, length))
    return scheme, _pbes2_key(derivation, passphrase, length)


def _blocks(derivation: Any, length: int) -> int:
    """Each block of a long key takes all the rounds again (RFC 8018 §5.2)."""
    prf = derivation["parameters"]["prf"]["algorithm"].native
    return -(-length // hashlib.new(prf).digest_size) if prf in _HASHES else 1


def _decrypted(cipher: str, key: bytes, iv: bytes, encrypted: bytes, effort: Effort) -> bytes:
    try:
        if cipher == "rc2":
            effort.spend(len(encrypted) // rc2.BLOCK * _RC2_COST)
            padded, block_bits = rc2.decrypt_cbc(key, 8 * len(key), iv, encrypted), 64
        else:
            algorithm = _CIPHERS[cipher](key)
            decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
            padded, block_bits = decryptor.update(encrypted) + decryptor.finalize(), algorithm.block_size
        unpadder = padding.PKCS7(block_bits).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except UnsupportedAlgorithm as error:
        raise UnsupportedProtection from error
    except ValueError as error:
        raise PassphraseError from error


def _triple_des(key: bytes) -> TripleDES:
    """3DES wants three keys: of two the first comes again, and DES is 3DES with the same key three times."""
    return TripleDES((key * 3)[:24])


_CIPHERS: dict[str, Callable[[bytes], TripleDES | algorithms.AES]] = {
    "aes128_cbc": algorithms.AES,
    "aes192_cbc": algorithms.AES,
    "aes256_cbc": algorithms.AES,
    "tripledes_3key": _triple_des,
    "tripledes_2key": _triple_des,
    "des": _triple_des,
}
