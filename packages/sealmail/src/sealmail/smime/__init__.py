"""The S/MIME engine: CMS bytes in, facts out; MIME entities in, sealed MIME entities out.

Knows neither OpenPGP nor trust nor MIME trees, and asks nobody for the time. Standards: RFC 5652 (CMS), RFC 8551
(S/MIME 4.0), RFC 5083 and 5084 (AES-GCM), RFC 5753 and 8418 (curves), RFC 8419 (EdDSA), RFC 4055 (PSS, OAEP).
"""

from sealmail.keys.certificate import key_from_certificate
from sealmail.smime.cms import CMSKind, carries_content, kind
from sealmail.smime.decrypting import decrypt
from sealmail.smime.encrypting import encrypt, key_scheme
from sealmail.smime.forms import SignatureForm, form_of
from sealmail.smime.inflating import inflate
from sealmail.smime.signing import sign, sign_opaque
from sealmail.smime.verifying import verify

__all__ = [
    "CMSKind",
    "SignatureForm",
    "carries_content",
    "decrypt",
    "encrypt",
    "form_of",
    "inflate",
    "key_from_certificate",
    "key_scheme",
    "kind",
    "sign",
    "sign_opaque",
    "verify",
]
