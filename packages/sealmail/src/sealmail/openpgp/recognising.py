"""What a piece of OpenPGP data is, by its armor header or its first packet. Nothing is decrypted or inflated."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import islice

from sealmail.errors import InputError
from sealmail.keys.pgp import armor
from sealmail.keys.pgp.packets import MAXIMUM_PACKETS, Tag, tags

_LOOKED_AT = 16 * 1024
_LABEL = re.compile(rb"^[ \t]*-----BEGIN PGP ([A-Z ]{3,40})(?:, PART [0-9]+(?:/[0-9]+)?)?-----[ \t]*\r?$", re.MULTILINE)


class OpenPGPKind(StrEnum):
    """The kinds of OpenPGP data that a mail brings."""

    ENCRYPTED = "encrypted"
    SIGNED = "signed"
    """An opaque signed message, perhaps compressed."""
    SIGNATURE = "signature"
    """Detached."""
    KEYS = "keys"
    CLEARSIGNED = "clearsigned"


_BY_LABEL = {
    b"PUBLIC KEY BLOCK": OpenPGPKind.KEYS,
    b"PRIVATE KEY BLOCK": OpenPGPKind.KEYS,
    b"SIGNATURE": OpenPGPKind.SIGNATURE,
    b"SIGNED MESSAGE": OpenPGPKind.CLEARSIGNED,
}
_BY_TAG: dict[int, OpenPGPKind] = {
    Tag.PKESK: OpenPGPKind.ENCRYPTED,
    Tag.SKESK: OpenPGPKind.ENCRYPTED,
    Tag.ENCRYPTED: OpenPGPKind.ENCRYPTED,
    Tag.PROTECTED: OpenPGPKind.ENCRYPTED,
    Tag.GNUPG_OCB: OpenPGPKind.ENCRYPTED,
    Tag.ONE_PASS: OpenPGPKind.SIGNED,
    Tag.COMPRESSED: OpenPGPKind.SIGNED,
    Tag.PUBLIC_KEY: OpenPGPKind.KEYS,
    Tag.SECRET_KEY: OpenPGPKind.KEYS,
}


def kind(data: bytes) -> OpenPGPKind | None:
    """What the data are: binary, or armored with text before it (the first 16 kB are looked at). None: nothing that we
    know. Never raises."""
    if armor.is_binary(data):
        return _kind_of_packets(data)
    found = _LABEL.search(data[:_LOOKED_AT])
    if found is None:
        return None
    if found[1] != b"MESSAGE":
        return _BY_LABEL.get(found[1])
    return _kind_of_armored(data[found.start() : found.start() + _LOOKED_AT])


def is_readable(armored: bytes) -> bool:
    """Whether the first armored block decodes; what is in it may be anything. Never raises."""
    try:
        armor.dearmor(armored)
    except InputError:
        return False
    return True


def _kind_of_armored(text: bytes) -> OpenPGPKind:
    # The cut may fall inside a line; whole groups of four characters before it still decode.
    try:
        block = armor.dearmor(text[: text.rfind(b"\n") + 1] or text)
    except InputError:
        return OpenPGPKind.ENCRYPTED
    return _kind_of_packets(block) or OpenPGPKind.ENCRYPTED


def _kind_of_packets(data: bytes) -> OpenPGPKind | None:
    seen_signature = False
    try:
        for tag in islice(tags(data), MAXIMUM_PACKETS):
            if tag == Tag.SIGNATURE:
                seen_signature = True
            elif seen_signature:
                return OpenPGPKind.SIGNED if tag in {Tag.LITERAL, Tag.COMPRESSED} else OpenPGPKind.SIGNATURE
            elif tag not in {Tag.MARKER, Tag.PADDING}:
                return _BY_TAG.get(tag)
    except InputError:
        pass
    return OpenPGPKind.SIGNATURE if seen_signature else None
