"""Which of many keys is used, and what is said of each of the others."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sealmail.choosing import KeyChoice, choose, choose_own, sign_option
from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel, Use
from sealmail.keys.usability import Purpose
from sealmail.policy import Policy
from sealmail.testing import CA, openpgp_key
from sealmail.vouching import Judges

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CAROL, DESK = "carol@bank.example", "support@desk.example"


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA.create(valid_from=NOW - 900 * DAY)


@pytest.fixture(scope="module")
def strangers_ca() -> CA:
    return CA.create("Somebody else", valid_from=NOW - 900 * DAY)


def issue(ca: CA, since: int = -10, until: int = 10, **options: object) -> SecretKey:
    """A certificate of Carol's, valid from and until so many days from now."""
    moments = {"valid_from": NOW + since * DAY, "valid_until": NOW + until * DAY}
    return ca.issue(CAROL, **(moments | options))  # type: ignore[arg-type]


def judges(ca: CA, *keys: Key | SecretKey, policy: Policy | None = None, **options: object) -> Judges:
    public = [one.key if isinstance(one, SecretKey) else one for one in keys]
    store = MemoryKeyStore(
        keys=[*public, ca.certificate],
        secrets=[one for one in keys if isinstance(one, SecretKey)],
        revocations=options.pop("revocations", ()),  # type: ignore[arg-type]
    )
    trust = MemoryTrust(**({"anchors": [ca.anchor]} | options))  # type: ignore[arg-type]
    return Judges(keys=store, trust=trust, policy=policy or Policy(), at=NOW)


def chosen(asked: Judges, purpose: Purpose = Purpose.ENCRYPT) -> KeyChoice:
    return choose(CAROL, Technology.SMIME, purpose, asked)


def said(choice: KeyChoice) -> dict[str, list[str]]:
    return {one.key.fingerprint: [reason.code for reason in one.reasons] for one in choice.passed_over}


@pytest.mark.mission("S8")
def test_the_newest_that_is_valid_now_is_chosen_and_the_others_are_told_why_not(ca: CA) -> None:
    expired, old, new, future = (issue(ca, *validity).key for validity in ((-30, -1), (-20, 10), (-10, 5), (1, 30)))

    choice = chosen(judges(ca, expired, future, old, new))

    assert (choice.key, choice.trust, choice.reasons) == (new, TrustLevel.BY_CA, ())
    assert said(choice) == {
        old.fingerprint: ["older"],
        expired.fingerprint: ["expired"],
        future.fingerprint: ["not_yet_valid"],
    }
    assert choice.passed_over[0].reasons[0].sentence == "A newer one is used."


def test_of_two_that_are_equally_new_the_one_valid_longer_is_chosen(ca: CA) -> None:
    short, long = issue(ca, until=5).key, issue(ca, until=9).key

    choice = chosen(judges(ca, short, long))

    assert choice.key == long
    assert said(choice) == {short.fingerprint: ["shorter"]}


def test_a_tie_is_broken_the_same_way_whatever_the_order(ca: CA) -> None:
    keys = [issue(ca).key for _ in range(4)]

    choices = [chosen(judges(ca, *order)) for order in (keys, keys[::-1])]

    assert choices[0] == choices[1]
    assert set(map(tuple, said(choices[0]).values())) == {("equal",)}


@pytest.mark.parametrize("name", ["Somebody else", "Sealdesk Test CA"])
def test_one_of_an_untrusted_ca_is_told_as_such_whatever_its_fingerprint(ca: CA, name: str) -> None:
    other = CA.create(name, valid_from=NOW - 900 * DAY)
    ours, theirs = issue(ca).key, issue(other).key
    for first, second in (("0", "f"), ("f", "0")):
        mine, strange = replace(ours, fingerprint=first * 64), replace(theirs, fingerprint=second * 64)

        choice = chosen(judges(ca, mine, strange, other.certificate))

        assert (choice.key, said(choice)) == (mine, {strange.fingerprint: ["untrusted_key"]})


