"""New messages: from a draft to the bytes that are signed, encrypted and sent.

Every entity made here is safe to be signed: seven-bit, CRLF, short lines, nothing at a line's end or start that a
server might change (RFC 3156 §5, RFC 8551 §3.1). It signs and sends nothing and asks no clock: what is in the draft is
all there is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from sealmail.addresses import Mailbox
from sealmail.errors import UsageError
from sealmail.mime.fields import (
    address_field,
    ascii_field,
    fields_to_bytes,
    message_id_text,
    parameter_field,
    unstructured_field,
)
from sealmail.mime.headers import Headers, structured
from sealmail.mime.parsing import parse
from sealmail.mime.part import Part
from sealmail.mime.transfer import TransferEncoding, canonical_line_ends, encode_base64, encode_quoted_printable

_LONGEST_LINE = 998  # RFC 5322 §2.1.1
_LARGEST_QUOTED = 1024 * 1024
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
_TOKEN = re.compile(r"[A-Za-z0-9_.:+-]{1,40}")
_VIOLATED = (b" \r\n", b"\t\r\n", b"\nFrom ")
_CONTROLS = bytes(set(range(1, 32)) - set(b"\t\r\n"))
_OWN_FIELDS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "references", "mime-version"}
)


@dataclass(frozen=True, slots=True)
class DraftAttachment:
    """A file to be attached: its name as shown, its type, its bytes."""

    name: str = field(repr=False)
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that is to be sent. `date` is aware; `message_id`, `in_reply_to` and `references` with or without
    brackets.

    `extra` are further header fields, names and values; values outside of ASCII are written as encoded words.
    """

    from_: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    attachments: tuple[DraftAttachment, ...] = ()
    message_id: str | None = None
    date: datetime | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def build_message(draft: Draft, *, bcc: bool = False) -> bytes:
    """The whole message of `draft`, unsealed. Raises UsageError as `build_headers` does."""
    return build_headers(draft, bcc=bcc) + build_entity(draft)


