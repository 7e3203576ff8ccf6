"""The sentences of the command."""

import pytest

from sealmail.report import Covers, Encryption, EncryptionVerdict
from sealmail.sentences import encryption_sentence


@pytest.mark.parametrize(
    ("verdict", "reason"), [(Encryption.REFUSED, "limit_exceeded"), (Encryption.UNSUPPORTED, "over_budget")]
)
def test_mail_past_the_limits_is_not_called_badly_protected(verdict: Encryption, reason: str) -> None:
    statement = EncryptionVerdict(verdict=verdict, covers=Covers.WHOLE, reason=reason)

    said = encryption_sentence(statement)

    assert said == "It was not opened: it is larger or more deeply nested than the limits allow."
