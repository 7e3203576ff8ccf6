"""A certificate or key in words: who it names, until when, how far it is trusted, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sealdesk.keyring.importing import Outcome
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.queries import KeyProblem, KeyRow
from sealdesk.mail.standing import KeyStanding, Standing
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.evidence import Row
from sealdesk.web.presenters.key_names import grouped
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.warnings import TRUST
from sealdesk.web.presenters.wording import Tone
from sealmail.keys import Technology, TrustLevel

SHORT_TRUST: Mapping[TrustLevel, str] = {
    TrustLevel.REJECTED: "rejected",
    TrustLevel.CANDIDATE: "not confirmed",
    TrustLevel.ACCEPTED_ONCE: "accepted once",
    TrustLevel.BY_CA: "issued by a trusted CA",
    TrustLevel.BY_HAND: "confirmed by hand",
}
OBSTACLES: Mapping[str, str] = {
    "revoked": "revoked",
    "revocation_unknown": "not known whether it is revoked",
    "weak_key": "too weak",
    "unreadable": "cannot be read",
    "no_use": "may neither sign nor encrypt",
    "no_address": "names no address",
    "unreadable_address": "names no valid address",
    "no_key_usage": "without Key Usage",
    "wrong_key_usage": "may neither sign nor encrypt",
    "wrong_extended_key_usage": "not for mail (Extended Key Usage)",
    "wrong_algorithm": "algorithm not usable for mail",
    "unsupported_algorithm": "algorithm not usable here",
    "old_ciphers_only": "its owner reads only old ciphers",
    "unreadable_attributes": "attributes cannot be read",
}
"""What forbids the use of a key, whatever the time."""
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
    valid_until: datetime | None
    is_over: bool
    addresses: tuple[str, ...]
    """Those that the trust is about."""
    fingerprint: str
    has_secret: bool
    groups: str
    rows: tuple[Row, ...]


def key_face(row: KeyRow, standing: KeyStanding | None) -> KeyFace:
    """The face of a line of the key ring; it says what holds for all its addresses. `standing`: None where the
    technology is off.
    """
    standing = standing or KeyStanding()
    return _face(row, row.addresses, _weakest(row, standing.addresses), standing.obstacles)


def address_faces(row: KeyRow, standing: KeyStanding | None, addresses: Collection[str]) -> list[KeyFace]:
    """One face for each of these addresses that the key names: it may be trusted for one and not for another.
    `standing`: None where the technology is off, which is then said instead of a trust that nobody asked for.
    """
    if standing is None:
        off = [_face(row, (address,), Standing(level=row.level), ()) for address in row.addresses]
        return [
            replace(face, trust="switched off", trust_tone=Tone.AMBER, tone=Tone.AMBER)
            for face in off
            if set(face.addresses) & set(addresses)
        ]
    return [
        _face(row, (address,), standing.addresses.get(address, Standing(level=row.level)), standing.obstacles)
        for address in row.addresses
        if address in addresses
    ]


def _face(row: KeyRow, addresses: tuple[str, ...], standing: Standing, obstacles: Sequence[str]) -> KeyFace:
    left_out = {KeyProblem.REJECTED, *([KeyProblem.UNUSABLE] if obstacles else [])}  # obstacles say it more exactly
    problems = [PROBLEMS[one] for one in row.problems if one not in left_out]
    problem = ", ".join([*problems, *(OBSTACLES.get(code, code.replace("_", " ")) for code in obstacles)])
    return KeyFace(
        key=row.key,
        technology=TECHNOLOGIES[Technology(row.key.technology)],
        tone=_tone(standing.level, has_problem=bool(problem)),
        trust=trust_words(row, standing),
        trust_tone=_tone(standing.level, has_problem=False),
        problem=problem,
        valid_until=row.key.valid_until,
        is_over=KeyProblem.EXPIRED in row.problems,
        addresses=addresses,
        fingerprint=grouped(row.key.fingerprint),
        has_secret=row.has_secret,
        groups=", ".join(group.name for group in row.groups),
        rows=tuple(_rows(row, standing)),
    )


def _weakest(row: KeyRow, standings: Mapping[str, Standing]) -> Standing:
    return min(standings.values(), key=lambda one: one.level, default=Standing(level=row.level))


def _tone(level: TrustLevel, *, has_problem: bool) -> Tone:
    if level is TrustLevel.REJECTED:
        return Tone.RED
    return Tone.MUTED if level.suffices and not has_problem else Tone.AMBER


def trust_words(row: KeyRow, standing: Standing) -> str:
    """How far it is trusted, and thanks to which CA; for a CA itself, whether it vouches and for whom."""
    if row.decision is not None and row.decision.vouches:
        domains = row.decision.domains
        return f"vouches for {', '.join(domains)}" if domains else "vouches for everybody"
    if row.key.is_ca:
        return "vouches for nobody"
    return f"{SHORT_TRUST[standing.level]}{f' ({standing.issuer})' if standing.issuer else ''}"


def _rows(row: KeyRow, standing: Standing) -> Iterator[Row]:
    key = row.key
    yield Row(name="Name", value=key.name or "without a name")
    yield Row(name="Addresses", value=", ".join(row.addresses) or "none")
    yield Row(name="Algorithm", value=key.algorithm)
    yield Row(name="Valid until", value=exact(key.valid_until) if key.valid_until else "no end")
    yield Row(name="Trust", value=TRUST[standing.level])
    if standing.issuer:
        yield Row(name="Vouched for by", value=standing.issuer)
    if row.decision is not None:
        by = row.decision.decided_by.email if row.decision.decided_by else "Sealdesk"
        yield Row(name="Decided", value=f"{exact(row.decision.decided_at)}, {by}, {row.decision.how_checked}")
    yield Row(name="Fingerprint", value=grouped(key.fingerprint), is_code=True)
