"""docs/peers.md tells what was seen with both technologies."""

from pathlib import Path

from tests.matrix.document import document
from tests.matrix.openpgp.running import PGPMatrix
from tests.matrix.running import Matrix

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "peers.md"


def test_document_tells_what_was_seen(matrix: Matrix, pgp_matrix: PGPMatrix) -> None:
    seen = document(matrix, pgp_matrix)

    assert seen == DOCUMENT.read_text(encoding="utf-8"), "run .venv/bin/python -m tests.matrix"
