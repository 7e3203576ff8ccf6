"""From a MIME tree to what a reader sees: main text, HTML and attachments."""

from __future__ import annotations

import hashlib

from sealmail import mime
from sealmail.mime import Part
from sealmail.opening.recognition import carries_sealing_only
from sealmail.opening.result import Content, OpenedAttachment


def read_content(payload: Part, *, sealed: bool, apart: frozenset[int] = frozenset()) -> Content:
    """The content of a part. `sealed`: it is a cryptographic payload, so legacy display parts are taken away
    (RFC 9788 §5.2.2). `apart`: ids (`id()`) of parts that are shown elsewhere and left out here.
    """
    main = mime.main_text(payload, legacy_display=sealed)
    hidden = {id(inner) for part in payload.walk() if id(part) in apart for inner in part.walk()} | _sealing_parts(
        payload
    )
    return Content(
        text=main.text,
        html=main.html,
        attachments=tuple(
            _attachment(attachment) for attachment in mime.attachments(payload) if id(attachment.part) not in hidden
        ),
    )


def unopened_content(part: Part) -> Content:
    """The encrypted body of a layer that did not open, as an attachment, so that nothing is lost."""
    body = part
    if part.children:
        body = next((child for child in part.children if child.content_type != "application/pgp-encrypted"), part)
    fallback = "encrypted.asc" if part.children else "smime.p7m"
    return Content(attachments=(_file(body.filename or fallback, body.content_type, body.decoded(), None),))


def _sealing_parts(root: Part) -> frozenset[int]:
    return frozenset(id(child) for part in root.walk() for child in part.children if carries_sealing_only(child, part))


def _attachment(attachment: mime.Attachment) -> OpenedAttachment:
    part = attachment.part
    data = part.body if part.content_type == "message/rfc822" and part.children else part.decoded()
    return _file(attachment.name, attachment.content_type, data, attachment.inline_cid)


def _file(name: str, content_type: str, data: bytes, content_id: str | None) -> OpenedAttachment:
    return OpenedAttachment(
        name=name,
        content_type=content_type,
        data=data,
        content_id=content_id,
        sha256=hashlib.sha256(data).hexdigest(),
    )
