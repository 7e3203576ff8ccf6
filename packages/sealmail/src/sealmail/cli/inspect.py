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
    lines = [
        f"From:       {', '.join(document['from']) or '(nobody)'}",
        f"Subject:    {document['subject']}",
        *_sealing(document),
        *_attachments(document),
        *(line for part in document["parts"] for line in _verdicts(part)),
        *(f"Warning:    {warning}" for warning in document["warnings"]),
        "",
        *_texts(document),
    ]
    return "".join(_printable(line) + "\n" for line in lines)


def _verdicts(part: dict[str, Any]) -> list[str]:
    return [f"Part {part['path']}", *(f"  {line}" for line in (*_sealing(part), *_attachments(part["content"] or {})))]


def _texts(document: dict[str, Any]) -> list[str]:
    """The text; where parts are sealed, it and that of each part, indented so that none can imitate a heading."""
    if not document["parts"]:
        return [document["text"]]
    texts = [("Text", document), *((f"Text of part {part['path']}", part["content"]) for part in document["parts"])]
    return [
        line
        for name, content in texts
        if content
        for line in (f"{name}:", *(f"  {words}" for words in content["text"].splitlines()), "")
    ]


def _sealing(document: dict[str, Any]) -> list[str]:
    encryption, signature = document["encryption"], document["signature"]
    return [
        f"Encryption: {encryption['verdict']} ({encryption['covers']}). {encryption['detail']}",
        f"Signature:  {signature['verdict']} ({signature['covers']}). {signature['detail']}",
    ]


def _attachments(content: dict[str, Any]) -> list[str]:
    return [
        f"Attachment: {file['name']} ({file['type']}, {file['size']} bytes)" for file in content.get("attachments", ())
    ]


def _printable(text: str) -> str:
    """Without control characters, which could rewrite what the terminal shows above."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
