"""Keys and certificates, secret keys and their groups, trust decisions, and what groups do by default."""

from __future__ import annotations

import uuid

from django.db import models

from sealdesk.core.sealed import SealedField, SealedJSONField, SealedModel
from sealdesk.people.models import Agent, Group
from sealmail.keys import Technology, TrustLevel

TECHNOLOGIES = [(technology.value, technology.name) for technology in Technology]


class Origin(models.TextChoices):
    """How a key came here."""

    ADDED = "added"
    """By an administrator, for its own sake."""
    BUNDLE = "bundle"
    """Beside something that was added: an intermediate that vouches for nobody."""
    HARVESTED = "harvested"
    """From a mail: a candidate."""


class StoredKey(models.Model):
    """A certificate or OpenPGP key (public side). Columns repeat what `material` says, for lists and look-ups."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    technology = models.CharField(max_length=8, choices=TECHNOLOGIES)
    fingerprint = models.CharField(max_length=64)
    material = models.BinaryField()
    public_hash = models.CharField(max_length=64, blank=True, db_index=True)
    """For certificates: SHA-256 of the public key, by which private keys find them."""
    name = models.CharField(max_length=300, blank=True)
    algorithm = models.CharField(max_length=60)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    can_sign = models.BooleanField()
    can_encrypt = models.BooleanField()
    can_certify = models.BooleanField()
    is_ca = models.BooleanField(default=False)
    subject = models.CharField(max_length=80, blank=True)
    issuer = models.CharField(max_length=80, blank=True)
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.ADDED)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("technology", "fingerprint"), name="key_once"),)
        indexes = (models.Index(fields=("-added_at",)),)

    def __str__(self) -> str:
        return self.fingerprint


class KeyAddress(models.Model):
    """A canonical address that a key names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(StoredKey, on_delete=models.CASCADE, related_name="named_addresses")
    address = models.CharField(max_length=320, db_index=True)
    position = models.PositiveSmallIntegerField(default=0)
    """The key's own order: the first is its main one."""

    class Meta:
        ordering = ("position",)
        constraints = (models.UniqueConstraint(fields=("key", "address"), name="key_address_once"),)

    def __str__(self) -> str:
        return self.address


class KeyIdentifier(models.Model):
    """A name by which messages and certificates refer to a key (`sealmail.keys.KeyId`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(StoredKey, on_delete=models.CASCADE, related_name="identifiers")
    identifier = models.CharField(max_length=200, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("key", "identifier"), name="key_identifier_once"),)

    def __str__(self) -> str:
        return self.identifier


class StoredSecret(SealedModel):
    """The secret side of a key. It belongs to groups: only their mail is opened and signed with it."""

    key = models.OneToOneField(StoredKey, on_delete=models.CASCADE, related_name="secret")
    material = SealedField()
    passphrases = SealedJSONField(default=list)
    """Those that open `material`, in order; empty where nothing protects it."""
    groups: models.ManyToManyField[Group, models.Model] = models.ManyToManyField(Group, related_name="secret_keys")
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"secret of {self.key_id}"


class TrustDecision(models.Model):
    """Somebody decided how far a key is trusted. One decision for a key is current; older ones are its history."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(StoredKey, on_delete=models.CASCADE, related_name="trust_decisions")
    level = models.SmallIntegerField(choices=[(level.value, level.name) for level in TrustLevel])
    addresses = models.JSONField(default=list)
    """What it holds for: addresses that the key named when it was decided. A key that later names others does not
    take its trust along. A rejection holds for all."""
    vouches = models.BooleanField(default=False)
    """For CA certificates: it vouches for what it issued."""
    domains = models.JSONField(null=True)
    """For CA certificates that vouch: only for addresses in these domains; null: for everybody."""
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    how_checked = models.CharField(max_length=200, default="not recorded")
    is_current = models.BooleanField(default=True)

    class Meta:
        ordering = ("-decided_at",)
        constraints = (
            models.UniqueConstraint(fields=("key",), condition=models.Q(is_current=True), name="one_current_decision"),
        )
        indexes = (
            # Partial, since Django asks for true columns by name alone, which a plain index does not answer.
            models.Index(fields=("key",), condition=models.Q(vouches=True), name="vouching"),
        )

    def __str__(self) -> str:
        return f"{self.key_id}: {self.level}"


class Integration(models.Model):
    """The switch of a technology. Off: nothing of it is offered or processed."""

    technology = models.CharField(primary_key=True, max_length=8, choices=TECHNOLOGIES)
    is_on = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.technology


class SealingDefault(models.Model):
    """What the composer presets for a group: "if possible" (True) or not. Without a row: both if possible."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="sealing_defaults")
    technology = models.CharField(max_length=8, choices=TECHNOLOGIES)
    sign = models.BooleanField(default=True)
    encrypt = models.BooleanField(default=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("group", "technology"), name="sealing_default_once"),)

    def __str__(self) -> str:
        return f"{self.group_id} {self.technology}"


class RevocationData(models.Model):
    """A CRL or OCSP response that an administrator added or a mail carried."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    issuer = models.CharField(max_length=80, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    material = models.BinaryField()
    added_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest
