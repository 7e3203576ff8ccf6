"""The same by hand: the gpg and openssl commands, each with a warm agent or file cache and keys of its own."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

from bench.cases import Pair
from sealmail.keys import SecretKey, Technology
from sealmail.testing import export_pem
from tests.peers.gpg import GnuPG
from tests.peers.programs import program, short_folder


class Peer(Protocol):
    """Somebody else's program with the keys of a pair."""

    def seal(self, entity: bytes, *, by_agent: bool) -> bytes:
        """The entity signed and encrypted: by the agent to the customer and himself, or by the customer to him."""

    def open(self, sealed: bytes) -> None:
        """Decrypts with the agent's key and verifies; raises CalledProcessError where either fails."""


class OpenSSL:
    """Two commands each way: `openssl cms` does one layer at a time."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self._ca = _written(folder / "ca.pem", export_pem(_authority(pair)))
        self._agent = _written(folder / "agent.pem", export_pem(pair.agent))
        self._customer = _written(folder / "customer.pem", export_pem(pair.customer))
        self._inner = str(folder / "inner")

    def seal(self, entity: bytes, *, by_agent: bool) -> bytes:
        signer = self._agent if by_agent else self._customer
        to = [self._customer, self._agent] if by_agent else [self._agent]
        signed = run(["openssl", "cms", "-sign", "-signer", signer, "-md", "sha256", "-binary"], entity)
        return run(["openssl", "cms", "-encrypt", "-aes256", "-binary", *to], signed)

    def open(self, sealed: bytes) -> None:
        run(["openssl", "cms", "-decrypt", "-recip", self._agent, "-out", self._inner], sealed)
        run(["openssl", "cms", "-verify", "-in", self._inner, "-CAfile", self._ca, "-out", "/dev/null"])


class GPG:
    """One command each way, with the agent already running."""

    def __init__(self, pair: Pair, gpg: GnuPG) -> None:
        self._home = str(gpg.home)
        self._agent, self._customer = (gpg.import_(secret.material)[0] for secret in (pair.agent, pair.customer))

    def seal(self, entity: bytes, *, by_agent: bool) -> bytes:
        signer = self._agent if by_agent else self._customer
        to = [self._customer, self._agent] if by_agent else [self._agent]
        recipients = [part for one in to for part in ("--recipient", one)]
        return self._gpg(["--armor", "--local-user", signer, *recipients, "--sign", "--encrypt"], entity)

    def open(self, sealed: bytes) -> None:
        if b"GOODSIG" not in self._gpg(["--status-fd", "1", "--decrypt"], sealed):
            raise AssertionError("gpg did not verify the mail")

    def _gpg(self, command: list[str], data: bytes) -> bytes:
        """Asked a second time where it fails: on a busy machine its agent now and then does not answer."""
        words = ["gpg", "--homedir", self._home, "--batch", "--quiet", *command]
        try:
            return run(list(words), data)
        except subprocess.CalledProcessError:
            return run(list(words), data)


class Peers:
    """Makes peers, and clears up behind them."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def of(self, pair: Pair) -> Peer:
        """The program for the pair's technology."""
        if pair.technology is Technology.SMIME:
            return OpenSSL(pair, self._stack.enter_context(short_folder("bench")))
        return GPG(pair, self._stack.enter_context(GnuPG()))


def as_mail(headers: bytes, sealed: bytes) -> bytes:
    """What a peer made, as the mail that would travel: openssl writes an entity, gpg only an armored message."""
    if not sealed.startswith(b"-----BEGIN PGP"):
        return headers + sealed
    return b"".join((headers, _ENCRYPTED, sealed, b"\r\n--sealed--\r\n"))


_ENCRYPTED = b"""MIME-Version: 1.0\r
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="sealed"\r
\r
--sealed\r
Content-Type: application/pgp-encrypted\r
\r
Version: 1\r
\r
--sealed\r
Content-Type: application/octet-stream\r
\r
"""


def _authority(pair: Pair) -> SecretKey:
    assert pair.ca is not None  # noqa: S101 -- pairs with S/MIME have one
    return pair.ca.secret


def _written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def run(command: list[str], data: bytes = b"") -> bytes:
    """What a program writes to standard output; raises CalledProcessError where it fails."""
    command[0] = program(command[0])
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout
