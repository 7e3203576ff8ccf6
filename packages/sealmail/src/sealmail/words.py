"""Bytes of a mail as text: character sets, and the encoded words of RFC 2047 in both directions.

It knows nothing of messages or parts. Nothing here raises on any input, except that `encode_words` refuses control
characters. Callers are `addresses` and `mime`.
"""

from __future__ import annotations

import binascii
import re

from sealmail.errors import UsageError

FALLBACK_CHARSET = "windows-1252"

# Codecs of Python that are no character sets of mail; two of them take quadratic time.
_NOT_FOR_MAIL = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf_8_sig"}
)

# What senders declare, and the superset that their programs really write (as browsers do it).
_REALLY_MEANT = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-2022-jp": "iso2022_jp_2",
    "windows-874": "cp874",
    "windows-31j": "cp932",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "cp-850": "cp850",
}

_ENCODED_WORD = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*)\?=")
_SURROGATES = re.compile("[\ud800-\udfff]+")


def decode_bytes(raw: bytes, charset: str | None) -> str:
    """The text of `raw`: by the declared character set where that fits, else as UTF-8, else as windows-1252. Never
    raises."""
    if charset is None and raw.isascii():
        return raw.decode("ascii")
    declared = _strictly(raw, charset) if charset else None
    if declared is None:
        declared = _strictly(raw, "utf-8")
    if declared is None:
        declared = _loosely(raw, charset)
    return declared if declared.isascii() else _SURROGATES.sub("�", declared.removeprefix("\ufeff"))


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded (RFC 2047 §6); what does not decode stays as it is. Never raises."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    pending: tuple[str, bytes] | None = None
    position = 0
    for match in _ENCODED_WORD.finditer(text):
        between = text[position : match.start()]
        word = _word(match)
        # White space between two encoded words is not shown (RFC 2047 §6.2).
        if pending is not None and (between.strip(" \t\r\n") or word is None):
            pieces.append(decode_bytes(pending[1], pending[0]))
            pending = None
        if pending is None:
            pieces.append(between)
        if word is None:
            pieces.append(match.group())
        elif pending is not None and pending[0] == word[0]:
            # Senders cut multi-byte characters across words of one charset, though RFC 2047 §5 forbids it.
            pending = (word[0], pending[1] + word[1])
        else:
            if pending is not None:
                pieces.append(decode_bytes(pending[1], pending[0]))
            pending = word
        position = match.end()
    if pending is not None:
        pieces.append(decode_bytes(pending[1], pending[0]))
    pieces.append(text[position:])
    return "".join(pieces)


def encode_words(text: str, *, first_line: int = 0) -> str:
    """`text` as encoded words in UTF-8, separated by folds; `first_line` is how many characters precede it on its line.

    Raises UsageError on control characters: a header takes no line ends from outside.
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError("A header field cannot hold control characters.")
    words: list[str] = []
    chunk = b""
    room = _room(first_line)
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            words.append(_base64_word(chunk))
            chunk, room = b"", _room(1)
        chunk += octets
    words.append(_base64_word(chunk))
    return "\r\n ".join(words)


def _room(used: int) -> int:
    # A line with an encoded word has at most 76 characters (RFC 2047 §2): 12 for the frame, 4 of base64 hold 3 octets.
    return max((76 - used - 12) // 4 * 3, 6)


def _base64_word(octets: bytes) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="


def _word(match: re.Match[str]) -> tuple[str, bytes] | None:
    charset, encoding, encoded = match.groups()
    charset = charset.partition("*")[0].lower()  # RFC 2231 §5: the language follows an asterisk
    try:
        octets = encoded.encode("ascii")
    except UnicodeEncodeError:
        return None
    if encoding in "qQ":
        return charset, binascii.a2b_qp(octets, header=True)
    octets = octets.replace(b" ", b"").rstrip(b"=")
    try:
        return charset, binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
    except binascii.Error:
        return None


def _strictly(raw: bytes, charset: str) -> str | None:
    name = _codec(charset)
    if name is None:
        return None
    try:
        return raw.decode(name)
    except (UnicodeError, LookupError, ValueError):
        return None


def _loosely(raw: bytes, charset: str | None) -> str:
    # A UTF-8 text with a few broken bytes stays UTF-8; one where most bytes above 127 break never was.
    name = (_codec(charset) if charset else None) or FALLBACK_CHARSET
    try:
        text = raw.decode(name, "replace")
    except (UnicodeError, LookupError, ValueError):
        return raw.decode(FALLBACK_CHARSET, "replace")
    broken = text.count("�")
    foreign = sum(1 for character in text if character > "\x7f") if broken else 0
    return raw.decode(FALLBACK_CHARSET, "replace") if broken * 2 > foreign else text


def _codec(charset: str) -> str | None:
    name = charset.strip(" \t\"'").lower()
    name = _REALLY_MEANT.get(name, name)
    # Names of codecs are short and plain; anything else would reach Python's import machinery.
    if (
        not name
        or len(name) > 40
        or not re.fullmatch(r"[a-z0-9_.:+-]+", name)
        or name.replace("-", "_") in _NOT_FOR_MAIL
    ):
        return None
    return name
