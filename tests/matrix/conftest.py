"""Each matrix is made once for a test process, and its sealed mails are kept."""

from collections.abc import Iterator

import pytest

from tests.matrix.openpgp.running import PGPMatrix
from tests.matrix.running import Matrix


@pytest.fixture(scope="session")
def matrix() -> Iterator[Matrix]:
    """People with keys of all kinds in all programs for S/MIME."""
    with Matrix() as made:
        yield made


@pytest.fixture(scope="session")
def pgp_matrix() -> Iterator[PGPMatrix]:
    """People with keys of all kinds in all programs for OpenPGP."""
    with PGPMatrix() as made:
        yield made
