"""`sealmail keys PATH...`: every key found, what it may be used for, and with --for which one would be used."""

from __future__ import annotations

import argparse
import json
from typing import Any

from sealmail.addresses import canonical
from sealmail.choosing import KeyChoice, choose, choose_own
from sealmail.cli.key_listing import as_text, choice_to_json, found_to_json
from sealmail.cli.material import add_key_options, found_in, passphrases_of, time_of, trust_in
from sealmail.errors import UsageError
from sealmail.keys import MemoryKeyStore, Technology
from sealmail.keys.usability import Purpose
from sealmail.policy import Policy
from sealmail.reporting import JSON
from sealmail.vouching import Judges

_PURPOSES = (Purpose.ENCRYPT, Purpose.SIGN, Purpose.VERIFY)
"""Decrypting chooses nothing: every key that the mail names is tried."""


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser: argparse.ArgumentParser = commands.add_parser("keys", help="list keys and what they may do")
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files or folders with keys and certificates")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--for", dest="address", metavar="ADDRESS", help="which key would be used for this address")
    parser.add_argument("--purpose", choices=_PURPOSES, default=Purpose.ENCRYPT, help="what for; default: encrypt")
    parser.add_argument(
        "--trust", metavar="PATH", nargs="+", action="extend", default=[], help="with --for: what is trusted"
    )
    add_key_options(parser, trust=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Lists the keys, or tells which one would be used."""
    passphrases, at = passphrases_of(options), time_of(options)
    found = found_in(options.paths, passphrases)
    document = found_to_json(found, at)
    if options.address is not None:
        trusted = found_in(options.trust, passphrases)
        store = MemoryKeyStore(
            keys=(*found.keys, *trusted.keys),
            secrets=found.secrets,
            revocations=dict.fromkeys((*found.revocations, *trusted.revocations)),
        )
        judges = Judges(keys=store, trust=trust_in(trusted.keys), policy=Policy(), at=at)
        document["choice"] = _choice(options.address, Purpose(options.purpose), judges)
    print(json.dumps(document, indent=2, ensure_ascii=True) if options.json else as_text(document))


def _choice(given: str, purpose: Purpose, judges: Judges) -> JSON:
    address = canonical(given)
    if address is None:
        raise UsageError("--for takes one e-mail address")
    chooser = choose_own if purpose is Purpose.SIGN else choose
    choices: list[KeyChoice] = [chooser(address, technology, purpose, judges) for technology in Technology]
    return choice_to_json(address, purpose, choices)
