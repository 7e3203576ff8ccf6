"""Messages as trees of parts with exact byte ranges, and the making of new ones. No keys, no trust, no sockets, no
clock."""

from sealmail.mime.building import (
    Draft,
    DraftAttachment,
    build_entity,
    build_headers,
    build_message,
    draft_from_message,
    is_seven_bit,
    multipart,
)
from sealmail.mime.content import Attachment, MainText, attachments, main_text, safe_name
from sealmail.mime.fields import fields_to_bytes
from sealmail.mime.headers import Field, Headers
from sealmail.mime.html import html_to_text
from sealmail.mime.limits import Defect, Limits
from sealmail.mime.parsing import parse
from sealmail.mime.part import Part
from sealmail.mime.protected import (
    ProtectedHeaders,
    ProtectedStyle,
    is_legacy_display,
    protected_headers,
    unwrap_rfc8551,
)
from sealmail.mime.protecting import protect_headers
from sealmail.mime.text import text_of
from sealmail.mime.transfer import TransferEncoding, canonical_line_ends

__all__ = [
    "Attachment",
    "Defect",
    "Draft",
    "DraftAttachment",
    "Field",
    "Headers",
    "Limits",
    "MainText",
    "Part",
    "ProtectedHeaders",
    "ProtectedStyle",
    "TransferEncoding",
    "attachments",
    "build_entity",
    "build_headers",
    "build_message",
    "canonical_line_ends",
    "draft_from_message",
    "fields_to_bytes",
    "html_to_text",
    "is_legacy_display",
    "is_seven_bit",
    "main_text",
    "multipart",
    "parse",
    "protect_headers",
    "protected_headers",
    "safe_name",
    "text_of",
    "unwrap_rfc8551",
]
