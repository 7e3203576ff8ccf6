"""Unit tests reach no network."""

import socket

import pytest
from pytest_socket import SocketBlockedError


def test_socket_is_blocked_in_unit_tests():
    with pytest.warns(UserWarning, match="A test tried"), pytest.raises(SocketBlockedError):
        socket.socket(socket.AF_INET)


@pytest.mark.sockets
def test_socket_is_open_where_marked():
    socket.socket(socket.AF_INET).close()
