"""Whatever is changed in a sealed mail, whoever sealed it: where it is still good, it is still the same mail.

A part of all one-byte changes is tried each time; all of them, in five minutes, with EXHAUSTIVE=1 in the environment.
"""

import itertools
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.matrix.changing import RECIPES, SealedMail, header_lines, one_byte_changes, sealed_mail
from tests.matrix.running import Matrix, Program

STRIDE = 1 if os.environ.get("EXHAUSTIVE") else 29
PROTECTED = {True: "protected headers", False: "headers outside"}


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
quietly = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


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


def cut(raw: bytes, draw: Callable) -> bytes:
    start, end = _places(raw, draw)
    return raw[:start] + raw[end:]


def doubled(raw: bytes, draw: Callable) -> bytes:
    start, end = _places(raw, draw)
    return raw[:end] + raw[start:end] + raw[end:]


def moved(raw: bytes, draw: Callable) -> bytes:
    start, end = _places(raw, draw)
    rest = raw[:start] + raw[end:]
    place = draw(st.integers(0, len(rest)))
    return rest[:place] + raw[start:end] + rest[place:]


def filled(raw: bytes, draw: Callable) -> bytes:
    place = draw(st.integers(0, len(raw)))
    return raw[:place] + draw(st.binary(min_size=1, max_size=40) | st.sampled_from(TEMPTING)) + raw[place:]


def _places(raw: bytes, draw: Callable) -> tuple[int, int]:
    start = draw(st.integers(0, len(raw) - 1))
    return start, draw(st.integers(start + 1, min(len(raw), start + 400)))


TEMPTING = [
    b"\r\n\r\n",
    b"\r\n--=_x\r\n",
    b"Pay 900 euros.\r\n",
    b"\r\nFrom: Mallory <mallory@evil.example>\r\n",
    b"\r\nSubject: Case 9\r\n",
    b"\r\nContent-Type: text/plain\r\n\r\n",
    b"\0",
    b"=?utf-8?q?",
]


@pytest.mark.mission("B14")
@every_kind
@quietly
@given(data=st.data())
def test_bytes_cut_doubled_moved_or_added_leave_a_sealed_mail_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails, data: st.DataObject
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    change = data.draw(st.sampled_from([cut, doubled, moved, filled]))

    assert mail.essence(change(mail.raw, data.draw)) in {None, mail.essence(mail.raw)}


@pytest.mark.mission("B14")
@every_kind
def test_header_lines_left_out_doubled_or_swapped_leave_a_sealed_mail_the_same_or_not_good(
    sealer: Program, form: str, *, protected: bool, mails: Mails
) -> None:
    mail = mails.of(sealer, form, protected=protected)
    lines = header_lines(mail.raw)
    body = mail.raw.partition(b"\r\n\r\n")[2]
    places = range(len(lines))
    without = [[*lines[:place], *lines[place + 1 :]] for place in places]
    doubled_lines = [[*lines, lines[place]] for place in places]
    swapped = [_swapped(lines, one, other) for one, other in itertools.combinations(places, 2)]

    seen = {mail.essence(b"".join(each) + b"\r\n" + body) for each in (*without, *doubled_lines, *swapped)}

    assert seen - {None, mail.essence(mail.raw)} == set()


def _swapped(lines: list[bytes], one: int, other: int) -> list[bytes]:
    changed = [*lines]
    changed[one], changed[other] = changed[other], changed[one]
    return changed


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
