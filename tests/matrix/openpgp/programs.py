"""Sealdesk, gpg and sq behind one face: `seal` a letter as a recipe says, `open` what another one sealed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sealmail.errors import SealmailError
from sealmail.keys import MemoryKeyStore, MemoryTrust, Technology, TrustLevel
from sealmail.mime import parse
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Covers, Encryption, Signature
from sealmail.sealing import Letter as OurLetter
from sealmail.sealing import SealRequest, plan, seal
from tests.matrix.crossing import Stays, Words
from tests.matrix.openpgp.people import Person
from tests.matrix.openpgp.recipes import WRITTEN_BY_US, Form, Recipe
from tests.peers.gpg import GnuPG
from tests.peers.mail import (
    Letter,
    pgp_encrypted,
    pgp_inline,
    pgp_inline_encrypted,
    pgp_signed,
    pgp_signed_inside_encrypted,
    with_crlf,
)
from tests.peers.ocb import with_ocb
from tests.peers.pgp import PGPProgram
from tests.peers.programs import PeerError
from tests.peers.reading import Layer, Reader, Reading

COPIES_TO = ("anybody@desk.example",)


def shown(form: Form, text: str) -> str:
    """A text as readers of that form see it: no blanks at the end of lines that were not signed (RFC 9580 §7.2)."""
    if form is not Form.CLEARSIGNED:
        return text
    return "\n".join(line.rstrip(" \t") for line in text.splitlines()).rstrip("\n")


class PeerSealer:
    """A program of others."""

    def __init__(self, program_of: Callable[[Person], PGPProgram]) -> None:
        self._program_of = program_of

    def seal(self, letter: Letter, recipe: Recipe, sender: Person, to: Sequence[Person]) -> bytes:
        """The letter, sealed by the sender's program; raises PeerError."""
        who, names = self._program_of(sender), [one.fingerprint for one in to]
        match recipe.form:
            case Form.SIGNED:
                return pgp_signed(letter, who)
            case Form.ENCRYPTED:
                return pgp_encrypted(letter, who, to=names)
            case Form.BOTH:
                return pgp_encrypted(letter, who, to=names, sign=True)
            case Form.OCB:
                raise PeerError("the program that is here writes no OCB")
            case Form.NESTED:
                return pgp_signed_inside_encrypted(letter, who, to=names)
            case Form.CLEARSIGNED:
                return pgp_inline(letter, who)
            case Form.INLINE_ENCRYPTED:
                return pgp_inline_encrypted(letter, who, to=names)
            case Form.INLINE_BOTH:
                return pgp_inline_encrypted(letter, who, to=names, sign=True)


class OCBSealer:
    """gpg with the packet that later versions of it write; `reader_of`: the gpg of somebody who opens the message."""

    def __init__(self, sealer: PeerSealer, reader_of: Callable[[Person], GnuPG]) -> None:
        self._sealer, self._reader_of = sealer, reader_of

    def seal(self, letter: Letter, recipe: Recipe, sender: Person, to: Sequence[Person]) -> bytes:
        """The letter, sealed by the sender's gpg and encrypted anew; raises PeerError."""
        raw = self._sealer.seal(letter, replace(recipe, form=Form.BOTH), sender, to)
        start, end = raw.index(b"-----BEGIN PGP MESSAGE"), raw.index(b"-----END PGP MESSAGE-----\r\n")
        end += len(b"-----END PGP MESSAGE-----\r\n")
        return raw[:start] + with_crlf(with_ocb(raw[start:end], self._reader_of(to[0]))) + raw[end:]


class PeerOpener:
    """A program of others, with one person's key, who knows the senders."""

    def __init__(self, program: PGPProgram, senders: Sequence[Person]) -> None:
        self._reader = Reader(gpg=program)
        self._senders = {sender.fingerprint: sender.address for sender in senders}

    def open(self, raw: bytes, form: Form) -> Words:
        """What is inside; raises Stays."""
        try:
            reading = self._reader.read(raw)
        except PeerError as error:
            raise Stays from error
        expected = [Layer.PGP_ENCRYPTED] * form.is_encrypted + [Layer.PGP_SIGNED] * form.is_signed
        if reading.layers != tuple(expected):
            raise Stays
        return Words(text=shown(form, reading.text), signer=self._signer(reading) if form.is_signed else None)

    def _signer(self, reading: Reading) -> str:
        if len(reading.good_signers) != 1:
            raise Stays
        return self._senders[reading.good_signers[0]]


class OurSealer:
    """Sealdesk's library: a plan, and what comes of it."""

    def seal(self, letter: Letter, recipe: Recipe, sender: Person, to: Sequence[Person]) -> bytes:
        """The letter as the library seals it; raises PeerError."""
        if recipe.form not in WRITTEN_BY_US:
            raise PeerError("not written")
        now = datetime.now(UTC)
        keys = MemoryKeyStore(keys=[one.key for one in to], secrets=[sender.ours])
        trust = MemoryTrust(levels={one.key.fingerprint: TrustLevel.BY_HAND for one in (sender, *to)})
        request = SealRequest(
            sender=sender.address,
            to=tuple(one.address for one in to) or COPIES_TO,
            sign=recipe.form.is_signed,
            encrypt=recipe.form.is_encrypted,
            technology=Technology.OPENPGP,
        )
        headers = parse(letter.wrapped(b"\r\n")).headers.without("mime-version")
        try:
            planned = plan(request, keys, trust, Policy(), now)
            (copy,) = seal(planned, OurLetter(headers=headers, entity=letter.entity()), keys, now)
        except SealmailError as error:
            raise PeerError(str(error)) from error
        return copy.raw


class OurOpener:
    """Sealdesk's library, with one person's key, who knows the senders and trusts them by hand."""

    def __init__(self, owner: Person, senders: Sequence[Person]) -> None:
        self._keys = MemoryKeyStore(keys=[sender.key for sender in senders], secrets=[owner.ours])
        self._trust = MemoryTrust(levels={sender.key.fingerprint: TrustLevel.BY_HAND for sender in senders})

    def open(self, raw: bytes, form: Form) -> Words:
        """What is inside; raises Stays."""
        opened = open_message(raw, self._keys, self._trust, Policy(), datetime.now(UTC))
        encryption, signature = opened.report.encryption, opened.report.signature
        wanted = (Encryption.DECRYPTED, Covers.WHOLE) if form.is_encrypted else (Encryption.NONE, Covers.NONE)
        if (encryption.verdict, encryption.covers) != wanted:
            raise Stays
        promised = (Signature.GOOD, Covers.WHOLE) if form.is_signed else (Signature.NONE, Covers.NONE)
        if (signature.verdict, signature.covers) != promised:
            raise Stays
        signer = opened.headers.from_.address if form.is_signed and opened.headers.from_ else None
        return Words(text=shown(form, opened.content.text.replace("\r\n", "\n")), signer=signer)
