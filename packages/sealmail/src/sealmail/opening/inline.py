"""OpenPGP that stands in the text of a mail itself, without MIME around it: which stretches of a text are sealed.

Only blocks that begin at the start of a line count. One that is quoted ("> -----BEGIN …") was sent by somebody else,
earlier, and opening it here would put old words into this sender's mouth.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote

from sealmail import openpgp
from sealmail.errors import InputError
from sealmail.mime import Part, attachments, parse
from sealmail.openpgp import OpenPGPKind
from sealmail.words import decode_bytes

MOST_SEGMENTS = 64
"""Sealed stretches of one text; what comes behind them stays text."""


class SegmentKind(StrEnum):
    """What a stretch of text is."""

    TEXT = "text"
    ENCRYPTED = "encrypted"
    SIGNED = "signed"
    """An armored signed message that is not readable as it stands."""
    CLEARTEXT = "cleartext"
    """Readable words with their signature below."""
    KEYS = "keys"

    @property
    def is_sealed(self) -> bool:
        """Whether it is a signature or encryption layer of its own."""
        return self not in {SegmentKind.TEXT, SegmentKind.KEYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of a text, as it came."""

    kind: SegmentKind
    text: bytes = field(repr=False)


_BEGIN = re.compile(
    rb"^-----BEGIN PGP (MESSAGE|SIGNED MESSAGE|PUBLIC KEY BLOCK)(?:, PART [0-9]+(?:/[0-9]+)?)?-----[ \t]*\r?$",
    re.MULTILINE,
)
_ENDS = {
    b"MESSAGE": re.compile(rb"^-----END PGP MESSAGE(?:, PART [0-9]+(?:/[0-9]+)?)?-----[ \t]*\r?$", re.MULTILINE),
    b"SIGNED MESSAGE": re.compile(rb"^-----END PGP SIGNATURE-----[ \t]*\r?$", re.MULTILINE),
    b"PUBLIC KEY BLOCK": re.compile(rb"^-----END PGP PUBLIC KEY BLOCK-----[ \t]*\r?$", re.MULTILINE),
}
_KINDS: dict[OpenPGPKind | None, SegmentKind] = {
    OpenPGPKind.ENCRYPTED: SegmentKind.ENCRYPTED,
    OpenPGPKind.SIGNED: SegmentKind.SIGNED,
    OpenPGPKind.CLEARSIGNED: SegmentKind.CLEARTEXT,
    OpenPGPKind.KEYS: SegmentKind.KEYS,
}


def segments(text: bytes) -> tuple[Segment, ...]:
    """The text cut into stretches, in order and without a gap. Linear in its size, never raises."""
    return tuple(_segments(text))


def _segments(text: bytes) -> Iterator[Segment]:
    position = 0
    for _ in range(MOST_SEGMENTS):
        begin = _BEGIN.search(text, position)
        end = _ENDS[begin[1]].search(text, begin.end()) if begin is not None else None
        if begin is None or end is None:
            break
        block = text[begin.start() : end.end()]
        if begin.start() > position:
            yield Segment(kind=SegmentKind.TEXT, text=text[position : begin.start()])
        yield Segment(kind=_KINDS.get(openpgp.kind(block), SegmentKind.TEXT), text=block)
        position = end.end()
    if position < len(text):
        yield Segment(kind=SegmentKind.TEXT, text=text[position:])


def sealed_text(part: Part) -> tuple[Segment, ...]:
    """The stretches of a text part in which at least one is sealed; empty where none is."""
    if part.children or part.content_type != "text/plain" or b"-----BEGIN PGP " not in part.decoded():
        return ()
    found = segments(_as_written(part))
    return found if any(one.kind.is_sealed for one in found) else ()


def _as_written(part: Part) -> bytes:
    """The text, decoded; as it came where it says to be quoted-printable and was not made so.

    Some programs say it of armor that they never encoded, and decoding takes the end of its lines for soft breaks.
    """
    text = part.decoded()
    if text == part.body or openpgp.kind(text) is not OpenPGPKind.ENCRYPTED or openpgp.is_readable(text):
        return text
    return part.body if openpgp.is_readable(part.body) else text


