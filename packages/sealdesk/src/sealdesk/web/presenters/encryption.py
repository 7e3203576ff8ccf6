"""What became of an encryption, in words."""

from __future__ import annotations

from collections.abc import Mapping

from sealdesk.web.presenters.wording import Face, Tone
from sealmail.keys import Technology
from sealmail.report import Covers, Encryption

MISSING_PRIVATE_KEY = "Unable to find private key to decrypt"
"""Users search for this sentence, and so do the documents."""

ENCRYPTION: Mapping[Encryption, Face] = {
    Encryption.NONE: Face(
        icon="lock-open",
        tone=Tone.MUTED,
        label="Not encrypted",
        sentence="This message travelled as readable text.",
    ),
    Encryption.DECRYPTED: Face(
        icon="lock",
        tone=Tone.BLUE,
        label="Encrypted for you",
        sentence="Only the holder of {key} could read it on the way.",
    ),
    Encryption.NO_KEY: Face(
        icon="lock-x",
        tone=Tone.RED,
        label="Cannot be opened",
        sentence=f"{MISSING_PRIVATE_KEY}: it was encrypted for {{recipients}}; none of our private keys is among them.",
        hint="Add the private key, or ask {sender} to encrypt for {our_key}. Then retry.",
    ),
    Encryption.LOCKED: Face(
        icon="lock-x",
        tone=Tone.AMBER,
        label="Key is locked",
        sentence="The key {key} is here, but its passphrase is missing or wrong.",
        hint="Enter the passphrase.",
    ),
    Encryption.DAMAGED: Face(
        icon="lock-x",
        tone=Tone.RED,
        label="Damaged",
        sentence="The encrypted content is incomplete or was changed on the way.",
        hint="Ask for the message again.",
    ),
    Encryption.UNSUPPORTED: Face(
        icon="lock-x",
        tone=Tone.AMBER,
        label="Unknown encryption",
        sentence="It uses {algorithm}, which Sealdesk cannot read.",
        hint="Ask for the message in a common format.",
    ),
    Encryption.REFUSED: Face(
        icon="lock-x",
        tone=Tone.RED,
        label="Not opened for safety",
        sentence="It has no protection against changes, so opening it could leak its content.",
        hint="Ask for the message in a current format.",
    ),
}

PARTLY_ENCRYPTED = Face(
    icon="lock", tone=Tone.AMBER, label="Partly encrypted", sentence="Only the framed part was encrypted."
)
UNENCRYPTED_AROUND = Face(
    icon="lock-open",
    tone=Tone.AMBER,
    label="Not encrypted as a whole",
    sentence="Only what stands in a frame below came encrypted.",
)
"""Above words that stand outside of the frames."""

COVERS: Mapping[Covers, str] = {
    Covers.NONE: "nothing of the message",
    Covers.PART: "only a part of the message",
    Covers.WHOLE: "the whole message",
}

TECHNOLOGIES: Mapping[Technology, str] = {Technology.SMIME: "S/MIME", Technology.OPENPGP: "PGP"}

OVER_BUDGET = Face(
    icon="lock-x",
    tone=Tone.AMBER,
    label="Too large to open",
    sentence="It is larger or more deeply nested than Sealdesk opens.",
    hint="Download the raw source, or ask for a smaller message.",
)

_PAST_LIMITS = frozenset({"over_budget", "limit_exceeded"})
"""Of the whole opening, and of unpacking one layer."""


def encryption_face(verdict: Encryption, covers: Covers, reason: str = "") -> Face:
    """The face of a verdict, with its gaps still open."""
    if covers is Covers.PART and verdict in {Encryption.NONE, Encryption.DECRYPTED}:
        return PARTLY_ENCRYPTED
    if verdict in {Encryption.UNSUPPORTED, Encryption.REFUSED} and reason in _PAST_LIMITS:
        return OVER_BUDGET
    return ENCRYPTION[verdict]
