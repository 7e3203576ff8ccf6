"""The matrix is made once for a test process, and its sealed mails are kept."""

from collections.abc import Iterator

import pytest

from tests.matrix.running import Matrix


@pytest.fixture(scope="session")
def matrix() -> Iterator[Matrix]:
    """People with keys of all kinds in all programs."""
    with Matrix() as made:
        yield made
