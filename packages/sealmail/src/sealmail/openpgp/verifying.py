"""Signed OpenPGP content -> facts: detached signatures, and messages that carry what they sign. Never raises on bad
bytes."""

from __future__ import annotations

from datetime import datetime

from sealmail.errors import InputError
from sealmail.keys.model import Technology
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.checking import canonical_text
from sealmail.keys.pgp.packets import Malformed, Tag, walk
from sealmail.keys.store import KeyStore
from sealmail.openpgp.content import read_content
from sealmail.openpgp.signers import Circumstances, facts_of_all, facts_of_content
from sealmail.policy import Policy
from sealmail.report import Integrity, SignatureFacts
from sealmail.results import VerificationResult

_UNREADABLE = SignatureFacts(technology=Technology.OPENPGP, integrity=Integrity.MALFORMED, why="signature_unreadable")


def verify(signature: bytes, content: bytes, keys: KeyStore, policy: Policy, at: datetime) -> VerificationResult:
    """Checks armored or binary detached signatures over the content as it came.

    Where that does not fit, and a server took the CRLF of all lines away, the content with them is tried, the form in
    which it is signed (RFC 3156 §5); where only some lines lost theirs, no server did it. White space at the end of
    lines is always kept. Several signatures give several facts.
    """
    try:
        bodies = signature_bodies(dearmor(signature))
    except InputError:
        return VerificationResult(signers=(_UNREADABLE,))
    is_stripped = b"\n" in content and b"\r\n" not in content
    forms = [content, canonical_text(content)] if is_stripped else [content]
    return VerificationResult(signers=facts_of_all(bodies, forms, Circumstances(keys=keys, policy=policy, at=at)))


def signature_bodies(data: bytes) -> list[bytes]:
    """The bodies of the signature packets, of which there is at least one and nothing else. Raises `InputError`."""
    bodies: list[bytes] = []
    for packet in walk(data):
        if packet.tag == Tag.SIGNATURE:
            bodies.append(packet.body)
        elif packet.tag not in {Tag.MARKER, Tag.PADDING}:
            raise Malformed
    if not bodies:
        raise Malformed
    return bodies


def verify_opaque(message: bytes, keys: KeyStore, policy: Policy, at: datetime) -> VerificationResult:
    """Checks a signed message that carries its content, armored or binary, compressed or not.

    The content is in `payload` whether it verifies or not; without it, where the message is broken or too large.
    """
    try:
        content = read_content(dearmor(message), policy.budget.payload_bytes)
    except InputError:
        return VerificationResult(signers=(_UNREADABLE,))
    around = Circumstances(keys=keys, policy=policy, at=at)
    return VerificationResult(signers=facts_of_content(content, around), payload=content.literal)
