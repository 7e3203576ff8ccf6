"""One part of a message: where its bytes stand in the original, what its headers say, and the parts in it.

A part never holds a changed copy of anything: signatures are checked over slices of what arrived. Parts are made by
`sealmail.mime.parsing.parse` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sealmail.mime.headers import Headers, Structured, structured
from sealmail.mime.limits import Defect
from sealmail.mime.transfer import TransferEncoding, decode, transfer_encoding
from sealmail.words import decode_words

_MOST_REMEMBERED = 64 * 1024
"""Octets of a decoded body: small texts are looked at several times, large ones are too dear to be kept twice."""
MESSAGE_TYPES = frozenset({"message/rfc822", "message/global"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A MIME entity as it arrived. Two parts are equal only if they are the same part.

    `start` and `end` delimit the whole entity in `source`, `body_start` its body; `preamble_end` and `epilogue_start`
    delimit what stands before and after the parts of a multipart. `content_type` is what the part is read as: the
    default where the field is missing or unusable (RFC 2045 §5.2).
    """

    source: bytes = field(repr=False)
    start: int
    body_start: int
    end: int
    preamble_end: int
    epilogue_start: int
    headers: Headers = field(repr=False)
    content_type: str
    params: dict[str, str] = field(repr=False)
    children: tuple[Part, ...] = field(default=(), repr=False)
    defects: tuple[Defect, ...] = ()
    _decoded: list[bytes] = field(default_factory=list, init=False, repr=False)

    @property
    def body_end(self) -> int:
        """Where the body ends: where the entity ends."""
        return self.end

    @property
    def raw(self) -> bytes:
        """The same as `entity`."""
        return self.entity

    @property
    def entity(self) -> bytes:
        """The exact bytes of headers, blank line and body, without the line end that belongs to the delimiter after it.

        This is what a signature covers (RFC 1847 §2.1, RFC 2046 §5.1.1).
        """
        return self.source[self.start : self.end]

    @property
    def body(self) -> bytes:
        """The exact bytes after the blank line, still transfer-encoded."""
        return self.source[self.body_start : self.end]

    @property
    def preamble(self) -> bytes:
        """The bytes of a multipart before its first delimiter; empty for other parts."""
        return self.source[self.body_start : self.preamble_end]

    @property
    def epilogue(self) -> bytes:
        """The bytes of a multipart after its closing delimiter, or after the last part that the limits allowed."""
        return self.source[self.epilogue_start : self.end]

    @property
    def transfer_encoding(self) -> TransferEncoding:
        """How the body is encoded."""
        return transfer_encoding(self.headers.first("content-transfer-encoding"))

    def decoded(self) -> bytes:
        """The body with its transfer encoding undone; as it came where the encoding is unknown. Never raises."""
        if self._decoded:
            return self._decoded[0]
        octets = decode(self.body, self.transfer_encoding)
        if len(octets) <= _MOST_REMEMBERED:
            self._decoded.append(octets)
        return octets

    @property
    def disposition(self) -> str | None:
        """The Content-Disposition in lower case (`inline`, `attachment`), or None."""
        return self._disposition().value or None

    @property
    def filename(self) -> str | None:
        """The file name that the sender gave, from Content-Disposition or else Content-Type. Not safe to be used as a
        path."""
        return self._disposition().params.get("filename") or self.params.get("name") or None

    @property
    def content_id(self) -> str | None:
        """The Content-ID without its brackets, or None."""
        value = decode_words(self.headers.first("content-id") or "").strip()
        return value.removeprefix("<").removesuffix(">").strip() or None

    @property
    def is_multipart(self) -> bool:
        """Whether the part is a multipart, with or without parts in it."""
        return self.content_type.startswith("multipart/")

    @property
    def is_message(self) -> bool:
        """Whether the part is a message in itself."""
        return self.content_type in MESSAGE_TYPES

    def walk(self) -> Iterator[Part]:
        """This part and all below it, depth first, in the order of the message."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))

    def _disposition(self) -> Structured:
        return structured(self.headers.first("content-disposition") or "")
