"""What every test of sealmail shares: the test vectors of other projects, and no network."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

REPOSITORY = Path(__file__).resolve().parents[3]
TALKATIVE = ("sockets", "e2e")


def vectors_folder() -> Path | None:
    """The folder `shared/vectors` beside the repository or above it, if there is one."""
    candidates = (parent / "shared" / "vectors" for parent in REPOSITORY.parents)
    return next((folder for folder in candidates if folder.is_dir()), None)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Mails, keys and certificates that other projects made."""
    folder = vectors_folder()
    if folder is None:
        pytest.skip("the shared test vectors are not beside this repository (shared/vectors)")
    return folder


def pytest_runtest_setup(item: pytest.Item) -> None:
    if any(item.get_closest_marker(name) for name in TALKATIVE):
        enable_socket()
    else:
        disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    enable_socket()
