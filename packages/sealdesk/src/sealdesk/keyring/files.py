"""Keys as files to download. A secret key that is protected by a passphrase leaves as protected as it came."""

from __future__ import annotations

import base64
import logging
import textwrap

import pysequoia

from sealdesk.core.errors import DeskError
from sealdesk.keyring import queries, rules
from sealdesk.keyring.models import StoredKey
from sealdesk.people.models import Agent
from sealmail.keys import Technology

log = logging.getLogger(__name__)


class NoSecret(DeskError):
    """There is no secret key to download."""


def public_file(key: StoredKey) -> bytes:
    """The certificate in PEM, or the OpenPGP key in armor."""
    if key.technology == Technology.OPENPGP:
        return pysequoia.armor(bytes(key.material), pysequoia.ArmorKind.PublicKey).encode()
    return _pem("CERTIFICATE", bytes(key.material))


def secret_file(*, key: StoredKey, by: Agent | None) -> bytes:
    """The private key in PEM (PKCS#8), or the OpenPGP secret key in armor. Who took it is logged."""
    rules.check_can_download_secret(by)
    secret = queries.secret_of(key)
    if secret is None:
        raise NoSecret("There is no private key for it.")
    log.warning("secret key %s downloaded by %s", key.pk, by.pk if by else "a command")
    if key.technology == Technology.OPENPGP:
        return pysequoia.armor(secret.material, pysequoia.ArmorKind.SecretKey).encode()
    # Asked of the material, not of the passphrases: a key says itself whether it is protected.
    return _pem("PRIVATE KEY" if _is_plain(secret.material) else "ENCRYPTED PRIVATE KEY", secret.material)


def _is_plain(pkcs8: bytes) -> bool:
    """PrivateKeyInfo begins with its version, EncryptedPrivateKeyInfo with an algorithm (RFC 5958 §2 and §3)."""
    length = pkcs8[1]
    first = 2 + (length & 0x7F if length & 0x80 else 0)
    return pkcs8[first] == 0x02  # INTEGER


def _pem(label: str, der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode("ascii"), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode("ascii")
