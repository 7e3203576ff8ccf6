"""What programs of others cannot do, as the versions that the tests run with show it. A peer that learned something
makes a test fail: then the gap here is out of date, and so is docs/peers.md.
"""

from collections.abc import Callable

from tests.matrix.crossing import Gap, Gaps
from tests.matrix.recipes import Cipher, Recipe, Row
from tests.matrix.running import Program
from tests.peers.openssl import KeyKind

CURVES = {KeyKind.EC_P256, KeyKind.EC_P384}


def _makes(condition: Callable[[Recipe], bool]) -> Callable[[Row], bool]:
    return lambda row: condition(row.recipe)


SEALING: tuple[Gap[Row], ...] = (
    Gap(
        program=Program.OPENSSL,
        says="signs no CMS with Ed25519",
        concerns=_makes(lambda recipe: recipe.signer is KeyKind.ED25519),
    ),
    Gap(
        program=Program.OPENSSL,
        says="encrypts no CMS to X25519, and nothing at all where one of several recipients has such a key",
        concerns=_makes(lambda recipe: KeyKind.X25519 in recipe.recipients),
    ),
    Gap(
        program=Program.GPGSM,
        says="signs with RSA (PKCS #1 v1.5) and ECDSA only",
        concerns=_makes(lambda recipe: recipe.pss or recipe.signer is KeyKind.ED25519),
    ),
    Gap(
        program=Program.GPGSM,
        says="encrypts to RSA keys only",
        concerns=_makes(lambda recipe: bool({*CURVES, KeyKind.X25519} & {*recipe.recipients})),
    ),
    Gap(
        program=Program.GPGSM,
        says="encrypts with PKCS #1 v1.5 only, not with OAEP",
        concerns=_makes(lambda recipe: recipe.oaep),
    ),
    Gap(
        program=Program.GPGSM,
        says="encrypts content with AES-CBC only",
        concerns=_makes(lambda recipe: recipe.cipher is Cipher.GCM),
    ),
)
OPENING: tuple[Gap[Row], ...] = (
    Gap(
        program=Program.OPENSSL,
        says="checks no CMS signature by Ed25519",
        concerns=_makes(lambda recipe: recipe.signer is KeyKind.ED25519),
    ),
    Gap(
        program=Program.OPENSSL,
        says="opens no CMS with X25519; other recipients of the same mail do",
        concerns=lambda row: row.reader is KeyKind.X25519,
    ),
    Gap(
        program=Program.GPGSM,
        says="checks no signature by Ed25519",
        concerns=_makes(lambda recipe: recipe.signer is KeyKind.ED25519),
    ),
    Gap(
        program=Program.GPGSM,
        says="opens with RSA keys only (it finds the key on a curve and then fails to unwrap)",
        concerns=lambda row: row.reader in {*CURVES, KeyKind.X25519},
    ),
    Gap(
        program=Program.GPGSM,
        says="does not open OAEP",
        concerns=_makes(lambda recipe: recipe.oaep),
    ),
    Gap(
        program=Program.GPGSM,
        says="does not open AES-GCM",
        concerns=_makes(lambda recipe: recipe.cipher is Cipher.GCM),
    ),
)
GAPS: Gaps[Row] = Gaps(sealing=SEALING, opening=OPENING)
