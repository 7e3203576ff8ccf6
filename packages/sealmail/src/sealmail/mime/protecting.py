"""Puts header fields inside what is signed or encrypted (RFC 9788 §5.2). It neither signs nor encrypts."""

from __future__ import annotations

from sealmail.mime.fields import fields_to_bytes, parameter_field
from sealmail.mime.headers import Field, Headers
from sealmail.mime.parsing import parse

# RFC 9788 §3.2.1 (the baseline policy): these fields say what the message is about.
_HIDDEN_SUBJECT = b" [...]"
_TALKATIVE = ("comments", "keywords")
_NEVER_COPIED = ("bcc", "content-*", "mime-version", "hp-outer")


def protect_headers(
    headers: Headers, entity: bytes, *, encrypted: bool, hide_subject: bool = False
) -> tuple[Headers, bytes]:
    """The fields for the outside of a message, and `entity` with all of `headers` in it.

    Where the entity is going to be `encrypted`, it records what the outside shows, and `hide_subject` replaces the
    Subject outside and leaves Comments and Keywords out; without encryption nothing is hidden. Raises UsageError where
    a field cannot be written safely.
    """
    inner = parse(fields_to_bytes(headers.without(*_NEVER_COPIED)) + b"\r\n").headers
    outer = _without_subject(inner) if encrypted and hide_subject else inner
    copies = Headers([_copy(field) for field in outer] if encrypted else [])
    part = parse(entity)
    content = [field for field in part.headers if field.name.lower() not in {"content-type", "hp-outer"}]
    head = fields_to_bytes(inner) + fields_to_bytes(copies)
    head += parameter_field(
        "Content-Type", part.content_type, {**part.params, "hp": "cipher" if encrypted else "clear"}
    )
    return outer, head + fields_to_bytes(Headers(content)) + b"\r\n" + part.body


def _without_subject(headers: Headers) -> Headers:
    fields = headers.without(*_TALKATIVE)
    return Headers([Field(f.name, _HIDDEN_SUBJECT) if f.name.lower() == "subject" else f for f in fields])


def _copy(field: Field) -> Field:
    return Field("HP-Outer", b" " + field.name.encode("ascii") + b":" + field.raw)
