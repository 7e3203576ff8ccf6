"""What every test of the desk relies on: no network, quick passwords, and the cast."""

from __future__ import annotations

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def closed_network(request):
    """Nothing leaves this process, unless a test says that it talks to servers on loopback."""
    if request.node.get_closest_marker("sockets") or request.node.get_closest_marker("e2e"):
        yield
        return
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
