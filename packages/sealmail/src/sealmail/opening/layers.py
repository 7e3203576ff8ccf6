"""Takes the cryptographic layers off a MIME tree, from the root inwards, and hands each to its engine.

Decides only what kind of layer a part is (by content as well as by header: Outlook sends `smime.p7m` as an octet
stream); what the layer holds is the engine's business, and what it means is `judge`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sealmail import openpgp, smime
from sealmail.keys import Key, Technology
from sealmail.mime import Part, parse
from sealmail.opening import inline
from sealmail.opening.inline import Segment, SegmentKind
from sealmail.openpgp import OpenPGPKind
from sealmail.report import (
    Encryption,
    EncryptionFacts,
    EncryptionLayer,
    Integrity,
    Layer,
    SignatureFacts,
    SignatureLayer,
    Warning,
)
from sealmail.results import DecryptionResult, VerificationResult
from sealmail.smime import CMSKind
from sealmail.vouching import Judges

_CMS_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_CMS_NAMES = (".p7m", ".p7z")
_SIGNATURE_TYPES = {
    "application/pgp-signature": Technology.OPENPGP,
    "application/pkcs7-signature": Technology.SMIME,
    "application/x-pkcs7-signature": Technology.SMIME,
}


@dataclass(slots=True, kw_only=True)
class Unwrapped:
    """A part without its layers. `payload` is the first part that is no layer; None where one did not open."""

    reached: Part
    """The innermost part that was looked at: the one that did not open, where `payload` is None."""
    payload: Part | None
    layers: list[Layer] = field(default_factory=list)
    keys_seen: list[Key] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    is_last: bool = False
    """Whether nothing more is to be taken off, although what is inside looks like a layer."""


def unwrap(part: Part, judges: Judges) -> Unwrapped:
    """All layers that cover `part` as a whole, outermost first, and what is inside."""
    unwrapped = Unwrapped(reached=part, payload=part)
    for _ in range(judges.policy.budget.layers):
        current = unwrapped.payload
        if current is None:
            return unwrapped
        unwrapped.reached = current
        if not _take_off(current, unwrapped, judges) or unwrapped.is_last:
            return unwrapped
    if unwrapped.payload is not None and is_layer(unwrapped.payload):
        unwrapped.warnings.append(Warning.CUT_BY_LIMITS)
    return unwrapped


def is_layer(part: Part) -> bool:
    """Whether the part looks like a signature or encryption layer; nothing is opened to find out."""
    if part.content_type in {"multipart/signed", "multipart/encrypted"} or _is_openpgp(part):
        return True
    return _is_cms(part) and smime.kind(part.decoded()) not in {None, CMSKind.CERTS_ONLY}


def is_encrypted(part: Part) -> bool:
    """Whether the part looks like an encryption layer."""
    if part.content_type == "multipart/encrypted" or inline.mangled_encryption(part) or inline.is_sealed_file(part):
        return True
    segment = inline.whole(part)
    if segment is not None:
        return segment.kind is SegmentKind.ENCRYPTED
    return _is_cms(part) and smime.kind(part.decoded()) in {CMSKind.ENVELOPED, CMSKind.AUTH_ENVELOPED}


def carries_sealing_only(part: Part, parent: Part | None) -> bool:
    """Whether the part is a detached signature or version part: part of the sealing, not a file that was sent."""
    if parent is None or parent.content_type not in {"multipart/signed", "multipart/encrypted"}:
        return False
    return part.content_type in _SIGNATURE_TYPES or part.content_type == "application/pgp-encrypted"


def _take_off(part: Part, unwrapped: Unwrapped, judges: Judges) -> bool:
    """Takes one layer off; False where the part is none."""
    if part.content_type == "multipart/encrypted":
        _take_openpgp_encryption(part, unwrapped, judges)
        return True
    if part.content_type == "multipart/signed":
        _take_detached_signature(part, unwrapped, judges)
        return True
    if (segment := inline.whole(part)) is not None:
        _take_segment(part, segment, unwrapped, judges)
        return True
    if (body := inline.mangled_encryption(part)) is not None:
        _add_encryption(openpgp.decrypt(body.decoded(), judges.keys, judges.policy, judges.at), unwrapped)
        return True
    if inline.is_sealed_file(part):
        _take_sealed_file(part, unwrapped, judges)
        return True
    return _is_cms(part) and _take_cms(part, unwrapped, judges)


def _is_openpgp(part: Part) -> bool:
    """Whether it is an OpenPGP message without the MIME structure that belongs to it."""
    return inline.whole(part) is not None or inline.is_sealed_file(part) or inline.mangled_encryption(part) is not None


def _take_segment(part: Part, segment: Segment, unwrapped: Unwrapped, judges: Judges) -> None:
    """A text that is one OpenPGP block from beginning to end."""
    if segment.kind is SegmentKind.CLEARTEXT:
        is_flowed = part.params.get("format", "").lower() == "flowed"
        signed = openpgp.verify_cleartext(segment.text, judges.keys, judges.policy, judges.at, flowed=is_flowed)
        _add_signature(Technology.OPENPGP, signed, unwrapped)
        # A malformed block is shown as it came, and is not to be taken for a block once more.
        unwrapped.is_last = signed.payload is None
        words = segment.text if signed.payload is None else signed.payload
        unwrapped.payload = inline.text_part(words, part.params.get("charset"))
        return
    payload = _opened_message(segment.text, unwrapped, judges)
    if payload is None:
        unwrapped.payload = None
    else:
        charset = inline.armor_charset(segment.text)
        unwrapped.payload = inline.entity_part(payload) or inline.text_part(payload, charset)


def _take_sealed_file(part: Part, unwrapped: Unwrapped, judges: Judges) -> None:
    payload = _opened_message(part.decoded(), unwrapped, judges)
    if payload is None:
        unwrapped.payload = None
    else:
        unwrapped.payload = inline.entity_part(payload) or inline.file_part(payload, inline.inner_name(part))


def _opened_message(message: bytes, unwrapped: Unwrapped, judges: Judges) -> bytes | None:
    """What is in an OpenPGP message that carries its content; its layers are noted."""
    if openpgp.kind(message) is OpenPGPKind.ENCRYPTED:
        opened = openpgp.decrypt(message, judges.keys, judges.policy, judges.at)
        _note_encryption(opened, unwrapped)
        return opened.payload
    signed = openpgp.verify_opaque(message, judges.keys, judges.policy, judges.at)
    _add_signature(Technology.OPENPGP, signed, unwrapped)
    return signed.payload


def _is_cms(part: Part) -> bool:
    if part.children:
        return False
    return part.content_type in _CMS_TYPES or (
        part.content_type == "application/octet-stream" and (part.filename or "").lower().endswith(_CMS_NAMES)
    )


def _take_cms(part: Part, unwrapped: Unwrapped, judges: Judges) -> bool:
    cms = part.decoded()
    match smime.kind(cms):
        case CMSKind.SIGNED:
            result = smime.verify(cms, None, judges.keys, judges.policy, judges.at)
            _add_signature(Technology.SMIME, result, unwrapped)
            unwrapped.payload = parse(result.payload) if result.payload is not None else None
        case CMSKind.CERTS_ONLY:
            unwrapped.keys_seen.extend(smime.verify(cms, None, judges.keys, judges.policy, judges.at).keys_seen)
            return False
        case CMSKind.ENVELOPED | CMSKind.AUTH_ENVELOPED:
            _add_encryption(smime.decrypt(cms, judges.keys, judges.policy), unwrapped)
        case None:
            return _take_unreadable_cms(part, unwrapped)
        case kind:
            facts = EncryptionFacts(technology=Technology.SMIME, verdict=Encryption.UNSUPPORTED, why=kind.value)
            _add_encryption(DecryptionResult(facts=facts), unwrapped)
    return True


def _take_unreadable_cms(part: Part, unwrapped: Unwrapped) -> bool:
    """What is no CMS although its type says so: `smime-type` tells what it was meant to be (RFC 8551 §3.2.2)."""
    match part.params.get("smime-type", "").lower():
        case "certs-only":
            return False
        case "signed-data":
            unwrapped.layers.append(_malformed_layer(Technology.SMIME))
        case _:
            facts = EncryptionFacts(technology=Technology.SMIME, verdict=Encryption.DAMAGED, why="not_cms")
            unwrapped.layers.append(EncryptionLayer(facts=facts))
    unwrapped.payload = None
    return True


def _take_openpgp_encryption(part: Part, unwrapped: Unwrapped, judges: Judges) -> None:
    """RFC 3156 §4: a version part and one part with the message."""
    bodies = [child for child in part.children if child.content_type != "application/pgp-encrypted"]
    if len(bodies) != 1:
        facts = EncryptionFacts(technology=Technology.OPENPGP, verdict=Encryption.DAMAGED, why="structure")
        _add_encryption(DecryptionResult(facts=facts), unwrapped)
        return
    _add_encryption(openpgp.decrypt(bodies[0].decoded(), judges.keys, judges.policy, judges.at), unwrapped)


def _add_encryption(result: DecryptionResult, unwrapped: Unwrapped) -> None:
    _note_encryption(result, unwrapped)
    unwrapped.payload = parse(result.payload) if result.payload is not None else None


def _note_encryption(result: DecryptionResult, unwrapped: Unwrapped) -> None:
    unwrapped.layers.append(EncryptionLayer(facts=result.facts))
    unwrapped.keys_seen.extend(result.keys_seen)
    if result.facts.malleable:
        unwrapped.warnings.append(Warning.MALLEABLE_ENCRYPTION)
    if result.facts.weak:
        unwrapped.warnings.append(Warning.WEAK_ENCRYPTION)
    if result.signers:
        unwrapped.layers.append(SignatureLayer(technology=result.facts.technology, signers=result.signers))


def _take_detached_signature(part: Part, unwrapped: Unwrapped, judges: Judges) -> None:
    """RFC 1847 §2.1: exactly two parts, the signed one and its signature, of the type that `protocol` names."""
    technology = _detached_technology(part)
    if technology is None:
        unwrapped.layers.append(_malformed_layer(_likely_technology(part)))
        unwrapped.payload = _as_mixed(part)
        return
    content, signature = part.children
    result = _verify_detached(technology, signature.decoded(), content.entity, judges)
    _add_signature(technology, result, unwrapped)
    unwrapped.payload = content


def _verify_detached(technology: Technology, signature: bytes, content: bytes, judges: Judges) -> VerificationResult:
    if technology is Technology.SMIME:
        return smime.verify(signature, content, judges.keys, judges.policy, judges.at)
    return openpgp.verify(signature, content, judges.keys, judges.policy, judges.at)


def _detached_technology(part: Part) -> Technology | None:
    if len(part.children) != 2:
        return None
    protocol = part.params.get("protocol", "").lower().strip()
    technology = _SIGNATURE_TYPES.get(part.children[1].content_type)
    if protocol and _SIGNATURE_TYPES.get(protocol) is not technology:
        return None
    return technology


def _likely_technology(part: Part) -> Technology:
    types = [part.params.get("protocol", "").lower(), *(child.content_type for child in part.children)]
    return next((_SIGNATURE_TYPES[one] for one in types if one in _SIGNATURE_TYPES), Technology.OPENPGP)


def _malformed_layer(technology: Technology) -> SignatureLayer:
    facts = SignatureFacts(technology=technology, integrity=Integrity.MALFORMED, why="structure")
    return SignatureLayer(technology=technology, signers=(facts,))


def _as_mixed(part: Part) -> Part:
    """The same part, to be shown like multipart/mixed, so that the loop ends and all its children are seen."""
    return replace(part, content_type="multipart/mixed")


def _add_signature(technology: Technology, result: VerificationResult, unwrapped: Unwrapped) -> None:
    unwrapped.layers.append(SignatureLayer(technology=technology, signers=result.signers))
    unwrapped.keys_seen.extend(result.keys_seen)