def whole(part: Part) -> Segment | None:
    """The one sealed stretch that is all of a text part, blank lines apart; None where there is none, or more."""
    written = [one for one in sealed_text(part) if one.kind is not SegmentKind.TEXT or one.text.strip()]
    return written[0] if len(written) == 1 and written[0].kind.is_sealed else None


def text_part(words: bytes, charset: str | None) -> Part:
    """Words as a text part. `charset`: what is said of them where nobody signed it."""
    return parse(f'Content-Type: text/plain; charset="{_charset(words, charset)}"\r\n\r\n'.encode() + words)


def entity_part(payload: bytes) -> Part | None:
    """What was decrypted as the MIME entity that it is, where a gateway took its wrapping away; None: it is none."""
    return parse(payload) if _ENTITY.match(payload) else None


def as_it_was_sealed(part: Part) -> Part:
    """A sealed entity; where it does not say what it is, all of it as text.

    Every mail program writes Content-Type there. A text that was sealed as such can be put in place of an entity by
    anybody, and its first lines, where they look like fields, would be signed words that nobody sees.
    """
    head = part.entity[: len(part.entity) - len(part.body)]
    return text_part(part.entity, None) if head.strip() and not part.headers.has("Content-Type") else part


def file_part(payload: bytes, name: str) -> Part:
    """What was decrypted as an attached file of that name."""
    kind = _TYPES.guess_type(name)[0] or "application/octet-stream"
    # RFC 2231 §4: every name can be written so, whatever is in it.
    head = f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename*=utf-8''{quote(name, safe='')}\r\n\r\n"
    return parse(head.encode("ascii") + payload)


_TYPES = mimetypes.MimeTypes()
"""Without what the machine adds, so that a report is the same everywhere."""
_ENTITY = re.compile(
    rb"(?i)(?:(?!content-type:)[!-9;-~]{1,80}:[^\r\n]{0,998}\r?\n(?:[ \t][^\r\n]{0,998}\r?\n){0,100}){0,100}"
    rb"content-type:[ \t]*[a-z]+/[a-z0-9.+-]+"
)
"""Header fields among which is a type; those of a mail may stand before it (RFC 9788 §4)."""
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


# Also with the shifts of UTF-7 and HZ, and of an even number of octets for UTF-16.
_ASCII = (bytes(range(0x20, 0x7F)), b"usual words.", b"+AGE-", b"~{VPND~}")


def _charset(words: bytes, name: str | None) -> str:
    """UTF-8 for all that can be it: another name on its way would make other words of what was signed.

    Text that switches between character sets by control characters (ISO 2022) looks like ASCII, and is what it says.
    Nothing is what says to be of a set in which ASCII is not ASCII (UTF-7, UTF-16, EBCDIC).
    """
    if name is None or not _NAME.fullmatch(name) or not _keeps_ascii(name):
        return "utf-8"
    try:
        words.decode("utf-8")
    except UnicodeDecodeError:
        return name
    return name if _SWITCHES.search(words) else "utf-8"


def _keeps_ascii(charset: str) -> bool:
    return all(decode_bytes(one, charset) == one.decode("ascii") for one in _ASCII)


_SWITCHES = re.compile(rb"[\x0e\x0f\x1b]")


def residue(part: Part, found: Iterable[Segment]) -> Part:
    """A text part without its sealed stretches, which are shown apart; words that stood there readable stay."""
    pieces = [one.text if not one.kind.is_sealed else _readable(one) for one in found]
    return text_part(b"\n".join(piece.strip(b"\r\n") for piece in pieces if piece.strip()), part.params.get("charset"))


