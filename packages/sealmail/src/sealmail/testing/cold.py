"""Forgetting what the library remembers about certificates, to measure the first look at one."""

from __future__ import annotations

from sealmail import path_building, path_rules
from sealmail.keys import certificate


def forget_certificates() -> None:
    """Empties the memories of certificates, their signatures and the rules of their paths."""
    for remembered in (
        certificate.key_from_certificate,
        certificate.public_key,
        certificate.outline_of,
        path_building.has_signed,
        path_building.authority_key_id,
        path_rules.broken_rule,
        path_rules.has_unknown_critical_extension,
        path_rules.has_weak_key,
    ):
        remembered.cache_clear()