def test_of_many_of_an_untrusted_ca_only_some_are_looked_at_to_tell_why(ca: CA, strangers_ca: CA) -> None:
    ours, theirs = issue(ca).key, issue(strangers_ca).key
    strange = [replace(theirs, fingerprint=f"{number:064x}") for number in range(11)]

    choice = chosen(judges(ca, replace(ours, fingerprint="f" * 64), *strange, strangers_ca.certificate))

    codes = sorted(code for codes in said(choice).values() for code in codes)
    assert codes == ["not_examined"] * 3 + ["untrusted_key"] * 8


@pytest.mark.mission("B8")
def test_trust_goes_before_age(ca: CA, strangers_ca: CA) -> None:
    by_hand, by_ca = issue(strangers_ca, -40).key, issue(ca, -30).key
    once, harvested = issue(strangers_ca, -20).key, issue(strangers_ca, -5).key
    levels = {by_hand.fingerprint: TrustLevel.BY_HAND, once.fingerprint: TrustLevel.ACCEPTED_ONCE}

    all_of_them = chosen(judges(ca, harvested, once, by_ca, by_hand, levels=levels))
    without_hand = chosen(judges(ca, harvested, once, by_ca, levels=levels))
    without_ca = chosen(judges(ca, harvested, once, levels=levels))
    alone = chosen(judges(ca, harvested, levels=levels))

    assert [one.key for one in (all_of_them, without_hand, without_ca, alone)] == [by_hand, by_ca, once, None]
    assert said(all_of_them)[by_ca.fingerprint] == ["less_trusted"]
    assert said(without_hand)[once.fingerprint] == ["less_trusted"]
    assert said(without_ca) == said(alone) == {harvested.fingerprint: ["untrusted_key"]}


def test_among_those_accepted_once_the_newest_is_chosen_whoever_could_vouch_for_it(ca: CA) -> None:
    self_made = CA.create(valid_from=NOW - 50 * DAY)
    named_like_ours = issue(CA(secret=replace(self_made.secret, key=ca.certificate)), -30).key
    alone = issue(CA.create("Nobody here", valid_from=NOW - 90 * DAY), -20).key
    levels = {one.fingerprint: TrustLevel.ACCEPTED_ONCE for one in (named_like_ours, alone)}

    choice = chosen(judges(ca, named_like_ours, alone, levels=levels))

    assert (choice.key, choice.trust) == (alone, TrustLevel.ACCEPTED_ONCE)
    assert said(choice) == {named_like_ours.fingerprint: ["older"]}


def test_separate_certificates_for_signing_and_encrypting_are_each_used_for_their_own(ca: CA) -> None:
    signing = issue(ca, -1, uses={Use.SIGN}, key_type="ed25519").key
    encrypting = issue(ca, -20, uses={Use.ENCRYPT}, key_type="x25519").key
    asked = judges(ca, signing, encrypting)

    assert [chosen(asked, purpose).key for purpose in (Purpose.ENCRYPT, Purpose.VERIFY)] == [encrypting, signing]
    assert said(chosen(asked)) == {signing.fingerprint: ["no_encryption_use"]}


@pytest.mark.parametrize("purpose", [Purpose.ENCRYPT, Purpose.VERIFY])
def test_a_revoked_one_gives_way_to_an_older_one(ca: CA, purpose: Purpose) -> None:
    old, revoked = issue(ca, -20).key, issue(ca, -10).key
    lists = [ca.crl([revoked], at=NOW - DAY)]

    choice = chosen(judges(ca, old, revoked, revocations=lists), purpose)

    assert choice.key == old
    assert said(choice) == {revoked.fingerprint: ["revoked"]}
    assert choice.passed_over[0].reasons[0].sentence == "It was revoked on 31 October 2026."


