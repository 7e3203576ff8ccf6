"""Bob writes to Alice; Mallory spoils what he wrote, or writes in his name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.testing import openpgp_key
from sealmail.testing import pgp_forging as making
from sealmail.testing.pgp_forging import (
    BOB,
    ENTITY,
    WORDS,
    armored,
    encrypted,
    text,
)

MALLORY = "mallory@evil.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """Bob, whose key Alice trusts; Alice, whose key is RSA; and Mallory, whose key is trusted for her own address."""

    bob: SecretKey
    alice: SecretKey
    mallory: SecretKey
    now: datetime

    @property
    def keys(self) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[self.bob.key, self.mallory.key], secrets=[self.alice])

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(levels={one.key.fingerprint: TrustLevel.BY_HAND for one in (self.bob, self.mallory)})

    def opened(self, raw: bytes, policy: Policy | None = None) -> Opened:
        """The mail, opened. Where it is good, it is Bob's, and holds his words and nothing else."""
        opened = open_message(raw, self.keys, self.trust, policy or Policy(), self.now)
        if opened.report.signature.verdict is Signature.GOOD:
            facts = opened.report.signature.facts
            assert facts is not None
            assert facts.key == self.bob.key
            assert opened.content.text.strip() == WORDS.strip()
            assert opened.content.attachments == ()
        return opened

    def signature(self, content: bytes, by: SecretKey | None = None) -> bytes:
        """The packet of a detached signature, Bob's or another one's."""
        return making.signature(content, by or self.bob, self.now)

    def message(self, packets: bytes) -> bytes:
        """These packets, encrypted to Alice."""
        return making.encrypted_packets(packets, self.alice.key, self.now)

    def encrypted(self, packets: bytes) -> bytes:
        """A PGP/MIME mail with these packets inside."""
        return encrypted(armored(self.message(packets)))

    @staticmethod
    def verdict(opened: Opened) -> tuple[Encryption, Signature]:
        """Both verdicts about the whole mail."""
        return opened.report.encryption.verdict, opened.report.signature.verdict

    @staticmethod
    def seconds(call: Callable[[], object]) -> float:
        """Of the processor, which a busy machine does not stretch."""
        start = time.process_time()
        call()
        return time.process_time() - start


@pytest.fixture(scope="module")
def world(cast) -> Hostile:
    now = datetime.now(UTC) + timedelta(minutes=1)
    return Hostile(bob=cast.bob, alice=cast.alice, mallory=openpgp_key(MALLORY), now=now)


@pytest.fixture(scope="module")
def sealed(world: Hostile, gpg) -> dict[str, bytes]:
    """Mails of Bob's that are good as they are."""
    headers = making.HEADERS
    block = gpg("--clear-sign", "--local-user", BOB, stdin=WORDS.encode()).replace(b"\n", b"\r\n")
    both = ("--armor", "--sign", "--local-user", BOB, "--encrypt", "--recipient", making.ALICE)
    return {
        "signed": headers + openpgp.sign(ENTITY, world.bob, world.now),
        "both": headers + openpgp.encrypt(ENTITY, [world.alice.key], world.bob, world.now),
        "clear-signed": text(block),
        "inline both": text(gpg(*both, stdin=WORDS.encode()).replace(b"\n", b"\r\n")),
    }
