"""What is sealed how with OpenPGP: the rows of the matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of key: two of version 4 that everybody has, and version 6 (RFC 9580)."""

    RSA = "RSA-3072"
    CURVE = "Curve25519"
    V6 = "version 6"


class Form(StrEnum):
    """What is around the words."""

    SIGNED = "PGP/MIME, signed"
    ENCRYPTED = "PGP/MIME, encrypted"
    BOTH = "PGP/MIME, signed and encrypted in one message"
    OCB = "PGP/MIME, signed and encrypted with OCB as GnuPG 2.3 and later do"
    NESTED = "PGP/MIME, multipart/signed inside encrypted"
    CLEARSIGNED = "inline, signed"
    INLINE_ENCRYPTED = "inline, encrypted"
    INLINE_BOTH = "inline, signed and encrypted"

    @property
    def is_signed(self) -> bool:
        """Whether a signature is part of it."""
        return self not in {Form.ENCRYPTED, Form.INLINE_ENCRYPTED}

    @property
    def is_encrypted(self) -> bool:
        """Whether encryption is part of it."""
        return self not in {Form.SIGNED, Form.CLEARSIGNED}

    @property
    def is_inline(self) -> bool:
        """Whether it stands in the text itself."""
        return self in {Form.CLEARSIGNED, Form.INLINE_ENCRYPTED, Form.INLINE_BOTH}


OLD_KINDS = (Kind.RSA, Kind.CURVE)
OF_VERSION_4 = ((Kind.RSA,), (Kind.CURVE,), OLD_KINDS)
WRITTEN_BY_US = {Form.SIGNED, Form.ENCRYPTED, Form.BOTH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to seal a mail. `author`: the sender's key, who signs where the form is signed."""

    form: Form
    author: Kind = Kind.CURVE
    recipients: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recipe, and for encrypted mail the recipient who opens it."""

    recipe: Recipe
    reader: Kind | None = None

    def __str__(self) -> str:
        recipe = self.recipe
        by = f"by {recipe.author}" if recipe.form.is_signed or recipe.author is Kind.V6 else ""
        to = f"to {' + '.join(recipe.recipients)}" if recipe.recipients else ""
        opened = f", opened by {self.reader}" if len(recipe.recipients) > 1 else ""
        return " ".join(filter(None, [by, to])) + opened


def rows(form: Form) -> list[Row]:
    """All rows of one form."""
    return [Row(recipe=recipe, reader=reader) for recipe in _recipes(form) for reader in recipe.recipients or (None,)]


def _recipes(form: Form) -> Iterator[Recipe]:
    """Keys of version 6 only where somebody writes the form with them: that is Sealdesk alone."""
    kinds = Kind if form in WRITTEN_BY_US else OLD_KINDS
    if not form.is_encrypted:
        yield from (Recipe(form=form, author=kind) for kind in kinds)
        return
    yield from (Recipe(form=form, recipients=recipients) for recipients in OF_VERSION_4)
    if form in WRITTEN_BY_US:
        yield Recipe(form=form, recipients=(Kind.V6,))
        yield Recipe(form=form, recipients=tuple(Kind))
        # Only where the author reads AEAD too is his own copy no reason to do without.
        yield Recipe(form=form, author=Kind.V6, recipients=(Kind.V6,))