def test_weak_rejected_and_contradicted_ones_are_out(ca: CA) -> None:
    weak = issue(ca, key_type="rsa1024").key
    rejected, contradicted = issue(ca).key, issue(ca).key
    asked = judges(
        ca,
        weak,
        rejected,
        contradicted,
        levels={rejected.fingerprint: TrustLevel.REJECTED},
        conflicting=frozenset({contradicted.fingerprint}),
    )

    choice = chosen(asked)

    assert choice.key is None
    assert said(choice) == {
        weak.fingerprint: ["weak_key"],
        rejected.fingerprint: ["rejected_key"],
        contradicted.fingerprint: ["conflicting_key"],
    }
    assert sorted(reason.code for reason in choice.reasons) == ["conflicting_key", "rejected_key", "weak_key"]


def test_a_path_that_breaks_the_rules_keeps_one_out_unless_it_is_trusted_itself(ca: CA) -> None:
    """What is good enough to verify with is good enough to encrypt to, and nothing else is (decision 0018)."""
    deep = ca.intermediate("Deep", path_length=0)
    deeper = deep.intermediate("Deeper")
    too_deep = issue(deeper).key
    between = (deep.certificate, deeper.certificate)

    by_ca = chosen(judges(ca, too_deep, *between))
    by_hand = chosen(judges(ca, too_deep, *between, levels={too_deep.fingerprint: TrustLevel.BY_HAND}))

    assert (by_ca.key, said(by_ca)) == (None, {too_deep.fingerprint: ["wrong_usage"]})
    assert by_hand.key == too_deep


def test_a_ca_that_has_expired_vouches_no_longer_but_what_was_trusted_by_hand_stays(ca: CA) -> None:
    private = ca.intermediate("Old one")
    by_ca, by_hand = issue(private).key, issue(private, -20).key
    asked = judges(ca, by_ca, by_hand, private.certificate, levels={by_hand.fingerprint: TrustLevel.BY_HAND})
    later = replace(asked, at=private.certificate.valid_until + DAY)
    living = [replace(key, valid_until=later.at + DAY) for key in (by_ca, by_hand)]
    later = replace(later, keys=MemoryKeyStore(keys=[*living, ca.certificate, private.certificate]))

    assert chosen(asked).key == by_hand
    assert chosen(later).key == living[1]
    assert said(chosen(later)) == {by_ca.fingerprint: ["less_trusted"]}
    alone = chosen(replace(later, trust=MemoryTrust(anchors=[ca.anchor])))
    assert {code for codes in said(alone).values() for code in codes} == {"expired_issuer"}


def test_where_revocation_must_be_known_and_is_not_nothing_is_encrypted(ca: CA) -> None:
    key = issue(ca).key
    policy = Policy(revocation_required=True)

    unknown = chosen(judges(ca, key, policy=policy))
    known = chosen(judges(ca, key, policy=policy, revocations=[ca.crl(at=NOW - DAY)]))

    assert (unknown.key, said(unknown)) == (None, {key.fingerprint: ["revocation_unknown"]})
    assert known.key == key


@pytest.mark.mission("A5")
def test_without_any_certificate_the_sentence_says_so(ca: CA) -> None:
    choice = chosen(judges(ca))

    assert [(one.code, one.sentence) for one in choice.reasons] == [
        ("no_key", f"The certificate for {CAROL} was not found.")
    ]


def test_of_many_that_cannot_be_used_only_some_are_spelled_out(ca: CA) -> None:
    keys = [issue(ca, -100, -day).key for day in range(1, 9)]

    choice = chosen(judges(ca, *keys))

    assert len(choice.passed_over) == 8
    assert len(choice.reasons) == 6
    assert choice.reasons[-1].sentence == f"3 more for {CAROL} cannot be used either."


def test_a_ca_for_other_domains_does_not_vouch(ca: CA) -> None:
    asked = judges(ca, issue(ca).key, anchors=[Anchor(key=ca.certificate, domains=("desk.example",))])

    assert set(map(tuple, said(chosen(asked)).values())) == {("untrusted_key",)}


