"""Mails of 25 MB, and many mails one after the other: time, and the memory of the child that opens them."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cases import Pair
from bench.letters import AGENT, CUSTOMER, draft, headers_and_entity
from bench.memory import children, status
from bench.ours import Desk
from bench.peers import Peers, as_mail
from bench.table import Table, megabytes, milliseconds
from bench.timing import duration
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.policy import MEGABYTE

_ATTACHED = 18 * MEGABYTE
"""Base64 makes 25 MB of it, and encryption adds a third or little more."""
_MANY = 200
_KEPT = ProcessLimits(recycle_bytes=2048 * MEGABYTE)
"""Limits as they come, but a child that grew large stays, to be looked at."""


def large_tables(pairs: tuple[Pair, ...]) -> Iterator[Table]:
    """The table for large mails, and the one for many."""
    columns = ("keys", "mail", "open", "seal", "child, memory at most", "child, address space at most")
    limit = megabytes(ProcessLimits().memory_bytes)
    note = f"Milliseconds, once each. The child may use {limit} of address space."
    yield Table("A file of 18 MB (25 MB as it travels)", columns, [_large(pair) for pair in pairs], note)
    note = f"{_MANY} mails of 10 kB, one after the other in one child."
    yield Table("Many mails", ("keys", "child, memory at the end"), [_many(pair) for pair in pairs], note)


def _large(pair: Pair) -> tuple[str, ...]:
    letter = draft(AGENT, CUSTOMER, attached_bytes=_ATTACHED)
    with BoundedOpener(_KEPT) as opener:
        desk, mail = Desk(pair, opener), _mail(pair, _ATTACHED)
        opening = duration(lambda: desk.open(mail))
        (child,) = children()
        sealing = duration(lambda: desk.seal(letter))
        memory = (megabytes(status(child, "VmHWM")), megabytes(status(child, "VmPeak")))
    return (pair.name, megabytes(len(mail)), milliseconds(opening), milliseconds(sealing), *memory)


def _many(pair: Pair) -> tuple[str, ...]:
    mail = _mail(pair, 0)
    with BoundedOpener() as opener:
        desk = Desk(pair, opener)
        for _ in range(_MANY):
            desk.open(mail)
        (child,) = children()
        return pair.name, megabytes(status(child, "VmRSS"))


def _mail(pair: Pair, attached_bytes: int) -> bytes:
    headers, entity = headers_and_entity(draft(CUSTOMER, AGENT, attached_bytes=attached_bytes))
    with Peers() as peers:
        return as_mail(headers, peers.of(pair).seal(entity, by_agent=False))
