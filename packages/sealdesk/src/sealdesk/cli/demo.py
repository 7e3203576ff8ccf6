"""`sealdesk demo`: what the demo's customers do: write to the desk that is running, and read what it sent them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from sealdesk.cli.setup import prepare

if TYPE_CHECKING:
    from sealmail.opening import Opened

NAME = "demo"
HELP = "writes and reads mail as a customer of the demo"
_CUSTOMERS = ("carol", "dave", "erin", "frank", "mallory")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    actions = parser.add_subparsers(title="what to do", required=True, metavar="ACTION", dest="action")
    send = actions.add_parser("send", help="a customer writes a mail, sealed with the customer's own keys")
    send.add_argument("subject", metavar="SUBJECT")
    send.add_argument("--as", dest="who", choices=_CUSTOMERS, required=True, help="who writes")
    send.add_argument("--to", default="support@desk.example", help="default: %(default)s")
    send.add_argument("--text", default="This mail was written for you just now.\n", help="what the mail says")
    send.add_argument("--sign", action="store_true", help="sign it")
    send.add_argument("--encrypt", action="store_true", help="encrypt it for the desk")
    send.add_argument("--technology", choices=("smime", "openpgp"), help="default: what the customer has keys for")
    inbox = actions.add_parser("inbox", help="what a customer got from the desk, opened with the customer's own keys")
    inbox.add_argument("who", choices=_CUSTOMERS)


def run(options: argparse.Namespace) -> int:
    """Writes or reads."""
    prepare()
    from django.db import DatabaseError

    from sealdesk.demo import DemoError

    try:
        return _send(options) if options.action == "send" else _inbox(options)
    except DemoError as error:
        print(error.sentence, file=sys.stderr)
    except DatabaseError:  # no tables yet
        print("There is no demo here yet. Start it with: sealdesk run --demo", file=sys.stderr)
    return 1


def _send(options: argparse.Namespace) -> int:
    from sealdesk import demo
    from sealmail.keys import Technology

    demo.send(
        who=demo.Who(options.who),
        to=options.to,
        subject=options.subject,
        text=options.text,
        sign=options.sign,
        encrypt=options.encrypt,
        technology=Technology(options.technology) if options.technology else None,
    )
    print(f"The desk has taken {options.who.capitalize()}'s mail to {options.to}.")
    return 0


def _inbox(options: argparse.Namespace) -> int:
    from sealdesk import demo

    number = 0
    for number, opened in enumerate(demo.inbox(demo.Who(options.who)), start=1):
        print(_shown(number, opened))
    if not number:
        print(f"{options.who.capitalize()} has no mail yet.")
    if not demo.is_running():
        print("The desk is not running, so nothing new arrives. Start it with: sealdesk run --demo", file=sys.stderr)
    return 0


def _shown(number: int, opened: Opened) -> str:
    from sealmail.sentences import encryption_sentence, signature_sentence

    headers, report = opened.headers, opened.report
    signer = report.signature.facts.key if report.signature.facts else None
    lines = [
        f"--- {number} " + "-" * 60,
        f"From:       {headers.from_.address if headers.from_ else '(nobody)'}",
        f"Subject:    {headers.subject}",
        f"Encryption: {report.encryption.verdict.value}. {encryption_sentence(report.encryption)}",
        f"Signature:  {report.signature.verdict.value}. {signature_sentence(report.signature, report.encryption)}",
        *([f"Signed by:  {signer.name}, {signer.technology.value} key {signer.fingerprint}"] if signer else []),
        *(f"Attachment: {file.name} ({len(file.data)} bytes)" for file in opened.content.attachments),
        "",
        opened.content.text,
    ]
    return "\n".join(_printable(line) for line in lines)


def _printable(text: str) -> str:
    """Without control characters, which could rewrite what the terminal shows above."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)
