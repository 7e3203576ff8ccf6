"""Header fields as bytes: folded, encoded, and closed to injection. Reading them is the business of `headers`.

Everything that cannot stand in a header (line ends, control characters, addresses that do not parse) raises UsageError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from sealmail.addresses import Mailbox, parse, parse_list
from sealmail.errors import UsageError
from sealmail.mime.headers import Field, Headers, structured
from sealmail.mime.transfer import canonical_line_ends
from sealmail.words import encode_words

_LINE = 76
_LONGEST_LINE = 998  # RFC 5322 §2.1.1
_NAME = re.compile(r"[!-9;-~]{1,70}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}")
_ADDRESS_FIELDS = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-to", "resent-cc"})
_PARAM_FIELDS = frozenset({"content-type", "content-disposition"})


def unstructured_field(name: str, text: str) -> bytes:
    """A field of free text (RFC 5322 §3.6.5), in encoded words where ASCII does not do."""
    text = text.replace("\t", " ")
    words = text.split(" ")
    is_plain = text.isascii() and "=?" not in text and all(words) and max(map(len, words)) < _LINE - len(name)
    if is_plain and not _CONTROL.search(text):
        return ascii_field(name, text)
    return _line(name, encode_words(text, first_line=len(name) + 2) if text else "")


def ascii_field(name: str, value: str) -> bytes:
    """A field whose ASCII value is written as it is, folded at its spaces."""
    if not value.isascii() or _CONTROL.search(value):
        raise UsageError("The value of a structured header field is printable ASCII on one line.")
    lines = [""]
    for word in value.split():
        used = len(lines[-1]) + (len(name) + 1 if len(lines) == 1 else 0)
        if lines[-1] and used + 1 + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return _line(name, "\r\n ".join(lines))


def address_field(name: str, mailboxes: Sequence[Mailbox]) -> bytes:
    """A field that lists mailboxes (RFC 5322 §3.4), one to a line where they do not fit on one."""
    written = [mailbox_text(mailbox) for mailbox in mailboxes]
    one_line = ", ".join(written)
    fits = len(name) + 2 + len(one_line) <= _LINE and "\r\n" not in one_line
    return _line(name, one_line if fits else ",\r\n ".join(written))


def mailbox_text(mailbox: Mailbox) -> str:
    """`Name <local@domain>`, the name quoted or encoded where needed, the domain in A-labels.

    A local part outside of ASCII needs a transport that not every server offers (RFC 6531), and is refused.
    """
    address = parse(mailbox.address)
    if address is None or not address.local.isascii():
        raise UsageError("An address in a header is one valid address with an ASCII local part.")
    spec = f"{mailbox.address.rpartition('@')[0]}@{address.domain}"
    name = mailbox.name.strip()
    if not name:
        return spec
    if name.isascii() and "=?" not in name and len(name) < _LINE and not _CONTROL.search(name):
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{name if _PLAIN_NAME.fullmatch(name) else quoted} <{spec}>"
    # 14 is more than the longest name of an address field takes before the first word.
    return f"{encode_words(name, first_line=14)}\r\n <{spec}>"


def message_id_text(message_id: str) -> str | None:
    """`<id>`, or None where `message_id`, with or without brackets, is none that may be written."""
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    return f"<{bare}>" if _MESSAGE_ID.fullmatch(bare) else None


def parameter_field(name: str, value: str, params: Mapping[str, str]) -> bytes:
    """A field with parameters (RFC 2045 §5.1), each on a line of its own, long and foreign ones as RFC 2231 says."""
    return _line(name, ";\r\n ".join([value, *(piece for item in params.items() for piece in _param(*item))]))


def fields_to_bytes(headers: Headers) -> bytes:
    """The fields as bytes: ASCII ones with lines that may travel as they came with CRLF line ends, others anew."""
    return b"".join(_rendered(field) for field in headers)


_ONE_LINE = re.compile(rb"[\t -~]{0,900}")  # with the longest name within what a line may have
_LINE_ENDED = re.compile(rb"\r(?!\n)|\n(?![ \t])|\x00")


def _rendered(field: Field) -> bytes:
    if _NAME.fullmatch(field.name) and _ONE_LINE.fullmatch(field.raw):
        return b"%b:%b\r\n" % (field.name.encode("ascii"), field.raw)
    raw = canonical_line_ends(field.raw)
    if not raw.isascii() or max(map(len, raw.split(b"\r\n"))) + len(field.name) + 1 > _LONGEST_LINE:
        return _encoded_anew(field)
    if _LINE_ENDED.search(raw):
        raise UsageError("A header field cannot hold line ends or NUL.")
    _line(field.name, "")
    return field.name.encode("ascii") + b":" + raw + b"\r\n"


def _encoded_anew(field: Field) -> bytes:
    name = field.name.lower()
    if name in _ADDRESS_FIELDS:
        return address_field(field.name, parse_list(field.value).mailboxes)
    if name in _PARAM_FIELDS:
        content = structured(field.value)
        return parameter_field(field.name, content.value, content.params)
    return unstructured_field(field.name, _CONTROL.sub(" ", field.value))


_NOT_IN_FIELD = re.compile(r"\r(?!\n )|(?<!\r)\n|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _line(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise UsageError("The name of a header field is printable ASCII without a colon.")
    if _NOT_IN_FIELD.search(value) or not value.isascii():
        raise UsageError("A header field cannot hold line ends or control characters.")
    written = f"{name}: {value}" if value else f"{name}:"
    if max(map(len, written.split("\r\n"))) > _LONGEST_LINE:
        raise UsageError("A line of a header is at most 998 characters long.")
    return written.encode("ascii") + b"\r\n"


_PARAM_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def _param(name: str, value: str) -> list[str]:
    if not _PARAM_NAME.fullmatch(name) or _CONTROL.search(value):
        raise UsageError("A parameter has a plain name and no control characters.")
    quoted = re.sub(r'(["\\])', r"\\\1", value)
    if value.isascii() and "=?" not in value and len(name) + len(quoted) + 6 <= _LINE:
        return [f'{name}="{quoted}"']
    return _sections(name, value)


def _sections(name: str, value: str) -> list[str]:
    # RFC 2231 §4.1. A percent sign and its two digits stay together.
    octets = re.findall(r"%..|.", quote(value, safe="!#$&+-.^_`|~", errors="replace"))
    size = _LINE - len(name) - 16
    pieces = ["".join(octets[start : start + size // 3]) for start in range(0, len(octets), size // 3)]
    pieces[0] = "utf-8''" + pieces[0]
    return [f"{name}*{number}*={piece}" for number, piece in enumerate(pieces)]
