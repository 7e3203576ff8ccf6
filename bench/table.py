"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One section of the results."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Heading, note and table."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join(filter(None, (f"## {self.title}", self.note, body)))


def milliseconds(seconds: float) -> str:
    """Three digits that matter."""
    return f"{seconds * 1000:.3g}" if seconds < 1 else f"{seconds * 1000:.0f}"


def times(ratio: float) -> str:
    """A ratio."""
    return f"{ratio:.1f} ×"


def megabytes(octets: float) -> str:
    """Whole megabytes."""
    return f"{octets / 1024 / 1024:.0f} MB"
