"""What a signature says, in words. A good one names the verified address, never a display name."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.web.presenters.wording import Face, Tone
from sealmail.report import Covers, Reason, Signature

MISSING_CERTIFICATE = "Unable to find certificate for validation"
"""Users search for this sentence, and so do the documents."""


def _look(label: str, sentence: str, hint: str = "") -> Face:
    return Face(icon="badge-alert", tone=Tone.AMBER, label=label, sentence=sentence, hint=hint)


def _bad(label: str, sentence: str, hint: str = "Treat it as unsigned, and ask {sender} on another way.") -> Face:
    return Face(icon="badge-x", tone=Tone.RED, label=label, sentence=sentence, hint=hint)


SIGNATURE: Mapping[Signature, Face] = {
    Signature.NONE: Face(
        icon="badge-none", tone=Tone.MUTED, label="Not signed", sentence="Nothing proves who wrote this."
    ),
    Signature.GOOD: Face(
        icon="badge-check",
        tone=Tone.GREEN,
        label="Signed by {address}",
        sentence="Written by the holder of {key}, unchanged, {trust}.",
    ),
    Signature.UNVERIFIED: _look("Signature cannot be confirmed", "It is signed, but the signature was not confirmed."),
    Signature.BAD: _bad("Signature not acceptable", "The signature does not hold."),
}

SIGNATURE_INSIDE = Face(
    icon="badge-none",
    tone=Tone.MUTED,
    label="Signature not known",
    sentence="Whether it is signed shows only when it is opened.",
)
"""Of a mail that stayed closed as a whole: a signature usually lies inside the encryption."""

PARTLY_SIGNED = _look("Partly signed", "Only the framed part is signed by {address}.")
PART_WITH_SIGNATURE = _look("Partly signed", "Only the framed part is signed; what holds for it is said there.")
PART_WITHOUT_WORDS = _look(
    "Holds a signed part", "{address} signed a part of this mail that has no words of its own to show; nothing else."
)
UNSIGNED_AROUND = _look("Not signed as a whole", "Only what stands in a frame below carries a signature.")
"""Above words that stand outside of the frames."""

REASONS: Mapping[Reason, Face] = {
    Reason.MALFORMED: _bad("Signature not acceptable", "The signature is broken or contradicts itself."),
    Reason.CONTENT_CHANGED: _bad(
        "Changed after signing",
        "The content is not what {signer} signed.",
        "Do not trust it. Ask {sender} on another way.",
    ),
    Reason.UNSUPPORTED: _look(
        "Signature cannot be confirmed", "It uses a form of signature that Sealdesk cannot check."
    ),
    Reason.UNKNOWN_SIGNER: _look(
        "Signer unknown",
        f"{MISSING_CERTIFICATE}: no certificate or key of the signer is here.",
        "Get it from {sender}, check it by phone, and add it. Then retry.",
    ),
    Reason.WEAK_ALGORITHM: _bad(
        "Signature not acceptable", "It was made with a hash or key that is too weak to prove anything today."
    ),
    Reason.WRONG_USAGE: _bad("Signature not acceptable", "The certificate of {signer} is not meant for signing mail."),
    Reason.REJECTED_KEY: _bad("Signature not acceptable", "The key {key} was rejected here by hand."),
    Reason.REVOKED: _bad("Signed with a revoked key", "The key {key} was revoked on {revoked_on}: {reason}."),
    Reason.SENDER_MISMATCH: _bad(
        "Signed by someone else", "Sent as {sender}, but signed by {signer}.", "Treat it as unsigned; ask."
    ),
    Reason.NO_ADDRESS: _look("Signer without address", "Intact, but the certificate names no e-mail address."),
    Reason.OUTSIDE_ENCRYPTION: _look("Envelope signed", "{address} signed the sealed envelope, not the words inside."),
    Reason.NOT_YET_VALID: _look(
        "Certificate was not valid", "Intact, but the certificate was valid only from {valid_from} to {valid_until}."
    ),
    Reason.EXPIRED: _look(
        "Certificate was not valid", "Intact, but the certificate was valid only from {valid_from} to {valid_until}."
    ),
    Reason.SIGNATURE_EXPIRED: _look("Signature cannot be confirmed", "The signature itself had expired when it came."),
    Reason.OTHER_RECIPIENT: _look(
        "Written for someone else",
        "Signed by {address}, but meant for {others}.",
        "Take care: it may have been passed on.",
    ),
    Reason.REVOCATION_UNKNOWN: _look(
        "Signature cannot be confirmed",
        "It is not known whether the certificate was revoked, and the rules here ask for it.",
    ),
    Reason.CONFLICTING_KEY: _look(
        "Two keys for one sender", "Intact, but {address} has another trusted key.", "Ask {sender} which one holds."
    ),
    Reason.UNTRUSTED_ISSUER: _look(
        "Issuer not trusted",
        "Intact, signed as {address}, but {issuer} is not trusted here.",
        "Trust the issuer, or this certificate alone.",
    ),
    Reason.UNTRUSTED_KEY: _look(
        "Key not confirmed",
        "Intact, signed as {address}, but nobody here has confirmed that this key is theirs.",
        "Compare the fingerprint by phone, then accept the key.",
    ),
}


def signature_face(verdict: Signature, covers: Covers, reason: Reason | None) -> Face:
    """The face of a verdict, with its gaps still open."""
    if covers is Covers.PART and verdict is Signature.GOOD:
        return PARTLY_SIGNED
    if covers is Covers.PART and verdict is Signature.NONE:
        return PART_WITH_SIGNATURE
    if reason is not None and verdict in {Signature.UNVERIFIED, Signature.BAD}:
        return REASONS[reason]
    return SIGNATURE[verdict]
