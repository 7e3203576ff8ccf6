"""Entry point of the command `sealdesk`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sealdesk.cli import demo, fetch, intake, manage, migrate, run, web, worker

COMMANDS = (run, web, worker, fetch, intake, migrate, demo, manage)
"""One file for each: `NAME`, `HELP`, `arguments(parser)`, `run(options) -> exit code`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sealdesk.config.settings")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == [manage.NAME]:  # its words belong to Django, options included
        sys.exit(manage.run_django(given[1:]))
    options = _parser().parse_args(given)
    sys.exit(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sealdesk", description="A help desk whose every mail can be sealed.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        one = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        command.arguments(one)
        one.set_defaults(run=command.run)
    return parser
