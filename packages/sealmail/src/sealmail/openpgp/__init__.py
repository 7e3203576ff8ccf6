"""The OpenPGP engine: OpenPGP bytes in, facts out; MIME entities in, PGP/MIME out (RFC 9580, RFC 3156).

Knows no trust, no From address and no MIME tree. Opening and verifying never raise on bad bytes. It is called by
`opening` and `sealing`. (The module `openpgp` at the top level is rPGP's, which has no part in this.)
"""

from sealmail.keys.openpgp_key import OpenPGPState, state_at, usable_for
from sealmail.openpgp.cleartext import read_cleartext, verify_cleartext
from sealmail.openpgp.entities import key_entity
from sealmail.openpgp.forming import MessageCipher, MessageForm, SignatureForm, message_form, signature_form
from sealmail.openpgp.opening import decrypt
from sealmail.openpgp.recognising import OpenPGPKind, is_readable, kind
from sealmail.openpgp.sealing import encrypt, sign
from sealmail.openpgp.verifying import verify, verify_opaque

__all__ = [
    "MessageCipher",
    "MessageForm",
    "OpenPGPKind",
    "OpenPGPState",
    "SignatureForm",
    "decrypt",
    "encrypt",
    "is_readable",
    "key_entity",
    "kind",
    "message_form",
    "read_cleartext",
    "sign",
    "signature_form",
    "state_at",
    "usable_for",
    "verify",
    "verify_cleartext",
    "verify_opaque",
]
