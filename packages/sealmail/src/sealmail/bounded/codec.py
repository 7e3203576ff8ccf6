"""Values as JSON and byte blobs, for the pipe between opener and child.

Only types named here are ever made from what arrives, so that a child taken over by a hostile mail cannot make its
parent run anything (unlike pickle).
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from enum import Enum
from typing import Any

from sealmail import keys, opening, policy, report
from sealmail.addresses import Mailbox
from sealmail.errors import EngineError

_DATACLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        keys.Anchor,
        keys.Key,
        keys.SecretKey,
        Mailbox,
        opening.Content,
        opening.MessageHeaders,
        opening.Opened,
        opening.OpenedAttachment,
        opening.OpenedPart,
        policy.Budget,
        policy.Policy,
        report.EncryptionFacts,
        report.EncryptionLayer,
        report.EncryptionVerdict,
        report.PartReport,
        report.Report,
        report.SignatureFacts,
        report.SignatureLayer,
        report.SignatureStatement,
    )
}
_ENUMS: dict[str, type[Enum]] = {
    cls.__name__: cls
    for cls in (
        keys.Technology,
        keys.TrustLevel,
        keys.Use,
        report.Binding,
        report.Covers,
        report.Encryption,
        report.Finding,
        report.Integrity,
        report.Reason,
        report.Signature,
        report.Warning,
    )
}
_FIELDS = {name: tuple(field.name for field in dataclasses.fields(cls)) for name, cls in _DATACLASSES.items()}


def encode(value: object) -> list[bytes]:
    """Frames for `value`: the JSON first, then the byte strings that it refers to."""
    blobs: list[bytes] = []
    document = json.dumps(_pack(value, blobs), separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return [document, *blobs]


def decode(frames: list[bytes]) -> Any:
    """The value of such frames; EngineError where they are not what `encode` makes."""
    try:
        return _unpack(json.loads(frames[0]), frames[1:])
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise EngineError("the opening process answered with something else") from error


def _pack(value: Any, blobs: list[bytes]) -> Any:
    if isinstance(value, Enum):
        return {"e": [type(value).__name__, value.value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        blobs.append(bytes(value))
        return {"b": len(blobs) - 1}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    name = type(value).__name__
    if name in _DATACLASSES:
        return {"d": [name, [_pack(getattr(value, field), blobs) for field in _FIELDS[name]]]}
    return _pack_collection(value, blobs)


def _pack_collection(value: Any, blobs: list[bytes]) -> Any:
    if isinstance(value, tuple | list):
        return [_pack(one, blobs) for one in value]
    if isinstance(value, frozenset | set):
        return {"s": sorted((_pack(one, blobs) for one in value), key=str)}
    if isinstance(value, dict):
        return {"m": [[_pack(key, blobs), _pack(one, blobs)] for key, one in value.items()]}
    raise TypeError(f"{type(value).__name__} does not travel")


def _unpack(value: Any, blobs: list[bytes]) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(one, blobs) for one in value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "b":
            return blobs[content]
        case "e":
            return _ENUMS[content[0]](content[1])
        case "t":
            return datetime.fromisoformat(content)
        case "d":
            fields = zip(_FIELDS[content[0]], content[1], strict=True)
            return _DATACLASSES[content[0]](**{name: _unpack(one, blobs) for name, one in fields})
        case "s":
            return frozenset(_unpack(one, blobs) for one in content)
        case "m":
            return {_unpack(key, blobs): _unpack(one, blobs) for key, one in content}
    raise ValueError("unknown kind")
