"""How keys of a list stand: trust by the very function that opening and sealing go by, and what forbids their use. So
a page never says less or more of a key than what is done with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import KeyRow, technologies_on
from sealdesk.keyring.rows import keys_from
from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.policy import desk_policy
from sealmail.keys import Key, Technology, TrustLevel
from sealmail.keys.import_rules import import_problems
from sealmail.keys.usability import Purpose, problems
from sealmail.paths import PathFacts, judge_path
from sealmail.report import Finding
from sealmail.vouching import Judges, Vouched, vouch

_REVOKED = {Finding.REVOKED_HARD, Finding.REVOKED_SOFT}
_OF_TIME = {"expired", "not_yet_valid"}
_OF_USE = {"no_signing_use", "no_encryption_use"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The trust in a key for one of its addresses."""

    level: TrustLevel
    issuer: str = ""
    """The name of the trusted CA that vouches, where the level is due to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """How a key stands."""

    addresses: Mapping[str, Standing] = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()
    """Codes of what forbids its use beside time: "revoked", "revocation_unknown", "no_use", those of `usability` and
    `import_rules`.
    """


Standings = Mapping[UUID, KeyStanding]


def standings(rows: Sequence[KeyRow]) -> Standings:
    """For each key, by its id, how it stands. Keys of a technology that is off are left out: nobody asks them."""
    technologies = technologies_on()
    asked = [row.key.pk for row in rows if Technology(row.key.technology) in technologies]
    judges = desk_judges()
    stored = list(StoredKey.objects.filter(pk__in=asked))
    return {row.pk: _standing_of(key, judges) for row, key in zip(stored, keys_from(stored), strict=True)}


def desk_judges(at: datetime | None = None) -> Judges:
    """Whom pages ask about keys; without any secret key."""
    batch = Batch()
    return Judges(keys=batch.keys(None), trust=batch.trust, policy=desk_policy(), at=at or now())


def path_of(key: Key, judges: Judges) -> PathFacts | None:
    """The certificate's path to a trusted issuer, and what speaks against it; None for PGP keys."""
    if key.technology is not Technology.SMIME:
        return None
    return judge_path(key, (), judges.keys, judges.trust.anchors(), judges.policy, judges.at)


def _standing_of(key: Key, judges: Judges) -> KeyStanding:
    addresses = () if key.is_ca else key.addresses  # what was decided about a CA says everything
    return KeyStanding(
        addresses={address: _standing(vouch(key, address, judges)) for address in addresses},
        obstacles=tuple(dict.fromkeys(_obstacles(key, judges))),
    )


def _obstacles(key: Key, judges: Judges) -> list[str]:
    findings = path.findings if (path := path_of(key, judges)) else frozenset()
    found = ["revoked"] if findings & _REVOKED else []
    found += ["revocation_unknown"] if Finding.REVOCATION_UNKNOWN in findings else []
    uses = [{one.code for one in problems(key, purpose, judges.at)} for purpose in (Purpose.SIGN, Purpose.ENCRYPT)]
    lasting = set.union(*uses) - _OF_TIME - _OF_USE
    not_for_mail = [problem.code for problem in import_problems(key)]
    if not key.is_ca and not not_for_mail and all(one & _OF_USE for one in uses):
        not_for_mail = ["no_use"]
    return [*found, *not_for_mail, *sorted(lasting)]


def _standing(vouched: Vouched) -> Standing:
    path = vouched.path
    anchor = path.anchor if path and vouched.level is TrustLevel.BY_CA else None
    return Standing(level=vouched.level, issuer=anchor.key.name if anchor else "")
