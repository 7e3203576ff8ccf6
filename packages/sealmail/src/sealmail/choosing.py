"""Which of many keys of an address is used for a purpose, and for each of the others why not.

The best is the one that is trusted most (by hand before by CA before accepted once), then the newest, then the one that
is valid longest; fingerprints break ties, so that the answer is always the same. Only keys that may be used now take
part. What is cheap is asked of every key, certificate paths only where they can still change the answer: a thousand
certificates of one address cost one path, not a thousand.

Asked by planning and by the command; it changes nothing, and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sealmail.errors import Reason
from sealmail.keys import Key, KeyId, Technology, TrustLevel
from sealmail.keys.openpgp_listing import lapsed_addresses
from sealmail.keys.usability import Purpose, day, problems
from sealmail.path_building import authority_key_id
from sealmail.paths import PathFacts
from sealmail.report import Finding
from sealmail.vouching import Judges, vouch

MOST_REASONS = 5
"""Sentences in `KeyChoice.reasons`; past them one says how many more there are."""
MOST_TOLD = 8
"""Certificates of other CAs whose paths are looked at only to tell why they were not chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A key of an address that was not chosen."""

    key: Key
    reasons: tuple[Reason, ...]
    """What speaks against it, or that another one is better. Enough to pass it over, not all that could be said: the
    path of a certificate that cannot win any more is not looked at.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """The key of one address for one technology, or why there is none."""

    technology: Technology
    key: Key | None
    trust: TrustLevel = TrustLevel.CANDIDATE
    reasons: tuple[Reason, ...] = ()
    """Why there is none, about the best of those that were passed over; empty where there is one."""
    passed_over: tuple[PassedOver, ...] = ()
    """Every other key of the address: first those that nothing but a better one speaks against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOption:
    """Our key for signing with one technology, or why there is none."""

    key: Key | None
    reasons: tuple[Reason, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def choose(address: str, technology: Technology, purpose: Purpose, judges: Judges) -> KeyChoice:
    """The best key of somebody else's canonical address to encrypt to, or to verify with; see `Purpose`.

    Codes of reasons: those of `problems`, and no_key, rejected_key, untrusted_key, revoked, wrong_usage,
    weak_algorithm, revocation_unknown, conflicting_key, expired_issuer; for keys that may be used and lost:
    less_trusted, rarely_read, older, shorter, equal, not_examined.
    """
    keys = [key for key in judges.keys.keys_of(address) if key.technology is technology]
    nothing = Reason(code="no_key", sentence=f"The {_NAMES[technology]} for {address} was not found.", address=address)
    return _Contest(address, technology, purpose, judges).winner_of(keys, nothing)


def choose_own(address: str, technology: Technology, purpose: Purpose, judges: Judges) -> KeyChoice:
    """The best of our own keys of a canonical address, to sign with or to encrypt to: the newest that may be used now.

    Our own keys need no trust; one that was rejected by hand or revoked is not used. Codes as for `choose`, and
    no_signing_key instead of no_key.
    """
    keys = [key for key in own_keys(address, judges) if key.technology is technology]
    sentence = f"There is no private key with a {_NAMES[technology]} for {address}."
    nothing = Reason(code="no_signing_key", sentence=sentence, address=address)
    return _OwnContest(address, technology, purpose, judges).winner_of(keys, nothing)


def sign_option(sender: str, technology: Technology, judges: Judges) -> SignOption:
    """Our key to sign with for the sender's address."""
    choice = choose_own(sender, technology, Purpose.SIGN, judges)
    return SignOption(key=choice.key, reasons=choice.reasons, passed_over=choice.passed_over)


def own_keys(address: str, judges: Judges) -> list[Key]:
    """Keys that name the address and whose secret keys are here."""
    named = judges.keys.keys_of(address)
    ids = {one for key in named for one in key.ids if not one.startswith("name:")}
    secret = {one.key.fingerprint for one in judges.keys.secrets(ids)} if ids else set()
    return [key for key in named if key.fingerprint in secret]


