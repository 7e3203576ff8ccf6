"""The sentences of the command."""

import pytest

from sealmail.report import Covers, Encryption, EncryptionVerdict, Signature, SignatureStatement
from sealmail.sentences import encryption_sentence, signature_sentence


@pytest.mark.parametrize(
    ("verdict", "reason"), [(Encryption.REFUSED, "limit_exceeded"), (Encryption.UNSUPPORTED, "over_budget")]
)
def test_mail_past_the_limits_is_not_called_badly_protected(verdict: Encryption, reason: str) -> None:
    statement = EncryptionVerdict(verdict=verdict, covers=Covers.WHOLE, reason=reason)

    said = encryption_sentence(statement)

    assert said == "It was not opened: it is larger or more deeply nested than the limits allow."


@pytest.mark.parametrize("verdict", [Encryption.NO_KEY, Encryption.LOCKED, Encryption.DAMAGED])
def test_nothing_is_claimed_of_a_signature_that_may_lie_inside_what_did_not_open(verdict):
    unsigned = SignatureStatement(verdict=Signature.NONE, covers=Covers.NONE)
    closed = EncryptionVerdict(verdict=verdict, covers=Covers.WHOLE)
    plain = EncryptionVerdict(verdict=Encryption.NONE, covers=Covers.NONE)

    assert signature_sentence(unsigned, closed) == "Whether the message is signed shows only when it is opened."
    assert signature_sentence(unsigned, plain) == "The message is not signed."
