"""How much of a message is taken apart, and what can be wrong with a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sealmail.errors import UsageError

_DEEPEST = 200  # the tree is walked by recursion in places


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Budgets for one message. Past them the tree ends there with a defect; nothing raises.

    `max_bytes` and `max_header_bytes` count octets (the latter for each part), `max_fields` the header fields of the
    whole message, `max_depth` the levels below the root (200 at most). Raises UsageError where a limit makes no sense.
    """

    max_depth: int = 50
    max_parts: int = 1000
    max_bytes: int = 64 * 1024 * 1024
    max_header_bytes: int = 1024 * 1024
    max_fields: int = 20_000

    def __post_init__(self) -> None:
        if min(self.max_depth, self.max_parts, self.max_bytes, self.max_header_bytes, self.max_fields) < 1:
            raise UsageError("A limit is at least 1.")
        if self.max_depth > _DEEPEST:
            raise UsageError(f"A part tree is at most {_DEEPEST} levels deep.")


class Defect(StrEnum):
    """What is wrong with a part; the tree is usable all the same."""

    TOO_LARGE = "too_large"  # the message was cut at max_bytes
    TOO_DEEP = "too_deep"  # the part was not taken apart
    TOO_MANY_PARTS = "too_many_parts"  # what follows the last part is in the epilogue
    HEADERS_TOO_LARGE = "headers_too_large"  # fields past the limit are not listed
    NO_HEADERS = "no_headers"  # the first line is no header field
    HEADERS_UNENDED = "headers_unended"  # a line that is no field stands where the blank line belongs
    BAD_CONTENT_TYPE = "bad_content_type"  # not type/subtype: read as text/plain (RFC 2045 §5.2)
    REPEATED_CONTENT_TYPE = "repeated_content_type"  # the first one counts
    NO_BOUNDARY = "no_boundary"  # a multipart without a boundary parameter is text/plain
    BOUNDARY_NOT_FOUND = "boundary_not_found"  # a multipart without a single part
    UNCLOSED_MULTIPART = "unclosed_multipart"  # the closing delimiter is missing
    ENCODED_CONTAINER = "encoded_container"  # RFC 2046 §5.2.1: containers are not transfer-encoded
    UNKNOWN_ENCODING = "unknown_encoding"  # the body is given as it came
