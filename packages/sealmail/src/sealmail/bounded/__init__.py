"""Opening mail from strangers in a child process with limits on memory, processor time and wall time.

What the desk and the command use. A mail that breaks a limit, or a parser in native code that dies, costs the child;
the caller gets a report that says so, and the next mail gets a new child.
"""

from sealmail.bounded.opener import BoundedOpener, ProcessLimits

__all__ = ["BoundedOpener", "ProcessLimits"]
