"""Runs the tests that prove rows of the mission and prints a table: row, tests, outcome.

A row is shown only where all its tests passed; a skipped test counts as not shown. Rows without a test are listed too.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest

ROWS = {
    **{f"S{number}": "S/MIME, administrator" for number in range(1, 14)},
    **{f"P{number}": "PGP, administrator" for number in range(1, 8)},
    **{f"A{number}": "the agent" for number in range(1, 8)},
    **{f"H{number}": "the help desk" for number in range(1, 7)},
    **{f"B{number}": "beyond" for number in range(1, 19)},
}


class Recorder:
    """Remembers which rows a test names, and how it ended."""

    def __init__(self) -> None:
        self.rows_of: dict[str, list[str]] = {}
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keeps the tests that name a row."""
        marked = [item for item in items if item.get_closest_marker("mission")]
        config.hook.pytest_deselected(items=[item for item in items if item not in marked])
        items[:] = marked
        for item in marked:
            self.rows_of[item.nodeid] = [row for mark in item.iter_markers("mission") for row in mark.args]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps the worst outcome of set-up, call and tear-down."""
        if report.when == "call" or report.outcome != "passed":
            worst = self.outcomes.get(report.nodeid, "passed")
            self.outcomes[report.nodeid] = report.outcome if worst == "passed" else worst


def main() -> int:
    """Runs and prints; the exit status is that of the tests."""
    recorder = Recorder()
    status = pytest.main(["-q", "--no-header", "-p", "no:randomly", *sys.argv[1:]], plugins=[recorder])
    tests_of: dict[str, list[str]] = defaultdict(list)
    for test, rows in recorder.rows_of.items():
        for row in rows:
            tests_of[row].append(test)
    unknown = sorted(set(tests_of) - set(ROWS))
    print(f"\n{'row':<5}{'what':<24}{'outcome':<12}tests")
    for row, what in ROWS.items():
        outcomes = [recorder.outcomes.get(test, "not run") for test in tests_of[row]]
        shown = "no test" if not outcomes else "shown" if set(outcomes) == {"passed"} else "NOT SHOWN"
        print(f"{row:<5}{what:<24}{shown:<12}{len(outcomes)}")
        for test, outcome in zip(tests_of[row], outcomes, strict=True):
            print(f"{'':<41}{outcome:<9}{test}")
    if unknown:
        print(f"rows that the mission does not have: {', '.join(unknown)}")
        return 1
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
