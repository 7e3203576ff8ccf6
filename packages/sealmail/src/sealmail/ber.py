"""Reads BER and DER without copying: an element knows where it lies, and its children are found when asked for.

Understands what mail programs really write: indefinite lengths and strings in pieces (X.690 §8.1.3.6, §8.7.3), as
OpenSSL and Outlook stream them. The work grows with the number of elements asked for, not with their size, so that a
large mail costs no more than a small one. Knows no structure: what a sequence means is said by the reader of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

from sealmail.errors import InputError, LimitExceeded

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31

_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_TIME = re.compile(rb"\d{14}Z")
MAXIMUM_DEPTH = 64
MAXIMUM_ELEMENTS = 500_000
"""Elements read in one structure: enough for 160 MB in pieces of 1 kB, and less than a second of work."""


class Malformed(InputError):
    """The structure is broken."""


def context(number: int, *, constructed: bool = True) -> int:
    """The identifier octet of a context-specific tag."""
    return 0x80 | (_CONSTRUCTED if constructed else 0) | number


def encode_oid(dotted: str) -> bytes:
    """The content octets of an object identifier, the form in which they are compared."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *others):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        encoded += bytes(reversed(septets))
    return bytes(encoded)


def read(data: bytes) -> Element:
    """The element at the start of `data`; what follows it is not looked at. Raises Malformed, LimitExceeded."""
    return _Source(data).element(0, len(data))


class Element:
    """One tag, length and value, as a place in the bytes that hold it."""

    __slots__ = ("_source", "body", "end", "start", "stop", "tag")

    def __init__(self, source: _Source, tag: int, start: int, body: int, end: int, stop: int) -> None:
        self._source = source
        self.tag = tag
        self.start, self.body, self.end, self.stop = start, body, end, stop

    @property
    def raw(self) -> bytes:
        """The whole element as it came, with tag and length."""
        return self._source.data[self.start : self.stop]

    @property
    def content(self) -> bytes:
        """The value as it came, without tag and length."""
        return self._source.data[self.body : self.end]

    @property
    def size(self) -> int:
        """Octets of the value."""
        return self.end - self.body

    def children(self) -> Iterator[Element]:
        """The elements inside, one after the other."""
        if not self.tag & _CONSTRUCTED:
            _broken("a primitive element holds no others")
        position = self.body
        while position < self.end:
            child = self._source.element(position, self.end)
            yield child
            position = child.stop

    def fields(self, tag: int = SEQUENCE) -> Fields:
        """A reader for the elements inside; the element itself must have this tag."""
        self.expect(tag)
        return Fields(self._source, self.body, self.end)

    def expect(self, tag: int) -> Element:
        """The element itself, which must have this tag."""
        if self.tag != tag:
            _broken("an element of another type was expected")
        return self

    def integer(self) -> int:
        """The value of an INTEGER."""
        if not self.size:
            _broken("an integer without octets")
        return int.from_bytes(self.expect(INTEGER).content, signed=True)

    def oid(self) -> bytes:
        """The content octets of an OBJECT IDENTIFIER."""
        return self.expect(OID).content

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        """The octets of a string, whose pieces are joined; `tag` is the one of its primitive form."""
        if self.tag == tag:
            return self.content
        self.expect(tag | _CONSTRUCTED)
        return b"".join(self.pieces())

    def pieces(self, depth: int = 0) -> Iterator[memoryview]:
        """The pieces of a string that was written in pieces."""
        if depth > MAXIMUM_DEPTH:
            raise LimitExceeded("a string in too many layers")
        view = memoryview(self._source.data)
        for piece in self.children():
            if piece.tag == OCTET_STRING:
                yield view[piece.body : piece.end]
            else:
                yield from piece.expect(OCTET_STRING | _CONSTRUCTED).pieces(depth + 1)

    def bits(self) -> bytes:
        """The octets of a BIT STRING that has whole octets, as keys and signatures are carried."""
        content = self.expect(BIT_STRING).content
        if not content or content[0] != 0:
            _broken("a bit string without whole octets")
        return content[1:]

    def time(self) -> datetime:
        """The value of a UTCTime or GeneralizedTime in the form that RFC 5280 §4.1.2.5 allows: seconds, and Z."""
        if self.tag not in {UTC_TIME, GENERALIZED_TIME}:
            _broken("a time was expected")
        text = self.content
        if self.tag == UTC_TIME:
            # RFC 5280 §4.1.2.5.1: 50 to 99 are years of the last century.
            text = (b"19" if text[:1] >= b"5" else b"20") + text
        if not _TIME.fullmatch(text):
            _broken("not a time")
        month, day, hour, minute, second = (int(text[start : start + 2]) for start in range(4, 14, 2))
        try:
            return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise Malformed("not a time") from None

    def der(self, depth: int = 0) -> bytes:
        """The element with definite, shortest lengths. The order in sets is kept; string pieces are joined."""
        if depth > MAXIMUM_DEPTH:
            raise LimitExceeded("a structure too deep")
        if not self.tag & _CONSTRUCTED:
            return header(self.tag, self.size) + self.content
        if self.tag == OCTET_STRING | _CONSTRUCTED:
            joined = self.octets()
            return header(OCTET_STRING, len(joined)) + joined
        content = b"".join(child.der(depth + 1) for child in self.children())
        return header(self.tag, len(content)) + content


