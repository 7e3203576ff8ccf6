"""Times rival ways of doing the same thing, turn by turn, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Act = Callable[[], object]
_REPEATS = 3
"""Calls in one turn. Each way comes back to caches that another one has left, as it would in real use."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an act takes, in seconds."""

    median: float
    quick: float
    """A tenth of the calls took less: what other programs do on the machine hardly touches it."""


def side_by_side(
    acts: Mapping[str, Act], *, seconds: float, fewest: int = 7, repeats: int = _REPEATS
) -> dict[str, Timing]:
    """How long each act takes. Turns are taken until the time is used up, at least `fewest`."""
    for act in acts.values():
        act()
    gc.collect()
    samples: dict[str, list[float]] = {name: [] for name in acts}
    end = time.perf_counter() + seconds
    turns = 0
    while turns < fewest or time.perf_counter() < end:
        turns += 1
        for name, act in acts.items():
            samples[name].extend(duration(act) for _ in range(repeats))
    return {
        name: Timing(statistics.median(each), statistics.quantiles(each, n=10, method="inclusive")[0])
        for name, each in samples.items()
    }


def duration(act: Act) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
