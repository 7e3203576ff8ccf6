"""Opens a raw mail with the keys of the receiving group, in the bounded child of this thread."""

from __future__ import annotations

import threading
from datetime import datetime

from sealdesk.mail.intake.remembering import Batch
from sealdesk.mail.policy import desk_policy
from sealdesk.people.models import Group
from sealmail.bounded import BoundedOpener
from sealmail.opening import Opened

_local = threading.local()


def open_for(group: Group, raw: bytes, at: datetime, batch: Batch | None = None) -> Opened:
    """The mail as this group may read it; keys of other groups are not used."""
    batch = batch or Batch()
    return _opener().open_message(raw, batch.keys(group), batch.trust, desk_policy(), at)


def close_opener() -> None:
    """Ends the child of this thread."""
    opener: BoundedOpener | None = _local.__dict__.pop("opener", None)
    if opener is not None:
        opener.close()


def _opener() -> BoundedOpener:
    opener: BoundedOpener | None = getattr(_local, "opener", None)
    if opener is None:
        opener = _local.opener = BoundedOpener()
    return opener
