"""From a `SecretKey` to a private key that works: passphrases are tried, and what was loaded is remembered.

Loading a key costs more than using it (an RSA-3072 key under a passphrase some 30 ms, its use 1 ms), hence the memory;
it is bounded, and a key whose material or passphrases changed is another key to it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import SecretKey

_REMEMBERED = 128


def load(secret: SecretKey) -> PrivateKeyTypes:
    """The private key. Raises PassphraseError where no passphrase opens it, InputError where it is no usable key."""
    mark = _mark(secret)
    with _lock:
        if (known := _loaded.get(mark)) is not None:
            _loaded.move_to_end(mark)
            return known
    private = _open(secret)
    with _lock:
        _loaded[mark] = private
        while len(_loaded) > _REMEMBERED:
            _loaded.popitem(last=False)
    return private


_loaded: OrderedDict[bytes, PrivateKeyTypes] = OrderedDict()
_lock = Lock()


def _mark(secret: SecretKey) -> bytes:
    """Names the key, its material and its passphrases, so that nothing is remembered past a change of any of them."""
    state = hashlib.sha256(secret.key.fingerprint.encode())
    for part in (secret.material, *(passphrase.encode() for passphrase in secret.passphrases)):
        state.update(len(part).to_bytes(8) + part)
    return state.digest()


def _open(secret: SecretKey) -> PrivateKeyTypes:
    try:
        return _load(secret.material, None)
    except PassphraseError:
        pass
    for passphrase in secret.passphrases:
        try:
            return _load(secret.material, passphrase.encode())
        except PassphraseError:
            continue
    raise PassphraseError("passphrase_wrong" if secret.passphrases else "passphrase_missing")


def _load(material: bytes, passphrase: bytes | None) -> PrivateKeyTypes:
    try:
        # The key is the desk's own and was checked when it was added. Checking its primes again at each start would
        # cost a hundred times the decryption, and would reject no attacker: the material does not come from the mail.
        return load_der_private_key(material, passphrase, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        # Raised where a passphrase is needed and missing, or given and not needed.
        raise PassphraseError from None
    except ValueError:
        if passphrase is None:
            raise InputError("The private key cannot be read.") from None
        raise PassphraseError from None
    except UnsupportedAlgorithm:
        raise InputError("The private key is of a kind that is not supported.") from None
