"""Whether plain text can be what a mail holds, or only what a cipher makes of bytes that were never encrypted with it.

A cipher without authentication answers every key and every change with plain text of some kind. Somebody who has a mail
in AES-GCM can send its blocks again as AES-CBC and hope to see what comes out (RFC 9709 §1); a random key in the place
of a wrong one gives the same sort of noise. Noise is not shown. Called by `decrypting`.
"""

from __future__ import annotations

import re

from sealmail.smime import cms

_HEAD_BYTES = 8192
_BODY_BYTES = 1024 * 1024
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FIRST_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")  # RFC 5322 §2.2
# TAB, LF, FF and CR are text; ESC opens the character sets of ISO-2022.
_CONTROLS = bytes(octet for octet in range(32) if octet not in b"\t\n\f\r\x1b") + b"\x7f"
_NOT_TEXT = re.compile(rb"(?im)^content-type[ \t]*:\s*(?!text/)[a-z]|charset\s*=\s*\"?utf-?(?:16|32)")


def may_be_mail(content: bytes) -> bool:
    """Whether the content is a MIME entity, bare text, or CMS without MIME around it.

    A head must be text without control characters: with a header field at its start (then in any character set), or in
    UTF-8. The body of a text part may hold a few control characters; bodies of other types are not looked at.
    """
    if cms.kind(content) not in {None, cms.CMSKind.OTHER}:
        return True
    head, body = _divided(content)
    if head.translate(None, _CONTROLS) != head:
        return False
    if _FIRST_FIELD.match(head) is None and not _is_utf8(head):
        return False
    return _NOT_TEXT.search(head) is not None or _is_mostly_text(body)


def _divided(content: bytes) -> tuple[bytes, bytes]:
    """Header fields, or the beginning of bare text; and the beginning of what follows."""
    start = content[:_HEAD_BYTES].lstrip(b"\r\n")
    offset = len(content[:_HEAD_BYTES]) - len(start)
    end = _END_OF_HEAD.search(start)
    size = len(start) if end is None else end.start()
    return start[:size], content[offset + size : offset + size + _BODY_BYTES]


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The head may be cut within its last character.
        return error.start >= _HEAD_BYTES - 4 and error.reason == "unexpected end of data"
    return True


def _is_mostly_text(body: bytes) -> bool:
    """Noise has a control character in nine; honest text has none, and damaged text a few."""
    return (len(body) - len(body.translate(None, _CONTROLS))) * 20 <= len(body)
