"""Becomes a program that ends when its parent does, however that ended: `python -m sealdesk.cli.leash PARENT WORDS…`.

Without it a desk that was killed would leave its web server behind, with pages that nobody works for. Linux only
(prctl(2), PR_SET_PDEATHSIG); elsewhere the program just runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ties itself to the process `PARENT` and becomes the program."""
    parent, *words = sys.argv[1:]
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it ended before we were tied to it
            return
    os.execv(words[0], words)  # noqa: S606 -- the words of our own server


if __name__ == "__main__":
    main()
