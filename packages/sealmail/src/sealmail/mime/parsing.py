"""Takes a message apart in one pass over its bytes, without copying or changing any of them.

Never raises on bytes of any kind; what is wrong becomes a defect of the part. Lines end in CRLF or LF, mixed as they
come; a lone CR ends a line only in a message without any LF, since elsewhere it is content and could smuggle a header
past others. Nothing is recursive and nothing is looked at twice, so time and memory are linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sealmail.mime.headers import Field, Headers, Structured, structured
from sealmail.mime.limits import Defect, Limits
from sealmail.mime.part import MESSAGE_TYPES, Part
from sealmail.mime.transfer import TransferEncoding, transfer_encoding

_TYPE = re.compile(r"[^\s/;()<>@,:\"\[\]=]+/[^\s/;()<>@,:\"\[\]=]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")  # RFC 5322 §2.2, §4.5


def parse(raw: bytes, limits: Limits = Limits()) -> Part:  # noqa: B008  # a frozen value
    """The tree of parts of `raw`, a whole message or a single entity. Never raises; past `limits` the tree is cut."""
    return _Parser(bytes(raw), limits).run()


@dataclass(slots=True)
class _Open:
    """A part whose end is not known yet."""

    start: int
    body_start: int
    headers: Headers
    content_type: str
    params: dict[str, str]
    defects: list[Defect]
    boundary: bytes | None = None
    preamble_end: int | None = None
    epilogue_start: int | None = None
    children: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """A delimiter line: where it starts, where the next line starts, whose it is, and whether it is the closing one."""

    start: int
    end: int
    level: int
    closes: bool


class _Parser:
    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.end = min(len(raw), limits.max_bytes)
        self.newline = b"\n" if raw.find(b"\n", 0, self.end) >= 0 else b"\r"
        self.open: list[_Open] = []
        # A delimiter line -> the levels that it belongs to, innermost last, and whether it closes that level.
        self.delimiters: dict[bytes, list[tuple[int, bool]]] = {}
        self.parts = self.fields = 0

    def run(self) -> Part:
        position = self.enter(0, "text/plain")
        if len(self.raw) > self.end:
            self.open[0].defects.append(Defect.TOO_LARGE)
        while self.delimiters and (line := self.next_delimiter(position)):
            position = self.divide(line)
        while len(self.open) > 1:
            self.leave(self.end)
        return self.finished(self.open.pop(), self.end)

    def enter(self, position: int, default_type: str) -> int:
        """Opens the part that starts at `position`, and a message in it; returns where the innermost body starts."""
        while True:
            part = self.headed(position, default_type)
            self.open.append(part)
            self.parts += 1
            position, default_type = part.body_start, "text/plain"
            if not self.holds_message(part):
                return position

    def headed(self, position: int, default_type: str) -> _Open:
        headers, body_start, defects = self.read_headers(position)
        content = _content(headers, default_type, defects)
        part = _Open(position, body_start, headers, content.value, content.params, defects)
        encoding = transfer_encoding(headers.first("content-transfer-encoding"))
        if encoding is TransferEncoding.UNKNOWN:
            defects.append(Defect.UNKNOWN_ENCODING)
        if content.value.startswith("multipart/"):
            self.expect_parts(part)
        if encoding is not TransferEncoding.IDENTITY and content.value.startswith(("multipart/", "message/rfc822")):
            defects.append(Defect.ENCODED_CONTAINER)
        return part

    def expect_parts(self, part: _Open) -> None:
        level = len(self.open)
        if level >= self.limits.max_depth:
            part.defects.append(Defect.TOO_DEEP)
            return
        boundary = part.boundary = part.params["boundary"].encode("utf-8", "replace")
        self.delimiters.setdefault(b"--" + boundary, []).append((level, False))
        self.delimiters.setdefault(b"--" + boundary + b"--", []).append((level, True))

    def holds_message(self, part: _Open) -> bool:
        if part.content_type not in MESSAGE_TYPES or Defect.ENCODED_CONTAINER in part.defects:
            return False
        if len(self.open) > self.limits.max_depth:
            part.defects.append(Defect.TOO_DEEP)
            return False
        if self.parts >= self.limits.max_parts:
            part.defects.append(Defect.TOO_MANY_PARTS)
            return False
        return True

    def read_headers(self, start: int) -> tuple[Headers, int, list[Defect]]:
        """The fields from `start` on, where the body starts, and what was wrong with them."""
        defects: list[Defect] = []
        spans: list[tuple[str, int, int]] = []
        position = start
        while position < self.end:
            end = self.line_end(position)
            first = self.raw[position]
            if first in b"\r\n" and not self.raw[position:end].strip(b"\r\n"):
                position = end
                break
            if end - start > self.limits.max_header_bytes or self.fields + len(spans) >= self.limits.max_fields:
                defects.append(Defect.HEADERS_TOO_LARGE)
                position = self.after_blank_line(position)
                break
            if first in b" \t" and spans:
                spans[-1] = (*spans[-1][:2], end)
            elif match := _FIELD.match(self.raw, position, end):
                spans.append((match[1].decode("ascii"), match.end(), end))
            elif self.is_delimiter(position, end):
                break
            elif position > start or not self.raw.startswith((b"From ", b">From "), position):
                # The first line of a mailbox file's mail is no field and no mistake; any other one is.
                defects.append(Defect.HEADERS_UNENDED if spans else Defect.NO_HEADERS)
                break
            position = end
        self.fields += len(spans)
        return Headers([Field(name, self.raw[a:b].rstrip(b"\r\n")) for name, a, b in spans]), position, defects

    def after_blank_line(self, position: int) -> int:
        newline = self.newline
        found = [(self.raw.find(blank, position, self.end), len(blank)) for blank in (newline * 2, b"\n\r\n")]
        return min((at + length for at, length in found if at >= 0), default=self.end)

    def line_end(self, position: int) -> int:
        found = self.raw.find(self.newline, position, self.end)
        return self.end if found < 0 else found + 1

    def is_delimiter(self, start: int, end: int) -> list[tuple[int, bool]] | None:
        # White space may have been added after a delimiter on the way (RFC 2046 §5.1.1).
        return self.delimiters.get(self.raw[start:end].rstrip(b" \t\r\n"))

    def next_delimiter(self, position: int) -> _Line | None:
        """The first line from `position` on, itself the start of a line, that delimits an open multipart."""
        dashes = self.newline + b"--"
        while position < self.end:
            if self.raw.startswith(b"--", position):
                end = self.line_end(position)
                if levels := self.is_delimiter(position, end):
                    return _Line(position, end, *levels[-1])
            # Base64 has no dash in it, and a single octet is sought many times faster than three.
            dash = self.raw.find(b"-", position, self.end)
            position = self.raw.find(dashes, max(dash - 1, position), self.end) + 1
            if dash < 0 or not position:
                return None
        return None

    def divide(self, line: _Line) -> int:
        """Ends what stands before a delimiter, and begins what follows it; returns where to go on."""
        end = self.before_line_end(line.start)
        while len(self.open) - 1 > line.level:
            self.leave(end)
        multipart = self.open[line.level]
        if multipart.preamble_end is None:
            multipart.preamble_end = end
        if line.closes:
            multipart.epilogue_start = line.end
            self.forget(multipart)
            return line.end
        if self.parts >= self.limits.max_parts:
            multipart.defects.append(Defect.TOO_MANY_PARTS)
            multipart.epilogue_start = line.start
            self.delimiters.clear()
            return line.end
        # RFC 2046 §5.1.5
        is_digest = multipart.content_type == "multipart/digest"
        return self.enter(line.end, "message/rfc822" if is_digest else "text/plain")

    def before_line_end(self, start: int) -> int:
        if not start:
            return start
        return start - 2 if self.raw[max(start - 2, 0) : start] == b"\r\n" else start - 1

    def leave(self, end: int) -> None:
        part = self.open.pop()
        self.open[-1].children.append(self.finished(part, end))

    def forget(self, multipart: _Open) -> None:
        if multipart.boundary is not None and self.delimiters:
            self.delimiters_of(multipart.boundary)
            self.delimiters_of(multipart.boundary + b"--")

    def delimiters_of(self, boundary: bytes) -> None:
        levels = self.delimiters[b"--" + boundary]
        levels.pop()
        if not levels:
            del self.delimiters[b"--" + boundary]

    def finished(self, part: _Open, end: int) -> Part:
        if part.boundary is not None and part.epilogue_start is None:
            part.defects.append(Defect.UNCLOSED_MULTIPART)
            self.forget(part)
        if part.boundary is not None and not part.children:
            part.defects.append(Defect.BOUNDARY_NOT_FOUND)
        # A part of no bytes at all would start after the line end that belongs to the next delimiter.
        body_start = min(part.body_start, end)
        preamble_end = body_start if part.boundary is None else end if part.preamble_end is None else part.preamble_end
        return Part(
            source=self.raw,
            start=min(part.start, end),
            body_start=body_start,
            end=end,
            preamble_end=min(max(preamble_end, body_start), end),
            epilogue_start=end if part.epilogue_start is None else min(part.epilogue_start, end),
            headers=part.headers,
            content_type=part.content_type,
            params=part.params,
            children=tuple(part.children),
            defects=tuple(part.defects),
        )


def _content(headers: Headers, default_type: str, defects: list[Defect]) -> Structured:
    given = headers.named("content-type")
    if not given:
        return Structured(default_type, {})
    if len(given) > 1:
        defects.append(Defect.REPEATED_CONTENT_TYPE)
    content = structured(given[0].value)
    if not _TYPE.fullmatch(content.value):
        defects.append(Defect.BAD_CONTENT_TYPE)
        return Structured("text/plain", content.params)
    if content.value.startswith("multipart/"):
        # A boundary does not end in white space (RFC 2046 §5.1.1).
        boundary = content.params.get("boundary", "").rstrip(" \t")
        if not boundary:
            defects.append(Defect.NO_BOUNDARY)
            return Structured("text/plain", content.params)
        return Structured(content.value, {**content.params, "boundary": boundary})
    return content
