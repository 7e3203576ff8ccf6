"""Sealed mails to be changed, all the ways to change them, and what "the same" means afterwards."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sealmail.addresses import Mailbox
from sealmail.keys import Anchor, MemoryKeyStore, MemoryTrust
from sealmail.keys.reader import read
from sealmail.mime import parse, protect_headers
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Covers, Signature
from tests.matrix.crossing import SENDER
from tests.matrix.programs import secret_of
from tests.matrix.recipes import Cipher, Form, Recipe
from tests.matrix.running import Matrix, Program
from tests.peers.mail import File, Letter
from tests.peers.openssl import KeyKind

STRIDE = 1 if os.environ.get("EXHAUSTIVE") else 29
"""Of all one-byte changes every so many are tried."""
PROTECTED = {True: "protected headers", False: "headers outside"}
INVOICE = File(name="invoice.pdf", type="application/pdf", content=b"%PDF-1.7\r\n\x00\xff\n")
RECIPES = {
    "signed": Recipe(form=Form.SIGNED, signer=KeyKind.EC_P256),
    "opaque": Recipe(form=Form.OPAQUE, signer=KeyKind.RSA_2048),
    "CBC": Recipe(form=Form.BOTH, signer=KeyKind.EC_P256, recipients=(KeyKind.RSA_2048,), cipher=Cipher.CBC),
    "GCM": Recipe(form=Form.BOTH, signer=KeyKind.EC_P256, recipients=(KeyKind.EC_P256,), cipher=Cipher.GCM),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedLetter(Letter):
    """A letter whose headers stand inside the seal too (RFC 9788)."""

    is_encrypted: bool

    def entity(self) -> bytes:
        headers = parse(Letter.wrapped(self, b"\r\n")).headers
        return protect_headers(headers, Letter.entity(self), encrypted=self.is_encrypted)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Essence:
    """What a reader relies on when a mail is good."""

    text: str
    html: str | None
    attachments: tuple[tuple[str, str, str], ...]
    sender: str
    signer: str
    named: tuple[Mailbox, str] | None = field(default=None)
    """Author with his display name, and Subject: only where they travelled protected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMail:
    """A mail, and somebody with the key to open it."""

    raw: bytes
    keys: MemoryKeyStore
    trust: MemoryTrust
    protected: bool
    at: datetime

    def essence(self, raw: bytes) -> Essence | None:
        """What is relied on; None where the mail is not good. Nothing is raised, whatever the bytes are."""
        opened = open_message(raw, self.keys, self.trust, Policy(), self.at)
        statement = opened.report.signature
        if statement.verdict is not Signature.GOOD:
            return None
        assert statement.covers is Covers.WHOLE
        return _essence(opened, protected=self.protected)


def _essence(opened: Opened, *, protected: bool) -> Essence:
    content, author, facts = opened.content, opened.headers.from_, opened.report.signature.facts
    assert author is not None
    assert facts is not None
    assert facts.key is not None
    return Essence(
        text=content.text,
        html=content.html,
        attachments=tuple((file.name, file.content_type, file.sha256) for file in content.attachments),
        sender=author.address,
        signer=facts.key.fingerprint,
        named=(author, opened.headers.subject) if protected else None,
    )


def sealed_mail(matrix: Matrix, sealer: Program, recipe: Recipe, *, protected: bool) -> SealedMail | None:
    """A small mail in one form; None where the sealer cannot make it."""
    what = letter("Pay 100 euros.\n", protected=protected, is_encrypted=recipe.cipher is not None)
    raw = matrix.seal(sealer, what, recipe)
    if raw is None:
        return None
    owner = matrix.recipients[recipe.recipients[0] if recipe.recipients else KeyKind.RSA_2048]
    (ca,) = read(owner.authority.read_bytes()).keys
    return SealedMail(
        raw=raw,
        keys=MemoryKeyStore(keys=[ca], secrets=[secret_of(owner)]),
        trust=MemoryTrust(anchors=[Anchor(key=ca)]),
        protected=protected,
        at=datetime.now(UTC),
    )


def letter(text: str, *, protected: bool, is_encrypted: bool) -> Letter:
    """What Carol writes, with an invoice; with its headers inside the seal too where `protected`."""
    what: dict[str, Any] = {"sender": f"Carol <{SENDER}>", "recipients": ["support@desk.example"], "subject": "Case 7"}
    what |= {"text": text, "attachments": [INVOICE]}
    return ProtectedLetter(**what, is_encrypted=is_encrypted) if protected else Letter(**what)


def one_byte_changes(raw: bytes, *, stride: int, offset: int) -> Iterator[bytes]:
    """The mail with each byte in turn replaced: its lowest bit, NUL, 0xFF, a line end. Of all changes every so many."""
    for number in range(offset % stride, 4 * len(raw), stride):
        place, how = divmod(number, 4)
        new = (raw[place] ^ 1, 0, 0xFF, 0x0A)[how]
        if new != raw[place]:
            yield raw[:place] + bytes((new,)) + raw[place + 1 :]


def header_lines(raw: bytes) -> list[bytes]:
    """The header fields of a message, folded ones whole."""
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    return re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", head)


def header_changes(raw: bytes) -> Iterator[bytes]:
    """The message with each header field left out, doubled at the end, and swapped with each other one."""
    lines, body = header_lines(raw), raw.partition(b"\r\n\r\n")[2]
    for place, line in enumerate(lines):
        yield b"".join([*lines[:place], *lines[place + 1 :]]) + b"\r\n" + body
        yield b"".join([*lines, line]) + b"\r\n" + body
    for one, other in itertools.combinations(range(len(lines)), 2):
        yield b"".join(_swapped(lines, one, other)) + b"\r\n" + body


def _swapped(lines: list[bytes], one: int, other: int) -> list[bytes]:
    changed = [*lines]
    changed[one], changed[other] = changed[other], changed[one]
    return changed


Draw = Callable[[st.SearchStrategy[Any]], Any]


def cut(raw: bytes, draw: Draw) -> bytes:
    start, end = _places(raw, draw)
    return raw[:start] + raw[end:]


def doubled(raw: bytes, draw: Draw) -> bytes:
    start, end = _places(raw, draw)
    return raw[:end] + raw[start:end] + raw[end:]


def moved(raw: bytes, draw: Draw) -> bytes:
    start, end = _places(raw, draw)
    rest = raw[:start] + raw[end:]
    place = draw(st.integers(0, len(rest)))
    return rest[:place] + raw[start:end] + rest[place:]


def filled(raw: bytes, draw: Draw) -> bytes:
    place = draw(st.integers(0, len(raw)))
    return raw[:place] + draw(st.binary(min_size=1, max_size=40) | st.sampled_from(TEMPTING)) + raw[place:]


def _places(raw: bytes, draw: Draw) -> tuple[int, int]:
    start = draw(st.integers(0, len(raw) - 1))
    return start, draw(st.integers(start + 1, min(len(raw), start + 400)))


TEMPTING = [
    b"\r\n\r\n",
    b"\r\n--=_x\r\n",
    b"Pay 900 euros.\r\n",
    b"\r\nFrom: Mallory <mallory@evil.example>\r\n",
    b"\r\nSubject: Case 9\r\n",
    b"\r\nContent-Type: text/plain\r\n\r\n",
    b"\0",
    b"=?utf-8?q?",
]
CHANGES = [cut, doubled, moved, filled]
quietly = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
