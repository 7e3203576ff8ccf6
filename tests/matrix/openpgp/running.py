"""The matrix of OpenPGP: every sealer for every opener."""

import contextlib
from enum import StrEnum
from functools import cache
from typing import Self

from tests.matrix.crossing import SENDER, TEXT, Crossing, Words
from tests.matrix.openpgp.people import MAKERS, People, Person
from tests.matrix.openpgp.programs import OCBSealer, OurOpener, OurSealer, PeerOpener, PeerSealer, shown
from tests.matrix.openpgp.recipes import Form, Kind, Recipe, Row
from tests.peers.gpg import GnuPG
from tests.peers.mail import Letter
from tests.peers.sq import SQ


class Program(StrEnum):
    """Who seals and who opens."""

    OURS = "Sealdesk"
    GPG = "gpg"
    SQ = "sq"


class PGPMatrix(Crossing[Program, Recipe, Row]):
    """People with a key of each kind, and what they seal for each other. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self.opener = cache(self._opener)
        self.gpg = cache(self._gpg)
        self.sq = cache(self._sq)

    def __enter__(self) -> Self:
        with self._stack:
            self.people = self._stack.enter_context(People())
            self.senders = {kind: make(self.people, SENDER) for kind, make in MAKERS["sender"].items()}
            self.recipients = {
                kind: make(self.people, f"{kind.lower().replace(' ', '')}@desk.example")
                for kind, make in MAKERS["recipient"].items()
            }
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def recipe(self, row: Row) -> Recipe:
        return row.recipe

    def words(self, recipe: Recipe) -> Words:
        return Words(text=shown(recipe.form, TEXT), signer=SENDER if recipe.form.is_signed else None)

    def make(self, sealer: Program, letter: Letter, recipe: Recipe) -> bytes:
        return self.make_by(sealer, letter, recipe, self.senders[recipe.author])

    def make_by(self, sealer: Program, letter: Letter, recipe: Recipe, sender: Person) -> bytes:
        """The same, by anybody."""
        to = [self.recipients[kind] for kind in recipe.recipients]
        chosen = self._sealer(sealer)
        if recipe.form is Form.OCB and sealer is Program.GPG and isinstance(chosen, PeerSealer):
            return OCBSealer(chosen, self.gpg).seal(letter, recipe, sender, to)
        return chosen.seal(letter, recipe, sender, to)

    def open(self, opener: Program, raw: bytes, row: Row) -> Words:
        return self.opener(opener, row.reader or Kind.CURVE).open(raw, row.recipe.form)

    def _sealer(self, program: Program) -> OurSealer | PeerSealer:
        match program:
            case Program.OURS:
                return OurSealer()
            case Program.GPG:
                return PeerSealer(self.gpg)
            case Program.SQ:
                return PeerSealer(self.sq)

    def _opener(self, program: Program, reader: Kind) -> OurOpener | PeerOpener:
        owner, senders = self.recipients[reader], [*self.senders.values()]
        match program:
            case Program.OURS:
                return OurOpener(owner, senders)
            case Program.GPG:
                return PeerOpener(self.gpg(owner), senders)
            case Program.SQ:
                return PeerOpener(self.sq(owner), senders)

    def _gpg(self, owner: Person) -> GnuPG:
        return self.people.gpg_of(owner, self._others(owner))

    def _sq(self, owner: Person) -> SQ:
        return self.people.sq_of(owner, self._others(owner))

    def _others(self, owner: Person) -> list[Person]:
        others = self.senders if owner in self.recipients.values() else self.recipients
        return [*others.values()]
