"""Text that carries its signature below it, readable without any program (RFC 9580 §7). Never raises on bad bytes.

Read strictly: what stands in the block is either signed or makes the block malformed, so that nothing in it can be
shown as signed that is not. The older leniencies (other header lines, lines that begin with a dash) were used to do
just that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sealmail.errors import InputError
from sealmail.keys.model import Technology
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.packets import Malformed
from sealmail.keys.store import KeyStore
from sealmail.openpgp.signers import Circumstances, facts_of_all
from sealmail.openpgp.verifying import signature_bodies
from sealmail.policy import Policy
from sealmail.report import Integrity, SignatureFacts
from sealmail.results import VerificationResult

BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BEGIN_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_END = b"-----END PGP SIGNATURE-----"
_BLANKS = b" \t\r"
_HASH_HEADER = re.compile(rb"Hash:[ \t]*[A-Za-z0-9-]+(?:[ \t]*,[ \t]*[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleartext:
    """A block taken apart."""

    text: bytes = field(repr=False)
    """The words, as they were signed: no dash escapes, no blanks at the end of lines, CRLF, no line end at the end."""
    signature: bytes = field(repr=False)
    """The armored signature below them."""


def read_cleartext(block: bytes) -> Cleartext:
    """Takes one block apart. Raises `Malformed` for whatever is not exactly one signed text and its signature."""
    lines = block.strip(b" \t\r\n").split(b"\n")
    if lines[0].rstrip(_BLANKS) != BEGIN or lines[-1].rstrip(_BLANKS) != _END:
        raise Malformed
    start = _text_start(lines)
    end = next((i for i, line in enumerate(lines) if line.rstrip(_BLANKS) == _BEGIN_SIGNATURE), 0)
    if end < start:
        raise Malformed
    signature = lines[end:]
    if sum(line.startswith(b"-----") for line in signature) != 2:
        raise Malformed
    return Cleartext(text=b"\r\n".join(_unescaped(lines[start:end])), signature=b"\n".join(signature))


def _text_start(lines: list[bytes]) -> int:
    """Behind the blank line that ends the headers, of which only Hash is allowed (RFC 9580 §7.1)."""
    for number, line in enumerate(lines[1:], start=1):
        bare = line.rstrip(_BLANKS)
        if not bare:
            return number + 1
        if not _HASH_HEADER.fullmatch(bare):
            raise Malformed
    raise Malformed


def _unescaped(lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.startswith(b"-") and not line.startswith(b"- "):
            raise Malformed  # RFC 9580 §7.2: a signer escapes every such line
        yield line.removeprefix(b"- ").rstrip(_BLANKS)


def verify_cleartext(
    block: bytes, keys: KeyStore, policy: Policy, at: datetime, *, flowed: bool = False
) -> VerificationResult:
    """Checks one block; `payload` holds the words that the signature is over, verified or not.

    `flowed`: the part says format=flowed, so a mail program may have put a space in front of lines after they were
    signed (RFC 3676 §4.4); that is tried too, and the words are then those without it. A malformed block has no
    payload.
    """
    try:
        found = read_cleartext(block)
        bodies = signature_bodies(dearmor(found.signature))
    except InputError:
        facts = SignatureFacts(technology=Technology.OPENPGP, integrity=Integrity.MALFORMED, why="cleartext_structure")
        return VerificationResult(signers=(facts,))
    around = Circumstances(keys=keys, policy=policy, at=at)
    results = []
    for text in dict.fromkeys([found.text, *([_unstuffed(found.text)] if flowed else [])]):
        signers = facts_of_all(bodies, [text], around)
        results.append(VerificationResult(signers=signers, payload=text))
        if any(one.integrity is Integrity.INTACT for one in signers):
            return results[-1]
    return results[0]


def _unstuffed(text: bytes) -> bytes:
    return re.sub(rb"(?m)^ ", b"", text)
