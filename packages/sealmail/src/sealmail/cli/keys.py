"""`sealmail keys PATH...`: every key found, and what it may be used for."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from sealmail.cli.material import add_key_options, found_in, passphrases_of, time_of
from sealmail.keys import Key, SecretKey
from sealmail.keys.found import Found
from sealmail.keys.usability import Purpose, problems
from sealmail.reporting import key_to_json


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser: argparse.ArgumentParser = commands.add_parser("keys", help="list keys and what they may do")
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files or folders with keys and certificates")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    add_key_options(parser, trust=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Lists the keys."""
    document = keys_to_json(found_in(options.paths, passphrases_of(options)), time_of(options))
    print(json.dumps(document, indent=2, ensure_ascii=True) if options.json else _table(document))


def keys_to_json(found: Found, at: datetime) -> dict[str, Any]:
    """What `sealmail keys --json` prints."""
    secrets = {secret.key.fingerprint: secret for secret in found.secrets}
    locked = {lock.fingerprint for lock in found.locked if lock.fingerprint}
    return {
        "schema": 1,
        "keys": [_key(key, secrets.get(key.fingerprint), key.fingerprint in locked, at) for key in found.keys],
        "locked": [
            {"technology": lock.technology.value, "fingerprint": lock.fingerprint, "reason": lock.reason.sentence}
            for lock in found.locked
        ],
        "unmatched": [
            {"public_hash": secret.public_hash, "algorithm": secret.algorithm, "reason": secret.reason.sentence}
            for secret in found.unmatched
        ],
        "problems": [{"code": problem.code, "sentence": problem.sentence} for problem in found.problems],
    }


def _key(key: Key, secret: SecretKey | None, is_locked: bool, at: datetime) -> dict[str, Any]:
    has_secret = secret is not None
    return key_to_json(key) | {
        "secret": has_secret,
        "locked": is_locked,
        "may": {purpose.value: _may(key, purpose, at, has_secret=has_secret) for purpose in Purpose},
    }


def _may(key: Key, purpose: Purpose, at: datetime, *, has_secret: bool) -> dict[str, Any]:
    against = problems(key, purpose, at, has_secret=has_secret)
    return {
        "allowed": not against,
        "reasons": [{"code": reason.code, "sentence": reason.sentence} for reason in against],
    }


def _table(document: dict[str, Any]) -> str:
    lines = []
    for key in document["keys"]:
        marks = [mark for mark, holds in (("secret", key["secret"]), ("CA", key["ca"])) if holds]
        may = ", ".join(purpose for purpose, answer in key["may"].items() if answer["allowed"]) or "nothing"
        lines.append(f"{key['fingerprint']}  {key['algorithm']}  {', '.join(key['addresses']) or key['name']}")
        lines.append(f"    {key['technology']} {' '.join(marks)}  until {key['valid_until'] or 'for ever'}  may: {may}")
    lines.extend(f"locked: {lock['reason']}" for lock in document["locked"])
    lines.extend(problem["sentence"] for problem in document["problems"])
    return "\n".join(lines)
