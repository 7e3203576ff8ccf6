"""The command `sealdesk`."""

from sealdesk.cli.main import main

__all__ = ["main"]
