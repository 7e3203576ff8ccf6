"""`sealdesk fetch`: takes mail in from IMAP channels."""

from __future__ import annotations

import argparse

from sealdesk.cli.setup import prepare, stop_on_signals

NAME = "fetch"
HELP = "takes mail in from IMAP channels; start as many as wanted"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--once", action="store_true", help="look into each channel that is due once, and end")


def run(options: argparse.Namespace) -> int:
    """Fetches until it is stopped."""
    prepare()
    from sealdesk.mail.fetcher import Fetcher

    fetcher = Fetcher()
    if options.once:
        print(f"{fetcher.fetch_due()} mails taken")
        return 0
    stop_on_signals(fetcher.stop)
    fetcher.run()
    return 0
