"""Looks for words and secrets in files that must hold none: as they are, in base64 and in hex.

Long enough words only: in megabytes of random bytes every short word stands somewhere.
"""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST_WORD = 6
_WORD = re.compile(rb"[A-Za-z]{%d,}" % SHORTEST_WORD)
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_MARKERS = (  # of private keys, and of sealed mail outside the vault
    b"PRIVATE KEY",
    b"BEGIN PGP PRIVATE",
    b"BEGIN PGP MESSAGE",
)


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
        for form, found in _found(path.read_bytes(), words, secrets).items()
        for what in sorted(found)
    ]


def _found(data: bytes, words: Collection[str], secrets: Mapping[str, bytes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for form, plain in _forms(data).items():
        lower = plain.lower()
        # Anywhere, not as whole words: a database puts one column's text right behind the other's.
        here = {word for word in words if word.encode() in lower}
        here |= {name for name, secret in secrets.items() if secret in plain}
        here |= {marker.decode() for marker in _MARKERS if marker in plain}
        found[form] = here
    return found


def _forms(data: bytes) -> dict[str, bytes]:
    """The bytes, and everything in them that may be base64 or hex, decoded; lines that were wrapped are joined."""
    texts = {data, re.sub(rb"\r?\n", b"", data)}
    base64_runs = [run for text in texts for run in _BASE64.findall(text)]
    hex_runs = [run for text in texts for run in _HEX.findall(text)]
    return {
        "raw": data,
        "base64": b"\0".join(_from_base64(run[start:]) for run in base64_runs for start in range(4)),
        "hex": b"\0".join(_from_hex(run[start:]) for run in hex_runs for start in range(2)),
    }


def _from_base64(run: bytes) -> bytes:
    """Either alphabet; a last character that begins nothing is left out, missing padding is added."""
    text = run.translate(_URL_SAFE)[: len(run) - (len(run) % 4 == 1)]
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def _from_hex(run: bytes) -> bytes:
    return binascii.unhexlify(run[: len(run) // 2 * 2])


def _words(data: bytes) -> set[str]:
    return {word.decode().lower() for word in _WORD.findall(data)}
