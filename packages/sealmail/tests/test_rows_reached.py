"""Every row of the verdict table and every encryption verdict is reached by a test through `open_message`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import pytest

from sealmail.report import Encryption, Reason, Signature

HERE = Path(__file__).parent
WHOLE_MESSAGES = ("test_opening_smime.py", "test_opening_openpgp.py", "openpgp/test_whole_messages.py")


@pytest.fixture(scope="module")
def tests() -> str:
    return "".join((HERE / name).read_text(encoding="utf-8") for name in WHOLE_MESSAGES)


@pytest.mark.mission("A3")
@pytest.mark.parametrize("member", [*Reason, *Encryption, *Signature], ids=str)
def test_a_whole_message_reaches(member: Enum, tests: str) -> None:
    assert f"{type(member).__name__}.{member.name}" in tests
