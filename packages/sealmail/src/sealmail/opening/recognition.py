"""Which parts of a message are cryptographic layers, by what is in them as well as by what their headers say.

Mail programs and gateways name S/MIME in many ways; what decides is always the content. A wrong name never makes a
layer of something else, and a wrong `smime-type` never makes one layer of another. Not opened: armour or base64 in the
middle of a text, where words could stand beside it.
"""

from __future__ import annotations

import binascii
import re

from sealmail import smime
from sealmail.keys import Technology
from sealmail.mime import Part
from sealmail.opening import inline
from sealmail.opening.inline import SegmentKind
from sealmail.smime import CMSKind

_CMS_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/cms"})
_SIGNATURE_TYPES = {
    "application/pgp-signature": Technology.OPENPGP,
    "application/pkcs7-signature": Technology.SMIME,
    "application/x-pkcs7-signature": Technology.SMIME,
}
_CMS_NAMES = (".p7m", ".p7z", ".p7s", ".p7c")
_NAMED_TYPES = re.compile(
    r"application/(?:octet-stream|binary|(?:x-)?(?:pkcs-?7(?:-[a-z]+)?|p7[mscz]|smime)|unknown|x-unknown|download)"
    r"|text/plain"
)
"""Types that say nothing, or nearly; a part of such a type is looked at where its name is one of S/MIME."""


def cms_of(part: Part) -> bytes | None:
    """The CMS in a part that says to be S/MIME by type or by name, out of whatever encoding; None for other parts.

    What a part of a type of S/MIME holds is given also where it is no CMS. What is only named so, or is a detached
    signature without its text, is given where it is an opaque layer.
    """
    if part.children:
        return None
    if part.content_type in _CMS_TYPES:
        return _binary(part.decoded())
    if part.content_type in _SIGNATURE_TYPES or _is_named(part):
        found = _binary(part.decoded())
        return found if _is_opaque(found) else None
    return None


def is_layer(part: Part) -> bool:
    """Whether the part looks like a signature, encryption or compression layer; nothing is opened to find out."""
    if part.content_type in {"multipart/signed", "multipart/encrypted"} or _is_openpgp(part):
        return True
    found = cms_of(part)
    return found is not None and smime.kind(found) not in {None, CMSKind.CERTS_ONLY}


def is_encrypted(part: Part) -> bool:
    """Whether the part looks like an encryption layer."""
    if part.content_type == "multipart/encrypted" or inline.mangled_encryption(part) or inline.is_sealed_file(part):
        return True
    if inline.kept_structure(part) is not None:
        return True
    if (segment := inline.whole(part)) is not None:
        return segment.kind is SegmentKind.ENCRYPTED
    found = cms_of(part)
    return found is not None and smime.kind(found) in {CMSKind.ENVELOPED, CMSKind.AUTH_ENVELOPED}


def carries_sealing_only(part: Part, parent: Part | None) -> bool:
    """Whether the part is a detached signature or version part: part of the sealing, not a file that was sent."""
    if parent is None or parent.content_type not in {"multipart/signed", "multipart/encrypted"}:
        return False
    return _signature_technology(part) is not None or part.content_type == "application/pgp-encrypted"


def detached_technology(part: Part) -> Technology | None:
    """The technology of a multipart/signed; None where it is not built as RFC 1847 §2.1 says.

    Exactly two parts, the signed one and its signature. A `protocol` that is missing or names nothing known is passed
    over, as is `micalg`: the signature itself says what it is. One that names the other technology is an ambiguity.
    """
    if len(part.children) != 2:
        return None
    technology = _signature_technology(part.children[1])
    announced = _SIGNATURE_TYPES.get(part.params.get("protocol", "").lower().strip())
    return technology if announced in {None, technology} else None


def likely_technology(part: Part) -> Technology:
    """The technology that a broken multipart/signed was most likely meant to be of."""
    types = [part.params.get("protocol", "").lower(), *(child.content_type for child in part.children)]
    return next((_SIGNATURE_TYPES[one] for one in types if one in _SIGNATURE_TYPES), Technology.OPENPGP)


def detached_signature(part: Part) -> bytes:
    """The signature in the second part of a multipart/signed, as the engines want it."""
    return _binary(part.decoded())


def _is_openpgp(part: Part) -> bool:
    """Whether it is an OpenPGP message without the MIME structure that belongs to it."""
    forms = (inline.whole, inline.mangled_encryption, inline.kept_structure)
    return inline.is_sealed_file(part) or any(form(part) is not None for form in forms)


def _signature_technology(part: Part) -> Technology | None:
    if (named := _SIGNATURE_TYPES.get(part.content_type)) is not None:
        return named
    if part.content_type in _CMS_TYPES or _is_named(part):
        is_signature = smime.kind(_binary(part.decoded())) is CMSKind.SIGNED
        return Technology.SMIME if is_signature else None
    return None


def _is_named(part: Part) -> bool:
    names = (part.filename or "", part.params.get("name", ""))
    return _NAMED_TYPES.fullmatch(part.content_type) is not None and any(
        name.strip().lower().endswith(_CMS_NAMES) for name in names
    )


def _is_opaque(cms: bytes) -> bool:
    match smime.kind(cms):
        case None | CMSKind.OTHER:
            return False
        case CMSKind.SIGNED:
            return smime.carries_content(cms)
        case _:
            return True


def _binary(decoded: bytes) -> bytes:
    """CMS as it is, or out of armour or base64 that no header told of (gateways decode once too seldom)."""
    if decoded[:1] == b"\x30":
        return decoded
    text = decoded.strip()
    if (armoured := _ARMOUR.fullmatch(text)) is not None:
        text = armoured[1]
    elif text[:1] != b"M" or _BASE64.fullmatch(text) is None:  # a SEQUENCE begins with an M in base64
        return decoded
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return decoded


_ARMOUR = re.compile(
    rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----\s([A-Za-z0-9+/=\s]*+)-----END [A-Z0-9# ]+-----"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]++=*+\s*+")