class Fields:
    """Reads the elements inside another one in order, as a structure's definition lists them."""

    __slots__ = ("_limit", "_position", "_source")

    def __init__(self, source: _Source, position: int, limit: int) -> None:
        self._source, self._position, self._limit = source, position, limit

    def take(self, tag: int | None = None) -> Element:
        """The next element, which must be there and have this tag."""
        element = self._source.element(self._position, self._limit)
        if tag is not None and element.tag != tag:
            _broken("an element is missing")
        self._position = element.stop
        return element

    def optional(self, *tags: int) -> Element | None:
        """The next element where it has one of these tags (without tags: any), else None."""
        if self._position >= self._limit or (tags and self._source.data[self._position] not in tags):
            return None
        return self.take()

    def end(self) -> None:
        """Makes sure that nothing is left over."""
        if self._position != self._limit:
            _broken("an element too many")


def header(tag: int, size: int) -> bytes:
    """Tag and shortest definite length."""
    if size < 0x80:
        return bytes((tag, size))
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets


class _Source:
    """The bytes with what was learned about them: where elements of indefinite length end, and how many were read."""

    __slots__ = ("_closings", "_left", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._closings: dict[int, int] = {}
        self._left = MAXIMUM_ELEMENTS

    def element(self, start: int, limit: int) -> Element:
        body = start + 2
        if body <= limit and self._left > 0:
            # Nearly all elements have a tag of one octet and a short length.
            tag, length = self.data[start], self.data[start + 1]
            end = body + length
            if length < _INDEFINITE and tag & 0x1F != 0x1F and end <= limit:
                self._left -= 1
                return Element(self, tag, start, body, end, end)
        return self._unusual(start, limit)

    def _unusual(self, start: int, limit: int) -> Element:
        tag, body, size = self._header(start, limit)
        if size is None:
            end = self._closing(body, limit)
            return Element(self, tag, start, body, end, end + 2)
        return Element(self, tag, start, body, body + size, body + size)

    def _header(self, start: int, limit: int) -> tuple[int, int, int | None]:
        """Tag, start of the value, and its size (None: indefinite)."""
        self._left -= 1
        if self._left < 0:
            raise LimitExceeded("too many elements")
        data = self.data
        body = start + 2
        if body > limit:
            _broken("it ends too early")
        tag, size = data[start], data[start + 1]
        if tag & 0x1F == 0x1F:
            _broken("a tag of several octets, which no structure of ours uses")
        if size == _INDEFINITE:
            if not tag & _CONSTRUCTED:
                _broken("an indefinite length around a plain value")
            return tag, body, None
        if size > _INDEFINITE:
            width = size & 0x7F
            if width > 8:
                _broken("a length of more than eight octets")
            size = int.from_bytes(data[body : body + width])
            body += width
        if body + size > limit:
            _broken("it ends too early")
        return tag, body, size

    def _closing(self, body: int, limit: int) -> int:
        """Where the end-of-contents octets of the indefinite element are whose value starts at `body`.

        What is found about elements inside is remembered, so that the whole structure is walked once only.
        """
        if (known := self._closings.get(body)) is not None:
            return known
        opened = [body]
        position = body
        while opened:
            if self.data[position : position + 2] == b"\0\0" and position + 2 <= limit:
                self._closings[opened.pop()] = position
                position += 2
                continue
            _, inner, size = self._header(position, limit)
            if size is not None:
                position = inner + size
                continue
            opened.append(inner)
            position = inner
            if len(opened) > MAXIMUM_DEPTH:
                raise LimitExceeded("a structure too deep")
        return self._closings[body]


def _broken(what: str) -> NoReturn:
    raise Malformed(what)
