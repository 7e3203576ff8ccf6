"""Mail on its way: channels, raw mail that came in, copies and deliveries that go out, and what sealing did."""

from __future__ import annotations

import uuid

from django.db import models

from sealdesk.core.sealed import SealedJSONField, SealedModel, SealedTextField
from sealdesk.keyring.models import TECHNOLOGIES, StoredKey
from sealdesk.people.models import Group
from sealdesk.tickets.models import Article


class ChannelKind(models.TextChoices):
    IMAP = "imap"
    SMTP = "smtp"
    LMTP = "lmtp"


class Security(models.TextChoices):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Channel(SealedModel):
    """A server that mail comes from or leaves by."""

    kind = models.CharField(max_length=8, choices=ChannelKind.choices)
    name = models.CharField(max_length=120)
    group = models.ForeignKey(Group, null=True, on_delete=models.PROTECT, related_name="channels")
    """Incoming: where mail goes that names none of our sender addresses. Outgoing: null serves every group."""
    host = models.CharField(max_length=255)
    port = models.PositiveIntegerField()
    security = models.CharField(max_length=10, choices=Security.choices, default=Security.TLS)
    username = models.CharField(max_length=255, blank=True)
    password = SealedTextField(null=True)
    folder = models.CharField(max_length=255, default="INBOX")
    is_active = models.BooleanField(default=True)
    uid_validity = models.PositiveBigIntegerField(null=True, blank=True)
    last_uid = models.PositiveBigIntegerField(default=0)
    done_folder = models.CharField(max_length=255, blank=True)
    """Where fetched mail is moved; empty: it stays and is marked as read."""
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=64, blank=True)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name


class RawState(models.TextChoices):
    STORED = "stored"
    """Committed, waiting to be opened."""
    DONE = "done"
    """It became an article."""
    QUARANTINED = "quarantined"
    """Kept, with a reason; a person or a new key decides."""
    DUPLICATE = "duplicate"


class RawMail(SealedModel):
    """A mail exactly as it came, in the vault; committed before the server was told that we have it."""

    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="raw_mails")
    group = models.ForeignKey(Group, null=True, on_delete=models.SET_NULL, related_name="raw_mails")
    envelope_recipients = models.JSONField(default=list)
    received_at = models.DateTimeField()
    size = models.PositiveBigIntegerField()
    digest = models.BinaryField()
    """Keyed hash of the bytes."""
    blob = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=RawState.choices, default=RawState.STORED)
    reason = models.CharField(max_length=60, blank=True)
    """A code; for people see the presenters."""
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=64, blank=True)
    article = models.OneToOneField(Article, null=True, on_delete=models.SET_NULL, related_name="raw_mail")

    class Meta:
        indexes = (
            models.Index(fields=("state", "leased_until", "received_at")),
            models.Index(fields=("channel", "digest")),
        )

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class OutgoingState(models.TextChoices):
    WAITING = "waiting"
    """Asked for, not sealed yet."""
    SEALED = "sealed"
    """Its copies are there; each goes its own way."""
    REFUSED = "refused"
    """It could not be sealed as asked; nothing was sent."""


class Outgoing(SealedModel):
    """What an agent asked for when sending an article."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="outgoing")
    sign = models.BooleanField()
    encrypt = models.BooleanField()
    technology = models.CharField(max_length=8, default="auto")
    headers = SealedJSONField(default=dict)
    state = models.CharField(max_length=8, choices=OutgoingState.choices, default=OutgoingState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = (models.Index(fields=("state", "leased_until")),)

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class CopyState(models.TextChoices):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    REFUSED = "refused"
    """It could not be sealed as asked, so it was not sent."""
    UNKNOWN = "unknown"
    """The process ended while the server had it; a person decides."""


class Copy(SealedModel):
    """One sealed copy of an outgoing article, for recipients who may share it."""

    outgoing = models.ForeignKey(Outgoing, on_delete=models.CASCADE, related_name="copies")
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=CopyState.choices, default=CopyState.QUEUED)
    technology = models.CharField(max_length=8, blank=True)
    is_signed = models.BooleanField(default=False)
    is_encrypted = models.BooleanField(default=False)
    blob = models.CharField(max_length=200, blank=True)
    """The sealed bytes, in the vault; empty until sealed."""
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("position",)
        indexes = (models.Index(fields=("state", "next_try_at")),)

    def __str__(self) -> str:
        return f"{self.id} {self.state}"


class Delivery(models.Model):
    """One recipient of an outgoing article: which copy, sealed how, and whether it was delivered."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    outgoing = models.ForeignKey(Outgoing, on_delete=models.CASCADE, related_name="deliveries")
    copy = models.ForeignKey(Copy, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    address = models.CharField(max_length=320)
    field = models.CharField(max_length=4)
    """"to", "cc" or "bcc"."""
    state = models.CharField(max_length=10, choices=CopyState.choices, default=CopyState.QUEUED)
    technology = models.CharField(max_length=8, blank=True)
    key_fingerprint = models.CharField(max_length=64, blank=True)
    code = models.CharField(max_length=60, blank=True)
    sentence = models.CharField(max_length=500, blank=True)
    """Why it was refused or failed: our reason, or the server's reply (never words of the mail)."""
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("field", "address")

    def __str__(self) -> str:
        return f"{self.address} {self.state}"


class KeySighting(models.Model):
    """A key or certificate came with a mail: a candidate, with where it stood and whose it is said to be."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(StoredKey, on_delete=models.CASCADE, related_name="sightings")
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="key_sightings")
    at = models.DateTimeField()
    source = models.CharField(max_length=10, default="", blank=True)
    """Where in the mail, in the words of `sealmail.report.KeySource`; empty: not recorded."""
    claimed_address = models.CharField(max_length=320, default="", blank=True, db_index=True)
    """Whose key it is, as the mail says; empty: the mail does not say. Nobody vouches for it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("key", "article", "source", "claimed_address"), name="sighting_once"),
        )

    def __str__(self) -> str:
        return f"{self.key_id} in {self.article_id}"


class ReadableAlgorithms(models.Model):
    """What the mail program of an address reads, as its newest good-signed S/MIME mail said (RFC 8551 §2.5.2)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.CharField(max_length=320, unique=True)
    signed_at = models.DateTimeField()
    algorithms = models.JSONField(default=list)
    """Dotted object identifiers, best first."""

    def __str__(self) -> str:
        return self.address


class SecurityLogEntry(SealedModel):
    """Recent Logs: each sign, verify, encrypt and decrypt, in and out."""

    at = models.DateTimeField(db_index=True)
    direction = models.CharField(max_length=3)
    """"in" or "out"."""
    operation = models.CharField(max_length=8)
    """"sign", "verify", "encrypt" or "decrypt"."""
    technology = models.CharField(max_length=8, choices=TECHNOLOGIES)
    status = models.CharField(max_length=12)
    code = models.CharField(max_length=60, blank=True)
    article = models.ForeignKey(Article, null=True, on_delete=models.SET_NULL, related_name="security_log")
    key_fingerprint = models.CharField(max_length=64, blank=True)
    details = SealedJSONField(default=dict)

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.direction} {self.operation} {self.status}"
