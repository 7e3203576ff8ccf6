"""Opening and sealing S/MIME: in the child and directly, the bare primitives, and openssl, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from bench.cases import Pair, Size, curve25519, smime
from bench.coding import Coding
from bench.letters import AGENT, CUSTOMER, draft, headers_and_entity
from bench.ours import Desk
from bench.peers import Peer, Peers, as_mail
from bench.raw import Raw
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
    " larger. Primitives: what the keys do, AES-256-CBC and SHA-256 over the very octets, with `cryptography`, nothing"
    " parsed or built. With coding: these and the transfer encodings, which every program has to do, by the standard"
    " library. Certificates and their paths are remembered; the mails differ. {}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effort:
    """How long one row may take."""

    seconds: float
    fewest: int
    repeats: int

    @classmethod
    def of(cls, size: Size, *, quick: bool) -> _Effort:
        if size.attached_bytes > _LARGE:
            return cls(seconds=0, fewest=2 if quick else 3, repeats=1)
        return cls(seconds=0.2 if quick else 1.2, fewest=2, repeats=3)


def smime_tables(*, quick: bool) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    opening, sealing = [], []
    with BoundedOpener(_KEPT) as opener, Peers() as peers:
        for pair in _pairs():
            desk, peer = Desk(pair, opener), None if pair.encrypting else peers.of(pair)
            for size in _SIZES:
                effort = _Effort.of(size, quick=quick)
                opening.append(_opening_row(pair, size, _timed(_opening(pair, size, desk, peer), effort)))
                sealing.append(_sealing_row(pair, size, _timed(_sealing(pair, size, desk, peer), effort)))
    note = _NOTE.format("openssl takes two calls; version 3.0 does not know Curve25519 in CMS.")
    yield Table("S/MIME, opening: decrypt and verify", _OPENING_COLUMNS, opening, note)
    yield Table(
        "S/MIME, sealing: sign and encrypt",
        _SEALING_COLUMNS,
        sealing,
        _NOTE.format("Plan, MIME and all; for two recipients."),
    )


_OPENING_COLUMNS = (
    *("keys", "size", "in the child", "directly", "limits cost", "primitives", "with coding"),
    *("directly : primitives", "directly : with coding", "openssl", "openssl : child"),
)
_SEALING_COLUMNS = (
    *("keys", "size", "Sealdesk", "primitives", "with coding"),
    *("Sealdesk : primitives", "Sealdesk : with coding", "openssl", "openssl : Sealdesk"),
)


def _pairs() -> Iterator[Pair]:
    for name, key_type in (("RSA-2048", "rsa2048"), ("RSA-3072", "rsa3072"), ("RSA-4096", "rsa4096"), ("P-256", "ec")):
        yield smime(name, key_type)
    yield curve25519()


def _timed(acts: Mapping[str, Act], effort: _Effort) -> dict[str, Timing]:
    return side_by_side(acts, seconds=effort.seconds, fewest=effort.fewest, repeats=effort.repeats)


def _letters(size: Size, *, by_agent: bool) -> list[Draft]:
    people = (AGENT, CUSTOMER) if by_agent else (CUSTOMER, AGENT)
    count = 1 if size.attached_bytes > _LARGE else _MAILS
    return [
        draft(*people, attached_bytes=size.attached_bytes, text_bytes=size.text_bytes, number=number)
        for number in range(count)
    ]


def _opening(pair: Pair, size: Size, desk: Desk, peer: Peer | None) -> Mapping[str, Act]:
    """The mails come from openssl, as customers' mail does, where it can make them."""
    letters = _letters(size, by_agent=False)
    entities = [headers_and_entity(letter) for letter in letters]
    if peer is None:
        writer = Desk(pair.turned, None)
        mails = cycle([writer.seal(letter) for letter in letters])
        theirs: Mapping[str, Act] = {}
    else:
        sealed = [peer.seal(entity, by_agent=False) for _, entity in entities]
        mails = cycle([as_mail(headers, one) for (headers, _), one in zip(entities, sealed, strict=True)])
        theirs = {"openssl": lambda: peer.open(sealed[0])}
    raw, coding = Raw(pair.kind, entities[0][1]), Coding(entities[0][1])
    return {
        "child": lambda: desk.open(next(mails)),
        "direct": lambda: desk.open_unbounded(next(mails)),
        "raw": raw.open,
        "coded": partial(_one_by_one, raw.open, coding.open),
        **theirs,
    }


def _sealing(pair: Pair, size: Size, desk: Desk, peer: Peer | None) -> Mapping[str, Act]:
    drafts = _letters(size, by_agent=True)
    letters = cycle(drafts)
    _, entity = headers_and_entity(drafts[0])
    raw, coding = Raw(pair.kind, entity), Coding(entity)
    theirs: Mapping[str, Act] = {} if peer is None else {"openssl": lambda: peer.seal(entity, by_agent=True)}
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
        *_openssl(found, child),
    )


def _sealing_row(pair: Pair, size: Size, found: Mapping[str, Timing]) -> tuple[str, ...]:
    direct, raw, coded = (found[name].quick for name in ("direct", "raw", "coded"))
    return (
        *(pair.name, size.name, milliseconds(direct), milliseconds(raw), milliseconds(coded)),
        *(times(direct / raw), times(direct / coded)),
        *_openssl(found, direct),
    )


def _openssl(found: Mapping[str, Timing], ours: float) -> tuple[str, str]:
    if "openssl" not in found:
        return "cannot", ""
    return milliseconds(found["openssl"].quick), times(found["openssl"].quick / ours)
