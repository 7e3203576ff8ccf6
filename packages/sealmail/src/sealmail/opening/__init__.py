"""Opens a mail: takes the layers off, checks the signatures, and says what was found.

`open_message` never raises on a bad message. Programs that open mail from strangers use `sealmail.bounded`, which
runs it in a child process with limits.
"""

from sealmail.opening.message import open_headers, open_message
from sealmail.opening.result import Content, MessageHeaders, Opened, OpenedAttachment, OpenedPart

__all__ = ["Content", "MessageHeaders", "Opened", "OpenedAttachment", "OpenedPart", "open_headers", "open_message"]
