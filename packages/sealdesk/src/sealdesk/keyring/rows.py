"""Between rows and the library's values: a key is read from its columns, its material is not parsed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from sealdesk.keyring.models import KeyAddress, KeyIdentifier, Origin, StoredKey, StoredSecret
from sealdesk.people.models import Agent
from sealmail.keys import Key, KeyId, SecretKey, Technology, Use
from sealmail.keys.found import public_hash

BATCH = 500
"""Rows asked for at once; databases limit the parameters of a query."""


def keys_from(rows: Iterable[StoredKey]) -> list[Key]:
    """The keys of these rows, with two queries for each 500 of them."""
    rows = list(rows)
    return [key for start in range(0, len(rows), BATCH) for key in _keys(rows[start : start + BATCH])]


def secrets_from(secrets: Iterable[StoredSecret]) -> list[SecretKey]:
    """The secret keys of these rows; their `key` must be loaded along."""
    secrets = list(secrets)
    keys = keys_from(secret.key for secret in secrets)
    return [
        SecretKey(key=key, material=secret.material, passphrases=tuple(secret.passphrases))
        for secret, key in zip(secrets, keys, strict=True)
    ]


def columns_of(key: Key) -> dict[str, Any]:
    """What the columns of a key's row say, its addresses and ids excepted."""
    return {
        "material": key.material,
        "public_hash": public_hash(key) or "",
        "name": key.name.replace("\0", "")[:300],
        "algorithm": key.algorithm[:60],
        "valid_from": key.valid_from,
        "valid_until": key.valid_until,
        "can_sign": Use.SIGN in key.uses,
        "can_encrypt": Use.ENCRYPT in key.uses,
        "can_certify": Use.CERTIFY in key.uses,
        "is_ca": key.is_ca,
        "subject": key.subject or "",
        "issuer": key.issuer or "",
    }


def insert(key: Key, *, origin: Origin, at: datetime, by: Agent | None) -> StoredKey:
    """A new row for a key; IntegrityError where there is one."""
    row = StoredKey.objects.create(
        technology=key.technology,
        fingerprint=key.fingerprint,
        origin=origin,
        added_at=at,
        added_by=by,
        **columns_of(key),
    )
    _insert_names(row, key)
    return row


def update(row: StoredKey, key: Key) -> None:
    """Brings the row to a newer form of the same key."""
    for name, value in columns_of(key).items():
        setattr(row, name, value)
    row.save()
    row.named_addresses.all().delete()
    row.identifiers.all().delete()
    _insert_names(row, key)


def _insert_names(row: StoredKey, key: Key) -> None:
    KeyAddress.objects.bulk_create(
        KeyAddress(key=row, address=address, position=position) for position, address in enumerate(key.addresses)
    )
    KeyIdentifier.objects.bulk_create(KeyIdentifier(key=row, identifier=identifier) for identifier in sorted(key.ids))


def _keys(rows: Sequence[StoredKey]) -> list[Key]:
    pks = [row.pk for row in rows]
    addresses = _gathered(KeyAddress.objects.filter(key__in=pks).order_by("position").values_list("key_id", "address"))
    identifiers = _gathered(KeyIdentifier.objects.filter(key__in=pks).values_list("key_id", "identifier"))
    return [_key(row, addresses[row.pk], identifiers[row.pk]) for row in rows]


def _gathered(pairs: models.QuerySet[Any, tuple[UUID, str]]) -> dict[UUID, list[str]]:
    gathered: dict[UUID, list[str]] = defaultdict(list)
    for pk, value in pairs:
        gathered[pk].append(value)
    return gathered


def _key(row: StoredKey, addresses: list[str], identifiers: list[str]) -> Key:
    flags = {Use.SIGN: row.can_sign, Use.ENCRYPT: row.can_encrypt, Use.CERTIFY: row.can_certify}
    return Key(
        technology=Technology(row.technology),
        fingerprint=row.fingerprint,
        material=bytes(row.material),
        name=row.name,
        addresses=tuple(addresses),
        ids=frozenset(KeyId(identifier) for identifier in identifiers),
        algorithm=row.algorithm,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        uses=frozenset(use for use, allowed in flags.items() if allowed),
        is_ca=row.is_ca,
        subject=KeyId(row.subject) if row.subject else None,
        issuer=KeyId(row.issuer) if row.issuer else None,
    )
