"""How much memory opening a large mail takes at most, each time in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.cases import Pair, openpgp, smime
from bench.letters import AGENT, CUSTOMER, draft
from bench.memory import children, status
from bench.ours import Desk
from bench.table import Table, megabytes, times
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.policy import MEGABYTE

_ATTACHED = 18 * MEGABYTE
_KEPT = ProcessLimits(recycle_bytes=2048 * MEGABYTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rise:
    """Octets that a process needed more than for a small mail, the mail itself and what was opened included."""

    here: int
    child: int = 0


def peak_tables() -> Iterator[Table]:
    """One row for each technology and cipher."""
    note = (
        "The largest amount of memory in use, less what the same process needed for a small mail, as a multiple of the"
        " mail as it travels; the mail itself and what was opened are counted. A file of 18 MB."
    )
    columns = ("keys", "mail", "directly", "in the child", "beside it in the parent")
    pairs = (smime("S/MIME RSA-3072", "rsa3072"), smime("S/MIME P-256", "ec"), openpgp("PGP Curve25519", "cv25519"))
    with TemporaryDirectory(prefix="sealdesk-bench-") as folder:
        yield Table("Memory for one large mail", columns, [_row(pair, Path(folder)) for pair in pairs], note)


def _row(pair: Pair, folder: Path) -> tuple[str, ...]:
    writer = Desk(pair.turned, None)
    small, large = folder / "small.eml", folder / "large.eml"
    small.write_bytes(writer.seal(draft(CUSTOMER, AGENT)))
    large.write_bytes(writer.seal(draft(CUSTOMER, AGENT, attached_bytes=_ATTACHED)))
    size = large.stat().st_size
    direct, bounded = (_alone(act, pair, small, large) for act in (_directly, _bounded))
    return (
        *(pair.name, megabytes(size), times(direct.here / size)),
        *(times(bounded.child / size), times(bounded.here / size)),
    )


def _alone(act: Callable[[Pair, Path, Path], _Rise], pair: Pair, small: Path, large: Path) -> _Rise:
    """Runs it in a fresh process, which has never held anything larger."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(act, pair, small, large).result()


def _directly(pair: Pair, small: Path, large: Path) -> _Rise:
    desk = Desk(pair, None)
    desk.open_unbounded(small.read_bytes())
    before = _most()
    desk.open_unbounded(large.read_bytes())
    return _Rise(here=_most() - before)


def _bounded(pair: Pair, small: Path, large: Path) -> _Rise:
    with BoundedOpener(_KEPT) as opener:
        desk = Desk(pair, opener)
        desk.open(small.read_bytes())
        (child,) = children()
        before, childs = _most(), status(child, "VmHWM")
        desk.open(large.read_bytes())
        return _Rise(here=_most() - before, child=status(child, "VmHWM") - childs)


def _most() -> int:
    """Not `ru_maxrss`, which a new process inherits."""
    return status("self", "VmHWM")
