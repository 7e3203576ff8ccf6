"""Commits that must survive a power cut: what a server was told, and what is about to be told to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def durable() -> Iterator[None]:
    """A transaction that is on the disk when the block has ended.

    SQLite's write-ahead log with synchronous=NORMAL may forget the last commits when the power fails; that is well for
    work that is done again from rows, and not for these two moments.
    """
    strict = connection.vendor == "sqlite" and not connection.in_atomic_block
    if strict:
        _synchronous("FULL")
    try:
        with transaction.atomic():
            yield
    finally:
        if strict:
            _synchronous("NORMAL")


def _synchronous(level: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA synchronous={level}")
