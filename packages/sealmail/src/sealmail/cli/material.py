"""Options that the three commands share, and what they name: keys, trust, passphrases, the time."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sealmail.errors import InputError, UsageError
from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, TrustLevel
from sealmail.keys.found import Found, suspects
from sealmail.keys.reader import read_paths

_LARGEST_KEY_FILE = 5 * 1024 * 1024
_MOST_FILES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Keys and trust decisions as the command line gave them."""

    keys: MemoryKeyStore
    trust: MemoryTrust


def add_key_options(parser: argparse.ArgumentParser, *, trust: bool = True) -> None:
    """The options --keys, --trust, --passphrase, --passphrase-file and --at."""
    if trust:
        parser.add_argument("--keys", metavar="PATH", nargs="+", action="extend", default=[], help="keys to work with")
        parser.add_argument(
            "--trust", metavar="PATH", nargs="+", action="extend", default=[], help="trusted keys and CA certificates"
        )
    parser.add_argument("--passphrase", metavar="TEXT", action="append", default=[], help="tried on protected keys")
    parser.add_argument(
        "--passphrase-file", metavar="FILE", action="append", default=[], help="a file whose first line is one"
    )
    parser.add_argument("--at", metavar="ISO-TIME", help="the time that counts; default: now")


def time_of(options: argparse.Namespace) -> datetime:
    """The time given by --at (UTC where it names no zone), else now."""
    if options.at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(options.at)
    except ValueError as error:
        raise UsageError("--at takes a time like 2027-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def passphrases_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The passphrases in the order given."""
    from_files = [_first_line(name) for name in options.passphrase_file]
    return (*options.passphrase, *from_files)


def material_of(options: argparse.Namespace) -> Material:
    """Keys and trust from --keys and --trust. What is trusted is at hand as a key, too."""
    passphrases = passphrases_of(options)
    trusted = found_in(options.trust, passphrases)
    everything = found_in([*options.keys, *options.trust], passphrases)
    return Material(
        keys=MemoryKeyStore(
            keys=everything.keys,
            secrets=(*everything.secrets, *suspects(everything, passphrases)),
            revocations=everything.revocations,
        ),
        trust=trust_in(trusted.keys),
    )


def found_in(paths: Sequence[str], passphrases: Sequence[str]) -> Found:
    """Everything in the files and folders; files that are no keys are skipped with a warning."""
    found, warnings = read_paths(list(_files(paths)), passphrases)
    for warning in (*warnings, *(lock.reason.sentence for lock in found.locked)):
        print(f"sealmail: warning: {warning}", file=sys.stderr)
    return found


def trust_in(keys: Sequence[Key]) -> MemoryTrust:
    """A CA certificate vouches for what it issued; every other key is trusted by hand for its own addresses."""
    return MemoryTrust(
        anchors=[Anchor(key=key) for key in keys if key.is_ca],
        levels={key.fingerprint: TrustLevel.BY_HAND for key in keys if not key.is_ca},
    )


def read_input(name: str) -> bytes:
    """The bytes of a file; "-" is standard input."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error


def _files(paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    count = 0
    for given in paths:
        path = Path(given)
        if not path.exists():
            raise UsageError(f"{given} is not there")
        for file in sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]:
            count += 1
            if count > _MOST_FILES:
                raise UsageError(f"more than {_MOST_FILES} key files")
            if file.stat().st_size > _LARGEST_KEY_FILE:
                print(f"sealmail: warning: {file} is too large for a key and was skipped", file=sys.stderr)
                continue
            yield str(file), read_input(str(file))


def _first_line(name: str) -> str:
    try:
        return read_input(name).decode("utf-8").splitlines()[0]
    except (UnicodeDecodeError, IndexError) as error:
        raise InputError(f"{name} holds no passphrase in its first line") from error
