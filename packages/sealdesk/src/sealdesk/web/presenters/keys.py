"""A certificate or key in words: who it names, until when, how far it is trusted, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sealdesk.core.clock import now
from sealdesk.keyring.models import StoredKey
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.evidence import Row, grouped
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import TRUST
from sealdesk.web.presenters.wording import Tone
from sealmail.keys import Technology, TrustLevel

TRUST_TONES = {
    TrustLevel.REJECTED: Tone.RED,
    TrustLevel.CANDIDATE: Tone.AMBER,
    TrustLevel.ACCEPTED_ONCE: Tone.MUTED,
    TrustLevel.BY_CA: Tone.MUTED,
    TrustLevel.BY_HAND: Tone.MUTED,
}
SHORT_TRUST = {
    TrustLevel.REJECTED: "rejected",
    TrustLevel.CANDIDATE: "not confirmed",
    TrustLevel.ACCEPTED_ONCE: "accepted once",
    TrustLevel.BY_CA: "by CA",
    TrustLevel.BY_HAND: "trusted by hand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFace:
    """A key as a list shows it."""

    key: StoredKey
    technology: str
    tone: Tone
    trust: str
    problem: str
    """Expired or not valid yet; empty where nothing is wrong."""
    addresses: tuple[str, ...]
    fingerprint: str
    rows: tuple[Row, ...]


def key_face(key: StoredKey) -> KeyFace:
    """The face of a key; its addresses and its current trust decision are prefetched."""
    level, problem = trust_level(key), validity_problem(key)
    return KeyFace(
        key=key,
        technology=TECHNOLOGIES[Technology(key.technology)],
        tone=Tone.AMBER if problem else TRUST_TONES[level],
        trust=problem or SHORT_TRUST[level],
        problem=problem,
        addresses=tuple(one.address for one in key.named_addresses.all()),
        fingerprint=grouped(key.fingerprint),
        rows=tuple(_rows(key, level)),
    )


def trust_level(key: StoredKey) -> TrustLevel:
    """What was decided about the key itself; a CA that vouches for it is asked only when mail is sealed or opened."""
    current = next((decision for decision in key.trust_decisions.all() if decision.is_current), None)
    return TrustLevel(current.level) if current else TrustLevel.CANDIDATE


def validity_problem(key: StoredKey) -> str:
    """Expired or not valid yet."""
    if key.valid_from > now():
        return "not valid yet"
    return "expired" if key.valid_until is not None and key.valid_until <= now() else ""


def _rows(key: StoredKey, level: TrustLevel) -> Iterator[Row]:
    yield Row(name="Name", value=key.name or "without a name")
    yield Row(name="Addresses", value=", ".join(one.address for one in key.named_addresses.all()) or "none")
    yield Row(name="Algorithm", value=key.algorithm)
    yield Row(name="Valid until", value=exact(key.valid_until) if key.valid_until else "no end")
    yield Row(name="Trust", value=TRUST[level])
    yield Row(name="Fingerprint", value=grouped(key.fingerprint), is_code=True)
