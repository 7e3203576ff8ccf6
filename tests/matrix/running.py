"""The matrix of S/MIME: every sealer for every opener."""

import contextlib
from enum import StrEnum
from functools import cache
from typing import Self

from tests.matrix.crossing import SENDER, TEXT, Crossing, Words
from tests.matrix.programs import OurOpener, OurSealer, PeerOpener, PeerSealer
from tests.matrix.recipes import ENCRYPTING, NAMES, SIGNING, Recipe, Row
from tests.peers.gpgsm import GPGSM
from tests.peers.mail import Letter
from tests.peers.openssl import KeyKind, OpenSSLCustomer, TestCA


class Program(StrEnum):
    """Who seals and who opens."""

    OURS = "Sealdesk"
    OPENSSL = "openssl"
    GPGSM = "gpgsm"


class Matrix(Crossing[Program, Recipe, Row]):
    """People with a key of each kind under one CA, and what they seal for each other. Use it as a context manager."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
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

    def recipe(self, row: Row) -> Recipe:
        return row.recipe

    def make(self, sealer: Program, letter: Letter, recipe: Recipe) -> bytes:
        who = self.senders[recipe.signer or KeyKind.EC_P256]
        to = [self.recipients[kind] for kind in recipe.recipients]
        return self.sealer(sealer).seal(letter, recipe, who, to)

    def open(self, opener: Program, raw: bytes, row: Row) -> Words:
        return self.opener(opener, self.recipients[row.reader or KeyKind.RSA_2048]).open(raw, row.recipe.form)

    def words(self, recipe: Recipe) -> Words:
        return Words(text=TEXT, signer=SENDER if recipe.signer else None)

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
