"""E-mail addresses: the only place that parses and compares them.

Strict where it decides who somebody is (`canonical`, `same`, `one_from`), tolerant where it only reads a list
(`parse_list`): what cannot be read safely gives no address. It resolves nothing and knows no message. Callers are every
other part of the library, and the desk.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sealmail.words import decode_words

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\x80-\U0010ffff]+")
_LDH_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_UPPER_TO_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_MAX_LOCAL = 255  # RFC 5321 §4.5.3.1.1 says 64, bounce addresses with encoded recipients are longer
_MAX_DOMAIN = 253
_MAX_LABEL = 63


@dataclass(frozen=True, slots=True)
class Address:
    """One address in the form in which addresses are compared; made by `parse` only."""

    local: str
    domain: str

    @property
    def text(self) -> str:
        """The address as `local@domain`."""
        return f"{self.local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the display name that its sender chose; the name proves nothing. The address is canonical."""

    name: str
    address: str


class AddressDefect(StrEnum):
    """Why a part of an address list gave no mailbox."""

    UNREADABLE = "unreadable_address"
    UNCLOSED = "unclosed_quote_or_comment"
    GROUP = "unclosed_group"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressList:
    """What an address header says: its mailboxes in order, the names of its groups, and what could not be read."""

    mailboxes: tuple[Mailbox, ...] = ()
    groups: tuple[str, ...] = ()
    defects: tuple[AddressDefect, ...] = ()


def parse(text: str) -> Address | None:
    """The one addr-spec that `text` is (RFC 5322 §3.4.1), or None. No white space, comments, names or brackets around
    it.

    The local part is lower-cased in ASCII: by RFC 5321 §2.4 only its own server may say that case does not matter, but
    servers do not tell case apart, and certificates and keys write one address in different cases. The domain is
    brought to A-labels. Characters that merely look alike are never folded into each other, so that they do not compare
    as equal.
    """
    if not text or len(text) > _MAX_LOCAL + _MAX_DOMAIN + 1 or _has_forbidden(text):
        return None
    local_text, at, domain_text = text.rpartition("@")
    if not at or "@" in local_text:
        return None
    local, domain = _local(local_text), _domain(domain_text)
    return Address(local, domain) if local and domain else None


def canonical(text: str) -> str | None:
    """The form of one addr-spec in which addresses are compared, or None where `text` is not exactly one valid
    address."""
    address = parse(text)
    return address.text if address else None


def same(a: str, b: str) -> bool:
    """Whether both are valid and the same address. Symmetric; False if either does not parse."""
    first = canonical(a)
    return first is not None and first == canonical(b)


def one_from(values: Sequence[str]) -> Mailbox | None:
    """The single author that all From header values of a message name, or None.

    None where the field is missing or comes twice, names several mailboxes or a group, or cannot be read in full (RFC
    5322 §3.6.2): then nobody can say who wrote the message.
    """
    if len(values) != 1:
        return None
    listed = parse_list(values[0])
    if listed.defects or listed.groups or len(listed.mailboxes) != 1:
        return None
    return listed.mailboxes[0]


def parse_list(header_value: str) -> AddressList:
    """The mailboxes of an address-list header value, unfolded or not (RFC 5322 §3.4): groups, comments, quoted names,
    obsolete routes.

    Encoded words are decoded in names only, after the list was cut, so that no name can ever become an address. Never
    raises, linear time.
    """
    if (usual := _usual(header_value)) is not None:
        return usual
    reader = _Reader()
    for token in _tokens(header_value):
        reader.take(token)
    return reader.finish()


_WORD = r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+"
_SPEC = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+"
_USUAL = re.compile(rf'(?:({_WORD}(?: {_WORD})*|"[A-Za-z0-9 ,.\'()/&+-]*") )?<({_SPEC})>|({_SPEC})')


def _usual(value: str) -> AddressList | None:
    """What the reader would make of one mailbox in the forms that nearly all have; None for all others."""
    if (match := _USUAL.fullmatch(value)) is None:
        return None
    address = canonical(match[2] or match[3])
    if address is None:
        return None
    name = " ".join((match[1] or "").strip('"').split())
    return AddressList(mailboxes=(Mailbox(name, address),))


class _Kind(StrEnum):
    WORD = "word"
    QUOTED = "quoted"
    LITERAL = "literal"
    COMMENT = "comment"
    SPACE = "space"
    SPECIAL = "special"
    UNCLOSED = "unclosed"
    JUNK = "junk"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str

    def is_special(self, characters: str) -> bool:
        return self.kind is _Kind.SPECIAL and self.text in characters


