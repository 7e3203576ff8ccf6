"""Our public key and those of the other recipients, sent along by choice: attached, and in Autocrypt headers.

`KeysAlong` plans them, `with_attached`, `autocrypt_field` and `with_gossip` write them. Keys of Bcc recipients are
never among them, and nothing is sent of a key but its smallest form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sealmail import mime, openpgp
from sealmail.errors import Reason, UsageError
from sealmail.keys import Key, Technology
from sealmail.keys.autocrypt import MAXIMUM_BYTES, write_autocrypt
from sealmail.keys.openpgp_merging import minimal
from sealmail.sealing.model import AutocryptPreference, Field, PlannedCopy, RecipientPlan, SealRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysAlong:
    """What the copies of a mail may carry."""

    own: Key | None
    """The sender's OpenPGP key that replies shall be encrypted to."""
    visible: Mapping[str, Key] = field(default_factory=dict)
    """OpenPGP keys of the recipients in To and Cc, by address."""

    def add_to(self, copy: PlannedCopy, request: SealRequest) -> PlannedCopy:
        """The copy with the keys that go with it."""
        is_openpgp = copy.technology is Technology.OPENPGP
        attached = [copy.signer, self.own] if request.attach_key and copy.technology is not Technology.SMIME else []
        wanted = {one.fingerprint: one for one in attached if one and one.technology is Technology.OPENPGP}
        tells = request.autocrypt is not None and is_openpgp and copy.encrypt and len(self.visible) > 1
        return replace(
            copy,
            attached_keys=tuple(wanted.values()),
            autocrypt=self.own if request.autocrypt is not None else None,
            gossip=dict(self.visible) if tells else {},
        )


def keys_along(recipients: Sequence[RecipientPlan], own: Key | None) -> KeysAlong:
    """The keys that a mail may bring along. Autocrypt 1.1 §2.4: gossip is about those whom every recipient sees."""
    visible = {
        one.address: one.key
        for one in recipients
        if one.field is not Field.BCC and one.key is not None and one.technology is Technology.OPENPGP
    }
    return KeysAlong(own=own, visible=visible)


def nothing_to_send(request: SealRequest, along: KeysAlong) -> Reason | None:
    """Why the sender's key cannot go along, where it was asked for."""
    if along.own is not None or not (request.attach_key or request.autocrypt):
        return None
    sentence = f"There is no PGP key for {request.sender} that could go along with the mail."
    return Reason(code="no_key_to_send", sentence=sentence, address=request.sender)


def with_attached(entity: bytes, keys: Sequence[Key], at: datetime) -> bytes:
    """The entity with public keys attached (RFC 3156 §7); its own bytes stay as they are."""
    if not keys:
        return entity
    parts = [openpgp.key_entity(minimal(key.material, at), _key_id(key)) for key in keys]
    return mime.multipart("mixed", [entity, *parts])


def autocrypt_field(address: str, key: Key, preference: AutocryptPreference, at: datetime) -> bytes:
    """The header of the sender, for the outside of a message; empty where it cannot be written within its limits."""
    return _field("Autocrypt", address, key, at, is_mutual=preference is AutocryptPreference.MUTUAL)


def with_gossip(entity: bytes, keys: Mapping[str, Key], at: datetime) -> bytes:
    """The entity, which is going to be encrypted, with a header for each of the recipients."""
    return b"".join(_field("Autocrypt-Gossip", address, key, at) for address, key in keys.items()) + entity


def _field(name: str, address: str, key: Key, at: datetime, *, is_mutual: bool = False) -> bytes:
    try:
        value = write_autocrypt(address, minimal(key.material, at), prefers_encryption=is_mutual)
    except UsageError:
        return b""
    # Autocrypt 1.1 §2.1: longer ones are ignored by whoever gets them.
    return f"{name}: {value}\r\n".encode("ascii") if len(value) <= MAXIMUM_BYTES else b""


def _key_id(key: Key) -> str:
    return key.fingerprint[:16] if len(key.fingerprint) == 64 else key.fingerprint[-16:]
