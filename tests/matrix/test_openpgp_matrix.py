"""{Sealdesk, gpg, sq} seal for each other: PGP/MIME and inline, kinds of keys, several recipients."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.matrix.crossing import SENDER, Outcome, Stays
from tests.matrix.openpgp.cannot import GAPS
from tests.matrix.openpgp.people import Person
from tests.matrix.openpgp.recipes import OLD_KINDS, WRITTEN_BY_US, Form, Kind, Recipe, Row, rows
from tests.matrix.openpgp.running import PGPMatrix, Program
from tests.peers.gpg import Algorithm

every_sealer = pytest.mark.parametrize("sealer", Program)
every_opener = pytest.mark.parametrize("opener", Program)
FORMS = [form for form in Form if form is not Form.OCB]


def recipe_of(form: Form) -> Recipe:
    """To two recipients with keys of both old kinds."""
    return Recipe(form=form, recipients=OLD_KINDS if form.is_encrypted else ())


def row_of(form: Form) -> Row:
    """Opened by the one with the curve."""
    return Row(recipe=recipe_of(form), reader=Kind.CURVE if form.is_encrypted else None)


def writes(sealer: Program, form: Form) -> bool:
    """Whether that program writes the form."""
    return GAPS.expected(sealer, Program.OURS, row_of(form)) is not Outcome.NOT_SEALED


WRITTEN = [pytest.param(one, form, id=f"{one}, {form}") for one in Program for form in FORMS if writes(one, form)]
every_written_form = pytest.mark.parametrize(("sealer", "form"), WRITTEN)
SIGNED = [one for one in WRITTEN if one.values[1].is_signed]
every_signed_form = pytest.mark.parametrize(("sealer", "form"), SIGNED)


@pytest.mark.mission("P3")
@pytest.mark.mission("A7")
@pytest.mark.parametrize("form", Form)
@every_opener
@every_sealer
def test_what_one_program_seals_with_openpgp_the_other_opens(
    sealer: Program, opener: Program, form: Form, pgp_matrix: PGPMatrix
) -> None:
    seen = {str(row): pgp_matrix.outcome(sealer, opener, row) for row in rows(form)}

    assert seen == {str(row): GAPS.expected(sealer, opener, row) for row in rows(form)}


def test_every_form_is_written_by_somebody_and_version_6_by_us(pgp_matrix: PGPMatrix) -> None:
    assert {form for _, form in (one.values for one in WRITTEN)} == set(FORMS)
    for form in WRITTEN_BY_US:
        recipe = Recipe(form=form, author=Kind.V6, recipients=(Kind.V6,) if form.is_encrypted else ())
        assert pgp_matrix.sealed(Program.OURS, recipe) is not None


@pytest.mark.mission("B14")
@every_opener
@every_written_form
def test_a_byte_of_openpgp_changed_between_programs_is_noticed(
    sealer: Program, form: Form, opener: Program, pgp_matrix: PGPMatrix
) -> None:
    raw = pgp_matrix.sealed(sealer, recipe_of(form))
    assert raw is not None
    changed = in_armor(raw, one_bit) if form.is_encrypted else raw.replace(b"aus Wien", b"aus Bern")
    assert changed != raw

    with pytest.raises(Stays):
        pgp_matrix.open(opener, changed, row_of(form))


@pytest.fixture(scope="session")
def mallory(pgp_matrix: PGPMatrix) -> Person:
    """Her key names the sender's address, and nobody knows it."""
    return pgp_matrix.people.with_gpg_key(SENDER, Algorithm.ED25519)


@pytest.mark.mission("B14")
@every_opener
@every_signed_form
def test_a_stranger_who_signs_for_the_sender_is_noticed_between_programs(
    sealer: Program, form: Form, opener: Program, pgp_matrix: PGPMatrix, mallory: Person
) -> None:
    raw = pgp_matrix.make_by(sealer, pgp_matrix.letter, recipe_of(form), mallory)

    with pytest.raises(Stays):
        pgp_matrix.open(opener, raw, row_of(form))


@pytest.mark.mission("B14")
@every_opener
@every_sealer
def test_a_signature_of_another_mail_is_noticed_between_programs(
    sealer: Program, opener: Program, pgp_matrix: PGPMatrix
) -> None:
    """The sender's own signature over other words."""
    recipe = recipe_of(Form.SIGNED)
    raw, other = pgp_matrix.sealed(sealer, recipe), replace(pgp_matrix.letter, text="I owe you 100 euros.\n")
    assert raw is not None
    signature = ARMOR.search(pgp_matrix.make(sealer, other, recipe))
    assert signature is not None
    swapped = ARMOR.sub(lambda _: signature[0], raw)

    with pytest.raises(Stays):
        pgp_matrix.open(opener, swapped, row_of(Form.SIGNED))


ARMOR = re.compile(
    rb"-----BEGIN PGP (?:MESSAGE|SIGNATURE)-----\r\n(?:[^\r\n]+\r\n)*\r\n(?P<data>(?:[A-Za-z0-9+/=]+\r\n)+?)"
    rb"(?P<sum>=[A-Za-z0-9+/]{4}\r\n)?-----END"
)


def in_armor(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The mail with the data of its armored block changed, and no checksum, which would tell of it before all else."""
    found = ARMOR.search(raw)
    assert found is not None
    data = change(b64decode(found["data"]))
    lines = [b64encode(data[place : place + 48]) for place in range(0, len(data), 48)]
    end = found.end("sum") if found["sum"] else found.end("data")
    return raw[: found.start("data")] + b"\r\n".join(lines) + b"\r\n" + raw[end:]


def one_bit(data: bytes) -> bytes:
    """Near the end, in the encrypted content."""
    return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]
