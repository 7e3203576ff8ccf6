"""Seals mail: who gets which copy, sealed how and why (`plan`), and the copies themselves (`seal`).

What was asked to be sealed is sealed or refused with reasons; there is no way back to clear text.
"""

from sealmail.choosing import SignOption
from sealmail.openpgp import MessageCipher
from sealmail.sealing.model import (
    AutocryptPreference,
    ContentCipher,
    KeyTransport,
    Plan,
    PlannedCopy,
    PlannedSignature,
    RecipientPlan,
    RsaSignature,
    SealedCopy,
    SealRequest,
    SmimeForm,
)
from sealmail.sealing.planning import plan
from sealmail.sealing.writing import Letter, letter_from_draft, letter_from_message, seal

__all__ = [
    "AutocryptPreference",
    "ContentCipher",
    "KeyTransport",
    "Letter",
    "MessageCipher",
    "Plan",
    "PlannedCopy",
    "PlannedSignature",
    "RecipientPlan",
    "RsaSignature",
    "SealRequest",
    "SealedCopy",
    "SignOption",
    "SmimeForm",
    "letter_from_draft",
    "letter_from_message",
    "plan",
    "seal",
]
