"""Sealed mails to be changed, all the ways to change them, and what "the same" means afterwards."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

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
    what = {"sender": f"Carol <{SENDER}>", "recipients": ["support@desk.example"], "subject": "Case 7"}
    what |= {"text": "Pay 100 euros.\n", "attachments": [INVOICE]}
    letter = ProtectedLetter(**what, is_encrypted=recipe.cipher is not None) if protected else Letter(**what)
    raw = matrix.seal(sealer, letter, recipe)
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
