"""How far keys of a list are trusted, by the very function that opening and sealing go by, so that a page never says
less or more of a key than what is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import KeyRow, technologies_on
from sealdesk.keyring.rows import keys_from
from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.policy import desk_policy
from sealmail.keys import Key, Technology, TrustLevel
from sealmail.report import Finding
from sealmail.vouching import Judges, Vouched, vouch

_REVOKED = {Finding.REVOKED_HARD, Finding.REVOKED_SOFT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The trust in a key for one of its addresses."""

    level: TrustLevel
    issuer: str = ""
    """The name of the trusted CA that vouches, where the level is due to one."""
    is_revoked: bool = False


Standings = Mapping[UUID, Mapping[str, Standing]]


def standings(rows: Sequence[KeyRow]) -> Standings:
    """For each key, by its id, the trust for each address that it names.

    CA certificates and keys of a technology that is off are left out: what was decided about them says everything.
    """
    technologies = technologies_on()
    asked = [row.key.pk for row in rows if not row.key.is_ca and Technology(row.key.technology) in technologies]
    judges = _judges()
    stored = list(StoredKey.objects.filter(pk__in=asked))
    return {row.pk: _of_addresses(key, judges) for row, key in zip(stored, keys_from(stored), strict=True)}


def _judges() -> Judges:
    batch = Batch()
    return Judges(keys=batch.keys(None), trust=batch.trust, policy=desk_policy(), at=now())


def _of_addresses(key: Key, judges: Judges) -> dict[str, Standing]:
    return {address: _standing(vouch(key, address, judges)) for address in key.addresses}


def _standing(vouched: Vouched) -> Standing:
    path = vouched.path
    anchor = path.anchor if path and vouched.level is TrustLevel.BY_CA else None
    return Standing(
        level=vouched.level,
        issuer=anchor.key.name if anchor else "",
        is_revoked=path is not None and bool(path.findings & _REVOKED),
    )
