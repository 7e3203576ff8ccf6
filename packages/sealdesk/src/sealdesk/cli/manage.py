"""`sealdesk manage …`: Django's own commands."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

NAME = "manage"
HELP = "Django's commands"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Shown in the help only; `main` hands the words over unread."""
    parser.add_argument("words", nargs=argparse.REMAINDER)


def run(options: argparse.Namespace) -> int:
    """Runs one of Django's commands."""
    return run_django(options.words)


def run_django(words: Sequence[str]) -> int:
    """Runs one of Django's commands. One that only looks makes no desk where there is none."""
    from django.core.management import execute_from_command_line

    with ExitStack() as ending:
        if _only_looks(words) and not _home().exists():
            folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="sealdesk-"))
            os.environ["SEALDESK_HOME"] = str(Path(folder) / "desk")
        execute_from_command_line(["sealdesk manage", *words])
    return 0


_LOOKING = frozenset({"check", "diffsettings", "help", "makemigrations", "showmigrations", "sqlmigrate", "version"})
"""`makemigrations` writes into the source code, not into a desk."""


def _only_looks(words: Sequence[str]) -> bool:
    return not words or words[0].startswith("-") or words[0] in _LOOKING


def _home() -> Path:
    return Path(os.environ.get("SEALDESK_HOME", ".sealdesk"))
