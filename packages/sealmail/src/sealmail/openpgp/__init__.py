"""The OpenPGP engine: OpenPGP bytes in, facts out; MIME entities in, PGP/MIME out (RFC 9580, RFC 3156).

Knows no trust, no From address and no MIME tree. Opening and verifying never raise on bad bytes. It is called by
`opening` and `sealing`. (The module `openpgp` at the top level is rPGP's, which wraps session keys for recipients.)
"""

from sealmail.keys.openpgp_key import OpenPGPState, state_at, usable_for
from sealmail.openpgp.cleartext import read_cleartext, verify_cleartext
from sealmail.openpgp.opening import decrypt
from sealmail.openpgp.recognising import OpenPGPKind, is_readable, kind
from sealmail.openpgp.sealing import encrypt, sign
from sealmail.openpgp.verifying import verify, verify_opaque

__all__ = [
    "OpenPGPKind",
    "OpenPGPState",
    "decrypt",
    "encrypt",
    "is_readable",
    "kind",
    "read_cleartext",
    "sign",
    "state_at",
    "usable_for",
    "verify",
    "verify_cleartext",
    "verify_opaque",
]
