"""From facts to a verdict: the verdict table as one pure, total function. First match wins, and bad is sticky.

Knows no bytes, no keys, no clock. Called by `opening` for whole messages and for parts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sealmail.keys.model import Technology
from sealmail.keys.trust import TrustLevel
from sealmail.report import (
    Binding,
    Covers,
    Encryption,
    EncryptionLayer,
    EncryptionVerdict,
    Finding,
    Integrity,
    Layer,
    Reason,
    Signature,
    SignatureFacts,
    SignatureLayer,
    SignatureStatement,
)

BAD = Signature.BAD
UNVERIFIED = Signature.UNVERIFIED


def _found(finding: Finding) -> Callable[[SignatureFacts, bool], bool]:
    return lambda facts, _outside: finding in facts.findings


def _untrusted(technology: Technology) -> Callable[[SignatureFacts, bool], bool]:
    return lambda facts, _outside: facts.technology is technology and not facts.trust.suffices


_TABLE: tuple[tuple[Callable[[SignatureFacts, bool], bool], Signature, Reason], ...] = (
    (lambda facts, _: facts.integrity is Integrity.MALFORMED, BAD, Reason.MALFORMED),
    (lambda facts, _: facts.integrity is Integrity.CHANGED, BAD, Reason.CONTENT_CHANGED),
    (lambda facts, _: facts.integrity is Integrity.UNSUPPORTED, UNVERIFIED, Reason.UNSUPPORTED),
    (lambda facts, _: facts.integrity is Integrity.NO_KEY, UNVERIFIED, Reason.UNKNOWN_SIGNER),
    (_found(Finding.WEAK_ALGORITHM), BAD, Reason.WEAK_ALGORITHM),
    (_found(Finding.WRONG_USAGE), BAD, Reason.WRONG_USAGE),
    (lambda facts, _: facts.trust is TrustLevel.REJECTED, BAD, Reason.REJECTED_KEY),
    (_found(Finding.REVOKED_HARD), BAD, Reason.REVOKED),
    (_found(Finding.REVOKED_SOFT), BAD, Reason.REVOKED),
    (lambda facts, _: facts.binding in {Binding.MISMATCH, Binding.UNKNOWN}, BAD, Reason.SENDER_MISMATCH),
    (lambda facts, _: facts.binding is Binding.NO_ADDRESS, UNVERIFIED, Reason.NO_ADDRESS),
    (lambda _, outside: outside, UNVERIFIED, Reason.OUTSIDE_ENCRYPTION),
    (_found(Finding.NOT_YET_VALID), UNVERIFIED, Reason.NOT_YET_VALID),
    (_found(Finding.EXPIRED), UNVERIFIED, Reason.EXPIRED),
    (_found(Finding.SIGNATURE_EXPIRED), UNVERIFIED, Reason.SIGNATURE_EXPIRED),
    (_found(Finding.OTHER_RECIPIENT), UNVERIFIED, Reason.OTHER_RECIPIENT),
    (_found(Finding.REVOCATION_UNKNOWN), UNVERIFIED, Reason.REVOCATION_UNKNOWN),
    (_found(Finding.CONFLICTING_KEY), UNVERIFIED, Reason.CONFLICTING_KEY),
    (_untrusted(Technology.SMIME), UNVERIFIED, Reason.UNTRUSTED_ISSUER),
    (_untrusted(Technology.OPENPGP), UNVERIFIED, Reason.UNTRUSTED_KEY),
)


def judge_signer(facts: SignatureFacts, *, outside: bool = False) -> tuple[Signature, Reason | None]:
    """The verdict on one signer. `outside`: the signature is only around the encryption, not around the words."""
    for holds, verdict, reason in _TABLE:
        if holds(facts, outside):
            return verdict, reason
    return Signature.GOOD, None


def judge_layer(layer: SignatureLayer, *, covers: Covers = Covers.WHOLE, outside: bool = False) -> SignatureStatement:
    """The verdict on one signature layer with all its signers.

    Good needs one signer that is good and bound to the sender; a bad one beside it makes it bad. A second signer who
    signs truly, but is not the sender (a countersignature by a colleague), does not.
    """
    if not layer.signers:
        return SignatureStatement(verdict=BAD, covers=covers, technology=layer.technology, reason=Reason.MALFORMED)
    judged = [(facts, *judge_signer(facts, outside=outside)) for facts in layer.signers]
    has_good = any(verdict is Signature.GOOD for _, verdict, _ in judged)
    facts, verdict, reason = min(judged, key=lambda one: _weight(one[1], one[2], has_good=has_good))
    return SignatureStatement(verdict=verdict, covers=covers, technology=layer.technology, reason=reason, facts=facts)


def _weight(verdict: Signature, reason: Reason | None, *, has_good: bool) -> int:
    if verdict is BAD:
        return 3 if has_good and reason is Reason.SENDER_MISMATCH else 0
    return 1 if verdict is Signature.GOOD else 2


def judge_signature(layers: Sequence[Layer]) -> SignatureStatement:
    """The verdict on the signature that speaks for a message, given the layers that cover it, outermost first.

    Inside an encryption layer the signatures in it speak; one around it only says who sent the envelope.
    """
    speaking, outside = speaking_layer(layers)
    if speaking is None:
        return SignatureStatement(verdict=Signature.NONE, covers=Covers.NONE)
    return judge_layer(speaking, outside=outside)


def speaking_layer(layers: Sequence[Layer]) -> tuple[SignatureLayer | None, bool]:
    """The signature layer that speaks for the message, and whether it is only outside the encryption."""
    innermost = max((i for i, layer in enumerate(layers) if isinstance(layer, EncryptionLayer)), default=-1)
    inside = [layer for layer in layers[innermost + 1 :] if isinstance(layer, SignatureLayer)]
    if inside:
        return inside[0], False
    around = [layer for layer in layers[: max(innermost, 0)] if isinstance(layer, SignatureLayer)]
    return (around[0], True) if around else (None, False)


def outer_signature_is_bad(layers: Sequence[Layer]) -> bool:
    """Whether a signature that does not speak for the message is broken; worth a warning, not a verdict."""
    speaking, _ = speaking_layer(layers)
    others = [layer for layer in layers if isinstance(layer, SignatureLayer) and layer is not speaking]
    return any(judge_layer(layer).verdict is BAD for layer in others)


def judge_encryption(layers: Sequence[Layer], *, covers: Covers = Covers.WHOLE) -> EncryptionVerdict:
    """The verdict on encryption: the first layer that did not open decides, else all opened."""
    facts = [layer.facts for layer in layers if isinstance(layer, EncryptionLayer)]
    if not facts:
        return EncryptionVerdict(verdict=Encryption.NONE, covers=Covers.NONE)
    deciding = next((one for one in facts if one.verdict is not Encryption.DECRYPTED), facts[0])
    reason = None if deciding.verdict is Encryption.DECRYPTED else (deciding.why or deciding.verdict.value)
    return EncryptionVerdict(
        verdict=deciding.verdict, covers=covers, technology=deciding.technology, reason=reason, facts=deciding
    )
