"""One English sentence for each verdict, for the command's output. The pages of the desk have their own wording."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from sealmail.report import (
    Covers,
    Encryption,
    EncryptionVerdict,
    Reason,
    RevocationState,
    Signature,
    SignatureFacts,
    SignatureStatement,
)

NO_CERTIFICATE = "Unable to find certificate for validation"
"""What users search for when a signer is unknown."""
NO_PRIVATE_KEY = "Unable to find private key to decrypt"
"""What users search for when a mail does not open."""


_OTHER_KEYS = "it was encrypted for other keys than those at hand"
_ELSEWHERE = {
    "secret_on_card": "its secret part is on a smart card",
    "secret_missing": "only its public part is here",
}
_PAST_LIMITS = frozenset({"limit_exceeded", "over_budget"})


def encryption_sentence(verdict: EncryptionVerdict) -> str:
    """What happened to the encryption."""
    if verdict.reason in _PAST_LIMITS:
        return "It was not opened: it is larger or more deeply nested than the limits allow."
    facts = verdict.facts
    algorithm = (facts and (facts.algorithm or facts.key_scheme)) or "an unknown algorithm"
    match verdict.verdict:
        case Encryption.NONE:
            return "The message travelled as readable text."
        case Encryption.DECRYPTED:
            what = "message" if verdict.covers is Covers.WHOLE else "framed part"
            return f"The {what} was encrypted with {algorithm} and has been opened."
        case Encryption.NO_KEY:
            return f"{NO_PRIVATE_KEY}: {_ELSEWHERE.get(verdict.reason or '', _OTHER_KEYS)}."
        case Encryption.LOCKED:
            return "The private key is here, but its passphrase is missing or wrong."
        case Encryption.DAMAGED:
            return "The encrypted content is incomplete or was changed on the way."
        case Encryption.UNSUPPORTED:
            return f"It uses an encryption that cannot be read here ({algorithm})."
        case Encryption.REFUSED:
            return "It was not opened for safety: it has no protection against changes, or an unacceptable cipher."
    assert_never(verdict.verdict)


def signature_sentence(statement: SignatureStatement, encryption: EncryptionVerdict) -> str:
    """What the signature proves, or why it proves nothing. Inside an encryption that did not open one may still lie."""
    if statement.verdict is Signature.NONE:
        if encryption.verdict not in {Encryption.NONE, Encryption.DECRYPTED}:
            return "Whether the message is signed shows only when it is opened."
        if statement.covers is Covers.PART:
            return "Only a part of the message is signed."
        return "The message is not signed."
    if statement.verdict is Signature.GOOD:
        return f"Written by the holder of the key of {_addresses(statement.facts)}, unchanged."
    if statement.reason is None:
        return "The signature cannot be confirmed."
    facts = statement.facts
    return _REASONS[statement.reason].format(signer=_addresses(facts), revoked=_revoked(facts), gap=_gap(facts))


_REASONS = {
    Reason.MALFORMED: "The signature is malformed.",
    Reason.CONTENT_CHANGED: "The content is not what was signed.",
    Reason.UNSUPPORTED: "The signature uses an algorithm or structure that cannot be checked here.",
    Reason.UNKNOWN_SIGNER: f"{NO_CERTIFICATE}: no certificate or key of the signer is here.",
    Reason.WEAK_ALGORITHM: "The signature uses a hash or key that is too weak.",
    Reason.WRONG_USAGE: "The signer's certificate or key, or a CA above it, does not allow this use.",
    Reason.REJECTED_KEY: "The signer's key was rejected by hand.",
    Reason.REVOKED: "The signer's certificate or key was revoked{revoked}.",
    Reason.SENDER_MISMATCH: "The message was signed by {signer}, not by its sender.",
    Reason.NO_ADDRESS: "The message is intact, but the signer's certificate or key names no e-mail address.",
    Reason.OUTSIDE_ENCRYPTION: "{signer} signed the sealed envelope, not the words inside.",
    Reason.NOT_YET_VALID: "The message is intact, but the signer's certificate or key was not valid yet.",
    Reason.EXPIRED: "The message is intact, but the signer's certificate or key had expired.",
    Reason.SIGNATURE_EXPIRED: "The message is intact, but the signature itself has expired.",
    Reason.OTHER_RECIPIENT: "The message is intact and signed by {signer}, but was written for somebody else.",
    Reason.REVOCATION_UNKNOWN: "The message is intact. Whether the certificate was revoked is not known: {gap}.",
    Reason.CONFLICTING_KEY: "The message is intact, but {signer} has another trusted key.",
    Reason.UNTRUSTED_ISSUER: "The message is intact, but nobody trusted here vouches for the signer's certificate.",
    Reason.UNTRUSTED_KEY: "The message is intact, but nobody here has confirmed that the key is {signer}'s.",
}


def _revoked(facts: SignatureFacts | None) -> str:
    """When and why, where that is known."""
    if facts is None or facts.revoked_at is None:
        return ""
    why = _WHY_REVOKED.get(facts.revocation_reason or "", "no reason given")
    return f" on {_day(facts.revoked_at)} ({why})"


def _gap(facts: SignatureFacts | None) -> str:
    """What is missing to know whether a certificate was revoked."""
    if facts is None or facts.revocation is RevocationState.NOT_CHECKED:
        return "the certificate of its issuer is not here"
    if facts.revocation is RevocationState.STALE and facts.revocation_known_until:
        return f"the newest list or answer of its issuer was good until {_day(facts.revocation_known_until)}"
    return "for it or for a CA above it there is no revocation list or OCSP answer here that would tell"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


_WHY_REVOKED = {
    "keyCompromise": "its key may be in wrong hands",
    "cACompromise": "its issuer was broken into",
    "aACompromise": "its issuer was broken into",
    "affiliationChanged": "its owner has left, or the data in it has changed",
    "superseded": "it was replaced",
    "cessationOfOperation": "it is no longer needed",
    "certificateHold": "it is on hold",
    "privilegeWithdrawn": "its issuer withdrew it",
}
"""The reasons of RFC 5280 §5.3.1."""


def _addresses(facts: SignatureFacts | None) -> str:
    if facts is None or facts.key is None:
        return "an unknown key"
    return ", ".join(facts.key.addresses) or facts.key.fingerprint
