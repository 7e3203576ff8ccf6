"""Who gets which copy, and that what was asked to be sealed is sealed or refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from sealmail import mime
from sealmail.addresses import Mailbox
from sealmail.errors import Refused
from sealmail.keys import Anchor, MemoryKeyStore, MemoryTrust, Technology, TrustLevel
from sealmail.mime import Draft
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.sealing import Plan, SealRequest, plan, seal
from sealmail.testing import CA, openpgp_key

NOW = datetime.now(UTC)
DESK, CAROL, DAVE, ERIN, FRANK = (
    "support@desk.example",
    "carol@bank.example",
    "dave@law.example",
    "erin@shop.example",
    "frank@clinic.example",
)


class Desk:
    """The desk's keys in both technologies, and those of its customers."""

    def __init__(self) -> None:
        self.ca = CA.create()
        self.own_certificate = self.ca.issue(DESK)
        self.own_key = openpgp_key(DESK)
        self.carol = self.ca.issue(CAROL)
        self.dave = openpgp_key(DAVE)
        self.frank_certificate = self.ca.issue(FRANK)
        self.frank_key = openpgp_key(FRANK)
        self.trust = MemoryTrust(
            anchors=[self.ca.anchor],
            levels={one.key.fingerprint: TrustLevel.BY_HAND for one in (self.dave, self.frank_key)},
        )

    @property
    def customers(self) -> tuple[object, ...]:
        return (self.carol, self.dave, self.frank_certificate, self.frank_key)

    def store(self, *more: object) -> MemoryKeyStore:
        public = [self.ca.certificate, *(one.key for one in self.customers), *more]  # type: ignore[attr-defined]
        return MemoryKeyStore(keys=public, secrets=[self.own_certificate, self.own_key])

    def plan(self, *to: str, **asked: object) -> Plan:
        store, trust = asked.pop("store", self.store()), asked.pop("trust", self.trust)
        wanted = {"sign": True, "encrypt": True} | asked
        return plan(SealRequest(sender=DESK, to=to, **wanted), store, trust, Policy(), NOW)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


def codes(made: Plan) -> list[str]:
    return [reason.code for reason in made.refusals]


@pytest.mark.mission("B3")
def test_mixed_recipients_get_a_copy_for_each_technology(desk: Desk) -> None:
    made = desk.plan(CAROL, DAVE)

    assert [(copy.recipients, copy.technology) for copy in made.copies] == [
        ((CAROL,), Technology.SMIME),
        ((DAVE,), Technology.OPENPGP),
    ]
    assert made.refusals == ()
    assert made.can_sign
    assert made.can_encrypt


@pytest.mark.mission("B3")
def test_each_bcc_gets_a_copy_of_its_own(desk: Desk) -> None:
    made = desk.plan(CAROL, bcc=(FRANK,))

    shared, alone = made.copies
    assert (alone.recipients, alone.is_bcc) == ((FRANK,), True)
    assert desk.frank_certificate.key not in shared.encrypt_to
    assert desk.carol.key not in alone.encrypt_to


def test_the_sender_can_read_what_he_sent(desk: Desk) -> None:
    smime, pgp = desk.plan(CAROL, DAVE).copies

    assert desk.own_certificate.key in smime.encrypt_to
    assert desk.own_key.key in pgp.encrypt_to


@pytest.mark.mission("A1")
def test_a_recipient_without_key_is_refused_with_the_reason(desk: Desk) -> None:
    made = desk.plan(CAROL, ERIN)

    assert {(reason.code, reason.address) for reason in made.refusals} == {("no_key", ERIN)}
    assert not made.can_encrypt
    assert made.technologies == ()
    with pytest.raises(Refused):
        seal(made, Draft(from_=(Mailbox("", DESK),), text="secret"), desk.store(), NOW)


def test_both_technologies_are_offered_where_both_are_possible(desk: Desk) -> None:
    assert desk.plan(FRANK).technologies == (Technology.SMIME, Technology.OPENPGP)
    assert desk.plan(FRANK, CAROL).technologies == (Technology.SMIME,)


def test_habit_beats_trust_and_trust_beats_the_order(desk: Desk) -> None:
    by_trust = desk.plan(FRANK)
    by_habit = desk.plan(FRANK, preferred={FRANK: Technology.SMIME})

    assert by_trust.recipients[0].technology is Technology.OPENPGP
    assert by_habit.recipients[0].technology is Technology.SMIME


def test_the_technology_asked_for_is_the_only_one(desk: Desk) -> None:
    assert codes(desk.plan(DAVE, technology=Technology.SMIME)) == ["no_key"]
    assert desk.plan(FRANK, technology=Technology.SMIME).copies[0].technology is Technology.SMIME


@pytest.mark.mission("S8")
def test_an_expired_certificate_beside_a_valid_one_does_not_block(desk: Desk) -> None:
    expired = desk.ca.issue(CAROL, valid_from=NOW - timedelta(days=9), valid_until=NOW - timedelta(days=1))

    assert desk.plan(CAROL, store=desk.store(expired.key)).copies[0].encrypt_to[0] == desk.carol.key


