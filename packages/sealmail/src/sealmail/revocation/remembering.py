"""Keeps what was found out about a list or an answer, by its digest: the data itself is not kept, and not read again.

A list of a hundred thousand entries takes a tenth of a second to check, and comes with each mail of that issuer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A bounded memory of values by the digest of some data and by what else they depend on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[tuple[bytes, Hashable], Value] = {}

    def value(self, data: bytes, circumstances: Hashable, make: Callable[[], Value]) -> Value:
        """The value for these bytes, made where it is not here yet."""
        key = hashlib.sha256(data).digest(), circumstances
        if key not in self._values:
            made = make()
            # Everything is forgotten at once: simpler than an order of use, and right as long as it happens seldom.
            if len(self._values) >= self._most:
                self._values.clear()
            self._values[key] = made
            return made
        return self._values[key]
