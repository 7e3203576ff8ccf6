"""Header fields: the bytes of a header section, looked up by name, and their structured values.

Values stay bytes until somebody asks. It interprets Content-* fields and words, not addresses or dates. Nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote_to_bytes

from sealmail.words import decode_bytes, decode_words

# A line feed of a value always begins a fold; a lone carriage return does only where white space follows it.
_FOLD = re.compile(r"\r*\n|\r(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written, and the bytes between the colon and the line end."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """The value as text, unfolded (RFC 5322 §2.2.3), encoded words left alone."""
        text = decode_bytes(self.raw, None)
        if "\n" not in text and "\r" not in text:
            return text.strip(" \t")
        return " ".join(line.strip(" \t") for line in _FOLD.split(text)).strip(" \t\r")


class Headers:
    """The header fields of one part in their order. Names are compared without case."""

    __slots__ = ("_by_name", "_fields")

    def __init__(self, fields: Sequence[Field] = ()) -> None:
        self._fields = tuple(fields)
        self._by_name: dict[str, list[Field]] = {}
        for field in self._fields:
            self._by_name.setdefault(field.name.lower(), []).append(field)

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`, unfolded, encoded words left alone."""
        return [field.value for field in self.named(name)]

    def first(self, name: str) -> str | None:
        """The first value of the field `name`, unfolded, or None."""
        fields = self._by_name.get(name.lower())
        return fields[0].value if fields else None

    def text(self, name: str) -> str | None:
        """The first value of the field `name` as it should be shown, encoded words decoded (RFC 2047), or None."""
        value = self.first(name)
        return None if value is None else decode_words(value)

    def named(self, name: str) -> tuple[Field, ...]:
        """The fields called `name`."""
        return tuple(self._by_name.get(name.lower(), ()))

    def has(self, name: str) -> bool:
        """Whether there is a field called `name`."""
        return name.lower() in self._by_name

    def without(self, *names: str) -> Headers:
        """These headers without the fields called `names`; a name that ends in `*` stands for all that begin so."""
        exact = {name.lower() for name in names}
        starts = tuple(name[:-1].lower() for name in names if name.endswith("*"))
        return Headers(
            [f for f in self._fields if f.name.lower() not in exact and not f.name.lower().startswith(starts)]
        )

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        # Values are content of the mail and stay out of logs and tracebacks.
        return f"Headers({[field.name for field in self._fields]!r})"


@dataclass(frozen=True, slots=True)
class Structured:
    """A value with parameters (RFC 2045 §5.1): `value` in lower case, names of parameters in lower case."""

    value: str
    params: dict[str, str]


_LONGEST_VALUE = 64 * 1024
_MOST_PARAMS = 1000
_PARAM_NAME = re.compile(r"[\s;]*+([^\s;=]*+)\s*+(=?)\s*+")
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)("|$)', re.DOTALL)
_NEXT_PARAM = re.compile(r"(?<!\s)\s++(?:[\w*.-]++\s*+=|\([^()]*+\)\s*+(?:;|$)|$)")
_COMMENT = re.compile(r"(?:^|(?<=[\s;/]))\([^()]*+\)")


def structured(text: str) -> Structured:
    """Reads a Content-Type or Content-Disposition value, tolerantly; RFC 2231 and RFC 2047 in parameters decoded.

    What is short is remembered, since the same values stand in all mails: the result is not to be changed.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _structured(text)


_LONGEST_REMEMBERED = 200


def _structured(text: str) -> Structured:
    head, _, rest = text[:_LONGEST_VALUE].partition(";")
    if "=" in head and len(words := _without_comments(head).split(None, 1)) > 1 and "=" not in words[0]:
        head, rest = words[0], words[1] + ";" + rest  # the first semicolon is missing
    value = "".join(_without_comments(head).split()).lower()
    return Structured(value, _joined(list(islice(_parameters(rest), _MOST_PARAMS))))


_remembered = lru_cache(maxsize=256)(_structured)


def _without_comments(text: str) -> str:
    return _COMMENT.sub(" ", text)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text) and (match := _PARAM_NAME.match(text, position)):
        position = match.end()
        if match[2]:
            value, position = _param_value(text, position)
            if match[1]:
                yield match[1].lower(), value


def _param_value(text: str, position: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(text, position):
        # A backslash quotes only quotes and itself: programs write Windows paths unescaped.
        return re.sub(r'\\(["\\])', r"\1", quoted[1]), quoted.end()
    # A bare value may hold spaces, which is not allowed and common in file names: it ends where a parameter begins.
    end = text.find(";", position)
    end = len(text) if end < 0 else end
    if following := _NEXT_PARAM.search(text, position, end):
        end = following.start()
    return text[position:end].strip(), end


def _joined(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Continuations put together (RFC 2231 §3); of two parameters with one name the first counts."""
    params: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, value in parameters:
        base, star, section = name.partition("*")
        if not star:
            params.setdefault(name, _shown(name, value))
        elif base:
            number, encoded = section.rstrip("*") or "0", section == "" or section.endswith("*")
            if number.isascii() and number.isdigit() and len(number) < 5:
                pieces.setdefault(base, {}).setdefault(int(number), (encoded, value))
    # The extended form is the exact one where both are given (RFC 6266 §4.3).
    return params | {base: _continued(sections) for base, sections in pieces.items()}


def _shown(name: str, value: str) -> str:
    # RFC 2047 §5 forbids encoded words here, and Outlook writes them. A boundary may look like one.
    return decode_words(value) if name in {"name", "filename"} else value


def _continued(sections: dict[int, tuple[bool, str]]) -> str:
    charset = ""
    octets = bytearray()
    for number, (encoded, value) in sorted(sections.items()):
        piece = value
        if encoded and number == min(sections) and value.count("'") >= 2:
            charset, _, piece = value.split("'", 2)
        raw = piece.encode("utf-8", "replace")
        octets += unquote_to_bytes(raw) if encoded else raw
    return decode_bytes(bytes(octets), charset or None)
