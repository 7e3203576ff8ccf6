"""After sending: per recipient what was really sent, and whether it was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sealdesk.mail.models import Copy, CopyState, Delivery, Outgoing
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.states import COPY_STATES
from sealdesk.web.presenters.wording import Face, Tone
from sealmail.keys import Technology


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One recipient."""

    address: str
    sealing: Face
    state: Face
    why: str
    at: datetime


def delivery_line(delivery: Delivery, outgoing: Outgoing) -> DeliveryLine:
    """The line of a recipient. Before its copy is sealed it says what was asked for, as such."""
    return DeliveryLine(
        address=f"Bcc {delivery.address}" if delivery.field == "bcc" else delivery.address,
        sealing=_sealed(delivery.copy) if delivery.copy else _asked(outgoing, CopyState(delivery.state)),
        state=COPY_STATES[CopyState(delivery.state)],
        why=delivery.sentence,
        at=delivery.updated_at,
    )


def _sealed(copy: Copy) -> Face:
    words = [word for word, holds in (("encrypted", copy.is_encrypted), ("signed", copy.is_signed)) if holds]
    if not words:
        return Face(icon="lock-open", tone=Tone.MUTED, label="Not encrypted, not signed")
    by = f" by {TECHNOLOGIES[Technology(copy.technology)]}" if copy.technology else ""
    text = f"{' and '.join(words).capitalize()}{by}"
    return Face(icon="lock" if copy.is_encrypted else "badge-check", tone=_tone(copy), label=text)


def _tone(copy: Copy) -> Tone:
    return Tone.BLUE if copy.is_encrypted else Tone.GREEN


def _asked(outgoing: Outgoing, state: CopyState) -> Face:
    words = [word for word, holds in (("encrypted", outgoing.encrypt), ("signed", outgoing.sign)) if holds]
    verb = "Should have been" if state in {CopyState.REFUSED, CopyState.FAILED} else "Will be"
    icon = "lock" if outgoing.encrypt else "lock-open"
    return Face(icon=icon, tone=Tone.MUTED, label=f"{verb} {' and '.join(words) or 'sent readable'}")
