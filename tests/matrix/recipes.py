"""What is sealed how: the rows of the matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.peers.openssl import KeyKind


class Form(StrEnum):
    """What is around the words."""

    SIGNED = "signed"
    OPAQUE = "opaque"
    ENCRYPTED = "encrypted"
    BOTH = "signed and encrypted"


class Cipher(StrEnum):
    """How the content is encrypted."""

    CBC = "AES-256-CBC"
    GCM = "AES-256-GCM"


NAMES = {
    KeyKind.RSA_2048: "RSA-2048",
    KeyKind.RSA_3072: "RSA-3072",
    KeyKind.EC_P256: "P-256",
    KeyKind.EC_P384: "P-384",
    KeyKind.ED25519: "Ed25519",
    KeyKind.X25519: "X25519",
}
SIGNING = [kind for kind in KeyKind if kind is not KeyKind.X25519]
ENCRYPTING = [kind for kind in KeyKind if kind is not KeyKind.ED25519]
TWO_KINDS = (KeyKind.RSA_2048, KeyKind.EC_P256)
THREE_KINDS = (*TWO_KINDS, KeyKind.X25519)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to seal a mail. `signer`, `recipients` and `cipher` only where the form has them."""

    form: Form
    signer: KeyKind | None = None
    pss: bool = False
    recipients: tuple[KeyKind, ...] = ()
    cipher: Cipher | None = None
    oaep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recipe, and for encrypted mail the recipient who opens it."""

    recipe: Recipe
    reader: KeyKind | None = None

    def __str__(self) -> str:
        recipe = self.recipe
        if recipe.cipher is None:
            return f"{NAMES[recipe.signer]}{', PSS' if recipe.pss else ''}" if recipe.signer else ""
        alone = len(recipe.recipients) == 1
        to = NAMES[recipe.recipients[0]] if alone else " + ".join(NAMES[kind] for kind in recipe.recipients)
        opened = "" if alone or self.reader is None else f", opened by {NAMES[self.reader]}"
        return f"{to}{', OAEP' if recipe.oaep else ''}, {recipe.cipher}{opened}"


def rows(form: Form) -> list[Row]:
    """All rows of one form."""
    match form:
        case Form.SIGNED | Form.OPAQUE:
            return [Row(recipe=recipe) for recipe in _signed(form)]
        case Form.ENCRYPTED | Form.BOTH:
            return [Row(recipe=recipe, reader=reader) for recipe in _encrypted(form) for reader in recipe.recipients]


def _signed(form: Form) -> Iterator[Recipe]:
    for kind in SIGNING:
        yield Recipe(form=form, signer=kind)
        if kind is KeyKind.RSA_2048:
            yield Recipe(form=form, signer=kind, pss=True)


def _encrypted(form: Form) -> Iterator[Recipe]:
    signer = KeyKind.EC_P256 if form is Form.BOTH else None
    for cipher in Cipher:
        for recipients in (*((kind,) for kind in ENCRYPTING), TWO_KINDS, THREE_KINDS):
            yield Recipe(form=form, signer=signer, recipients=recipients, cipher=cipher)
            if recipients == (KeyKind.RSA_2048,):
                yield Recipe(form=form, signer=signer, recipients=recipients, cipher=cipher, oaep=True)
