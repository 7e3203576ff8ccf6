"""What would be done with one key now: its path, and for each of its addresses what mail is sealed with, and why.

From the very plan that seals mail. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sealdesk.keyring.queries import KeyRow
from sealdesk.keyring.rows import keys_from
from sealdesk.keyring.store import DeskKeys, DeskTrust
from sealdesk.mail.standing import desk_judges, path_of
from sealmail.keys import Key
from sealmail.paths import PathFacts
from sealmail.sealing import RecipientPlan, SealRequest, SignOption, plan
from sealmail.vouching import Judges


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressUse:
    """What mail to and from one address is sealed with now."""

    address: str
    encrypting: RecipientPlan
    """Asked for by the technology of the key alone."""
    signing: SignOption | None
    """None for addresses that are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStory:
    """All about one key at this moment."""

    key: Key
    path: PathFacts | None
    """For certificates."""
    uses: tuple[AddressUse, ...]


def story_of(row: KeyRow) -> KeyStory:
    """The story of a key of the ring."""
    (key,) = keys_from([row.key])
    judges = desk_judges()
    return KeyStory(key=key, path=path_of(key, judges), uses=tuple(_uses(row, key, judges)))


def _uses(row: KeyRow, key: Key, judges: Judges) -> Iterator[AddressUse]:
    keys, trust = DeskKeys(row.groups), DeskTrust()
    for address in () if key.is_ca else key.addresses:
        request = SealRequest(sender=address, to=(address,), sign=False, encrypt=True, technology=key.technology)
        planned = plan(request, keys, trust, judges.policy, judges.at)
        yield AddressUse(
            address=address,
            encrypting=planned.recipients[0],
            signing=planned.sign_options[key.technology] if row.has_secret else None,
        )
