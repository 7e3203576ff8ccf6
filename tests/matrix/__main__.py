"""Writes docs/peers.md."""

from pathlib import Path

from tests.matrix.document import document
from tests.matrix.openpgp.running import PGPMatrix
from tests.matrix.running import Matrix

if __name__ == "__main__":
    with Matrix() as matrix, PGPMatrix() as pgp_matrix:
        written = document(matrix, pgp_matrix)
    (Path(__file__).resolve().parents[2] / "docs" / "peers.md").write_text(written, encoding="utf-8")
