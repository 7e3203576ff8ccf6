"""Content ciphers: which one a message names, and its plain text under a content key.

Called by `decrypting`. Raises Malformed where anything does not fit; nothing of the plain text gets out then.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher as PrimitiveCipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealmail.ber import Element, Malformed, context
from sealmail.smime.algorithms import CEK_HKDF_SHA256, CIPHERS, Cipher, Mode
from sealmail.smime.cms import Algorithm, EnvelopedData, algorithm, set_forms

_DERIVATION_SALT = b"The Cryptographic Message Syntax"
_SHORTEST_CODE, _LONGEST_CODE = 12, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCipher:
    """The content cipher that a message names."""

    oid: bytes
    cipher: Cipher | None
    """None: not known here."""
    parameters: Element | None
    bound_to: bytes | None = None
    """The identifier from which its key is derived, in DER; None: the key is used as it was sent."""


def named_cipher(identifier: Algorithm) -> NamedCipher:
    """The cipher, also where its key is to be derived (RFC 9709 §2). Raises Malformed."""
    if identifier.oid != CEK_HKDF_SHA256:
        known = CIPHERS.get(identifier.oid)
        return NamedCipher(oid=identifier.oid, cipher=known, parameters=identifier.parameters)
    if identifier.parameters is None:
        raise Malformed("parameters are missing")
    inner = algorithm(identifier.parameters)
    bound_to = identifier.parameters.der()
    return NamedCipher(oid=inner.oid, cipher=CIPHERS.get(inner.oid), parameters=inner.parameters, bound_to=bound_to)


def plain_text(envelope: EnvelopedData, named: NamedCipher, cipher: Cipher, key: bytes) -> bytes:
    """The content under this content key."""
    if len(key) != cipher.key_bytes or envelope.encrypted is None:
        raise Malformed("the content key does not fit the cipher")
    encrypted = envelope.encrypted.octets(context(0, constructed=False))
    key = key if named.bound_to is None else _derived(key, named.bound_to)
    if not cipher.is_authenticated:
        return _chained(cipher, _initial_vector(named.parameters, cipher), encrypted, key)
    return _authenticated(cipher, _sealing(envelope, cipher, named.parameters), encrypted, key)


def _derived(key: bytes, bound_to: bytes) -> bytes:
    """RFC 9709 §2: under another cipher the same sent key becomes another key, so that ciphers cannot be swapped."""
    return HKDF(algorithm=hashes.SHA256(), length=len(key), salt=_DERIVATION_SALT, info=bound_to).derive(key)


def _initial_vector(parameters: Element | None, cipher: Cipher) -> bytes:
    if parameters is None or len(vector := parameters.octets()) != cipher.block_bytes:
        raise Malformed("the initial vector does not fit the cipher")
    return vector


def _chained(cipher: Cipher, vector: bytes, encrypted: bytes, key: bytes) -> bytes:
    size = cipher.block_bytes
    if not encrypted or len(encrypted) % size:
        raise Malformed("no whole number of blocks")
    primitive = TripleDES(key) if cipher.is_weak else AES(key)
    decryptor = PrimitiveCipher(primitive, modes.CBC(vector)).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    padding = plain[-1]
    # RFC 5652 §6.3: each octet of the padding is its length.
    if not 1 <= padding <= size or plain[-padding:] != bytes((padding,)) * padding:
        raise Malformed("the padding does not fit")
    return plain[:-padding]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealing:
    """What an authenticated cipher needs beside the key."""

    nonce: bytes
    code: bytes
    additional: tuple[bytes, ...]
    """The forms that the additional data may have had, most likely first."""


def _sealing(envelope: EnvelopedData, cipher: Cipher, parameters: Element | None) -> _Sealing:
    if parameters is None:
        raise Malformed("parameters are missing")
    nonce, length = _nonce_and_code_length(cipher, parameters)
    code = envelope.authentication_code
    # A code shorter than announced, or than twelve octets, is not accepted: it would be easier to guess.
    if len(code) != length or not _SHORTEST_CODE <= length <= _LONGEST_CODE:
        raise Malformed("the authentication code does not fit")
    attributes = envelope.authenticated_attributes
    return _Sealing(nonce=nonce, code=code, additional=(b"",) if attributes is None else tuple(set_forms(attributes)))


def _nonce_and_code_length(cipher: Cipher, parameters: Element) -> tuple[bytes, int]:
    if cipher.mode is Mode.POLY1305:
        return parameters.octets(), _LONGEST_CODE  # RFC 8103 §3: the nonce alone
    fields = parameters.fields()
    nonce = fields.take().octets()
    announced = fields.optional()
    return nonce, 12 if announced is None else announced.integer()  # RFC 5084 §3.1, §3.2


def _authenticated(cipher: Cipher, sealing: _Sealing, encrypted: bytes, key: bytes) -> bytes:
    for additional in sealing.additional:
        try:
            return _checked(cipher, sealing, encrypted, key, additional)
        except (InvalidTag, ValueError):
            continue
    raise Malformed("the authentication code does not fit")


def _checked(cipher: Cipher, sealing: _Sealing, encrypted: bytes, key: bytes, additional: bytes) -> bytes:
    """Raises InvalidTag where anything was changed, ValueError where a length does not suit the cipher."""
    if cipher.mode is Mode.POLY1305:
        return ChaCha20Poly1305(key).decrypt(sealing.nonce, encrypted + sealing.code, additional)
    if cipher.mode is Mode.CCM:
        sealed = encrypted + sealing.code
        return AESCCM(key, tag_length=len(sealing.code)).decrypt(sealing.nonce, sealed, additional)
    decryptor = PrimitiveCipher(AES(key), modes.GCM(sealing.nonce, sealing.code, min_tag_length=12)).decryptor()
    decryptor.authenticate_additional_data(additional)
    return decryptor.update(encrypted) + decryptor.finalize()