class _Reader:
    """Cuts tokens into mailboxes at the separators that stand outside of angle brackets."""

    def __init__(self) -> None:
        self.mailboxes: list[Mailbox] = []
        self.groups: list[str] = []
        self.defects: list[AddressDefect] = []
        self.segment: list[_Token] = []
        self.in_angle = self.in_route = self.in_group = False

    def take(self, token: _Token) -> None:
        if token.kind is _Kind.UNCLOSED:
            self.defects.append(AddressDefect.UNCLOSED)
        # RFC 5322 §4.4: "<@one.example,@two.example:local@domain>"
        if self.segment and self.segment[-1].is_special("<"):
            self.in_route = token.is_special("@")
        if token.is_special("<>"):
            self.in_angle, self.in_route = token.text == "<", False
        if token.is_special(",;") and not self.in_route:
            self.end_mailbox()
            self.in_group = self.in_group and token.text == ","
        elif token.is_special(":") and not self.in_angle and not self.in_group:
            self.groups.append(_name(self.segment))
            self.segment, self.in_group = [], True
        else:
            self.segment.append(token)

    def end_mailbox(self) -> None:
        mailbox = _mailbox(self.segment)
        if mailbox:
            self.mailboxes.append(mailbox)
        elif any(token.kind not in {_Kind.SPACE, _Kind.COMMENT} for token in self.segment):
            self.defects.append(AddressDefect.UNREADABLE)
        self.segment = []
        self.in_angle = self.in_route = False

    def finish(self) -> AddressList:
        self.end_mailbox()
        if self.in_group:
            self.defects.append(AddressDefect.GROUP)
        return AddressList(mailboxes=tuple(self.mailboxes), groups=tuple(self.groups), defects=tuple(self.defects))


_PLAIN_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<encoded>=\?[^?\s]*\?[bBqQ]\?[^?]*\?=)"  # one word, whatever stands in it
    r'|(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*")'
    r"|(?P<literal>\[[^\[\]\\\s]*\])"
    r"|(?P<special>[<>@,;:.])"
    rf"|(?P<word>{_ATOM.pattern})",
    re.DOTALL,
)
_IN_COMMENT = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _tokens(value: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(value):
        if value[position] == "(":
            token, position = _comment(value, position)
        elif match := _PLAIN_TOKEN.match(value, position):
            token, position = _plain(match), match.end()
        elif value[position] == '"':
            token, position = _Token(_Kind.UNCLOSED, value[position:]), len(value)
        else:
            token, position = _Token(_Kind.JUNK, value[position]), position + 1
        tokens.append(token)
    return tokens


def _plain(match: re.Match[str]) -> _Token:
    kind = match.lastgroup or ""
    if kind == "quoted":
        return _Token(_Kind.QUOTED, _ESCAPED.sub(r"\1", match.group()[1:-1]))
    return _Token(_Kind.WORD if kind == "encoded" else _Kind(kind), match.group())


def _comment(value: str, start: int) -> tuple[_Token, int]:
    # Comments nest (RFC 5322 §3.2.2).
    depth = 0
    for match in _IN_COMMENT.finditer(value, start):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth == 0:
            return _Token(_Kind.COMMENT, _ESCAPED.sub(r"\1", value[start + 1 : match.start()])), match.end()
    return _Token(_Kind.UNCLOSED, value[start:]), len(value)


def _mailbox(segment: list[_Token]) -> Mailbox | None:
    opening = [index for index, token in enumerate(segment) if token.is_special("<")]
    closing = [index for index, token in enumerate(segment) if token.is_special(">")]
    if not opening and not closing:
        address = _addr_spec(segment)
        return Mailbox(_name([t for t in segment if t.kind is _Kind.COMMENT]), address) if address else None
    if len(opening) != 1 or len(closing) != 1 or opening[0] > closing[0]:
        return None
    before, inside, after = segment[: opening[0]], segment[opening[0] + 1 : closing[0]], segment[closing[0] + 1 :]
    address = _addr_spec(_without_route(inside))
    if address is None or any(token.is_special("@") for token in after):
        return None
    return Mailbox(_name(before) or _name(after), address)


def _without_route(tokens: list[_Token]) -> list[_Token]:
    colons = [index for index, token in enumerate(tokens) if token.is_special(":")]
    if len(colons) == 1 and tokens[0].is_special("@"):
        return tokens[colons[0] + 1 :]
    return tokens


def _addr_spec(tokens: list[_Token]) -> str | None:
    # RFC 5322 §4.4 allows white space around dots; programs read such addresses differently, so it gives none here.
    kept = [token for token in tokens if token.kind is not _Kind.COMMENT]
    while kept and kept[0].kind is _Kind.SPACE:
        del kept[0]
    while kept and kept[-1].kind is _Kind.SPACE:
        del kept[-1]
    if not kept or any(token.kind in {_Kind.SPACE, _Kind.JUNK, _Kind.UNCLOSED} for token in kept):
        return None
    return canonical("".join(_quoted(token.text) if token.kind is _Kind.QUOTED else token.text for token in kept))


def _name(tokens: list[_Token]) -> str:
    words = [token for token in tokens if token.kind is not _Kind.COMMENT]
    chosen = words if any(token.kind is not _Kind.SPACE for token in words) else tokens
    text = decode_words("".join(" " if token.kind is _Kind.SPACE else token.text for token in chosen))
    # Control and direction characters in a name can only deceive.
    return " ".join(
        "".join(c for c in text if c.isspace() or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}).split()
    )