_NAMES = {Technology.SMIME: "certificate", Technology.OPENPGP: "PGP key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runner:
    """A key that may be used as far as cheap questions tell."""

    key: Key
    level: TrustLevel
    """By decision about the key itself; once its path is known, by CA too."""
    ceiling: TrustLevel
    """How far it can be trusted at best; once its path is known, the same as `level`."""

    @property
    def is_widely_read(self) -> bool:
        """Whether signatures by it are checked by most mail programs; those of ML-DSA (RFC 9882) are by few yet."""
        return not self.key.algorithm.startswith("ML-DSA")

    @property
    def merits(self) -> tuple[bool, datetime, datetime, str]:
        return self.is_widely_read, self.key.valid_from, self.key.valid_until or _FOR_EVER, self.key.fingerprint

    @property
    def rank(self) -> tuple[TrustLevel, tuple[bool, datetime, datetime, str]]:
        return self.ceiling, self.merits


_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class _Contest:
    """One choice among the keys of an address."""

    def __init__(self, address: str, technology: Technology, purpose: Purpose, judges: Judges) -> None:
        self._address, self._technology, self._purpose, self._judges = address, technology, purpose, judges
        self._issuers_here: dict[KeyId | None, bool] = {}

    def winner_of(self, keys: Sequence[Key], nothing: Reason) -> KeyChoice:
        out: list[PassedOver] = []
        runners = []
        for key in keys:
            entry = self._enter(key)
            out.append(entry) if isinstance(entry, PassedOver) else runners.append(entry)
        runners.sort(key=lambda one: one.rank, reverse=True)
        out.sort(key=lambda one: (one.key.valid_from, one.key.fingerprint), reverse=True)
        best, lost, failed = self._run(runners)
        passed_over = (*lost, *failed, *out)
        if best is not None:
            return KeyChoice(technology=self._technology, key=best.key, trust=best.level, passed_over=passed_over)
        reasons = self._why_none(passed_over) or (nothing,)
        return KeyChoice(technology=self._technology, key=None, reasons=reasons, passed_over=passed_over)

    def _run(self, runners: Sequence[_Runner]) -> tuple[_Runner | None, list[PassedOver], list[PassedOver]]:
        """The best, those that could be used too, and those that could not. Stops looking where nothing better can
        come: they stand in the order of what they can reach.
        """
        best: _Runner | None = None
        beaten: list[_Runner] = []
        skipped: list[_Runner] = []
        failed: list[PassedOver] = []
        for runner in runners:
            if best is not None and best.rank >= runner.rank:
                skipped.append(runner)
                continue
            judged = self._judge(runner)
            if isinstance(judged, PassedOver):
                failed.append(judged)
            elif best is None or judged.rank > best.rank:
                beaten += [] if best is None else [best]
                best = judged
            else:
                beaten.append(judged)
        lost = [PassedOver(key=one.key, reasons=(_why_lost(one, best),)) for one in beaten if best is not None]
        if best is not None:
            for told in self._tell(skipped, best):
                (lost if told.reasons[0].code in _COULD_BE_USED else failed).append(told)
        return best, lost, failed

    def _tell(self, skipped: Sequence[_Runner], best: _Runner) -> Iterator[PassedOver]:
        """Why those were passed over that could not win. Where only hope made one look as good as the best, its path is
        asked, of `MOST_TOLD` at most.
        """
        asked = 0
        for runner in skipped:
            judged: _Runner | PassedOver | None = runner
            if self._is_in_doubt(runner, best):
                asked += 1
                judged = self._judge(runner) if asked <= MOST_TOLD else None
            if isinstance(judged, PassedOver):
                yield judged
            else:
                reason = _why_lost(judged, best) if judged is not None else _NOT_EXAMINED
                yield PassedOver(key=runner.key, reasons=(reason,))

    def _is_in_doubt(self, runner: _Runner, best: _Runner) -> bool:
        """Whether it is said to be as trusted as the best for a CA's sake, and that CA is not the one of the best."""
        hoped_for = runner.level < runner.ceiling and runner.ceiling >= best.level
        return hoped_for and not (self._was_vouched_for(best) and _are_siblings(runner.key, best.key))

    def _was_vouched_for(self, best: _Runner) -> bool:
        return best.level > self._judges.trust.level(best.key, self._address)

    def _enter(self, key: Key) -> _Runner | PassedOver:
        against = problems(key, self._purpose, self._judges.at)
        if against:
            return PassedOver(key=key, reasons=against)
        if self._address in lapsed_addresses(key, self._judges.at):
            return PassedOver(key=key, reasons=(_LAPSED_ADDRESS,))
        level = self._judges.trust.level(key, self._address)
        if level is TrustLevel.REJECTED:
            return PassedOver(key=key, reasons=(_REJECTED,))
        ceiling = self._ceiling(key, level)
        if not ceiling.suffices:
            return PassedOver(key=key, reasons=(_UNTRUSTED,))
        return _Runner(key=key, level=level, ceiling=ceiling)

    def _ceiling(self, key: Key, level: TrustLevel) -> TrustLevel:
        may_rise = key.technology is Technology.SMIME and level < TrustLevel.BY_CA and self._may_be_vouched_for(key)
        return TrustLevel.BY_CA if may_rise else level

    def _may_be_vouched_for(self, key: Key) -> bool:
        """Whether there is a chance of a path: it is an anchor itself, or its issuer is somebody who is here."""
        if key.fingerprint in self._anchors or key.issuer in self._anchor_names:
            return True
        if not self._anchors or key.issuer is None or key.issuer == key.subject:
            return False
        if key.issuer not in self._issuers_here:
            self._issuers_here[key.issuer] = bool(self._judges.keys.keys({key.issuer}))
        return self._issuers_here[key.issuer]

    @cached_property
    def _anchors(self) -> frozenset[str]:
        return frozenset(anchor.key.fingerprint for anchor in self._judges.trust.anchors())

    @cached_property
    def _anchor_names(self) -> frozenset[KeyId | None]:
        return frozenset(anchor.key.subject for anchor in self._judges.trust.anchors())

    def _judge(self, runner: _Runner) -> _Runner | PassedOver:
        """What is dear to ask. Good enough to encrypt to is what is good enough to verify with, and nothing else."""
        vouched = vouch(runner.key, self._address, self._judges)
        level, findings = vouched.level, vouched.path.findings if vouched.path else frozenset()
        against = tuple(_against(findings, vouched.path))
        if self._judges.trust.conflicts(runner.key, self._address):
            against = (*against, _CONFLICTING)
        if level > runner.level and findings & _OUT_OF_TIME:
            # The certificate itself is valid: a CA above it is not, and so does not vouch now.
            level = runner.level
            against = against if level.suffices else (*against, _EXPIRED_ISSUER)
        if not against and not level.suffices:
            against = (_UNTRUSTED,)
        if against:
            return PassedOver(key=runner.key, reasons=against)
        return _Runner(key=runner.key, level=level, ceiling=level)

    def _why_none(self, passed_over: Sequence[PassedOver]) -> tuple[Reason, ...]:
        reasons = [self._about(one) for one in passed_over]
        shown = tuple(dict.fromkeys(reasons))[:MOST_REASONS]
        more = sum(reason not in shown for reason in reasons)
        if more:
            sentence = f"{more} more for {self._address} cannot be used either."
            shown = (*shown, Reason(code=shown[0].code, sentence=sentence, address=self._address))
        return shown

    def _about(self, one: PassedOver) -> Reason:
        """What keeps one key out, to stand without the key beside it."""
        name, first = _NAMES[self._technology], one.reasons[0]
        match first.code:
            case "revoked" | "rejected_key" if len(one.reasons) == 1:
                sentence = f"The {name} for {self._address} {first.sentence.removeprefix('It ')}"
            case "untrusted_key":
                sentence = f"A {name} for {self._address} is here, but nobody has confirmed that it is theirs."
            case _:
                sentences = " ".join(reason.sentence for reason in one.reasons)
                sentence = f"The {name} for {self._address} cannot be used: {sentences}"
        return Reason(code=first.code, sentence=sentence, address=self._address)


class _OwnContest(_Contest):
    """One choice among our own keys: whose they are is no question, so trust plays no part."""

    def _ceiling(self, key: Key, level: TrustLevel) -> TrustLevel:  # noqa: ARG002 -- asked of other people's keys
        return TrustLevel.BY_HAND

    def _is_in_doubt(self, runner: _Runner, best: _Runner) -> bool:  # noqa: ARG002 -- asked of other people's keys
        return False

    def _judge(self, runner: _Runner) -> _Runner | PassedOver:
        path = vouch(runner.key, self._address, self._judges).path
        revoked = [one for one in _against(path.findings, path) if one.code == "revoked"] if path else []
        if revoked:
            return PassedOver(key=runner.key, reasons=tuple(revoked))
        return _Runner(key=runner.key, level=TrustLevel.BY_HAND, ceiling=TrustLevel.BY_HAND)

    def _about(self, one: PassedOver) -> Reason:
        act = "sign" if self._purpose is Purpose.SIGN else "be used"
        sentence = f"The private key for {self._address} cannot {act} now: {one.reasons[0].sentence}"
        return Reason(code=one.reasons[0].code, sentence=sentence, address=self._address)


def _are_siblings(one: Key, other: Key) -> bool:
    """Whether two certificates name the same issuer, by name and by its key (RFC 5280 §4.2.1.1)."""
    return one.issuer == other.issuer and authority_key_id(one.material) == authority_key_id(other.material)


def _why_lost(loser: _Runner, best: _Runner) -> Reason:
    if loser.ceiling < best.level:
        return _LESS_TRUSTED[best.level]
    if not loser.is_widely_read and best.is_widely_read:
        return _RARELY_READ
    if loser.key.valid_from < best.key.valid_from:
        return _OLDER
    return _EQUAL if loser.merits[:-1] == best.merits[:-1] else _SHORTER


def _against(findings: frozenset[Finding], path: PathFacts | None) -> Iterator[Reason]:
    if path is not None and findings & {Finding.REVOKED_HARD, Finding.REVOKED_SOFT}:
        when = f" on {day(path.revoked_at)}" if path.revoked_at else ""
        yield Reason(code="revoked", sentence=f"It was revoked{when}.")
    for finding, sentence in _FINDINGS.items():
        if finding in findings:
            yield Reason(code=finding.value, sentence=sentence)


_FINDINGS = {
    Finding.WRONG_USAGE: "It breaks a rule for certificates, or a CA above it does.",
    Finding.WEAK_ALGORITHM: "A key or hash on the way to its CA is too weak.",
    Finding.REVOCATION_UNKNOWN: "Whether it was revoked must be known, and is not.",
}
_OUT_OF_TIME = {Finding.EXPIRED, Finding.NOT_YET_VALID}
_LAPSED_ADDRESS = Reason(code="lapsed_address", sentence="It names this address in a user ID that has run out.")
_REJECTED = Reason(code="rejected_key", sentence="It was rejected by hand.")
_UNTRUSTED = Reason(code="untrusted_key", sentence="Nobody has confirmed that it is theirs.")
_CONFLICTING = Reason(code="conflicting_key", sentence="Another key that is trusted for this address contradicts it.")
_EXPIRED_ISSUER = Reason(code="expired_issuer", sentence="A CA above it is not valid at this time.")
_OLDER = Reason(code="older", sentence="A newer one is used.")
_RARELY_READ = Reason(code="rarely_read", sentence="One whose signatures most mail programs can check is used.")
_SHORTER = Reason(code="shorter", sentence="One that is valid longer is used.")
_EQUAL = Reason(code="equal", sentence="Another one, neither better nor worse, is used.")
_NOT_EXAMINED = Reason(code="not_examined", sentence="It was not looked at further, as it could not be better.")
_LESS_TRUSTED = {
    TrustLevel.BY_HAND: Reason(code="less_trusted", sentence="One that was confirmed by hand is used."),
    TrustLevel.BY_CA: Reason(code="less_trusted", sentence="One that a trusted CA vouches for is used."),
    TrustLevel.ACCEPTED_ONCE: Reason(code="less_trusted", sentence="One that is trusted more is used."),
}
_COULD_BE_USED = {"less_trusted", "rarely_read", "older", "shorter", "equal", "not_examined"}
