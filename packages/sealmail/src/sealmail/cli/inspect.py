"""`sealmail inspect MAIL`: opens a mail under limits and prints its report."""

from __future__ import annotations

import argparse
import json
from typing import Any

from sealmail.bounded import BoundedOpener
from sealmail.cli.material import add_key_options, material_of, read_input, time_of
from sealmail.policy import Policy
from sealmail.reporting import opened_to_json


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser: argparse.ArgumentParser = commands.add_parser("inspect", help="open a mail and say what was found")
    parser.add_argument("mail", metavar="MAIL", help="a file with an RFC 5322 message; - for standard input")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    add_key_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Opens the mail and prints what was found; a report is made of any bytes."""
    raw = read_input(options.mail)
    material, at = material_of(options), time_of(options)
    with BoundedOpener() as opener:
        opened = opener.open_message(raw, material.keys, material.trust, Policy(), at)
    document = opened_to_json(opened)
    print(json.dumps(document, indent=2, ensure_ascii=True) if options.json else _summary(document))


def _summary(document: dict[str, Any]) -> str:
    encryption, signature = document["encryption"], document["signature"]
    lines = [
        f"From:       {', '.join(document['from']) or '(nobody)'}",
        f"Subject:    {document['subject']}",
        f"Encryption: {encryption['verdict']} ({encryption['covers']}). {encryption['detail']}",
        f"Signature:  {signature['verdict']} ({signature['covers']}). {signature['detail']}",
        *(f"Attachment: {file['name']} ({file['type']}, {file['size']} bytes)" for file in document["attachments"]),
        *(f"Warning:    {warning}" for warning in document["warnings"]),
        "",
        document["text"],
    ]
    return "".join(_printable(line) + "\n" for line in lines)


def _printable(text: str) -> str:
    """Without control characters, which could rewrite what the terminal shows above."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
