"""Entry point of the command `sealdesk`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs `sealdesk manage …` (Django's commands)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sealdesk.config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["sealdesk manage", *sys.argv[2:]])
