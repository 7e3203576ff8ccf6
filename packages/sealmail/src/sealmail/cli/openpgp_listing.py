"""What `sealmail keys` tells about an OpenPGP key beyond what it tells about every key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sealmail.errors import InputError
from sealmail.keys import Key, Technology
from sealmail.keys.openpgp_listing import ListedPart, ListedUserId, State, UsableUntil, listing
from sealmail.reporting import JSON, time_to_json


def openpgp_to_json(key: Key, at: datetime) -> JSON | None:
    """User IDs and parts with their states; None for a certificate, and for a key that cannot be read."""
    if key.technology is not Technology.OPENPGP:
        return None
    try:
        listed = listing(key.material, at)
    except InputError:
        return None
    return {
        "user_ids": [_user_id(one) for one in listed.user_ids],
        "parts": [_part(one) for one in listed.parts],
        "signing": _until(listed.signing),
        "encrypting": _until(listed.encrypting),
    }


def openpgp_lines(document: JSON | None) -> Iterator[str]:
    """What is not as it should be, for people."""
    if document is None:
        return
    for one in document["user_ids"]:
        if one["state"] != State.VALID:
            why = f": {one['explanation']}" if one["explanation"] else ""
            yield f"    {one['text']}: {one['state']}{why}"
    for one in document["parts"]:
        why = f": {one['explanation']}" if one["explanation"] else ""
        yield f"    {one['fingerprint']}  {one['algorithm']}  {' '.join(one['uses']) or 'no use'}  {one['state']}{why}"


def _user_id(one: ListedUserId) -> JSON:
    return {
        "text": one.text,
        "name": one.name,
        "address": one.address,
        "state": one.state.value,
        "since": time_to_json(one.since),
        "main": one.is_main,
        "explanation": one.explanation,
    }


def _part(one: ListedPart) -> JSON:
    return {
        "fingerprint": one.fingerprint,
        "primary": one.is_primary,
        "algorithm": one.algorithm,
        "uses": sorted(use.value for use in one.uses),
        "created": time_to_json(one.created),
        "until": time_to_json(one.until),
        "state": one.state.value,
        "revoked": time_to_json(one.revoked),
        "explanation": one.explanation,
    }


def _until(one: UsableUntil) -> JSON:
    return {"usable": one.is_usable, "until": time_to_json(one.end)}
