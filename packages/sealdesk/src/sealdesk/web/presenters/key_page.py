"""Everything about one certificate or key, in words: use, path, revocation, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sealdesk.keyring.attributes import extended_key_usage, key_usage
from sealdesk.keyring.models import Origin, TrustDecision
from sealdesk.keyring.queries import KeyRow
from sealdesk.mail.explaining import AddressUse, KeyStory
from sealdesk.web.presenters.encryption import TECHNOLOGIES
from sealdesk.web.presenters.evidence import Row
from sealdesk.web.presenters.key_names import grouped, short
from sealdesk.web.presenters.keys import SHORT_TRUST
from sealdesk.web.presenters.revocation import revocation_words
from sealdesk.web.presenters.times import exact
from sealdesk.web.presenters.wording import Face, Tone
from sealmail.errors import Reason
from sealmail.keys import Key, Technology, TrustLevel, Use

ORIGINS: Mapping[Origin, str] = {
    Origin.ADDED: "added by an administrator",
    Origin.BUNDLE: "came beside another; vouches for nobody by itself",
    Origin.HARVESTED: "came with a mail",
}
USES: Mapping[Use, str] = {
    Use.SIGN: "signing mail",
    Use.ENCRYPT: "encrypting mail",
    Use.CERTIFY: "issuing certificates",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLink:
    """Another key, with its page where it is in the ring."""

    text: str
    page: UUID | None
    is_this: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLine:
    """What mail to or from an address is sealed with."""

    statement: Face
    passed_over: tuple[KeyLink, ...]
    """The other keys for it, each with why it is not used."""


def use_lines(story: KeyStory, pages: Mapping[str, UUID]) -> list[UseLine]:
    """For each address of the key, encrypting and (where it is ours) signing. `pages`: by fingerprint."""
    return [line for use in story.uses for line in _lines(use, story.key, pages)]


def path_lines(story: KeyStory, pages: Mapping[str, UUID]) -> list[KeyLink]:
    """The certificate first, the trusted issuer last; empty where none was found."""
    chain = story.path.chain if story.path else ()
    return [_link(key, story.key, pages, "trusted issuer" if key is chain[-1] else "") for key in chain]


def fact_rows(row: KeyRow, story: KeyStory) -> Iterator[Row]:
    """What the key says of itself, and how it came here."""
    key, path, at_hand = row.key, story.path, story.key
    yield Row(name="Addresses", value=", ".join(row.addresses) or "none")
    yield Row(name="Algorithm", value=key.algorithm)
    yield Row(name="Valid from", value=exact(key.valid_from))
    yield Row(name="Valid until", value=exact(key.valid_until) if key.valid_until else "no end")
    yield Row(name="Meant for", value=", ".join(USES[use] for use in Use if use in at_hand.uses) or "nothing of mail")
    if at_hand.technology is Technology.SMIME:
        yield Row(name="Key Usage", value=key_usage(at_hand.material) or "not restricted")
        yield Row(name="Extended Key Usage", value=extended_key_usage(at_hand.material) or "not restricted")
        yield Row(name="Issuer", value=(path.issuer_name if path else "") or "not here")
    if row.has_secret:
        yield Row(name="Private key", value=f"here, for {', '.join(one.name for one in row.groups) or 'no group'}")
    by = key.added_by.email if key.added_by else "Sealdesk"
    yield Row(name="Came here", value=f"{exact(key.added_at)}, {ORIGINS[Origin(key.origin)]} ({by})")
    yield Row(name="Fingerprint", value=grouped(key.fingerprint), is_code=True)


def revocation_line_of(story: KeyStory, now: str) -> str:
    """What is known about the revocation of a certificate and its path now."""
    path = story.path
    if path is None:
        return ""
    return revocation_words(
        path.revocation.value,
        known_at=now,
        known_until=exact(path.revocation_known_until) if path.revocation_known_until else "",
        revoked_on=exact(path.revoked_at) if path.revoked_at else "",
        reason=path.revocation_reason,
    )


def decision_lines(decisions: Iterable[TrustDecision]) -> list[str]:
    """What was decided about it, newest first."""
    return [_decision(one) for one in decisions]


def _lines(use: AddressUse, key: Key, pages: Mapping[str, UUID]) -> Iterator[UseLine]:
    planned = use.encrypting
    yield UseLine(
        statement=_statement(f"Mail to {use.address}", "encrypted", planned.key, key, planned.reasons),
        passed_over=tuple(
            _link(one.key, key, pages, " ".join(reason.sentence for reason in one.reasons))
            for choice in planned.choices
            for one in choice.passed_over
        ),
    )
    if use.signing is not None:
        option = use.signing
        yield UseLine(
            statement=_statement(f"Mail from {use.address}", "signed", option.key, key, option.reasons),
            passed_over=(),
        )


def _statement(mail: str, done: str, chosen: Key | None, this: Key, reasons: Sequence[Reason]) -> Face:
    thing = "certificate" if this.technology is Technology.SMIME else "key"
    icon = "lock" if done == "encrypted" else "badge-check"
    if chosen is None:
        why = " ".join(dict.fromkeys(reason.sentence for reason in reasons))
        label = f"{mail} cannot be {done} by {TECHNOLOGIES[this.technology]} now."
        return Face(icon="alert", tone=Tone.AMBER, label=label, sentence=why)
    if chosen.fingerprint == this.fingerprint:
        return Face(icon=icon, tone=Tone.MUTED, label=f"{mail} is {done} with this {thing}.")
    return Face(icon="alert", tone=Tone.AMBER, label=f"{mail} is {done} with another {thing}: {_named(chosen)}.")


def _link(key: Key, this: Key, pages: Mapping[str, UUID], note: str) -> KeyLink:
    is_this = key.fingerprint == this.fingerprint
    return KeyLink(text=_named(key), page=None if is_this else pages.get(key.fingerprint), is_this=is_this, note=note)


def _named(key: Key) -> str:
    return f"{key.name or ', '.join(key.addresses) or 'without a name'} ({short(key.fingerprint)})"


def _decision(decision: TrustDecision) -> str:
    level = SHORT_TRUST[TrustLevel(decision.level)]
    for_whom = f" for {', '.join(decision.domains)}" if decision.domains else " for everybody"
    vouching = f", vouches{for_whom}" if decision.vouches else ""
    by = decision.decided_by.email if decision.decided_by else "Sealdesk"
    return f"{exact(decision.decided_at)}: {level}{vouching}; {by}, {decision.how_checked}"
