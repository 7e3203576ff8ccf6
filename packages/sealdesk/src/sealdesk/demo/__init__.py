"""A desk to look at: `load` fills an empty one, `deliver` is the mail server of its customers.

Used by `sealdesk run --demo` only.
"""

from __future__ import annotations

from sealdesk.demo.desk import load
from sealdesk.demo.post import deliver, inbox

__all__ = ["deliver", "inbox", "load"]
