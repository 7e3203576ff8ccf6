"""Tickets, their articles and attachments. Words lie in the vault; codes, addresses and times are readable."""

from __future__ import annotations

from django.db import models

from sealdesk.core.sealed import SealedJSONField, SealedModel, SealedTextField
from sealdesk.people.models import Agent, Customer, Group


class TicketState(models.TextChoices):
    NEW = "new"
    OPEN = "open"
    PENDING_REMINDER = "pending_reminder"
    PENDING_CLOSE = "pending_close"
    CLOSED = "closed"
    MERGED = "merged"


class ArticleKind(models.TextChoices):
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    NOTE = "note"


class Ticket(SealedModel):
    """A conversation with a customer."""

    number = models.PositiveBigIntegerField(unique=True)
    title = SealedTextField()
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="tickets")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tickets")
    owner = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="owned_tickets")
    state = models.CharField(max_length=20, choices=TicketState.choices, default=TicketState.NEW)
    priority = models.SmallIntegerField(default=2)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_index=True)
    encryption = models.CharField(max_length=12, blank=True)
    signature = models.CharField(max_length=12, blank=True)
    signature_reason = models.CharField(max_length=24, blank=True)
    """Codes of the last incoming mail, for the badge in lists; empty where none came."""
    signature_covers = models.CharField(max_length=8, blank=True)
    encryption_covers = models.CharField(max_length=8, blank=True)

    class Meta:
        indexes = (models.Index(fields=("group", "state", "-updated_at")),)

    def __str__(self) -> str:
        return f"#{self.number}"


class Article(SealedModel):
    """One mail in or out, or an internal note."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="articles")
    kind = models.CharField(max_length=10, choices=ArticleKind.choices)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    sender = models.CharField(max_length=320, blank=True)
    sender_name = models.CharField(max_length=300, blank=True)
    is_automatic = models.BooleanField(default=False)
    """A bounce, an automatic reply, or mail of a list: nothing of ours ever answers it by itself."""
    to = models.JSONField(default=list)
    cc = models.JSONField(default=list)
    bcc = models.JSONField(default=list)
    """Lists of canonical addresses."""
    subject = SealedTextField()
    text = SealedTextField()
    html = SealedTextField(null=True)
    message_id = models.CharField(max_length=998, blank=True, db_index=True)
    in_reply_to = models.CharField(max_length=998, blank=True)
    references = models.JSONField(default=list)

    encryption = models.CharField(max_length=12, default="none")
    encryption_covers = models.CharField(max_length=8, default="none")
    signature = models.CharField(max_length=12, default="none")
    signature_reason = models.CharField(max_length=24, blank=True)
    signature_covers = models.CharField(max_length=8, default="none")
    technology = models.CharField(max_length=8, blank=True)
    signer_fingerprint = models.CharField(max_length=64, blank=True)
    signer_address = models.CharField(max_length=320, blank=True)
    warnings = models.JSONField(default=list)
    report = SealedJSONField(null=True)
    """Incoming: the frozen report of receipt (`sealmail` report JSON). Outgoing: the plan that was sent."""

    class Meta:
        ordering = ("created_at", "id")
        indexes = (models.Index(fields=("sender", "-created_at")),)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Attachment(SealedModel):
    """A file of an article; its bytes lie in the vault's blob store under the attachment's own data key."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField()
    name = SealedTextField()
    content_type = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    content_id = models.CharField(max_length=300, blank=True)
    blob = models.CharField(max_length=200)
    part = models.CharField(max_length=100, blank=True)
    """The path of the part that it came in, where that part was opened apart. Such a file is never mixed with those of
    the mail around it."""

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return str(self.id)


class TicketEvent(models.Model):
    """History: what happened to a ticket, by whom; written in the transaction of the change, read by cursor."""

    id = models.BigAutoField(primary_key=True)
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    article = models.ForeignKey(Article, null=True, on_delete=models.SET_NULL, related_name="+")
    codes = models.JSONField(default=dict)
    """Codes and ids only: never words of a mail."""

    def __str__(self) -> str:
        return self.kind


class TicketCounter(models.Model):
    """The last ticket number given out; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    last_number = models.PositiveBigIntegerField(default=10000)

    def __str__(self) -> str:
        return str(self.last_number)
