"""Whatever is changed in a mail that Sealdesk, gpg or sq sealed with OpenPGP: where it is still good, it is the same.

As with S/MIME, a part of all one-byte changes is tried each time, and with EXHAUSTIVE=1 in the environment all of them.
"""

import itertools
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.keys import MemoryKeyStore, MemoryTrust, TrustLevel
from tests.matrix.changing import (
    CHANGES,
    PROTECTED,
    STRIDE,
    SealedMail,
    header_changes,
    letter,
    one_byte_changes,
    quietly,
)
from tests.matrix.openpgp.recipes import WRITTEN_BY_US, Form, Kind, Recipe
from tests.matrix.openpgp.running import PGPMatrix, Program

RECIPES = {
    "signed": Recipe(form=Form.SIGNED),
    "signed with RSA": Recipe(form=Form.SIGNED, author=Kind.RSA),
    "both": Recipe(form=Form.BOTH, recipients=(Kind.CURVE,)),
    "OCB": Recipe(form=Form.OCB, recipients=(Kind.CURVE,)),
    "nested": Recipe(form=Form.NESTED, recipients=(Kind.CURVE,)),
    "version 6": Recipe(form=Form.BOTH, author=Kind.V6, recipients=(Kind.V6,)),
    "clear-signed": Recipe(form=Form.CLEARSIGNED),
    "inline both": Recipe(form=Form.INLINE_BOTH, recipients=(Kind.CURVE,)),
}
# Not only ASCII, because the character set of inline text is named outside of what is signed.
TEXT = "Zahle 100 €.\n-- \nCarol\n"


def _is_written(sealer: Program, form: str) -> bool:
    if sealer is Program.OURS:
        return RECIPES[form].form in WRITTEN_BY_US
    return form not in {"version 6", *(["OCB"] if sealer is Program.SQ else [])}


KINDS = [
    pytest.param(sealer, form, protected, id=f"{sealer}, {form}, {PROTECTED[protected]}")
    for sealer, form, protected in itertools.product(Program, RECIPES, PROTECTED)
    if _is_written(sealer, form) and not (protected and RECIPES[form].form.is_inline)
]
every_kind = pytest.mark.parametrize(("sealer", "form", "protected"), KINDS)


class Mails:
    """Each mail is sealed once, because signatures and keys for one time are random."""

    def __init__(self, matrix: PGPMatrix) -> None:
        self._matrix = matrix
        self._made: dict[tuple[Program, str, bool], SealedMail] = {}

    def of(self, sealer: Program, form: str, *, protected: bool) -> SealedMail:
        """A mail of this kind."""
        wanted = sealer, form, protected
        if wanted not in self._made:
            self._made[wanted] = self._sealed(sealer, RECIPES[form], protected=protected)
        return self._made[wanted]

    def _sealed(self, sealer: Program, recipe: Recipe, *, protected: bool) -> SealedMail:
        what = letter(TEXT, protected=protected, is_encrypted=recipe.form.is_encrypted)
        sender = self._matrix.senders[recipe.author]
        reader = self._matrix.recipients[recipe.recipients[0] if recipe.recipients else Kind.CURVE]
        return SealedMail(
            raw=self._matrix.make(sealer, what, recipe),
            keys=MemoryKeyStore(keys=[sender.key], secrets=[reader.ours]),
            trust=MemoryTrust(levels={sender.key.fingerprint: TrustLevel.BY_HAND}),
            protected=protected,
            at=datetime.now(UTC),
        )


@pytest.fixture(scope="module")
def mails(pgp_matrix: PGPMatrix) -> Mails:
    return Mails(pgp_matrix)


@pytest.mark.mission("B14")
@every_kind
def test_a_byte_changed_in_a_mail_sealed_with_openpgp_leaves_it_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    original = mail.essence(mail.raw)
    assert original is not None
    assert original.text.rstrip() == TEXT.rstrip().replace("-- ", "--" if form == "clear-signed" else "-- ")

    offset = sum(map(ord, f"{sealer}{form}{protected}"))
    changed = [mail.essence(raw) for raw in one_byte_changes(mail.raw, stride=STRIDE, offset=offset)]

    assert {essence for essence in changed if essence is not None} - {original} == set()
    assert None in changed


@pytest.mark.mission("B14")
@every_kind
@quietly
@given(data=st.data())
def test_bytes_cut_doubled_moved_or_added_leave_a_mail_sealed_with_openpgp_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails, data: st.DataObject
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    change = data.draw(st.sampled_from(CHANGES))

    assert mail.essence(change(mail.raw, data.draw)) in {None, mail.essence(mail.raw)}


@pytest.mark.mission("B14")
@every_kind
def test_header_lines_changed_leave_a_mail_sealed_with_openpgp_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)

    seen = {mail.essence(raw) for raw in header_changes(mail.raw)}

    assert seen - {None, mail.essence(mail.raw)} == set()


CHARSETS = ["utf-7", "utf-16", "iso-8859-1", "koi8-r", "hz", "iso-2022-jp", "cp037", "idna", "punycode", "rot13", "x"]


@pytest.mark.mission("B14")
@pytest.mark.parametrize("form", ["clear-signed", "inline both"])
@pytest.mark.parametrize("sealer", [Program.GPG, Program.SQ])
def test_another_name_for_the_character_set_makes_no_other_words_of_signed_text(
    sealer: Program, form: str, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=False)
    labelled = [mail.raw.replace(b"charset=utf-8", b"charset=" + name.encode()) for name in CHARSETS]
    in_armor = [
        re.sub(rb"(-----BEGIN PGP MESSAGE-----\r\n)", rb"\1Charset: " + name.encode() + b"\r\n", mail.raw)
        for name in CHARSETS
    ]

    seen = {mail.essence(raw) for raw in (*labelled, *in_armor)}

    assert seen - {None} == {mail.essence(mail.raw)}


@pytest.mark.mission("B14")
@pytest.mark.parametrize("protected", [True, False], ids=PROTECTED.get)
@pytest.mark.parametrize("form", ["signed", "both"])
@pytest.mark.parametrize("sealer", Program)
def test_parts_of_a_mail_sealed_with_openpgp_in_other_places_are_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    boundary = b"--" + mail.raw.partition(b'boundary="')[2].partition(b'"')[0]
    before, first, second, end = mail.raw.split(boundary)
    other = b"\r\nContent-Type: text/plain\r\n\r\nPay 900 euros.\r\n"
    orders = [
        [before, first, first, second, end],
        [before, first, second, second, end],
        [before, other, first, second, end],
        [before, first, other, second, end],
        [before, first, second, other, end],
        [before, other, first, end],
        [before, first, end],
        [before + second, first, end],
    ]
    if form == "signed":
        orders += [[before, second, first, end], [before, other, second, end], [before + first, second, end]]

    seen = {mail.essence(boundary.join(order)) for order in orders}

    # The version part of an encrypted mail says nothing, and may be there twice.
    assert seen - ({mail.essence(mail.raw)} if form == "both" else set()) == {None}
