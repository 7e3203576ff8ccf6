"""Everybody seals for everybody, in one technology. What a program sealed is kept, because several programs open it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from tests.peers.mail import Letter
from tests.peers.programs import PeerError

SENDER = "carol@bank.example"
TEXT = "Grüße aus Wien.\n\nFrom here on we are sealed.  \n.\n"

ProgramT = TypeVar("ProgramT", bound=StrEnum)
RecipeT = TypeVar("RecipeT")
RowT = TypeVar("RowT")


class Outcome(StrEnum):
    """What came of it."""

    OPENS = "opens"
    NOT_SEALED = "not sealed"
    NOT_OPENED = "not opened"


class Stays(Exception):
    """What was sealed stays closed, or its signature unproven, for this program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a reader saw: the text and, where it is signed, by whom."""

    text: str
    signer: str | None


class Crossing(ABC, Generic[ProgramT, RecipeT, RowT]):
    """What programs do with each other's mail."""

    def __init__(self) -> None:
        self.letter = Letter(sender=SENDER, recipients=["support@desk.example"], subject="Case 7", text=TEXT)
        self._sealed: dict[tuple[ProgramT, RecipeT], bytes | None] = {}

    @abstractmethod
    def recipe(self, row: RowT) -> RecipeT:
        """The recipe of a row."""

    @abstractmethod
    def make(self, sealer: ProgramT, letter: Letter, recipe: RecipeT) -> bytes:
        """Seals any letter of the sender's; raises PeerError where the program cannot."""

    @abstractmethod
    def open(self, opener: ProgramT, raw: bytes, row: RowT) -> Words:
        """Opens a mail as the row's reader; raises Stays."""

    @abstractmethod
    def words(self, recipe: RecipeT) -> Words:
        """What must be read of the letter."""

    def outcome(self, sealer: ProgramT, opener: ProgramT, row: RowT) -> Outcome:
        """Seals and opens. That something else is read than was written is no outcome but an error."""
        recipe = self.recipe(row)
        raw = self.sealed(sealer, recipe)
        if raw is None:
            return Outcome.NOT_SEALED
        try:
            words = self.open(opener, raw, row)
        except Stays:
            return Outcome.NOT_OPENED
        assert words == self.words(recipe), (sealer, opener, str(row))
        return Outcome.OPENS

    def sealed(self, sealer: ProgramT, recipe: RecipeT) -> bytes | None:
        """The mail; None where the sealer cannot make it."""
        if (sealer, recipe) not in self._sealed:
            self._sealed[sealer, recipe] = self.seal(sealer, self.letter, recipe)
        return self._sealed[sealer, recipe]

    def seal(self, sealer: ProgramT, letter: Letter, recipe: RecipeT) -> bytes | None:
        """Any letter of the sender's; None where the sealer cannot make it."""
        # Once more: on a busy machine a program's agent sometimes does not answer. What it cannot do, fails again.
        for _ in range(2):
            with suppress(PeerError):
                return self.make(sealer, letter, recipe)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Generic[RowT]):
    """Something that a program cannot do, in words and as the rows that it concerns."""

    program: StrEnum
    says: str
    concerns: Callable[[RowT], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps(Generic[RowT]):
    """All that programs cannot do in one technology."""

    sealing: tuple[Gap[RowT], ...]
    opening: tuple[Gap[RowT], ...]

    def expected(self, sealer: StrEnum, opener: StrEnum, row: RowT) -> Outcome:
        """What must come of a row; anything else, a better outcome too, is news."""
        if any(gap.program is sealer and gap.concerns(row) for gap in self.sealing):
            return Outcome.NOT_SEALED
        if any(gap.program is opener and gap.concerns(row) for gap in self.opening):
            return Outcome.NOT_OPENED
        return Outcome.OPENS
