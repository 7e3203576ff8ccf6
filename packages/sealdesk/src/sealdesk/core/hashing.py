"""Hashes under a key of the vault: equal for equal values, and nothing else to anybody without the master key.

For finding duplicates and, later, for the words of the search index. The keys are random, one for each purpose, and lie
wrapped in the database, so that a new master key does not change any hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, hmac

from sealdesk.core.models import NamedKey
from sealdesk.core.vault import Vault
from sealdesk.core.vault import vault as desk_vault


@dataclass(frozen=True, slots=True)
class HashingKey:
    """The key of one purpose."""

    secret: bytes = field(repr=False)

    def digest(self, value: bytes) -> bytes:
        """32 bytes."""
        mac = hmac.HMAC(self.secret, hashes.SHA256())
        mac.update(value)
        return mac.finalize()


def hashing_key(purpose: str, *, vault: Vault | None = None) -> HashingKey:
    """The key of a purpose, made when first asked for.

    Not cached: a key made in a transaction that is rolled back is gone, with everything that was hashed under it.
    """
    vault = vault or desk_vault()
    context = f"core.namedkey|{purpose}"
    stored = NamedKey.objects.filter(pk=purpose).first()
    if stored is None:
        stored, _ = NamedKey.objects.get_or_create(
            purpose=purpose, defaults={"wrapped_key": vault.new_wrapped_key(context)}
        )
    return HashingKey(vault.unwrap(bytes(stored.wrapped_key), context).secret)
