"""`python -m bench`: measures everything and writes bench/RESULTS.md. `--quick`: few calls, and nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.cases import pairs
from bench.certificates import certificate_tables
from bench.intake import intake_tables
from bench.large import large_tables
from bench.machine import description
from bench.openpgp import openpgp_tables
from bench.peak import peak_tables
from bench.smime import smime_tables
from bench.streamed import streamed_tables
from bench.table import Table

RESULTS = Path(__file__).with_name("RESULTS.md")


def main(*, quick: bool) -> None:
    """Prints each table as soon as it is there."""
    sections = []
    for table in _tables(quick=quick):
        sections.append(table.markdown())
        print(sections[-1], flush=True)
        print(flush=True)
    head = "# Results\n\nMade by `make bench`. The machine:\n\n" + description()
    if not quick:
        RESULTS.write_text("\n\n".join([head, *sections]) + "\n", encoding="utf-8")


def _tables(*, quick: bool) -> Iterator[Table]:
    yield from smime_tables(quick=quick)
    yield from openpgp_tables(quick=quick)
    yield from certificate_tables(quick=quick)
    yield from streamed_tables(quick=quick)
    yield from intake_tables()
    yield from large_tables(pairs())
    yield from peak_tables()


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
