"""Every read of the key ring for pages and actions; what the library asks is in `store`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from sealdesk.core import clock
from sealdesk.keyring.models import (
    Integration,
    KeyAddress,
    Origin,
    SealingDefault,
    StoredKey,
    StoredSecret,
    TrustDecision,
)
from sealdesk.people.models import Group
from sealmail.keys import Technology, TrustLevel


class KeyProblem(StrEnum):
    """Why a key in the list is marked."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNUSABLE = "unusable"
    """It may neither sign nor encrypt."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One line of the list of keys."""

    key: StoredKey
    addresses: tuple[str, ...]
    has_secret: bool
    groups: tuple[Group, ...]
    """Those whose mail is opened and signed with the secret key."""
    level: TrustLevel
    decision: TrustDecision | None
    problems: tuple[KeyProblem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What the composer presets: sign, encrypt, each "if possible"."""

    sign: bool = True
    encrypt: bool = True


def technologies_on() -> frozenset[Technology]:
    """The technologies that are switched on; without a row they are."""
    off = set(Integration.objects.filter(is_on=False).values_list("technology", flat=True))
    return frozenset(technology for technology in Technology if technology.value not in off)


def default_for(group: Group, technology: Technology) -> Preset:
    """What the group presets for a technology; both where nobody said anything."""
    row = SealingDefault.objects.filter(group=group, technology=technology).first()
    return Preset(sign=row.sign, encrypt=row.encrypt) if row else Preset()


def stored_keys(technology: Technology, *, search: str = "", candidates: bool = False) -> QuerySet[StoredKey]:
    """Keys for a list, newest first: those that were added, or (`candidates`) those that only came with mail.

    `search` looks into names, addresses and fingerprints. Slice it, then hand it to `key_rows`.
    """
    rows = StoredKey.objects.filter(technology=technology).order_by("-added_at", "id")
    rows = rows.filter(origin=Origin.HARVESTED) if candidates else rows.exclude(origin=Origin.HARVESTED)
    text = search.strip()
    if text:
        fingerprint = Q(fingerprint__startswith="".join(text.lower().split()).replace(":", ""))
        rows = rows.filter(fingerprint | Q(name__icontains=text) | Exists(_named(text)))
    return rows


def key_rows(keys: QuerySet[StoredKey]) -> list[KeyRow]:
    """What a list shows of these keys, in a handful of queries."""
    # The list needs no material, and no secret of a StoredSecret: neither is loaded.
    secrets = StoredSecret.objects.only("id", "key_id").prefetch_related("groups")
    current = TrustDecision.objects.filter(is_current=True).select_related("decided_by")
    loaded = keys.defer("material").prefetch_related(
        "named_addresses", Prefetch("secret", secrets), Prefetch("trust_decisions", current, to_attr="current")
    )
    return [_row(key) for key in loaded]


def known(technology: Technology, fingerprint: str) -> StoredKey | None:
    """The row of a key, whatever its origin."""
    return StoredKey.objects.filter(technology=technology, fingerprint=fingerprint).first()


def secret_of(key: StoredKey) -> StoredSecret | None:
    """The key's secret side, whichever groups it belongs to."""
    return StoredSecret.objects.filter(key=key).first()


def current_decision(key: StoredKey) -> TrustDecision | None:
    """What holds for the key now; None: nobody decided."""
    return TrustDecision.objects.filter(key=key, is_current=True).first()


def decisions(key: StoredKey) -> QuerySet[TrustDecision]:
    """All decisions about the key, newest first."""
    return TrustDecision.objects.filter(key=key).select_related("decided_by")


def certificates_with(public_hash: str) -> QuerySet[StoredKey]:
    """Certificates for one public key: renewed ones, or one for signing and one for encrypting."""
    return StoredKey.objects.filter(technology=Technology.SMIME, public_hash=public_hash)


def pages_of(fingerprints: Collection[str]) -> dict[str, UUID]:
    """The ids of the keys with these fingerprints."""
    found = StoredKey.objects.filter(fingerprint__in=fingerprints)
    return dict(found.values_list("fingerprint", "pk"))


def _named(text: str) -> QuerySet[StoredKey]:
    return StoredKey.objects.filter(pk=OuterRef("pk"), named_addresses__address__icontains=text)


def _row(key: StoredKey) -> KeyRow:
    secret: StoredSecret | None = getattr(key, "secret", None)
    decisions: list[TrustDecision] = getattr(key, "current", [])
    decision = decisions[0] if decisions else None
    level = TrustLevel(decision.level) if decision else TrustLevel.CANDIDATE
    return KeyRow(
        key=key,
        addresses=tuple(named.address for named in key.named_addresses.all()),
        has_secret=secret is not None,
        groups=tuple(secret.groups.all()) if secret else (),
        level=level,
        decision=decision,
        problems=tuple(_problems(key, level)),
    )


def _problems(key: StoredKey, level: TrustLevel) -> list[KeyProblem]:
    now = clock.now()
    facts = {
        KeyProblem.EXPIRED: key.valid_until is not None and now > key.valid_until,
        KeyProblem.NOT_YET_VALID: now < key.valid_from,
        KeyProblem.UNUSABLE: not (key.is_ca or key.can_sign or key.can_encrypt),
        KeyProblem.REJECTED: level is TrustLevel.REJECTED,
    }
    return [problem for problem, holds in facts.items() if holds]


def keys_naming(addresses: Collection[str]) -> QuerySet[StoredKey]:
    """Keys that name one of these canonical addresses, however they came here; hand them to `key_rows`."""
    named = KeyAddress.objects.filter(address__in=addresses).values("key")
    return StoredKey.objects.filter(pk__in=named).order_by("technology", "-added_at")
