"""What programs cannot do with OpenPGP, as the versions that the tests run with show it. See `tests.matrix.cannot`."""

from tests.matrix.crossing import Gap, Gaps
from tests.matrix.openpgp.recipes import WRITTEN_BY_US, Form, Kind, Row
from tests.matrix.openpgp.running import Program


def _names_v6(row: Row) -> bool:
    return row.recipe.author is Kind.V6 or Kind.V6 in row.recipe.recipients


def _needs_v6(row: Row) -> bool:
    """Whether whoever opens the mail must know version 6 to do so."""
    if row.recipe.form.is_encrypted:
        return row.reader is Kind.V6
    return row.recipe.author is Kind.V6


SEALING: tuple[Gap[Row], ...] = (
    Gap(
        program=Program.OURS,
        says="writes PGP/MIME only, and a signature with encryption as one message",
        concerns=lambda row: row.recipe.form not in WRITTEN_BY_US,
    ),
    Gap(
        program=Program.GPG,
        says="does not take in keys of version 6, so it signs with none, and does not encrypt where one is among the "
        "recipients",
        concerns=_names_v6,
    ),
    Gap(program=Program.SQ, says="does the same (version 0.27)", concerns=_names_v6),
    Gap(
        program=Program.SQ,
        says="does not write GnuPG's OCB packet",
        concerns=lambda row: row.recipe.form is Form.OCB,
    ),
)
OPENING: tuple[Gap[Row], ...] = (
    Gap(program=Program.GPG, says="opens and checks nothing with a key of version 6", concerns=_needs_v6),
    Gap(program=Program.SQ, says="opens and checks nothing with a key of version 6", concerns=_needs_v6),
    Gap(
        program=Program.SQ,
        says="does not open GnuPG's OCB packet",
        concerns=lambda row: row.recipe.form is Form.OCB,
    ),
)
GAPS: Gaps[Row] = Gaps(sealing=SEALING, opening=OPENING)
