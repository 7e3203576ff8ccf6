"""`sealdesk intake FILE`: takes a mail file in, as if it had come from a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sealdesk.cli.setup import prepare

NAME = "intake"
HELP = "takes in a mail from a file, or from standard input"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("file", help="a mail (RFC 5322), or - for standard input")
    parser.add_argument("--group", help="the name of the group that gets it; default: whom the mail names")
    parser.add_argument("--queue", action="store_true", help="only store it; a worker opens it")


def run(options: argparse.Namespace) -> int:
    """Stores the mail, opens it, and says in codes what became of it."""
    prepare()
    from sealdesk.mail.intake.actions import process, receive
    from sealdesk.mail.intake.opening import close_opener
    from sealdesk.people.models import Group

    group = Group.objects.filter(name=options.group).first() if options.group else None
    if options.group and group is None:
        print(f"There is no group {options.group}.", file=sys.stderr)
        return 2
    try:
        raw = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return 2
    mail = receive(raw=raw, group=group)
    if not options.queue:
        mail = process(raw_mail=mail.pk)
        close_opener()
    ticket = f"ticket #{mail.article.ticket.number}" if mail.article else mail.reason
    print(" ".join(filter(None, (str(mail.pk), mail.state, ticket))))
    return 0
