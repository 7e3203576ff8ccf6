"""Looks for words and secrets in files that must hold none: as they are, in base64 and in hex.

Long enough words only: in megabytes of random bytes every short word stands somewhere.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST_WORD = 6
_WORD = re.compile(rb"[A-Za-z]{%d,}" % SHORTEST_WORD)
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_MARKERS = (b"PRIVATE KEY", b"BEGIN PGP PRIVATE", b"BEGIN PGP MESSAGE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something that lies open."""

    file: str
    what: str
    form: str


def words_in(texts: Iterable[str]) -> set[str]:
    """The words that are looked for, in lower case."""
    return {word for text in texts for word in _words(text.encode())}


def leaks(folder: Path, *, words: Collection[str], secrets: Mapping[str, bytes]) -> list[Leak]:
    """Every word, secret and mark of a private key in the files of a folder, each once for a file and form.

    `secrets`: bytes by the name under which they are reported.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        Leak(file=str(path.relative_to(folder)), what=what, form=form)
        for path in files
        for form, found in _found(path.read_bytes(), set(words), secrets).items()
        for what in sorted(found)
    ]


def _found(data: bytes, words: set[str], secrets: Mapping[str, bytes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for form, plain in _forms(data):
        here = words.intersection(_words(plain))
        here.update(name for name, secret in secrets.items() if secret in plain)
        here.update(marker.decode() for marker in _MARKERS if marker in plain)
        found.setdefault(form, set()).update(here)
    return found


def _forms(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The bytes, and everything in them that may be base64 or hex, decoded; lines that were wrapped are joined."""
    yield "raw", data
    for joined in {data, re.sub(rb"\r?\n", b"", data)}:
        for run in _HEX.findall(joined):
            for start in (0, 1):
                yield "hex", binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2])
        for run in _BASE64.findall(joined):
            for start in range(4):
                whole = run[start : start + (len(run) - start) // 4 * 4].replace(b"-", b"+").replace(b"_", b"/")
                yield "base64", base64.b64decode(whole)


def _words(data: bytes) -> set[str]:
    return {word.decode().lower() for word in _WORD.findall(data)}
