"""Runs the matrix: every sealer for every opener. What is sealed is kept, because three open it."""

import contextlib
from enum import StrEnum
from functools import cache
from typing import Self

from tests.matrix.programs import OurOpener, OurSealer, PeerOpener, PeerSealer, Stays, Words
from tests.matrix.recipes import ENCRYPTING, NAMES, SIGNING, Recipe, Row
from tests.peers.gpgsm import GPGSM
from tests.peers.mail import Letter
from tests.peers.openssl import KeyKind, OpenSSLCustomer, TestCA
from tests.peers.programs import PeerError

SENDER = "carol@bank.example"
TEXT = "Grüße aus Wien.\n\nFrom here on we are sealed.  \n.\n"


class Program(StrEnum):
    """Who seals and who opens."""

    OURS = "Sealdesk"
    OPENSSL = "openssl"
    GPGSM = "gpgsm"


class Outcome(StrEnum):
    """What came of it."""

    OPENS = "opens"
    NOT_SEALED = "not sealed"
    NOT_OPENED = "not opened"


class Matrix:
    """People with a key of each kind under one CA, and what they seal for each other. Use it as a context manager."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self.letter = Letter(sender=SENDER, recipients=["support@desk.example"], subject="Case 7", text=TEXT)
        self._sealed: dict[tuple[Program, Recipe], bytes | None] = {}
        self.sealer = cache(self._sealer)
        self.opener = cache(self._opener)
        self.gpgsm = cache(self._gpgsm)

    def __enter__(self) -> Self:
        with self._stack:
            ca = self._stack.enter_context(TestCA(kind=KeyKind.EC_P256))
            self.senders = {kind: ca.issue(SENDER, kind=kind, usage="digitalSignature") for kind in SIGNING}
            self.recipients = {kind: ca.issue(f"{NAMES[kind].lower()}@desk.example", kind=kind) for kind in ENCRYPTING}
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def outcome(self, sealer: Program, opener: Program, row: Row) -> Outcome:
        """Seals and opens. That something else is read than was written is no outcome but an error."""
        raw = self.sealed(sealer, row.recipe)
        if raw is None:
            return Outcome.NOT_SEALED
        reader = self.recipients[row.reader or KeyKind.RSA_2048]
        try:
            words = self.opener(opener, reader).open(raw, row.recipe.form)
        except Stays:
            return Outcome.NOT_OPENED
        assert words == Words(text=TEXT, signer=SENDER if row.recipe.signer else None), (sealer, opener, str(row))
        return Outcome.OPENS

    def sealed(self, sealer: Program, recipe: Recipe) -> bytes | None:
        """The mail; None where the sealer cannot make it."""
        if (sealer, recipe) not in self._sealed:
            self._sealed[sealer, recipe] = self.seal(sealer, self.letter, recipe)
        return self._sealed[sealer, recipe]

    def seal(self, sealer: Program, letter: Letter, recipe: Recipe) -> bytes | None:
        """Any letter of the sender's; None where the sealer cannot make it."""
        who = self.senders[recipe.signer or KeyKind.EC_P256]
        to = [self.recipients[kind] for kind in recipe.recipients]
        try:
            return self.sealer(sealer).seal(letter, recipe, who, to)
        except PeerError:
            return None

    def _sealer(self, program: Program) -> OurSealer | PeerSealer:
        match program:
            case Program.OURS:
                return OurSealer()
            case Program.OPENSSL:
                pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]
                return PeerSealer(lambda who: who, pss=pss, oaep=["-keyopt", "rsa_padding_mode:oaep"])
            case Program.GPGSM:
                return PeerSealer(self.gpgsm, pss=None, oaep=None)

    def _opener(self, program: Program, reader: OpenSSLCustomer) -> OurOpener | PeerOpener:
        match program:
            case Program.OURS:
                return OurOpener(reader)
            case Program.OPENSSL:
                return PeerOpener(reader)
            case Program.GPGSM:
                return PeerOpener(self.gpgsm(reader))

    def _gpgsm(self, owner: OpenSSLCustomer) -> GPGSM:
        return self._stack.enter_context(GPGSM(owner, [*self.recipients.values()]))
