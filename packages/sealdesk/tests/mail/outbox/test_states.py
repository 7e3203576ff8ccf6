from __future__ import annotations

import pytest

from sealdesk.mail.models import CopyState
from sealdesk.mail.outbox.states import WAITS, Result, copy_state, next_state, wait_after


@pytest.mark.parametrize(
    ("result", "attempts", "expected"),
    [
        (Result.SENT, 1, CopyState.SENT),
        (Result.PERMANENT, 1, CopyState.FAILED),
        (Result.UNKNOWN, 1, CopyState.UNKNOWN),
        (Result.TEMPORARY, 1, CopyState.RETRY),
        (Result.TEMPORARY, len(WAITS), CopyState.RETRY),
        (Result.TEMPORARY, len(WAITS) + 1, CopyState.FAILED),
    ],
)
def test_next_state(result, attempts, expected):
    assert next_state(result, attempts) is expected


def test_waits_grow_and_stay_at_the_longest():
    waits = [wait_after(attempts) for attempts in range(1, 12)]

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (WAITS[0], WAITS[-1])


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ({CopyState.SENT}, CopyState.SENT),
        ({CopyState.SENT, CopyState.FAILED}, CopyState.FAILED),
        ({CopyState.SENT, CopyState.RETRY, CopyState.FAILED}, CopyState.RETRY),
        ({CopyState.UNKNOWN, CopyState.RETRY}, CopyState.UNKNOWN),
        (set(), CopyState.FAILED),
    ],
)
def test_a_copy_shows_what_still_needs_somebody(deliveries, expected):
    assert copy_state(deliveries) is expected
