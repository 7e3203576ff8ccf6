"""{Sealdesk, openssl, gpgsm} seal for each other: all forms, kinds of keys, ciphers, several recipients."""

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.matrix.cannot import GAPS
from tests.matrix.crossing import SENDER, Stays
from tests.matrix.recipes import Cipher, Form, Recipe, rows
from tests.matrix.running import Matrix, Program
from tests.peers.mail import with_crlf
from tests.peers.openssl import KeyKind, TestCA

SIGNED = Recipe(form=Form.SIGNED, signer=KeyKind.EC_P256)
OPAQUE = replace(SIGNED, form=Form.OPAQUE)
ENCRYPTED = Recipe(form=Form.BOTH, signer=KeyKind.EC_P256, recipients=(KeyKind.RSA_2048,), cipher=Cipher.CBC)
every_sealer = pytest.mark.parametrize("sealer", Program)
every_opener = pytest.mark.parametrize("opener", Program)


@pytest.mark.mission("B16")
@pytest.mark.mission("A7")
@pytest.mark.parametrize("form", Form)
@every_opener
@every_sealer
def test_what_one_program_seals_the_other_opens(sealer: Program, opener: Program, form: Form, matrix: Matrix) -> None:
    seen = {str(row): matrix.outcome(sealer, opener, row) for row in rows(form)}

    assert seen == {str(row): GAPS.expected(sealer, opener, row) for row in rows(form)}


@pytest.mark.mission("B14")
@every_opener
@every_sealer
def test_words_changed_between_programs_are_noticed(sealer: Program, opener: Program, matrix: Matrix) -> None:
    raw = matrix.sealed(sealer, SIGNED)
    assert raw is not None
    assert b"aus Wien" in raw

    with pytest.raises(Stays):
        matrix.opener(opener, matrix.recipients[KeyKind.RSA_2048]).open(
            raw.replace(b"aus Wien", b"aus Bern"), SIGNED.form
        )


@pytest.mark.mission("B14")
@pytest.mark.parametrize("recipe", [OPAQUE, ENCRYPTED], ids=lambda recipe: recipe.form)
@every_opener
@every_sealer
def test_sealed_bytes_changed_between_programs_are_noticed(
    sealer: Program, opener: Program, recipe: Recipe, matrix: Matrix
) -> None:
    raw = matrix.sealed(sealer, recipe)
    assert raw is not None
    changed = _with_der(raw, _other_words if recipe is OPAQUE else _one_bit_changed)

    with pytest.raises(Stays):
        matrix.opener(opener, matrix.recipients[KeyKind.RSA_2048]).open(changed, recipe.form)


@pytest.mark.mission("B14")
@pytest.mark.parametrize("recipe", [SIGNED, OPAQUE, ENCRYPTED], ids=lambda recipe: recipe.form)
@every_opener
@every_sealer
def test_signer_of_a_strange_ca_is_noticed_between_programs(
    sealer: Program, opener: Program, recipe: Recipe, matrix: Matrix, strange_ca: TestCA
) -> None:
    """Mallory's certificate has the sender's address, and comes from a CA of his own."""
    reader = matrix.recipients[KeyKind.RSA_2048]
    mallory = strange_ca.issue(SENDER, kind=KeyKind.EC_P256, usage="digitalSignature")
    raw = matrix.sealer(sealer).seal(matrix.letter, recipe, mallory, [reader] if recipe.recipients else [])

    with pytest.raises(Stays):
        matrix.opener(opener, reader).open(raw, recipe.form)


def _with_der(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The mail with its CMS changed."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    return head + blank + with_crlf(base64.encodebytes(change(base64.b64decode(body))))


def _other_words(der: bytes) -> bytes:
    assert b"aus Wien" in der
    return der.replace(b"aus Wien", b"aus Bern")


def _one_bit_changed(der: bytes) -> bytes:
    """Two thirds of the way: past what only describes the encrypted content."""
    place = len(der) * 2 // 3
    return der[:place] + bytes([der[place] ^ 1]) + der[place + 1 :]
