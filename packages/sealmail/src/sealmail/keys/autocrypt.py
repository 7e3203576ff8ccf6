"""The Autocrypt and Autocrypt-Gossip headers (Autocrypt 1.1 §2): a sender's key, or those of the other recipients.

Reads and writes header values; whether a header may be believed at all is decided by who collects it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from sealmail.addresses import canonical
from sealmail.errors import InputError, UsageError
from sealmail.keys.model import Key
from sealmail.keys.openpgp_key import key_from_openpgp, split_keys

MAXIMUM_BYTES = 10 * 1024
"""Of one header: larger ones are passed over, as the standard allows."""
_KNOWN = frozenset({"addr", "prefer-encrypt", "keydata"})
_LINE = 72
_WRITABLE = re.compile(r"[!-:<-~]{3,254}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AutocryptHeader:
    """One header that could be read."""

    address: str
    """Canonical; a claim of whoever wrote the header."""
    key: Key = field(repr=False)
    prefers_encryption: bool = False


def read_autocrypt(value: str, *, of: Collection[str] | None = None) -> AutocryptHeader | None:
    """The header with this value; None where it is invalid and has to be ignored as a whole.

    `of`: only these canonical addresses are of interest; keys of others are not even looked at.
    """
    if len(value) > MAXIMUM_BYTES:
        return None
    attributes: dict[str, str] = {}
    for piece in value.split(";"):
        name, equals, content = piece.strip().partition("=")
        if not piece.strip():
            continue
        name = name.strip().lower()
        # An attribute that is not known makes the header invalid, unless its name says that it may be passed over.
        if not equals or name in attributes or (name not in _KNOWN and not name.startswith("_")):
            return None
        attributes[name] = content.strip()
    address = canonical(attributes.get("addr", ""))
    if address is None or (of is not None and address not in of):
        return None
    key = _key(attributes.get("keydata", ""))
    if key is None:
        return None
    prefers_encryption = attributes.get("prefer-encrypt", "").lower() == "mutual"
    return AutocryptHeader(address=address, key=key, prefers_encryption=prefers_encryption)


def _key(text: str) -> Key | None:
    try:
        materials = split_keys(base64.b64decode("".join(text.split()), validate=True))
        return key_from_openpgp(materials[0]) if len(materials) == 1 else None
    except (binascii.Error, InputError):
        return None


def write_autocrypt(address: str, material: bytes, *, prefers_encryption: bool) -> str:
    """The value of a header, folded. `material`: a small binary public key (`openpgp_merging.minimal` makes one).

    Raises UsageError for an address that the header cannot hold: its attributes end at semicolons, and a header is
    ASCII.
    """
    if not _WRITABLE.fullmatch(address):
        raise UsageError("This address cannot stand in an Autocrypt header.")
    preference = " prefer-encrypt=mutual;" if prefers_encryption else ""
    text = base64.b64encode(material).decode("ascii")
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return f"addr={address};{preference} keydata=\r\n " + "\r\n ".join(lines)