def build_headers(draft: Draft, *, bcc: bool = False) -> bytes:
    """The header fields of `draft` without Content-*, each line ended, no blank line after them.

    Bcc is written only where asked for. References that are not written as message ids are left out, since they come
    from other people's mail. Raises UsageError for anything that could end a line, and for addresses that do not parse.
    """
    if not draft.from_:
        raise UsageError("A message has a sender.")
    lists = [("From", draft.from_), ("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc if bcc else ())]
    fields = [address_field(name, mailboxes) for name, mailboxes in lists if mailboxes]
    fields.append(unstructured_field("Subject", draft.subject))
    fields += _origin_fields(draft)
    fields += [_extra_field(name, value) for name, value in draft.extra]
    return b"".join([*fields, b"MIME-Version: 1.0\r\n"])


def build_entity(draft: Draft, *, root_params: Mapping[str, str] | None = None) -> bytes:
    """The MIME entity of `draft`: Content-* fields, blank line, body; seven-bit and with CRLF throughout.

    `root_params` are added to the Content-Type of the outermost part, as header protection asks (RFC 9788 §2.1).
    """
    extra = dict(root_params or {})
    at_body = {} if draft.attachments else extra
    body = _text_part("plain", draft.text, at_body if draft.html is None else {})
    if draft.html is not None:
        body = multipart("alternative", [body, _text_part("html", draft.html, {})], at_body)
    if not draft.attachments:
        return body
    return multipart("mixed", [body, *map(_attachment_part, draft.attachments)], extra)


def multipart(
    subtype: str, parts: Sequence[bytes], params: Mapping[str, str] | None = None, *, boundary: str | None = None
) -> bytes:
    """A multipart of `parts`, whose bytes stay exactly as they are, with a boundary that occurs in none of them.

    Raises UsageError where a given `boundary` is used by a part already.
    """
    mark = boundary or _fresh_boundary(parts)
    delimiter = b"--" + mark.encode("ascii")
    if any(delimiter in part for part in parts) or not re.fullmatch(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", mark):
        raise UsageError("A boundary is up to 70 plain characters that occur in no part.")
    head = parameter_field("Content-Type", f"multipart/{subtype}", {**(params or {}), "boundary": mark})
    between = b"\r\n" + delimiter + b"\r\n"
    bodies = (piece for part in parts for piece in (between, part))
    # Joined in one step: parts may be large.
    return b"".join((head, *bodies, b"\r\n", delimiter, b"--\r\n"))


def draft_from_message(raw: bytes) -> tuple[Headers, bytes]:
    """The header fields of a message without Content-* and MIME-Version, and its MIME entity in seven-bit canonical
    form.

    What can travel as it is keeps its bytes, but for line ends; leaves that a server might change are encoded anew.
    What must not be encoded (RFC 2046 §5.2.1, RFC 1847 §2.1), a whole message or signed content, keeps its bytes: as it
    is where it is seven-bit, else attached as a file. Raises UsageError where a header field cannot be written safely.
    """
    root = parse(raw)
    return root.headers.without("content-*", "mime-version"), _seven_bit(root)


def is_seven_bit(data: bytes) -> bool:
    """Whether `data` can travel as it is: ASCII, CRLF line ends, no NUL, lines of at most 998 octets (RFC 2045
    §2.7)."""
    return _has_plain_lines(data) and _longest_line(data) <= _LONGEST_LINE


def _has_plain_lines(data: bytes) -> bool:
    ends = data.count(b"\r\n")
    return data.isascii() and b"\x00" not in data and ends == data.count(b"\n") == data.count(b"\r")


def _longest_line(data: bytes) -> int:
    return max(map(len, data.split(b"\r\n")))


def _origin_fields(draft: Draft) -> list[bytes]:
    fields = []
    if draft.date is not None:
        if draft.date.tzinfo is None:
            raise UsageError("The date of a message has a time zone.")
        fields.append(ascii_field("Date", format_datetime(draft.date)))
    if draft.message_id is not None:
        message_id = message_id_text(draft.message_id)
        if message_id is None:
            raise UsageError("A message id is printable ASCII without spaces.")
        fields.append(ascii_field("Message-ID", message_id))
    for name, ids in (("In-Reply-To", [draft.in_reply_to or ""]), ("References", draft.references)):
        if usable := [written for written in map(message_id_text, ids) if written]:
            fields.append(ascii_field(name, " ".join(usable)))
    return fields


def _extra_field(name: str, value: str) -> bytes:
    if name.lower() in _OWN_FIELDS or name.lower().startswith("content-"):
        raise UsageError("An extra header field is none that the draft writes by itself.")
    return ascii_field(name, value) if value.isascii() else unstructured_field(name, value)


def _text_part(subtype: str, text: str, params: Mapping[str, str]) -> bytes:
    octets = canonical_line_ends(text.encode("utf-8", "replace"))
    charset = "us-ascii" if octets.isascii() else "utf-8"
    head = parameter_field("Content-Type", f"text/{subtype}", {"charset": charset, **params})
    return head + _encoded_text(octets)


def _encoded_text(octets: bytes) -> bytes:
    """Content-Transfer-Encoding, blank line and body for canonical text."""
    if _is_inviolable(octets):
        return _encoding_field("7bit") + octets
    foreign = 0 if octets.isascii() else len(octets) - len(octets.decode("utf-8", "ignore").encode("ascii", "ignore"))
    if foreign * 3 > len(octets) or len(octets) > _LARGEST_QUOTED:
        return _encoding_field("base64") + encode_base64(octets)
    return _encoding_field("quoted-printable") + encode_quoted_printable(octets)


def _is_inviolable(octets: bytes) -> bool:
    # RFC 3156 §5: servers strip spaces at a line's end, and put ">" before "From ".
    if _longest_line(octets) > 76 or not _has_plain_lines(octets):
        return False
    if octets.startswith(b"From ") or octets.endswith((b" ", b"\t")):
        return False
    return not any(mark in octets for mark in _VIOLATED) and len(octets.translate(None, _CONTROLS)) == len(octets)


def _encoding_field(encoding: str) -> bytes:
    return b"Content-Transfer-Encoding: " + encoding.encode("ascii") + b"\r\n\r\n"


def _attachment_part(attachment: DraftAttachment) -> bytes:
    content = structured(attachment.content_type)
    is_message = content.value == "message/rfc822"
    octets = canonical_line_ends(attachment.data) if is_message else attachment.data
    is_whole = is_message and is_seven_bit(octets)
    content_type = content.value if _TYPE.fullmatch(content.value) else "application/octet-stream"
    if content_type.startswith(("multipart/", "message/")) and not is_whole:
        # RFC 2046 §5.2.1: these are never encoded. As a file the message keeps every byte.
        content_type, octets = "application/octet-stream", attachment.data
    return _file_part(content_type, content.params.get("charset"), attachment.name, octets, is_whole=is_whole)


def _file_part(content_type: str, charset: str | None, name: str, octets: bytes, *, is_whole: bool) -> bytes:
    shown = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", name).split()) or "attachment"
    params = {"charset": charset} if charset and _TOKEN.fullmatch(charset) else {}
    head = parameter_field("Content-Type", content_type, {**params, "name": shown})
    head += parameter_field("Content-Disposition", "attachment", {"filename": shown})
    if is_whole:
        return b"".join((head, _encoding_field("7bit"), octets))
    return b"".join((head, _encoding_field("base64"), encode_base64(octets)))


def _fresh_boundary(parts: Sequence[bytes]) -> str:
    while True:
        # "=_" occurs neither in base64 nor in quoted-printable (RFC 2045 §6.7).
        mark = f"=_{secrets.token_hex(16)}"
        if not any(mark.encode("ascii") in part for part in parts):
            return mark


def _seven_bit(part: Part) -> bytes:
    given = Headers([f for f in part.headers if f.name.lower().startswith("content-")])
    body = canonical_line_ends(part.body)
    if is_seven_bit(body) and not _is_violable(part):
        return fields_to_bytes(given) + b"\r\n" + body
    if part.is_multipart and part.children and part.content_type not in _SEALED:
        params = {name: value for name, value in part.params.items() if name != "boundary"}
        rest = fields_to_bytes(given.without("content-type", "content-transfer-encoding"))
        return rest + multipart(part.content_type.partition("/")[2], list(map(_seven_bit, part.children)), params)
    if part.is_message or part.is_multipart:
        return _file_part("application/octet-stream", None, part.filename or "message.eml", part.body, is_whole=False)
    return _leaf_anew(part, given)


_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})


def _is_violable(part: Part) -> bool:
    """Whether a leaf in it would be changed on the way, and can be encoded so that it is not."""
    if part.is_message or part.content_type in _SEALED:
        return False
    if part.is_multipart and part.children:
        return any(map(_is_violable, part.children))
    body = b"\r\n" + canonical_line_ends(part.body)
    return body.endswith((b" ", b"\t")) or any(mark in body for mark in _VIOLATED)


def _leaf_anew(part: Part, given: Headers) -> bytes:
    head = fields_to_bytes(given.without("content-transfer-encoding"))
    octets = part.decoded()
    if not given.has("content-type"):
        head += parameter_field("Content-Type", "text/plain", {"charset": _likely_charset(octets)})
    if part.content_type.startswith("text/") and part.transfer_encoding is not TransferEncoding.BASE64:
        return head + _encoded_text(canonical_line_ends(octets))
    return head + _encoding_field("base64") + encode_base64(octets)


def _likely_charset(octets: bytes) -> str:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"
