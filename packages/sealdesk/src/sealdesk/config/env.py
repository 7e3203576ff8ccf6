"""Typed readers of environment variables that refuse nonsense. `NAME_FILE` may name a file with the value."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable's value."""
    return os.environ.get(name, default)


def secret(name: str) -> str:
    """The variable's value, or the content of the file that `NAME_FILE` names; empty where neither is set."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {path}") from error
    return os.environ.get(name, "")


def boolean(name: str, *, default: bool) -> bool:
    """True or false; anything else is an error."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false")


def whole_number(name: str, default: int) -> int:
    """A whole number that is not negative."""
    value = os.environ.get(name)
    if value is None:
        return default
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number")
    return int(value)


def choice(name: str, choices: tuple[str, ...]) -> str:
    """One of these words; the first where nothing is set."""
    value = os.environ.get(name, choices[0]).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of: {', '.join(choices)}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Values separated by commas."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]
