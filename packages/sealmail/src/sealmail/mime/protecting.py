"""Writes header protection (RFC 9788 §3): the headers go inside the payload, and outside stays what may be seen."""

from __future__ import annotations

from sealmail.mime.headers import Field, Headers
from sealmail.mime.parsing import parse

OBSCURED_SUBJECT = b" [...]"
"""What stands outside in place of a hidden subject (RFC 9788 §3.2.1, the baseline policy)."""


def protect_headers(fields: Headers, entity: bytes, *, encrypted: bool, hide_subject: bool) -> tuple[Headers, bytes]:
    """The fields to stand outside, and the entity with all fields inside.

    `entity` is in canonical form. `encrypted` says whether the payload will be, for `hp="cipher"` with a record of
    what the outside shows (HP-Outer, §2.2); signed only is `hp="clear"`. Only an encrypted subject can be hidden.
    """
    outer = Headers([_obscured(field) if encrypted and hide_subject else field for field in fields])
    copies = [Field("HP-Outer", b" " + field.name.encode("ascii") + b":" + field.raw) for field in outer]
    inside = [*fields, *(copies if encrypted else [])]
    return outer, fields_to_bytes(Headers(inside)) + _marked(entity, "cipher" if encrypted else "clear")


def fields_to_bytes(fields: Headers) -> bytes:
    """Header lines, each with CRLF at its end."""
    return b"".join(field.name.encode("ascii", "replace") + b":" + _canonical(field.raw) + b"\r\n" for field in fields)


def _canonical(raw: bytes) -> bytes:
    return b"\r\n".join(raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n"))


def _obscured(field: Field) -> Field:
    return Field(field.name, OBSCURED_SUBJECT) if field.name.lower() == "subject" else field


def _marked(entity: bytes, mark: str) -> bytes:
    """The entity with the `hp` parameter on its Content-Type (RFC 9788 §2.1)."""
    head = parse(entity)
    given = head.headers.named("Content-Type")
    if not given:
        return f'Content-Type: text/plain; charset="us-ascii"; hp="{mark}"\r\n'.encode() + entity
    whole = given[0].name.encode("ascii") + b":" + given[0].raw.rstrip(b"\r\n")
    return entity.replace(whole, whole + f';\r\n hp="{mark}"'.encode(), 1)
