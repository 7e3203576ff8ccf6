"""Opening and sealing with one technology: in the child and directly, the bare primitives, and somebody's program,
side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Protocol

from bench.cases import Pair, Size
from bench.letters import AGENT, CUSTOMER, draft, headers_and_entity
from bench.ours import Desk
from bench.peers import Peer, Peers, as_mail
from bench.table import Table, milliseconds, times
from bench.timing import Act, Timing, side_by_side
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.mime import Draft
from sealmail.policy import MEGABYTE

_SIZES = (
    Size(name="2 kB", attached_bytes=0, text_bytes=1_900),
    Size(name="10 kB", attached_bytes=0),
    Size(name="100 kB", attached_bytes=66_000),
    Size(name="1 MB", attached_bytes=720_000),
    Size(name="25 MB", attached_bytes=18 * MEGABYTE),
)
_LARGE = 10 * MEGABYTE
_MAILS = 8
"""Different ones, in turn: nothing that is remembered of a mail as such can help."""
_KEPT = ProcessLimits(recycle_bytes=2048 * MEGABYTE)
_NOTE = (
    "Milliseconds, of which a tenth of the calls took less. Size: of what is signed and encrypted; it travels a third"
    " larger. Primitives: {primitives}, with `cryptography`, nothing parsed or built. With coding: these and {coding},"
    " which every program has to do, by the standard library. What was found out about keys is remembered; the mails"
    " differ. {more}"
)


class Floor(Protocol):
    """What nobody can do without, for one mail."""

    def open(self) -> None:
        """Its part of opening."""

    def seal(self) -> None:
        """Its part of sealing."""


FloorOf = Callable[[Pair, bytes], Floor]
"""Makes the floor for the keys of a pair and the entity that is sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A technology with the program that people use for it by hand."""

    title: str
    program: str
    primitives: str
    """What the primitives are, for the note."""
    coding: str
    about_opening: str
    pairs: Iterable[Pair]
    seconds: float
    """For one row, at least."""
    raw: FloorOf
    coded: FloorOf
    """The encodings alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effort:
    """How long one row may take."""

    seconds: float
    fewest: int
    repeats: int

    @classmethod
    def of(cls, size: Size, seconds: float, *, quick: bool) -> _Effort:
        if size.attached_bytes > _LARGE:
            return cls(seconds=0, fewest=2 if quick else 3, repeats=1)
        return cls(seconds=0.2 if quick else seconds, fewest=2, repeats=3)


def tables(technique: Technique, *, quick: bool) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    opening, sealing = [], []
    with BoundedOpener(_KEPT) as opener, Peers() as peers:
        for pair in technique.pairs:
            desk, peer = Desk(pair, opener), peers.of(pair) if pair.has_peer else None
            for size in _SIZES:
                effort = _Effort.of(size, technique.seconds, quick=quick)
                found = _timed(_opening(technique, pair, size, desk, peer), effort)
                opening.append(_opening_row(pair, size, found))
                found = _timed(_sealing(technique, pair, size, desk, peer), effort)
                sealing.append(_sealing_row(pair, size, found))
    program, note = technique.program, partial(_NOTE.format, primitives=technique.primitives, coding=technique.coding)
    yield Table(
        f"{technique.title}, opening: decrypt and verify",
        (*_OPENING_COLUMNS, program, f"{program} : child", f"{program} : directly"),
        opening,
        note(more=technique.about_opening),
    )
    yield Table(
        f"{technique.title}, sealing: sign and encrypt",
        (*_SEALING_COLUMNS, program, f"{program} : Sealdesk"),
        sealing,
        note(more="Plan, MIME and all; for two recipients."),
    )


_OPENING_COLUMNS = (
    *("keys", "size", "in the child", "directly", "limits cost", "primitives", "with coding"),
    *("directly : primitives", "directly : with coding"),
)
_SEALING_COLUMNS = (
    *("keys", "size", "Sealdesk", "primitives", "with coding"),
    *("Sealdesk : primitives", "Sealdesk : with coding"),
)


def _timed(acts: Mapping[str, Act], effort: _Effort) -> dict[str, Timing]:
    return side_by_side(acts, seconds=effort.seconds, fewest=effort.fewest, repeats=effort.repeats)


def _letters(size: Size, *, by_agent: bool) -> list[Draft]:
    people = (AGENT, CUSTOMER) if by_agent else (CUSTOMER, AGENT)
    count = 1 if size.attached_bytes > _LARGE else _MAILS
    return [
        draft(*people, attached_bytes=size.attached_bytes, text_bytes=size.text_bytes, number=number)
        for number in range(count)
    ]


def _opening(technique: Technique, pair: Pair, size: Size, desk: Desk, peer: Peer | None) -> Mapping[str, Act]:
    """The mails come from the other program, as customers' mail does, where it can make them."""
    letters = _letters(size, by_agent=False)
    entities = [headers_and_entity(letter) for letter in letters]
    if peer is None:
        writer = Desk(pair.turned, None)
        mails = cycle([writer.seal(letter) for letter in letters])
        theirs: Mapping[str, Act] = {}
    else:
        sealed = [peer.seal(entity, by_agent=False) for _, entity in entities]
        mails = cycle([as_mail(headers, one) for (headers, _), one in zip(entities, sealed, strict=True)])
        theirs = {"program": lambda: peer.open(sealed[0])}
    raw, coding = technique.raw(pair, entities[0][1]), technique.coded(pair, entities[0][1])
    return {
        "child": lambda: desk.open(next(mails)),
        "direct": lambda: desk.open_unbounded(next(mails)),
        "raw": raw.open,
        "coded": partial(_one_by_one, raw.open, coding.open),
        **theirs,
    }


def _sealing(technique: Technique, pair: Pair, size: Size, desk: Desk, peer: Peer | None) -> Mapping[str, Act]:
    drafts = _letters(size, by_agent=True)
    letters = cycle(drafts)
    _, entity = headers_and_entity(drafts[0])
    raw, coding = technique.raw(pair, entity), technique.coded(pair, entity)
    theirs: Mapping[str, Act] = {} if peer is None else {"program": lambda: peer.seal(entity, by_agent=True)}
    return {
        "direct": lambda: desk.seal(next(letters)),
        "raw": raw.seal,
        "coded": partial(_one_by_one, raw.seal, coding.seal),
        **theirs,
    }


def _one_by_one(*acts: Act) -> None:
    for act in acts:
        act()


def _opening_row(pair: Pair, size: Size, found: Mapping[str, Timing]) -> tuple[str, ...]:
    child, direct, raw, coded = (found[name].quick for name in ("child", "direct", "raw", "coded"))
    return (
        *(pair.name, size.name, milliseconds(child), milliseconds(direct), milliseconds(child - direct)),
        *(milliseconds(raw), milliseconds(coded), times(direct / raw), times(direct / coded)),
        *_program(found, child, direct),
    )


def _sealing_row(pair: Pair, size: Size, found: Mapping[str, Timing]) -> tuple[str, ...]:
    direct, raw, coded = (found[name].quick for name in ("direct", "raw", "coded"))
    return (
        *(pair.name, size.name, milliseconds(direct), milliseconds(raw), milliseconds(coded)),
        *(times(direct / raw), times(direct / coded)),
        *_program(found, direct),
    )


def _program(found: Mapping[str, Timing], *ours: float) -> tuple[str, ...]:
    if "program" not in found:
        return ("cannot", *("" for _ in ours))
    theirs = found["program"].quick
    return (milliseconds(theirs), *(times(theirs / one) for one in ours))
