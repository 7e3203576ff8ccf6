"""docs/peers.md: the matrix as people read it, from what was seen."""

import re
import subprocess

from tests.matrix.cannot import OPENING, SEALING
from tests.matrix.recipes import Form, rows
from tests.matrix.running import Matrix, Outcome, Program
from tests.peers.programs import program

MARKS = {Outcome.OPENS: "yes", Outcome.NOT_OPENED: "**no**", Outcome.NOT_SEALED: "–"}
INTRODUCTION = """\
# Which program reads what

Written by `.venv/bin/python -m tests.matrix` from what was seen with {versions}; a test compares.
Each program seals a mail in every way that it can, and each program opens it. "yes": the text came out, and where it is
signed, the signature was found good, and whose it is. "–": the sealing program does not write this. Programs that run
only on other systems (Outlook, Apple Mail) are not here.

## What they cannot do
{gaps}

What Sealdesk writes where nothing is known about the reader (AES-256-CBC, PKCS #1 v1.5 for RSA keys) is read by both
wherever they read the kind of key at all.
"""


def document(matrix: Matrix) -> str:
    """The whole document."""
    parts = [INTRODUCTION.format(versions=_versions(), gaps="\n".join(_gaps()))]
    return "\n".join([*parts, *(_table(form, matrix) for form in Form)])


def _versions() -> str:
    """Without the last number, which changes with every repair."""
    openssl = re.search(r"OpenSSL \d+\.\d+", _said("openssl", "version"))
    gnupg = re.search(r"\(GnuPG\) (\d+\.\d+)", _said("gpgsm", "--version"))
    assert openssl is not None
    assert gnupg is not None
    return f"{openssl[0]} and gpgsm of GnuPG {gnupg[1]}"


def _said(name: str, option: str) -> str:
    return subprocess.run([program(name), option], capture_output=True, check=True, text=True).stdout


def _gaps() -> list[str]:
    return [f"- {gap.program} {gap.says}." for gap in (*SEALING, *OPENING)]


def _table(form: Form, matrix: Matrix) -> str:
    ways = [(sealer, opener) for sealer in Program for opener in Program]
    head = " | ".join(f"{sealer} → {opener}" for sealer, opener in ways)
    lines = [f"## {form.capitalize()}", f"| | {head} |", f"|---|{'---|' * len(ways)}"]
    for row in rows(form):
        marks = " | ".join(MARKS[matrix.outcome(sealer, opener, row)] for sealer, opener in ways)
        lines.append(f"| {row} | {marks} |")
    return "\n".join([*lines, ""])