def test_openpgp_keys_are_chosen_by_the_same_rule() -> None:
    ca = CA.create()
    now = datetime.now(UTC)
    trusted, harvested = openpgp_key(CAROL).key, openpgp_key(CAROL).key
    asked = replace(judges(ca, trusted, harvested, levels={trusted.fingerprint: TrustLevel.BY_HAND}), at=now)

    choice = choose(CAROL, Technology.OPENPGP, Purpose.ENCRYPT, asked)

    assert choice.key == trusted
    assert said(choice) == {harvested.fingerprint: ["untrusted_key"]}


@pytest.mark.mission("S8")
@pytest.mark.mission("B15")
def test_we_sign_with_what_most_programs_can_check_while_there_is_such_a_key(ca: CA) -> None:
    usual, new = issue(ca, -20, uses={Use.SIGN}), issue(ca, -1, uses={Use.SIGN}, key_type="mldsa65")

    both = sign_option(CAROL, Technology.SMIME, judges(ca, usual, new))
    alone = sign_option(CAROL, Technology.SMIME, judges(ca, new))

    assert (both.key, both.passed_over[0].reasons[0].code) == (usual.key, "rarely_read")
    assert alone.key == new.key


def test_we_sign_with_the_newest_of_our_own_that_is_neither_expired_revoked_nor_rejected(ca: CA) -> None:
    validities = ((-30, 10), (-20, 10), (-10, 10), (-9, 10), (-8, -1))
    old, good, revoked, rejected, expired = own = [issue(ca, *validity) for validity in validities]
    public_only = issue(ca, -1).key
    levels = {rejected.key.fingerprint: TrustLevel.REJECTED}
    asked = judges(ca, *own, public_only, levels=levels, revocations=[ca.crl([revoked.key], at=NOW - DAY)])

    option = sign_option(CAROL, Technology.SMIME, asked)

    assert (option.key, option.reasons) == (good.key, ())
    assert {one.key.fingerprint: one.reasons[0].code for one in option.passed_over} == {
        old.key.fingerprint: "older",
        revoked.key.fingerprint: "revoked",
        rejected.key.fingerprint: "rejected_key",
        expired.key.fingerprint: "expired",
    }


def test_our_own_key_needs_no_trust_to_sign_or_to_read_what_we_sent(ca: CA, strangers_ca: CA) -> None:
    own = issue(strangers_ca)
    asked = judges(ca, own)

    for purpose in (Purpose.SIGN, Purpose.ENCRYPT):
        assert choose_own(CAROL, Technology.SMIME, purpose, asked).key == own.key


@pytest.mark.mission("A5")
def test_without_a_private_key_the_sentence_says_so(ca: CA) -> None:
    option = sign_option(DESK, Technology.SMIME, judges(ca, ca.issue(DESK).key))

    assert [one.sentence for one in option.reasons] == [f"There is no private key with a certificate for {DESK}."]


class _Counting(MemoryKeyStore):
    """Counts what certificate paths ask for."""

    asked = 0

    def revocations(self, issuer: str) -> tuple[bytes, ...]:  # type: ignore[override]
        self.asked += 1
        return ()


def test_among_a_thousand_certificates_only_those_that_can_still_win_cost_a_path(ca: CA) -> None:
    some = [issue(ca, since, until).key for since, until in ((-100, -1), (-30, 10), (-20, 10))]
    many = [
        replace(key, fingerprint=f"{place}{number:063x}", valid_from=key.valid_from + number * timedelta(seconds=1))
        for place, key in enumerate(some)
        for number in range(334)
    ]
    store = _Counting(keys=[*many, ca.certificate])
    asked = Judges(keys=store, trust=MemoryTrust(anchors=[ca.anchor]), policy=Policy(), at=NOW)
    chosen(asked)
    store.asked = 0

    start = time.process_time()
    choice = chosen(asked)
    spent = time.process_time() - start

    assert choice.key == many[-1]
    assert len(choice.passed_over) == len(many) - 1
    assert store.asked == 1
    # It takes some 20 ms; machines that run tests are busy.
    assert spent < 0.3, spent
