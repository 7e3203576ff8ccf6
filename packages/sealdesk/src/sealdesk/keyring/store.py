"""The key ring as the library asks for it: keys and secret keys by id and address, and how far each is trusted.

Both are made for one opening or sealing and answered by indexed queries; both know nothing of a technology that is
switched off. They decide nothing: decisions are rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from django.db.models import Exists, OuterRef, QuerySet

from sealdesk.keyring import queries
from sealdesk.keyring.models import KeyIdentifier, RevocationData, StoredKey, StoredSecret, TrustDecision
from sealdesk.keyring.rows import keys_from, secrets_from
from sealdesk.people.models import Group
from sealmail.keys import Anchor, Key, KeyId, SecretKey, Technology, TrustLevel

MOST_KEYS = 1000
"""For one answer: more keys under one name or address are somebody's flood, and the newest of them will do."""


class DeskKeys:
    """Implements `sealmail.keys.KeyStore`."""

    def __init__(self, groups: Iterable[Group] | None) -> None:
        """`groups`: only their secret keys are used; None: no secret key at all."""
        self._groups = [group.pk for group in groups or ()]

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        """Secret keys of the groups that go by any of these ids."""
        named = KeyIdentifier.objects.filter(identifier__in=ids)
        return self._usable(self._secrets.filter(key__in=named.values("key")), self._technologies)

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        """All secret keys of the groups, of one technology."""
        return self._usable(self._secrets, self._technologies & {technology})

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        """Public keys and certificates that go by any of these ids, name ids included."""
        return self._readable(self._keys.filter(identifiers__identifier__in=ids).distinct()[:MOST_KEYS])

    def keys_of(self, address: str) -> Sequence[Key]:
        """Public keys and certificates that name this canonical address."""
        return self._readable(self._keys.filter(named_addresses__address=address)[:MOST_KEYS])

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        """CRLs and OCSP responses (DER) issued under this name."""
        if Technology.SMIME not in self._technologies:
            return ()
        rows = RevocationData.objects.filter(issuer=issuer).order_by("-added_at")
        return [bytes(material) for material in rows.values_list("material", flat=True)]

    @cached_property
    def _technologies(self) -> frozenset[Technology]:
        return queries.technologies_on()

    @property
    def _keys(self) -> QuerySet[StoredKey]:
        """Those that somebody decided about come first, so that a flood of candidates cannot push them out."""
        decided = TrustDecision.objects.filter(key=OuterRef("pk"), is_current=True)
        return StoredKey.objects.annotate(is_decided=Exists(decided)).order_by("-is_decided", "origin", "-added_at")

    @property
    def _secrets(self) -> QuerySet[StoredSecret]:
        ours = StoredSecret.objects.filter(groups__in=self._groups)
        secrets = StoredSecret.objects.filter(pk__in=ours.values("pk"))
        return secrets.select_related("key").order_by("-added_at")

    # Technologies are asked for here and not in the database, which would walk through all keys of one.

    def _readable(self, rows: Iterable[StoredKey]) -> list[Key]:
        return keys_from(row for row in rows if row.technology in self._technologies)

    def _usable(self, secrets: Iterable[StoredSecret], technologies: Collection[Technology]) -> list[SecretKey]:
        return secrets_from(secret for secret in secrets if secret.key.technology in technologies)


class DeskTrust:
    """Implements `sealmail.keys.TrustBook`."""

    def level(self, key: Key, address: str) -> TrustLevel:
        """What was decided for this very key and this canonical address; CANDIDATE where nothing was."""
        if key.technology not in self._technologies:
            return TrustLevel.CANDIDATE
        decision = self._current.filter(key__technology=key.technology, key__fingerprint=key.fingerprint).first()
        if decision is None:
            return TrustLevel.CANDIDATE
        level = TrustLevel(decision.level)
        holds = level is TrustLevel.REJECTED or (address in decision.addresses and address in key.addresses)
        return level if holds else TrustLevel.CANDIDATE

    def anchors(self) -> Sequence[Anchor]:
        """All CA certificates that vouch."""
        if Technology.SMIME not in self._technologies:
            return ()
        vouching = TrustDecision.objects.filter(vouches=True).select_related("key").order_by("decided_at")
        decisions = [decision for decision in vouching if decision.is_current]
        keys = keys_from(decision.key for decision in decisions)
        return [
            Anchor(key=key, domains=None if decision.domains is None else tuple(decision.domains))
            for decision, key in zip(decisions, keys, strict=True)
        ]

    def conflicts(self, key: Key, address: str) -> bool:
        """Whether another key of the same technology, trusted for the address, contradicts this one.

        Only a key that was merely accepted once can be contradicted: keys that an administrator added stand beside each
        other on purpose, the old one beside the renewed.
        """
        if self.level(key, address) is not TrustLevel.ACCEPTED_ONCE:
            return False
        rivals = self._current.filter(
            key__named_addresses__address=address, level__gte=TrustLevel.ACCEPTED_ONCE
        ).select_related("key")
        return any(
            rival.key.technology == key.technology
            and rival.key.fingerprint != key.fingerprint
            and address in rival.addresses
            for rival in rivals
        )

    @cached_property
    def _technologies(self) -> frozenset[Technology]:
        return queries.technologies_on()

    @property
    def _current(self) -> QuerySet[TrustDecision]:
        return TrustDecision.objects.filter(is_current=True)
