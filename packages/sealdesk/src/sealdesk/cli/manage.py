"""`sealdesk manage …`: Django's own commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

NAME = "manage"
HELP = "Django's commands"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Shown in the help only; `main` hands the words over unread."""
    parser.add_argument("words", nargs=argparse.REMAINDER)


def run(options: argparse.Namespace) -> int:
    """Runs one of Django's commands."""
    return run_django(options.words)


def run_django(words: Sequence[str]) -> int:
    """Runs one of Django's commands."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["sealdesk manage", *words])
    return 0
