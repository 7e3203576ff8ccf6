"""Keeps what was found out about a list or an answer, by its digest: the data itself is not kept, and not read again.

A list of a hundred thousand entries takes a tenth of a second to check, and comes with each mail of that issuer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A list or an answer (DER), with its digest, which is computed once: a list may have many megabytes."""

    data: bytes = field(repr=False)
    digest: bytes

    @classmethod
    def of(cls, data: bytes) -> Source:
        """The source with these bytes."""
        return cls(data=data, digest=hashlib.sha256(data).digest())


class Remembered(Generic[Value]):
    """A bounded memory of values by the source that they come from and by what else they depend on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[tuple[bytes, Hashable], tuple[Value]] = {}

    def value(self, source: Source, circumstances: Hashable, make: Callable[[], Value]) -> Value:
        """The value for this source, made where it is not here yet."""
        key = source.digest, circumstances
        known = self._values.get(key)
        if known is None:
            known = (make(),)
            # Everything is forgotten at once: simpler than an order of use, and right as long as it happens seldom.
            if len(self._values) >= self._most:
                self._values.clear()
            self._values[key] = known
        return known[0]
