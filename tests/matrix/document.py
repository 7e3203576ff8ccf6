"""docs/peers.md: the matrices as people read them, from what was seen."""

import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from tests.matrix import cannot, recipes
from tests.matrix.crossing import Crossing, Gaps, Outcome, ProgramT, RecipeT, RowT
from tests.matrix.openpgp import cannot as pgp_cannot
from tests.matrix.openpgp import recipes as pgp_recipes
from tests.matrix.openpgp.running import PGPMatrix
from tests.matrix.openpgp.running import Program as PGPProgram
from tests.matrix.running import Matrix, Program
from tests.peers.programs import program

MARKS = {Outcome.OPENS: "yes", Outcome.NOT_OPENED: "**no**", Outcome.NOT_SEALED: "–"}
INTRODUCTION = """\
# Which program reads what

Written by `.venv/bin/python -m tests.matrix` from what was seen with {versions}; a test compares.
Each program seals a mail in every way that it can, and each program opens it. "yes": the text came out, and where it is
signed, the signature was found good, and whose it is. "–": the sealing program does not write this. Programs that run
only on other systems (Outlook, Apple Mail) are not here.
"""
SMIME = """\
## S/MIME: what they cannot do
{gaps}

What Sealdesk writes where nothing is known about the reader (AES-256-CBC, PKCS #1 v1.5 for RSA keys) is read by both
wherever they read the kind of key at all.
"""
OPENPGP = """\
## OpenPGP: what they cannot do
{gaps}

The senders' RSA keys and the recipients' keys on Curve25519 were made by gpg, the others of version 4 by sq. What the
first column calls OCB is a message of gpg's that was encrypted anew as later versions of gpg do by default.
"""


def document(smime: Matrix, openpgp: PGPMatrix) -> str:
    """The whole document."""
    parts = [
        INTRODUCTION.format(versions=_versions()),
        SMIME.format(gaps=_gaps(cannot.GAPS)),
        *_tables(smime, list(Program), recipes.Form, recipes.rows),
        OPENPGP.format(gaps=_gaps(pgp_cannot.GAPS)),
        *_tables(openpgp, list(PGPProgram), pgp_recipes.Form, pgp_recipes.rows),
    ]
    return "\n".join(parts)


def _versions() -> str:
    """Without the last number, which changes with every repair."""
    openssl = re.search(r"OpenSSL \d+\.\d+", _said("openssl", "version"))
    gnupg = re.search(r"\(GnuPG\) (\d+\.\d+)", _said("gpgsm", "--version"))
    sequoia = re.search(r"sq \d+\.\d+", _said("sq", "--version"))
    assert openssl is not None
    assert gnupg is not None
    assert sequoia is not None
    return f"{openssl[0]}, gpg and gpgsm of GnuPG {gnupg[1]}, and {sequoia[0]}"


def _said(name: str, option: str) -> str:
    return subprocess.run([program(name), option], capture_output=True, check=True, text=True).stdout


def _gaps(gaps: Gaps[RowT]) -> str:
    return "\n".join(f"- {gap.program} {gap.says}." for gap in (*gaps.sealing, *gaps.opening))


def _tables(
    crossing: Crossing[ProgramT, RecipeT, RowT],
    programs: Sequence[ProgramT],
    forms: Iterable[StrEnum],
    rows: Callable[..., Sequence[RowT]],
) -> Iterable[str]:
    ways = [(sealer, opener) for sealer in programs for opener in programs]
    head = " | ".join(f"{sealer} → {opener}" for sealer, opener in ways)
    for form in forms:
        lines = [f"### {form[0].upper()}{form[1:]}", f"| | {head} |", f"|---|{'---|' * len(ways)}"]
        for row in rows(form):
            marks = " | ".join(MARKS[crossing.outcome(sealer, opener, row)] for sealer, opener in ways)
            lines.append(f"| {row} | {marks} |")
        yield "\n".join([*lines, ""])
