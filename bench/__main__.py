"""`python -m bench`: measures everything and writes bench/RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.cases import pairs
from bench.crypto import crypto_tables
from bench.intake import intake_tables
from bench.large import large_tables
from bench.machine import description
from bench.table import Table

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Prints each table as soon as it is there."""
    sections = []
    for table in _tables():
        sections.append(table.markdown())
        print(sections[-1], flush=True)
        print(flush=True)
    head = "# Results\n\nMade by `make bench`. The machine:\n\n" + description()
    RESULTS.write_text("\n\n".join([head, *sections]) + "\n", encoding="utf-8")


def _tables() -> Iterator[Table]:
    measured = pairs()
    yield from crypto_tables(measured)
    yield from intake_tables()
    yield from large_tables(measured)


if __name__ == "__main__":
    main()
