"""When taking a mail in fails: the raw mail keeps a reason (a code) and is tried again, later and not for ever."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import transaction

from sealdesk.core.clock import now
from sealdesk.core.vault import VaultError
from sealdesk.mail.models import RawMail, RawState
from sealmail.errors import EngineError

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
_FIRST_WAIT = timedelta(seconds=30)


def note_failure(mail: RawMail, error: Exception) -> None:
    """Writes down that processing failed; never with the error's message, which may hold words of the mail."""
    code = failure_code(error)
    log.error("raw mail %s: %s at %s", mail.pk, code, _place(error))
    with transaction.atomic():
        current = RawMail.objects.select_for_update().filter(pk=mail.pk).first()
        if current is None or current.state != RawState.STORED:
            return
        gives_up = current.attempts >= MOST_ATTEMPTS
        current.reason = code
        current.state = RawState.QUARANTINED if gives_up else RawState.STORED
        current.leased_until = None if gives_up else now() + _FIRST_WAIT * 2 ** max(0, current.attempts - 1)
        current.save(update_fields=["reason", "state", "leased_until"])
    mail.refresh_from_db()


def failure_code(error: Exception) -> str:
    """The reason code of an error."""
    match error:
        case VaultError() | FileNotFoundError():
            return "vault"
        case EngineError() | OSError() | MemoryError():
            return "environment"
        case DatabaseError():
            return "database"
        case _:
            return f"internal_{type(error).__name__}"[:60]


def _place(error: Exception) -> str:
    """File and line, for developers; source lines and values stay out."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
