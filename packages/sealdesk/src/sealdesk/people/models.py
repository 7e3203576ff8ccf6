"""Agents, groups with their sender addresses, customers and organisations."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Agent(AbstractUser):
    """Somebody who signs in. Administrators are agents with `is_staff`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.email


class Group(models.Model):
    """A team with its own tickets, sender addresses and secret keys."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=True)
    agents: models.ManyToManyField[Agent, Membership] = models.ManyToManyField(
        Agent, through="Membership", related_name="desk_groups"
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """An agent may read and answer the tickets of a group."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agent", "group"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.agent_id} in {self.group_id}"


class SenderAddress(models.Model):
    """An address that a group receives at and sends from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="sender_addresses")
    address = models.CharField(max_length=320, unique=True)
    """Canonical form."""
    name = models.CharField(max_length=200, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ("-is_default", "address")

    def __str__(self) -> str:
        return self.address


class Organisation(models.Model):
    """Where customers belong."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """Somebody who writes to us. Names are what they call themselves; addresses are what we compare."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.SET_NULL, related_name="customers"
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class CustomerAddress(models.Model):
    """A canonical address of one customer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=320, unique=True)

    def __str__(self) -> str:
        return self.address
