"""`sealdesk migrate`: brings the database up to date."""

from __future__ import annotations

import argparse

from sealdesk.cli.setup import migrate_database, prepare

NAME = "migrate"
HELP = "brings the database up to date"


def arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 -- every command has the same form
    """Migrates."""
    prepare()
    migrate_database(quiet=False)
    return 0
