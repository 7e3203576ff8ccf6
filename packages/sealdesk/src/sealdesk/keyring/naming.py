"""Names for the ids by which messages and reports refer to keys, where the key ring knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from sealdesk.keyring.models import KeyIdentifier, Origin, StoredKey

_MOST = 500
"""Ids asked for at once; a page names no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """What a page needs to call a key by."""

    name: str
    fingerprint: str
    is_confirmed: bool
    """An administrator added it; else it only came with mail, and its name is what its maker wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNames:
    """Keys of the ring by fingerprint and by the ids of messages."""

    by_fingerprint: Mapping[str, NamedKey] = field(default_factory=dict)
    by_identifier: Mapping[str, NamedKey] = field(default_factory=dict)


def key_names(*, fingerprints: Collection[str] = (), identifiers: Collection[str] = ()) -> KeyNames:
    """The keys that go by these; two queries at most. Of several under one id, one that an administrator added."""
    wanted = [one for one in dict.fromkeys(identifiers) if one][:_MOST]
    pairs = list(KeyIdentifier.objects.filter(identifier__in=wanted).values_list("identifier", "key")) if wanted else []
    pks, prints = {pk for _, pk in pairs}, list(dict.fromkeys(fingerprints))[:_MOST]
    if not (pks or prints):
        return KeyNames()
    rows = StoredKey.objects.filter(Q(fingerprint__in=prints) | Q(pk__in=list(pks)[:_MOST]))
    columns = rows.order_by("origin", "-added_at").values_list("pk", "fingerprint", "name", "origin")
    named = {
        pk: NamedKey(name=name, fingerprint=fingerprint, is_confirmed=origin != Origin.HARVESTED)
        for pk, fingerprint, name, origin in columns
    }
    holders: dict[str, set[object]] = {}
    for identifier, pk in pairs:
        holders.setdefault(identifier, set()).add(pk)
    return KeyNames(
        by_fingerprint={one.fingerprint: one for one in named.values()},
        by_identifier={
            identifier: found
            for identifier, holding in holders.items()
            if (found := next((one for pk, one in named.items() if pk in holding), None)) is not None
        },
    )