@pytest.mark.mission("S8")
def test_an_expired_certificate_alone_is_never_used(desk: Desk) -> None:
    expired = desk.ca.issue(ERIN, valid_from=NOW - timedelta(days=9), valid_until=NOW - timedelta(days=1))

    made = desk.plan(ERIN, store=desk.store(expired.key))

    assert codes(made) == ["expired", "no_key"]


def test_nothing_is_encrypted_to_a_candidate(desk: Desk) -> None:
    harvested = openpgp_key(ERIN)

    assert codes(desk.plan(ERIN, store=desk.store(harvested.key))) == ["no_key", "untrusted_key"]


def test_a_ca_for_other_domains_gives_no_key(desk: Desk) -> None:
    trust = MemoryTrust(anchors=[Anchor(key=desk.ca.certificate, domains=("clinic.example",))])

    assert codes(desk.plan(CAROL, trust=trust)) == ["untrusted_key", "no_key"]


def test_a_self_signed_certificate_that_calls_itself_a_ca_is_a_key_of_its_address(desk: Desk) -> None:
    own_made = desk.ca.issue(ERIN, extra=[x509.BasicConstraints(ca=True, path_length=None)])
    trust = MemoryTrust(levels={own_made.key.fingerprint: TrustLevel.BY_HAND})

    confirmed = desk.plan(ERIN, store=desk.store(own_made.key), trust=trust)
    unconfirmed = desk.plan(ERIN, store=desk.store(own_made.key), trust=MemoryTrust())

    assert own_made.key.is_ca
    assert confirmed.recipients[0].key == own_made.key
    assert codes(unconfirmed) == ["untrusted_key", "no_key"]


def test_a_rejected_key_is_not_used(desk: Desk) -> None:
    trust = MemoryTrust(anchors=[desk.ca.anchor], levels={desk.carol.key.fingerprint: TrustLevel.REJECTED})

    assert codes(desk.plan(CAROL, trust=trust)) == ["rejected_key", "no_key"]


@pytest.mark.mission("P7")
def test_no_signing_key_is_refused_with_the_reason(desk: Desk) -> None:
    store = MemoryKeyStore(keys=[desk.carol.key, desk.ca.certificate])

    made = desk.plan(CAROL, store=store)

    assert codes(made) == ["no_signing_key"]
    assert not made.can_sign


def test_signing_without_encrypting_needs_no_key_of_the_recipient(desk: Desk) -> None:
    made = desk.plan(ERIN, encrypt=False)

    assert [(copy.sign, copy.encrypt) for copy in made.copies] == [(True, False)]
    assert made.refusals == ()


def test_a_mail_without_recipient_is_refused(desk: Desk) -> None:
    assert codes(desk.plan()) == ["no_recipient"]


@pytest.mark.mission("B3")
def test_every_copy_opens_with_the_recipients_own_key(desk: Desk) -> None:
    made = desk.plan(CAROL, DAVE, bcc=(FRANK,))
    draft = Draft(
        from_=(Mailbox("", DESK),),
        to=(Mailbox("", CAROL), Mailbox("", DAVE)),
        bcc=(Mailbox("", FRANK),),
        text="Words.\n",
    )

    copies = seal(made, draft, desk.store(), NOW)

    for copy, secret in zip(copies, (desk.carol, desk.dave, desk.frank_key), strict=True):
        store = MemoryKeyStore(keys=[desk.own_key.key, desk.ca.certificate], secrets=[secret])
        trust = MemoryTrust(anchors=[desk.ca.anchor], levels={desk.own_key.key.fingerprint: TrustLevel.BY_HAND})
        opened = open_message(copy.raw, store, trust, Policy(), NOW)
        assert opened.report.encryption.verdict is Encryption.DECRYPTED
        assert opened.report.signature.verdict is Signature.GOOD
        assert opened.content.text == "Words.\n"
        assert FRANK.encode() not in copy.raw


def test_a_plan_that_was_tampered_with_writes_nothing_in_clear(desk: Desk) -> None:
    made = desk.plan(CAROL)
    bare = replace(made, copies=(replace(made.copies[0], encrypt_to=()),))

    with pytest.raises(Refused):
        seal(bare, Draft(from_=(Mailbox("", DESK),), text="secret"), desk.store(), NOW)


@pytest.mark.mission("B6")
def test_a_hidden_subject_stands_nowhere_outside(desk: Desk) -> None:
    made = desk.plan(CAROL, hide_subject=True)
    draft = Draft(from_=(Mailbox("", DESK),), to=(Mailbox("", CAROL),), subject="Merger plans", text="Words.\n")

    (copy,) = seal(made, draft, desk.store(), NOW)

    assert mime.parse(copy.raw).headers.first("Subject") == "[...]"
    assert b"Merger" not in copy.raw
