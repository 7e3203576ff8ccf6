"""Which of many keys of an address is used, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sealmail.errors import Reason
from sealmail.keys import Key, Technology, TrustLevel
from sealmail.keys.usability import Purpose, problems
from sealmail.report import Finding
from sealmail.vouching import Judges, vouch

_NAMES = {Technology.SMIME: "certificate", Technology.OPENPGP: "PGP key"}
_REVOKED = {Finding.REVOKED_HARD, Finding.REVOKED_SOFT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A key of a recipient that was not chosen."""

    key: Key
    reasons: tuple[Reason, ...]
    """What speaks against it, or that another one is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """The key of one recipient for one technology, or why there is none."""

    technology: Technology
    key: Key | None
    trust: TrustLevel = TrustLevel.CANDIDATE
    reasons: tuple[Reason, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOption:
    """Our key for signing with one technology, or why there is none."""

    key: Key | None
    reasons: tuple[Reason, ...] = ()


def encryption_choice(address: str, technology: Technology, judges: Judges) -> KeyChoice:
    """The best key of an address: expired, revoked and untrusted ones do not block a good one beside them."""
    candidates = [key for key in judges.keys.keys_of(address) if key.technology is technology]
    usable: list[tuple[TrustLevel, datetime, Key]] = []
    reasons: list[Reason] = []
    for key in candidates:
        level, against = _judge_candidate(key, address, judges)
        if against:
            reasons.extend(against)
        else:
            usable.append((level, key.valid_from, key))
    if usable:
        level, _, key = max(usable, key=lambda one: one[:2])
        return KeyChoice(technology=technology, key=key, trust=level)
    return KeyChoice(technology=technology, key=None, reasons=tuple(reasons) or (_no_key(address, technology),))


def _judge_candidate(key: Key, address: str, judges: Judges) -> tuple[TrustLevel, tuple[Reason, ...]]:
    name = _NAMES[key.technology]
    found = problems(key, Purpose.ENCRYPT, judges.at)
    if found:
        sentences = " ".join(problem.sentence for problem in found)
        return TrustLevel.CANDIDATE, (
            Reason(
                code=found[0].code, sentence=f"The {name} for {address} cannot be used: {sentences}", address=address
            ),
        )
    vouched = vouch(key, address, judges)
    findings = vouched.path.findings if vouched.path else frozenset()
    if findings & _REVOKED:
        return vouched.level, (
            Reason(code="revoked", sentence=f"The {name} for {address} was revoked.", address=address),
        )
    if vouched.level is TrustLevel.REJECTED:
        return vouched.level, (
            Reason(code="rejected_key", sentence=f"The {name} for {address} was rejected by hand.", address=address),
        )
    if not vouched.level.suffices:
        return vouched.level, (
            Reason(
                code="untrusted_key",
                sentence=f"A {name} for {address} is here, but nobody has confirmed that it is theirs.",
                address=address,
            ),
        )
    return vouched.level, ()


def _no_key(address: str, technology: Technology) -> Reason:
    return Reason(code="no_key", sentence=f"The {_NAMES[technology]} for {address} was not found.", address=address)


def sign_option(sender: str, technology: Technology, judges: Judges) -> SignOption:
    """The newest own key of the sender address that may sign now; our own keys need no trust decision."""
    own = [key for key in own_keys(sender, judges) if key.technology is technology]
    usable = [key for key in own if not problems(key, Purpose.SIGN, judges.at)]
    if usable:
        return SignOption(key=max(usable, key=lambda key: key.valid_from))
    name = _NAMES[technology]
    if not own:
        sentence = f"There is no private key with a {name} for {sender}."
        return SignOption(key=None, reasons=(Reason(code="no_signing_key", sentence=sentence, address=sender),))
    found = [problem for key in own for problem in problems(key, Purpose.SIGN, judges.at)]
    sentence = f"The private key for {sender} cannot sign now: {found[0].sentence}"
    return SignOption(key=None, reasons=(Reason(code=found[0].code, sentence=sentence, address=sender),))


def own_keys(address: str, judges: Judges) -> list[Key]:
    named = judges.keys.keys_of(address)
    ids = {one for key in named for one in key.ids if not one.startswith("name:")}
    secret = {one.key.fingerprint for one in judges.keys.secrets(ids)} if ids else set()
    return [key for key in named if key.fingerprint in secret]
