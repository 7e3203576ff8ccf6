"""Takes the cryptographic layers off a MIME tree, from the root inwards (RFC 9787), and hands each to its engine.

What kind of layer a part is, `recognition` says; what the layer holds is the engine's business, and what it means is
`judge`'s. Compression counts as a layer in the budget, and is neither encryption nor signature: it leaves no trace in
the report.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sealmail import openpgp, smime
from sealmail.errors import InputError, LimitExceeded
from sealmail.keys import Key, Technology
from sealmail.mime import Defect, Part, parse
from sealmail.opening import inline
from sealmail.opening.inline import Segment, SegmentKind
from sealmail.opening.recognition import cms_of, detached_signature, detached_technology, is_layer, likely_technology
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

_CUTS = frozenset({Defect.TOO_LARGE, Defect.TOO_DEEP, Defect.TOO_MANY_PARTS, Defect.HEADERS_TOO_LARGE})


@dataclass(slots=True, kw_only=True)
class Unwrapped:
    """A part without its layers. `payload` is the first part that is no layer; None where one did not open."""

    reached: Part
    """The innermost part that was looked at: the one that did not open, where `payload` is None."""
    payload: Part | None
    layers: list[Layer] = field(default_factory=list)
    keys_seen: list[Key] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    inflatable: int
    """How many bytes may still come out of compression, in all layers together."""
    is_last: bool = False
    """Whether nothing more is to be taken off, although what is inside looks like a layer."""


def unwrap(part: Part, judges: Judges, *, inflatable: int | None = None) -> Unwrapped:
    """All layers that cover `part` as a whole, outermost first, and what is inside.

    `inflatable`: how many bytes may come out of compression, where that is less than the policy's budget.
    """
    most = judges.policy.budget.payload_bytes
    unwrapped = Unwrapped(reached=part, payload=part, inflatable=most if inflatable is None else inflatable)
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
    if (structure := inline.kept_structure(part)) is not None:
        _go_on(structure, unwrapped)
        return True
    if inline.is_sealed_file(part):
        _take_sealed_file(part, unwrapped, judges)
        return True
    cms = cms_of(part)
    return cms is not None and _take_cms(part, cms, unwrapped, judges)


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


def _take_cms(part: Part, cms: bytes, unwrapped: Unwrapped, judges: Judges) -> bool:
    match smime.kind(cms):
        case CMSKind.SIGNED:
            result = smime.verify(cms, None, judges.keys, judges.policy, judges.at)
            _add_signature(Technology.SMIME, result, unwrapped)
            _go_on(result.payload, unwrapped)
        case CMSKind.CERTS_ONLY:
            unwrapped.keys_seen.extend(smime.verify(cms, None, judges.keys, judges.policy, judges.at).keys_seen)
            return False
        case CMSKind.ENVELOPED | CMSKind.AUTH_ENVELOPED:
            _add_encryption(smime.decrypt(cms, judges.keys, judges.policy), unwrapped)
        case CMSKind.COMPRESSED:
            return _take_compression(cms, unwrapped)
        case None:
            return _take_unreadable_cms(part, unwrapped)
        case kind:
            facts = EncryptionFacts(technology=Technology.SMIME, verdict=Encryption.UNSUPPORTED, why=kind.value)
            _add_encryption(DecryptionResult(facts=facts), unwrapped)
    return True


def _take_compression(cms: bytes, unwrapped: Unwrapped) -> bool:
    """RFC 3274. What does not inflate stays what it is, a file; the report says that something is missing."""
    try:
        content = smime.inflate(cms, unwrapped.inflatable)
    except LimitExceeded:
        unwrapped.warnings.append(Warning.CUT_BY_LIMITS)
        return False
    except InputError:
        unwrapped.warnings.append(Warning.STRUCTURE_DEFECTS)
        return False
    unwrapped.inflatable -= len(content)
    _go_on(content, unwrapped)
    return True


def _go_on(payload: bytes | None, unwrapped: Unwrapped) -> None:
    """What was inside a layer is looked at next: a MIME entity, or CMS without any MIME around it."""
    if payload is None:
        unwrapped.payload = None
        return
    is_bare = smime.kind(payload) not in {None, CMSKind.OTHER}
    unwrapped.payload = parse(_BARE_CMS + payload) if is_bare else inline.as_it_was_sealed(parse(payload))
    if any(not _CUTS.isdisjoint(part.defects) for part in unwrapped.payload.walk()):
        unwrapped.warnings.append(Warning.CUT_BY_LIMITS)


_BARE_CMS = (
    b"Content-Type: application/pkcs7-mime\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
)


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
    _go_on(result.payload, unwrapped)


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
    technology = detached_technology(part)
    if technology is None:
        unwrapped.layers.append(_malformed_layer(likely_technology(part)))
        unwrapped.payload = _as_mixed(part)
        return
    content, signature = part.children
    result = _verify_detached(technology, signature, content.entity, judges)
    _add_signature(technology, result, unwrapped)
    unwrapped.payload = inline.as_it_was_sealed(content)


def _verify_detached(technology: Technology, signature: Part, content: bytes, judges: Judges) -> VerificationResult:
    if technology is Technology.SMIME:
        return smime.verify(detached_signature(signature), content, judges.keys, judges.policy, judges.at)
    return openpgp.verify(signature.decoded(), content, judges.keys, judges.policy, judges.at)


def _malformed_layer(technology: Technology) -> SignatureLayer:
    facts = SignatureFacts(technology=technology, integrity=Integrity.MALFORMED, why="structure")
    return SignatureLayer(technology=technology, signers=(facts,))


def _as_mixed(part: Part) -> Part:
    """The same part, to be shown like multipart/mixed, so that the loop ends and all its children are seen."""
    return replace(part, content_type="multipart/mixed")


def _add_signature(technology: Technology, result: VerificationResult, unwrapped: Unwrapped) -> None:
    unwrapped.layers.append(SignatureLayer(technology=technology, signers=result.signers))
    unwrapped.keys_seen.extend(result.keys_seen)
