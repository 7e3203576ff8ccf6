"""Times as agents read them: relative within a day, the date after, exact on hover."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

MINUTE, HOUR = 60, 3600


def age(moment: datetime, now: datetime) -> str:
    """How long ago: "now", "5 min", "3 h"; older than a day the date, with the year where it is another one."""
    seconds = (now - moment).total_seconds()
    if 0 <= seconds < MINUTE:
        return "now"
    if MINUTE <= seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if HOUR <= seconds < timedelta(days=1).total_seconds():
        return f"{int(seconds // HOUR)} h"
    return day(moment, now)


def day(moment: datetime, now: datetime) -> str:
    """The date in the agent's zone."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    text = f"{local.day} {local:%b}"
    return text if local.year == today.year else f"{text} {local.year}"


def full_day(moment: datetime) -> str:
    """The date with its year, whichever that is."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y}"


def exact(moment: datetime) -> str:
    """Date, time and zone: "Sun 22 Nov 2026, 15:51 UTC"."""
    local = timezone.localtime(moment)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"
