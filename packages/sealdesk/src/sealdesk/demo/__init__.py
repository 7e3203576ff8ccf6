"""A desk to look at: two groups, two agents, customers with keys of their own, and mail that came in the usual way.

`load` fills an empty desk; `deliver` is the mail server of its customers; `send` and `inbox` are their mail programs.
Used by `sealdesk run --demo` and `sealdesk demo` only: nothing else of the desk knows that there is a demo.
"""

from __future__ import annotations

from sealdesk.demo.customers import inbox, send
from sealdesk.demo.errors import DemoError
from sealdesk.demo.loading import SignIn, load
from sealdesk.demo.people import CUSTOMERS, Who
from sealdesk.demo.post import deliver, is_running

__all__ = ["CUSTOMERS", "DemoError", "SignIn", "Who", "deliver", "inbox", "is_running", "load", "send"]
