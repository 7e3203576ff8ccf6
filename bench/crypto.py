"""Opening and sealing one mail: Sealdesk, the command of the trade, and the bare primitives, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.cases import SIZES, Pair, Size
from bench.letters import AGENT, CUSTOMER, draft, headers_and_entity
from bench.ours import Desk
from bench.peers import Peer, Peers, as_mail
from bench.raw import Raw
from bench.table import Table, milliseconds, times
from bench.timing import Act, side_by_side
from sealmail.bounded import BoundedOpener
from sealmail.keys import Technology

_SECONDS = 6.0


def crypto_tables(pairs: tuple[Pair, ...]) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    opening, sealing = [], []
    with BoundedOpener() as opener, Peers() as peers:
        for pair in pairs:
            desk, peer = Desk(pair, opener), peers.of(pair)
            for size in SIZES:
                opening.append(_row(pair, size, side_by_side(_opening(pair, size, desk, peer), seconds=_SECONDS)))
                sealing.append(_row(pair, size, side_by_side(_sealing(pair, size, desk, peer), seconds=_SECONDS)))
    columns = ("keys", "mail", "Sealdesk", "command", "primitives", "command / Sealdesk", "Sealdesk / primitives")
    note = "Milliseconds, medians. {} `openssl cms` needs two commands, gpg one (its agent is running)."
    yield Table("Opening: decrypt and verify", columns, opening, note.format("In the child with its limits."))
    yield Table("Sealing: sign and encrypt", columns, sealing, note.format("Plan, MIME and all; for two recipients."))


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


def _row(pair: Pair, size: Size, medians: Mapping[str, float]) -> tuple[str, ...]:
    ours, peer, raw = (medians[name] for name in ("ours", "peer", "raw"))
    name = "openssl" if pair.technology is Technology.SMIME else "gpg"
    return (
        pair.name,
        size.name,
        milliseconds(ours),
        f"{milliseconds(peer)} ({name})",
        milliseconds(raw),
        times(peer / ours),
        times(ours / raw),
    )
