"""The command `sealmail`: inspect, seal and keys, as docs/contract describes them.

Exit status: 0 done, 1 refused (only `seal`), 2 wrong usage, 3 the environment is broken, 141 nobody reads on. Messages
go to standard error and hold no secrets.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sealmail.cli import inspect, keys, seal
from sealmail.errors import InputError, Refused, SealmailError, UsageError

_DONE, _REFUSED, _WRONG_USAGE, _FAILED = 0, 1, 2, 3
_NOBODY_READS = 141
# What a shell tells of a program that a closed pipe ended: 128 and the number of SIGPIPE.


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="sealmail", description="Opens and seals signed and encrypted mail.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (inspect, seal, keys):
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except Refused as refusal:
        for reason in refusal.reasons:
            print(f"sealmail: {reason.sentence}", file=sys.stderr)
        return _REFUSED
    except (UsageError, InputError) as error:
        print(f"sealmail: {error}", file=sys.stderr)
        return _WRONG_USAGE
    except SealmailError as error:
        print(f"sealmail: {error}", file=sys.stderr)
        return _FAILED
    return _DONE
