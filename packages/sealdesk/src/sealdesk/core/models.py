"""Keys of the vault that belong to no row of their own."""

from __future__ import annotations

from django.db import models


class NamedKey(models.Model):
    """A random key for one purpose, wrapped by the master key; with a new master key it stays the same."""

    purpose = models.CharField(primary_key=True, max_length=60)
    wrapped_key = models.BinaryField()

    def __str__(self) -> str:
        return self.purpose
