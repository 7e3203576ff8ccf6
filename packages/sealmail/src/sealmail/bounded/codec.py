"""Values as JSON and byte blobs, for the pipe between opener and child.

Only types named here are ever made from what arrives, so that a child taken over by a hostile mail cannot make its
parent run anything (unlike pickle).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sealmail import keys, opening, policy, report
from sealmail.addresses import Mailbox
from sealmail.errors import EngineError


def _values(*names: str) -> Callable[[object], tuple[Any, ...]]:
    """Reads these attributes in one step; `attrgetter` gives a single one without its tuple."""
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda value: (read(value),)


_DATACLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        keys.Anchor,
        keys.Capabilities,
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
        report.KeyClaim,
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
        report.KeySource,
        report.Reason,
        report.RevocationState,
        report.Signature,
        report.Warning,
    )
}
_FIELDS = {name: tuple(field.name for field in dataclasses.fields(cls)) for name, cls in _DATACLASSES.items()}
_VALUES_OF = {cls: _values(*_FIELDS[name]) for name, cls in _DATACLASSES.items()}
_MEMBERS = {f"{name} {member.value}": member for name, cls in _ENUMS.items() for member in cls}
_NAMED = {id(member): {"e": name} for name, member in _MEMBERS.items()}
"""By `id()`: members live for ever, and their own hash is Python code, which costs more than all the rest."""
_SIMPLE = frozenset({int, float, bool, type(None)})
_PLAIN = _SIMPLE | {str}
_LONGEST_IN_JSON = 256
"""Characters of a text: JSON would look at each of them, both ways."""


def encode(value: object) -> list[bytes]:
    """Frames for `value`: the JSON first, then the byte strings that it refers to."""
    packing = _Packing()
    return [_document(packing.pack(value)), *packing.blobs]


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False)


def _document(packed: object) -> bytes:
    return _JSON.encode(packed).encode("ascii")


def decode(frames: list[bytes]) -> Any:
    """The value of such frames; EngineError where they are not what `encode` makes."""
    try:
        return _Unpacking(frames[1:]).unpack(json.loads(frames[0]))
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise EngineError("the opening process answered with something else") from error


_RECURRING = (keys.Key, policy.Policy)
"""Values that come again mail after mail: their frames, and what was made of them, are remembered."""
_LARGEST_RECURRING = 16 * 1024
"""Octets of a key's material. Larger ones, with hundreds of signatures on them, are not worth the memory."""
_LARGEST_FRAMES = 8 * _LARGEST_RECURRING


@lru_cache(maxsize=128)
def _frames_of(value: keys.Key | policy.Policy) -> tuple[bytes, ...]:
    packing = _Packing()
    return _document(packing.pack_fields(value)), *packing.blobs


@lru_cache(maxsize=128)
def _value_of(frames: tuple[bytes, ...]) -> Any:
    if sum(map(len, frames)) > _LARGEST_FRAMES:
        raise ValueError("too large to be remembered")
    return decode(list(frames))


class _Packing:
    """Turns a value into what JSON can say. An object that occurs again is written once and then referred to."""

    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self._written: dict[int, int] = {}

    def pack(self, value: Any) -> Any:
        """Dispatches on the exact type: the most frequent ones first, since this runs hundreds of times a mail."""
        kind = type(value)
        if kind is str and len(value) > _LONGEST_IN_JSON:
            self.blobs.append(value.encode("utf-8", "surrogatepass"))
            return {"u": len(self.blobs) - 1}
        if kind in _PLAIN:
            return value
        if kind in _VALUES_OF:
            return self._pack_object(value)
        if (named := _NAMED.get(id(value))) is not None:
            return named
        if kind is tuple or kind is list:
            return [one if type(one) in _SIMPLE else self.pack(one) for one in value]
        if kind is datetime:
            return {"t": value.isoformat()}
        if kind in {bytes, bytearray, memoryview}:
            self.blobs.append(bytes(value))
            return {"b": len(self.blobs) - 1}
        if kind in {frozenset, set}:
            return {"s": sorted(map(self.pack, value), key=str)}
        if kind is dict:
            return {"m": [[self.pack(key), self.pack(one)] for key, one in value.items()]}
        raise TypeError(f"{kind.__name__} does not travel")

    def pack_fields(self, value: Any) -> Any:
        """A dataclass by its fields, in the order in which it declares them."""
        kind = type(value)
        fields = [one if type(one) in _SIMPLE else self.pack(one) for one in _VALUES_OF[kind](value)]
        return {"d": [kind.__name__, fields]}

    def _pack_object(self, value: Any) -> Any:
        number = self._written.get(id(value))
        if number is not None:
            return {"r": number}
        packed = self._pack_recurring(value) if isinstance(value, _RECURRING) else self.pack_fields(value)
        self._written[id(value)] = len(self._written)
        return packed

    def _pack_recurring(self, value: keys.Key | policy.Policy) -> Any:
        if isinstance(value, keys.Key) and len(value.material) > _LARGEST_RECURRING:
            return self.pack_fields(value)
        frames = _frames_of(value)
        self.blobs.extend(frames)
        return {"k": [len(self.blobs) - len(frames), len(self.blobs)]}


class _Unpacking:
    """The way back. Only types from the tables above are ever made."""

    def __init__(self, blobs: list[bytes]) -> None:
        self._blobs = blobs
        self._made: list[Any] = []

    def unpack(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return tuple([one if type(one) in _PLAIN else self.unpack(one) for one in value])
        if kind is not dict:
            return value
        ((tag, content),) = value.items()
        match tag:
            case "e":
                return _MEMBERS[content]
            case "r":
                return self._made[content]
            case "d" | "k":
                made = self._object(*content) if tag == "d" else _value_of(tuple(self._blobs[slice(*content)]))
                self._made.append(made)
                return made
            case "b":
                return self._blobs[content]
            case "u":
                return self._blobs[content].decode("utf-8", "surrogatepass")
            case "t":
                return datetime.fromisoformat(content)
            case "s":
                return frozenset(map(self.unpack, content))
            case "m":
                return {self.unpack(key): self.unpack(one) for key, one in content}
        raise ValueError("unknown tag")

    def _object(self, name: str, fields: list[Any]) -> Any:
        values = [one if type(one) in _PLAIN else self.unpack(one) for one in fields]
        return _DATACLASSES[name](**dict(zip(_FIELDS[name], values, strict=True)))
