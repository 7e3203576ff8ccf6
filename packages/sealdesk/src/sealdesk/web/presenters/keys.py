"""A certificate or key in words: who it names, until when, how far it is trusted, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sealdesk.keyring.importing import Outcome
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import KeyProblem, KeyRow
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.evidence import Row, grouped
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import TRUST
from sealdesk.web.presenters.wording import Tone
from sealmail.keys import Technology, TrustLevel

SHORT_TRUST: Mapping[TrustLevel, str] = {
    TrustLevel.REJECTED: "rejected",
    TrustLevel.CANDIDATE: "not confirmed",
    TrustLevel.ACCEPTED_ONCE: "accepted once",
    TrustLevel.BY_CA: "by CA",
    TrustLevel.BY_HAND: "trusted by hand",
}
PROBLEMS: Mapping[KeyProblem, str] = {
    KeyProblem.EXPIRED: "expired",
    KeyProblem.NOT_YET_VALID: "not valid yet",
    KeyProblem.UNUSABLE: "may neither sign nor encrypt",
    KeyProblem.REJECTED: "rejected",
}
OUTCOMES: Mapping[Outcome, str] = {
    Outcome.NEW: "Added",
    Outcome.CONFIRMED: "Confirmed; it had come with mail or beside another",
    Outcome.RENEWED: "Renewed",
    Outcome.ADDS_SECRET: "Private key added",
    Outcome.ALREADY_THERE: "Already here",
    Outcome.REFUSED: "Left out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFace:
    """A key as pages show it."""

    key: StoredKey
    technology: str
    tone: Tone
    trust: str
    trust_tone: Tone
    problem: str
    """Empty where nothing is wrong."""
    addresses: tuple[str, ...]
    fingerprint: str
    has_secret: bool
    groups: str
    rows: tuple[Row, ...]


def key_face(row: KeyRow) -> KeyFace:
    """The face of a line of the key ring."""
    problem = ", ".join(PROBLEMS[one] for one in row.problems)
    trust_tone = Tone.MUTED if row.level.suffices else Tone.AMBER
    return KeyFace(
        key=row.key,
        technology=TECHNOLOGIES[Technology(row.key.technology)],
        tone=Tone.AMBER if problem else trust_tone,
        trust=problem or trust_words(row),
        trust_tone=trust_tone,
        problem=problem,
        addresses=row.addresses,
        fingerprint=grouped(row.key.fingerprint),
        has_secret=row.has_secret,
        groups=", ".join(group.name for group in row.groups),
        rows=tuple(_rows(row)),
    )


def trust_words(row: KeyRow) -> str:
    """How far it is trusted; for a CA, whether it vouches and for whom."""
    if row.decision is not None and row.decision.vouches:
        domains = row.decision.domains
        return f"vouches for {', '.join(domains)}" if domains else "vouches for everybody"
    if row.key.is_ca:
        return "vouches for nobody"
    return SHORT_TRUST[row.level]


def _rows(row: KeyRow) -> Iterator[Row]:
    key = row.key
    yield Row(name="Name", value=key.name or "without a name")
    yield Row(name="Addresses", value=", ".join(row.addresses) or "none")
    yield Row(name="Algorithm", value=key.algorithm)
    yield Row(name="Valid until", value=exact(key.valid_until) if key.valid_until else "no end")
    yield Row(name="Trust", value=TRUST[row.level])
    if row.decision is not None:
        by = row.decision.decided_by.email if row.decision.decided_by else "Sealdesk"
        yield Row(name="Decided", value=f"{exact(row.decision.decided_at)}, {by}, {row.decision.how_checked}")
    yield Row(name="Fingerprint", value=grouped(key.fingerprint), is_code=True)
