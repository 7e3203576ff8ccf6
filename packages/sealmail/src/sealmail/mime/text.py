"""The text of a text part: transfer encoding, character set and flowed lines undone. It does not choose among parts."""

from __future__ import annotations

from sealmail.mime.part import Part
from sealmail.words import decode_bytes


def text_of(part: Part, *, flowed: bool = True) -> str:
    """The body of `part` as text with `\\n` line ends, by its declared charset or the likeliest one. Never raises.

    With `flowed`, lines that `format=flowed` only broke for transport are joined again (RFC 3676).
    """
    text = decode_bytes(part.decoded(), part.params.get("charset"))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "�")
    if flowed and part.content_type == "text/plain" and part.params.get("format", "").lower() == "flowed":
        return _unwrapped(text, joins_words=part.params.get("delsp", "").lower() == "yes")
    return text


def _unwrapped(text: str, *, joins_words: bool) -> str:
    paragraphs: list[tuple[int, list[str]]] = []
    is_open = False
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")  # RFC 3676 §4.4: stuffed for transport
        # The separator of a signature ends in a space and flows nowhere (RFC 3676 §4.3).
        is_soft = content.endswith(" ") and content != "-- "
        if is_open and paragraphs[-1][0] == depth and content != "-- ":
            paragraphs[-1][1].append(content[:-1] if is_soft and joins_words else content)
        else:
            paragraphs.append((depth, [content[:-1] if is_soft and joins_words else content]))
        is_open = is_soft
    return "\n".join(">" * depth + (" " if depth else "") + "".join(pieces) for depth, pieces in paragraphs)
