"""After sending: per recipient what was really sent, and whether it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sealdesk.mail.models import Copy, CopyState, Delivery, Outgoing
from sealdesk.web.presenters.encryption import ENCRYPTION, TECHNOLOGIES
from sealdesk.web.presenters.states import COPY_STATES
from sealdesk.web.presenters.wording import Face, Tone
from sealmail.keys import Technology
from sealmail.report import Encryption

UNDER_WAY = frozenset({CopyState.QUEUED, CopyState.SENDING, CopyState.RETRY})
"""States that change without anybody's doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A copy that a person may send once more."""

    copy: UUID
    addresses: str
    may_arrive_twice: bool
    """Its fate is unknown, so sending it again has to be confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One recipient."""

    address: str
    sealing: tuple[Face, ...]
    state: Face
    why: str
    at: datetime
    again: Again | None = None
    """On the first line of a copy that a person may send once more."""


def delivery_lines(deliveries: Sequence[Delivery], outgoing: Outgoing) -> list[DeliveryLine]:
    """The lines of all recipients, in the order of the mail."""
    ordered = sorted(deliveries, key=lambda one: (("to", "cc", "bcc").index(one.field), one.address))
    offered = {one.copy_id: one for one in reversed(ordered) if one.copy and one.state in _SENT_BY_HAND}
    return [
        delivery_line(one, outgoing, _again(one.copy, ordered) if offered.get(one.copy_id) is one else None)
        for one in ordered
    ]


def delivery_line(delivery: Delivery, outgoing: Outgoing, again: Again | None = None) -> DeliveryLine:
    """The line of a recipient. Before its copy is sealed it says what was asked for, as such."""
    return DeliveryLine(
        address=f"Bcc {delivery.address}" if delivery.field == "bcc" else delivery.address,
        sealing=_sealed(delivery.copy) if delivery.copy else (_asked(outgoing, CopyState(delivery.state)),),
        state=COPY_STATES[CopyState(delivery.state)],
        why=delivery.sentence,
        at=delivery.updated_at,
        again=again,
    )


_SENT_BY_HAND = (CopyState.FAILED, CopyState.UNKNOWN)


def _again(copy: Copy | None, deliveries: Sequence[Delivery]) -> Again | None:
    if copy is None or copy.state not in _SENT_BY_HAND:
        return None
    due = [one for one in deliveries if one.copy_id == copy.pk and one.state in _SENT_BY_HAND]
    return Again(
        copy=copy.pk,
        addresses=", ".join(one.address for one in due),
        may_arrive_twice=any(one.state == CopyState.UNKNOWN for one in due),
    )


def _sealed(copy: Copy) -> tuple[Face, ...]:
    words = [word for word, holds in (("encrypted", copy.is_encrypted), ("signed", copy.is_signed)) if holds]
    if not words:
        return (Face(icon="lock-open", tone=Tone.MUTED, label="Not encrypted, not signed"),)
    by = f" by {TECHNOLOGIES[Technology(copy.technology)]}" if copy.technology else ""
    text = f"{' and '.join(words).capitalize()}{by}"
    done = Face(icon="lock" if copy.is_encrypted else "badge-check", tone=_tone(copy), label=text)
    return (done,) if copy.is_encrypted else (done, ENCRYPTION[Encryption.NONE])


def _tone(copy: Copy) -> Tone:
    return Tone.BLUE if copy.is_encrypted else Tone.GREEN


def _asked(outgoing: Outgoing, state: CopyState) -> Face:
    words = [word for word, holds in (("encrypted", outgoing.encrypt), ("signed", outgoing.sign)) if holds]
    verb = "Should have been" if state in {CopyState.REFUSED, CopyState.FAILED} else "Will be"
    icon = "lock" if outgoing.encrypt else "lock-open"
    return Face(icon=icon, tone=Tone.MUTED, label=f"{verb} {' and '.join(words) or 'sent readable'}")
