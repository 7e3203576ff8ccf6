"""A tap on the line between the fetcher and the IMAP server, which falls silent in the middle of things."""

import contextlib
import socket
import threading
from typing import Self

from tests.peers.programs import LOOPBACK


class Tap:
    """Hands bytes on in both directions until a word has passed so many times. Use it as a context manager.

    From then on nothing passes any more, and `reached` is set: the client waits for a server that says nothing.
    """

    host = LOOPBACK

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._stack = contextlib.ExitStack()
        self._word, self._left = b"", 0
        self.reached = threading.Event()

    def __enter__(self) -> Self:
        self._listener = self._stack.enter_context(socket.create_server((self.host, 0)))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._stack.close()

    def falls_silent(self, word: bytes, times: int) -> None:
        """From now on: when the word comes by for that time, half of what it comes with is still handed on to a client,
        and nothing of it to the server."""
        self.reached.clear()
        self._word, self._left = word, times

    def stays_open(self) -> None:
        """Hands everything on again, on new connections."""
        self.reached.clear()
        self._word, self._left = b"", 0

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the listener was closed
                return
            server = socket.create_connection((self.host, self._server_port))
            for source, target, rest in ((client, server, 0), (server, client, 2)):
                threading.Thread(target=self._hand_on, args=(source, target, rest), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, part: int) -> None:
        with contextlib.suppress(OSError), source, target:
            while chunk := source.recv(65536):
                if self._is_the_moment(chunk):
                    target.sendall(chunk[: len(chunk) // part] if part else b"")
                    self.reached.set()
                if self.reached.is_set():
                    continue
                target.sendall(chunk)

    def _is_the_moment(self, chunk: bytes) -> bool:
        if not self._word or self.reached.is_set():
            return False
        self._left -= chunk.count(self._word)
        return self._left <= 0
