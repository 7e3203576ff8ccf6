"""Senders and recipients with OpenPGP keys of each kind, made by the program that such keys come from."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import pysequoia

from sealmail.keys import Key, SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp
from tests.matrix.openpgp.recipes import Kind
from tests.peers import sq
from tests.peers.gpg import Algorithm, GnuPG
from tests.peers.programs import PeerError

THREE_YEARS = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An address, and an OpenPGP key for it."""

    address: str
    secret: bytes = field(repr=False)
    public: bytes = field(repr=False)

    @property
    def ours(self) -> SecretKey:
        """The key as our library holds it."""
        return SecretKey(key=key_from_openpgp(self.secret), material=self.secret)

    @property
    def key(self) -> Key:
        """The public side, as our library holds it."""
        return key_from_openpgp(self.public)

    @property
    def fingerprint(self) -> str:
        """As gpg writes it."""
        return self.key.fingerprint.upper()


class People:
    """Makes people, and the programs that they use. Use it as a context manager."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._maker = self._stack.enter_context(GnuPG())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def with_gpg_key(self, address: str, algorithm: Algorithm) -> Person:
        """A key as gpg makes it: the primary key signs, one subkey is encrypted to."""
        fingerprint = self._maker.generate(address, algorithm=algorithm)
        secret = self._maker.export_secret(fingerprint, armor=False)
        return Person(address=address, secret=secret, public=self._maker.export_public(fingerprint, armor=False))

    def with_sq_key(self, address: str, kind: Kind) -> Person:
        """A key as sq makes it: the primary key certifies, subkeys sign and are encrypted to."""
        secret = sq.generate(address, kind)
        return Person(address=address, secret=secret, public=sq.certificate(secret))

    def with_v6_key(self, address: str) -> Person:
        """A key of RFC 9580, which neither of the two makes."""
        made = pysequoia.Tsk.generate(
            user_id=f"<{address}>",
            profile=pysequoia.Profile.RFC9580,
            validity_seconds=int(THREE_YEARS.total_seconds()),
        )
        return Person(address=address, secret=bytes(made), public=bytes(made.extract_certificate()))

    def gpg_of(self, owner: Person, others: list[Person]) -> GnuPG:
        """The owner's gpg. Keys that it does not take in are not there."""
        gpg = self._stack.enter_context(GnuPG())
        for material in (owner.secret, *(other.public for other in others)):
            with contextlib.suppress(PeerError):
                gpg.import_(material)
        return gpg

    def sq_of(self, owner: Person, others: list[Person]) -> sq.SQ:
        """The owner's sq."""
        return self._stack.enter_context(sq.SQ(owner.secret, {other.fingerprint: other.public for other in others}))


MAKERS: dict[str, dict[Kind, Callable[[People, str], Person]]] = {
    "sender": {
        Kind.RSA: lambda people, address: people.with_gpg_key(address, Algorithm.RSA_3072),
        Kind.CURVE: lambda people, address: people.with_sq_key(address, Kind.CURVE),
        Kind.V6: People.with_v6_key,
    },
    "recipient": {
        Kind.RSA: lambda people, address: people.with_sq_key(address, Kind.RSA),
        Kind.CURVE: lambda people, address: people.with_gpg_key(address, Algorithm.ED25519),
        Kind.V6: People.with_v6_key,
    },
}
"""Each kind of key from another program on each side, because they build keys differently."""
