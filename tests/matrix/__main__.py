"""Writes docs/peers.md."""

from pathlib import Path

from tests.matrix.document import document
from tests.matrix.running import Matrix

if __name__ == "__main__":
    with Matrix() as matrix:
        (Path(__file__).resolve().parents[2] / "docs" / "peers.md").write_text(document(matrix), encoding="utf-8")
