"""What can go wrong in a demo: always a sentence for the person at the terminal."""

from __future__ import annotations

from sealdesk.core.errors import DeskError


class DemoError(DeskError):
    """The demo cannot do what was asked."""