def residue_of_forms(alternative: Part, form: Part, found: Iterable[Segment]) -> Part:
    """A multipart/alternative of which one form is a text with sealed stretches: what stays of that text, and the files
    that hang on the other forms. Those hold the same words, which in them nothing would take away.
    """
    files = tuple(one.part for one in attachments(alternative))
    return replace(alternative, content_type="multipart/mixed", children=(residue(form, found), *files))


def _readable(segment: Segment) -> bytes:
    if segment.kind is not SegmentKind.CLEARTEXT:
        return b""
    try:
        return openpgp.read_cleartext(segment.text).text
    except InputError:
        return segment.text


def replaced(root: Part, by: Mapping[int, Part]) -> Part:
    """The tree with some parts exchanged for others, given by the `id()` of the old ones; all other parts stay."""
    if id(root) in by:
        return by[id(root)]
    children = tuple(replaced(child, by) for child in root.children)
    unchanged = all(new is old for new, old in zip(children, root.children, strict=True))
    return root if unchanged else replace(root, children=children)


_FILE = re.compile(r"(?i)(?P<name>.+)\.(?:pgp|gpg|asc)")
_SEALED_FILES = {OpenPGPKind.ENCRYPTED, OpenPGPKind.SIGNED}


def is_sealed_file(part: Part) -> bool:
    """Whether an attached file is an OpenPGP message of its own, by its name or type and by its content."""
    if part.children or not (_FILE.fullmatch(part.filename or "") or part.content_type in _FILE_TYPES):
        return False
    return openpgp.kind(part.decoded()) in _SEALED_FILES


_FILE_TYPES = frozenset({"application/pgp", "application/pgp-encrypted", "application/x-pgp-message"})


def inner_name(part: Part) -> str:
    """The name of the file inside: the outer one without the ending that says that it is sealed."""
    found = _FILE.fullmatch(part.filename or "")
    return found["name"] if found else "decrypted"


def mangled_encryption(part: Part) -> Part | None:
    """The encrypted body of a multipart/encrypted whose type a mail server changed to multipart/mixed, as Exchange
    does; None where there are other words or files beside it, which were not encrypted.
    """
    if part.content_type != "multipart/mixed" or len(part.children) not in {2, 3}:
        return None
    bodies = [child for child in part.children if is_sealed_file(child)]
    rest = [child for child in part.children if child not in bodies]
    if len(bodies) != 1 or not all(_says_nothing(child) for child in rest):
        return None
    has_version = any(child.content_type == "application/pgp-encrypted" or _is_version(child) for child in rest)
    return bodies[0] if has_version and openpgp.kind(bodies[0].decoded()) is OpenPGPKind.ENCRYPTED else None


def kept_structure(part: Part) -> bytes | None:
    """The multipart/encrypted that GpgOL left in an attached file instead of in the mail, where nothing else is in the
    mail; None: there is none.
    """
    if part.content_type != "multipart/mixed" or len(part.children) not in {1, 2}:
        return None
    files = [child for child in part.children if child.filename == "GpgOL_MIME_structure.mime" and not child.children]
    if len(files) != 1 or not all(_says_nothing(child) for child in part.children if child is not files[0]):
        return None
    entity = files[0].decoded()
    return entity if parse(entity).content_type == "multipart/encrypted" else None


def _says_nothing(part: Part) -> bool:
    return not part.children and (_is_version(part) or (part.content_type == "text/plain" and not part.body.strip()))


def _is_version(part: Part) -> bool:
    """RFC 3156 §4: the first part of the two holds this and nothing else."""
    return len(part.body) < 64 and part.decoded().strip().lower() == b"version: 1"


_CHARSET_HEADER = re.compile(rb"(?mi)^Charset:[ \t]*([A-Za-z0-9_.:-]{1,40})[ \t]*\r?$")


def armor_charset(block: bytes) -> str | None:
    """The character set that the armor's header names (RFC 9580 §6.2.2.1); None: UTF-8 by default."""
    found = _CHARSET_HEADER.search(block[:1024])
    return found[1].decode("ascii") if found else None