_ASCII_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")


def _has_forbidden(text: str) -> bool:
    if text.isascii():
        return _ASCII_FORBIDDEN.search(text) is not None
    return any(_is_forbidden(character) for character in text)


def _is_forbidden(character: str) -> bool:
    if character.isascii():
        return character <= " " or character == "\x7f"
    if unicodedata.category(character)[0] in "CZ":
        return True
    # Full-width letters, the Kelvin sign and the like would become ASCII letters on normalising.
    return unicodedata.normalize("NFKC", character).isascii() or character.lower().isascii()


def _local(text: str) -> str | None:
    if text.startswith('"'):
        if not re.fullmatch(r'"[^"\\]*(?:\\.[^"\\]*)*"', text):
            return None
        text = _ESCAPED.sub(r"\1", text[1:-1])
        if not text:
            return None
        # RFC 5322 §3.4.1: quotes that are not needed do not make another address.
        folded = _folded(text)
        return folded if _is_dot_atom(text) else _quoted(folded)
    return _folded(text) if _is_dot_atom(text) and len(text) <= _MAX_LOCAL else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).translate(_UPPER_TO_LOWER)


def _is_dot_atom(text: str) -> bool:
    return all(_ATOM.fullmatch(part) for part in text.split("."))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _domain(text: str) -> str | None:
    if text.startswith("["):
        return _domain_literal(text)
    labels = [_label(label) for label in text.split(".")]
    domain = ".".join(label or "" for label in labels)
    return domain if all(labels) and len(domain) <= _MAX_DOMAIN else None


def _domain_literal(text: str) -> str | None:
    if not text.endswith("]"):
        return None
    literal = text[1:-1].lower()
    try:
        if literal.startswith("ipv6:"):
            return f"[ipv6:{ipaddress.IPv6Address(literal.removeprefix('ipv6:')).compressed}]"
        return f"[{ipaddress.IPv4Address(literal)}]"
    except ValueError:
        return None


def _label(text: str) -> str | None:
    """The A-label of one label (RFC 5890 §2.3.2.1), or None."""
    if len(text) > _MAX_LABEL:
        return None
    label = text.lower()
    if not label.isascii():
        return _a_label(unicodedata.normalize("NFC", label))
    if label.startswith("xn--"):
        return _checked_a_label(label)
    return label if _LDH_LABEL.fullmatch(label) else None


def _a_label(label: str) -> str | None:
    # Not the stdlib's codec "idna": it is IDNA2003, which turns one domain into another (ß into ss). RFC 5892 §2 allows
    # letters, marks and digits that compatibility normalisation leaves alone.
    if unicodedata.normalize("NFKC", label) != label or label[0] == "-" or label[-1] == "-":
        return None
    if not all(c == "-" or unicodedata.category(c) in {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"} for c in label):
        return None
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    return encoded if len(encoded) <= _MAX_LABEL else None


def _checked_a_label(label: str) -> str | None:
    try:
        decoded = label.removeprefix("xn--").encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return None
    if (
        not decoded
        or decoded.isascii()
        or decoded != unicodedata.normalize("NFC", decoded.lower())
        or _has_forbidden(decoded)
    ):
        return None
    return label if _a_label(decoded) == label else None
