"""Things an agent should know beside the verdict, in words; and how far a key is trusted."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.web.presenters.wording import Face, Tone
from sealmail.keys import TrustLevel
from sealmail.report import Binding, Finding, Integrity, KeySource, Warning


def _look(label: str, sentence: str) -> Face:
    return Face(icon="alert", tone=Tone.AMBER, label=label, sentence=sentence)


WARNINGS: Mapping[Warning, Face] = {
    Warning.FROM_DIFFERS: _look(
        "Two senders", "The sealed content names another sender than the envelope; the envelope’s is shown."
    ),
    Warning.OUTER_SIGNATURE_BAD: _look("Envelope signature broken", "A signature around the sealed content is bad."),
    Warning.CUT_BY_LIMITS: _look(
        "Not all of it is shown", "The message has more parts or layers than Sealdesk reads; the rest is in the source."
    ),
    Warning.STRUCTURE_DEFECTS: _look("Built wrongly", "The message breaks the rules for mail; parts may be missing."),
    Warning.ENCRYPTED_PART: _look("Encrypted part inside", "A part is encrypted, the rest of the message is not."),
    Warning.SIGNED_PART: _look("Signed part inside", "A part is signed, the rest of the message is not."),
    Warning.WEAK_ENCRYPTION: _look(
        "Old cipher", "It was encrypted with an old cipher that Sealdesk never uses itself."
    ),
    Warning.MALLEABLE_ENCRYPTION: _look(
        "Changes may go unnoticed", "This form of encryption does not notice changes; only a good signature does."
    ),
    Warning.OPENING_FAILED: _look(
        "Opening was stopped", "It took more time or memory than allowed; what can be read safely is shown."
    ),
}

TRUST: Mapping[TrustLevel, str] = {
    TrustLevel.REJECTED: "rejected here by hand",
    TrustLevel.CANDIDATE: "seen, but confirmed by nobody",
    TrustLevel.ACCEPTED_ONCE: "accepted once by an agent",
    TrustLevel.BY_CA: "vouched for by a trusted issuer",
    TrustLevel.BY_HAND: "trusted by hand",
}

INTEGRITY: Mapping[Integrity, str] = {
    Integrity.INTACT: "intact",
    Integrity.CHANGED: "changed after signing",
    Integrity.MALFORMED: "broken",
    Integrity.NO_KEY: "not checked: the signer’s key is not here",
    Integrity.UNSUPPORTED: "not checked: unknown form",
}

BINDING: Mapping[Binding, str] = {
    Binding.HOLDS: "the sender’s address is the signer’s",
    Binding.MISMATCH: "the sender’s address is not the signer’s",
    Binding.NO_ADDRESS: "the signer’s key names no address",
    Binding.UNKNOWN: "not compared",
}

FINDINGS: Mapping[Finding, str] = {
    Finding.WEAK_ALGORITHM: "weak hash or key",
    Finding.WRONG_USAGE: "not meant for signing mail",
    Finding.REVOKED_HARD: "revoked, key may be in wrong hands",
    Finding.REVOKED_SOFT: "revoked before, replaced or retired",
    Finding.NOT_YET_VALID: "was not valid yet",
    Finding.EXPIRED: "had expired",
    Finding.SIGNATURE_EXPIRED: "the signature had expired",
    Finding.OTHER_RECIPIENT: "meant for other recipients",
    Finding.REVOCATION_UNKNOWN: "revocation is not known",
    Finding.CONFLICTING_KEY: "another key is trusted for this address",
}

KEY_SOURCES: Mapping[KeySource, str] = {
    KeySource.SIGNATURE: "in its signature",
    KeySource.ATTACHED: "as an attached file",
    KeySource.INLINE: "in its text",
    KeySource.AUTOCRYPT: "in its Autocrypt header",
    KeySource.GOSSIP: "told by the sender about another recipient",
}
