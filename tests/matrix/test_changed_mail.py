"""Whatever is changed in a sealed mail, whoever sealed it: where it is still good, it is still the same mail.

A part of all one-byte changes is tried each time; all of them, in five minutes, with EXHAUSTIVE=1 in the environment.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.matrix.changing import (
    CHANGES,
    PROTECTED,
    RECIPES,
    STRIDE,
    SealedMail,
    header_changes,
    one_byte_changes,
    quietly,
    sealed_mail,
)
from tests.matrix.running import Matrix, Program


class Mails:
    """Each mail is sealed once, because signatures and keys for one time are random."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._made: dict[tuple[Program, str, bool], SealedMail | None] = {}

    def of(self, sealer: Program, form: str, *, protected: bool) -> SealedMail:
        """A mail of this kind."""
        wanted = sealer, form, protected
        if wanted not in self._made:
            self._made[wanted] = sealed_mail(self._matrix, sealer, RECIPES[form], protected=protected)
        mail = self._made[wanted]
        assert mail is not None
        return mail


@pytest.fixture(scope="module")
def mails(matrix: Matrix) -> Mails:
    return Mails(matrix)


KINDS = [
    pytest.param(sealer, form, protected, id=f"{sealer}, {form}, {PROTECTED[protected]}")
    for sealer, form, protected in itertools.product(Program, RECIPES, PROTECTED)
    if (sealer, form) != (Program.GPGSM, "GCM")
]
every_kind = pytest.mark.parametrize(("sealer", "form", "protected"), KINDS)


@pytest.mark.mission("B14")
@every_kind
def test_a_byte_changed_in_a_sealed_mail_leaves_it_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    original = mail.essence(mail.raw)
    assert original is not None
    assert original.text == "Pay 100 euros.\n"

    offset = sum(map(ord, f"{sealer}{form}{protected}"))
    changed = [mail.essence(raw) for raw in one_byte_changes(mail.raw, stride=STRIDE, offset=offset)]

    assert {essence for essence in changed if essence is not None} - {original} == set()
    assert changed.count(None) > len(changed) // 2


@pytest.mark.mission("B14")
@every_kind
@quietly
@given(data=st.data())
def test_bytes_cut_doubled_moved_or_added_leave_a_sealed_mail_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails, data: st.DataObject
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    change = data.draw(st.sampled_from(CHANGES))

    assert mail.essence(change(mail.raw, data.draw)) in {None, mail.essence(mail.raw)}


@pytest.mark.mission("B14")
@every_kind
def test_header_lines_left_out_doubled_or_swapped_leave_a_sealed_mail_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    seen = {mail.essence(raw) for raw in header_changes(mail.raw)}

    assert seen - {None, mail.essence(mail.raw)} == set()


@pytest.mark.mission("B14")
@pytest.mark.parametrize("protected", [True, False], ids=PROTECTED.get)
@pytest.mark.parametrize("sealer", Program)
def test_parts_of_a_signed_mail_in_other_places_are_not_good(sealer: Program, *, protected: bool, mails: Mails) -> None:
    mail = mails.of(sealer, "signed", protected=protected)
    boundary = b"--" + mail.raw.partition(b'boundary="')[2].partition(b'"')[0]
    before, content, signature, end = mail.raw.split(boundary)
    other = b"\r\nContent-Type: text/plain\r\n\r\nPay 900 euros.\r\n"
    orders = [
        [before, signature, content, end],
        [before, content, content, signature, end],
        [before, content, signature, signature, end],
        [before, other, content, signature, end],
        [before, content, other, signature, end],
        [before, content, signature, other, end],
        [before, other, signature, end],
        [before, content, end],
        [before + content, signature, end],
    ]

    assert [mail.essence(boundary.join(order)) for order in orders] == [None] * len(orders)
    assert mail.essence(boundary.join([before, content, signature, end])) is not None
