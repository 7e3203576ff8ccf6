"""Opening and sealing one mail with PGP: Sealdesk, gpg, and the bare primitives, side by side. S/MIME is `smime`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.cases import SIZES, Pair, Size
from bench.letters import AGENT, CUSTOMER, draft, headers_and_entity
from bench.ours import Desk
from bench.peers import Peer, Peers, as_mail
from bench.raw import Raw
from bench.table import Table, milliseconds, times
from bench.timing import Act, Timing, side_by_side
from sealmail.bounded import BoundedOpener
from sealmail.keys import Technology

_SECONDS = 4.0


def crypto_tables(pairs: tuple[Pair, ...], *, quick: bool) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    opening, sealing = [], []
    seconds = 0.5 if quick else _SECONDS
    with BoundedOpener() as opener, Peers() as peers:
        for pair in pairs:
            if pair.technology is Technology.SMIME:
                continue
            desk, peer = Desk(pair, opener), peers.of(pair)
            for size in SIZES:
                opening.append(_row(pair, size, side_by_side(_opening(pair, size, desk, peer), seconds=seconds)))
                sealing.append(_row(pair, size, side_by_side(_sealing(pair, size, desk, peer), seconds=seconds)))
    columns = ("keys", "mail", "Sealdesk", "command", "primitives", "command : Sealdesk", "Sealdesk : primitives")
    note = "Milliseconds: median / quickest tenth, each with its ratio. {} gpg's agent runs."
    yield Table("PGP, opening: decrypt and verify", columns, opening, note.format("In the child with its limits."))
    yield Table(
        "PGP, sealing: sign and encrypt", columns, sealing, note.format("Plan, MIME and all; for two recipients.")
    )


def _opening(pair: Pair, size: Size, desk: Desk, peer: Peer) -> Mapping[str, Act]:
    """The mail comes from the peer, as customers' mail does."""
    headers, entity = headers_and_entity(draft(CUSTOMER, AGENT, attached_bytes=size.attached_bytes))
    sealed = peer.seal(entity, by_agent=False)
    mail, raw = as_mail(headers, sealed), Raw(pair.kind, entity)
    return {"ours": lambda: desk.open(mail), "peer": lambda: peer.open(sealed), "raw": raw.open}


def _sealing(pair: Pair, size: Size, desk: Desk, peer: Peer) -> Mapping[str, Act]:
    letter = draft(AGENT, CUSTOMER, attached_bytes=size.attached_bytes)
    _, entity = headers_and_entity(letter)
    raw = Raw(pair.kind, entity)
    return {"ours": lambda: desk.seal(letter), "peer": lambda: peer.seal(entity, by_agent=True), "raw": raw.seal}


def _row(pair: Pair, size: Size, found: Mapping[str, Timing]) -> tuple[str, ...]:
    ours, peer, raw = (found[name] for name in ("ours", "peer", "raw"))
    return (
        pair.name,
        size.name,
        _both(ours),
        f"{_both(peer)} (gpg)",
        _both(raw),
        f"{times(peer.median / ours.median)} / {times(peer.quick / ours.quick)}",
        f"{times(ours.median / raw.median)} / {times(ours.quick / raw.quick)}",
    )


def _both(timing: Timing) -> str:
    return f"{milliseconds(timing.median)} / {milliseconds(timing.quick)}"
