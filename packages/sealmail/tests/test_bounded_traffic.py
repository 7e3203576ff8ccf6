"""What travels between opener and child: little of it, and nothing that was decided for an earlier mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sealmail import openpgp, smime
from sealmail.addresses import Mailbox
from sealmail.bounded import BoundedOpener
from sealmail.bounded import opener as opener_module
from sealmail.bounded.codec import decode, encode
from sealmail.errors import EngineError
from sealmail.keys import Key, KeyId, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.policy import Policy
from sealmail.report import Reason, Signature
from sealmail.testing import CA, openpgp_key

NOW = datetime.now(UTC)


class World:
    """Carol writes to the desk; both have certificates of one CA."""

    def __init__(self) -> None:
        self.ca = CA.create()
        self.carol = self.ca.issue("carol@bank.example")
        self.desk = self.ca.issue("support@desk.example")

    def mail(self) -> bytes:
        draft = Draft(from_=(Mailbox("Carol", "carol@bank.example"),), subject="Contract", text="The words.\n")
        inner = smime.sign(build_entity(draft), self.carol, [self.ca.certificate], NOW)
        return build_headers(draft) + smime.encrypt(inner, [self.desk.key])


@pytest.fixture(scope="module")
def world() -> World:
    return World()


class _Recorded(MemoryKeyStore):
    """Writes down what it is asked."""

    def __init__(self, *secrets: SecretKey) -> None:
        super().__init__(secrets=secrets)
        self.asked: list[str] = []

    def secrets(self, ids):
        self.asked.append("secrets")
        return super().secrets(ids)

    def keys(self, ids):
        self.asked.append("keys")
        return super().keys(ids)

    def revocations(self, issuer: KeyId):
        self.asked.append("revocations")
        return super().revocations(issuer)


def test_a_mail_with_its_certificates_asks_for_the_secret_key_and_for_revocations_only(world: World) -> None:
    store = _Recorded(world.desk)
    trust = MemoryTrust(anchors=[world.ca.anchor])

    with BoundedOpener() as opener:
        opened = opener.open_message(world.mail(), store, trust, Policy(), NOW)

    assert opened.report.signature.verdict is Signature.GOOD
    assert store.asked == ["secrets", "revocations"]


def test_what_is_decided_about_an_openpgp_key_comes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    carol, desk = openpgp_key("carol@bank.example"), openpgp_key("support@desk.example")
    draft = Draft(from_=(Mailbox("Carol", "carol@bank.example"),), subject="Contract", text="The words.\n")
    raw = build_headers(draft) + openpgp.encrypt(build_entity(draft), [desk.key], carol, NOW)
    store, asked, answer = MemoryKeyStore(keys=[carol.key], secrets=[desk]), [], opener_module._answer
    books = [MemoryTrust(levels={carol.key.fingerprint: level}) for level in (TrustLevel.BY_HAND, TrustLevel.REJECTED)]

    def told(question, *rest):
        asked.append(question)
        return answer(question, *rest)

    monkeypatch.setattr(opener_module, "_answer", told)
    with BoundedOpener() as opener:
        opened = [opener.open_message(raw, store, trust, Policy(), NOW) for trust in books]

    # The last one: whether one of the intended recipients is us.
    assert asked == ["secrets", "keys", "secrets"] * 2
    assert [one.report.signature.verdict for one in opened] == [Signature.GOOD, Signature.BAD]


def test_what_is_decided_about_a_key_for_a_foreign_address_is_asked_by_itself() -> None:
    carol, desk = openpgp_key("carol@bank.example"), openpgp_key("support@desk.example")
    draft = Draft(from_=(Mailbox("Mallory", "mallory@bank.example"),), subject="Contract", text="The words.\n")
    raw = build_headers(draft) + openpgp.encrypt(build_entity(draft), [desk.key], carol, NOW)
    trust = MemoryTrust(levels={carol.key.fingerprint: TrustLevel.BY_HAND})

    with BoundedOpener() as opener:
        opened = opener.open_message(raw, MemoryKeyStore(keys=[carol.key], secrets=[desk]), trust, Policy(), NOW)

    assert opened.report.signature.verdict is Signature.BAD
    assert opened.report.signature.reason is Reason.SENDER_MISMATCH


def test_trust_that_changes_between_two_mails_is_seen(world: World) -> None:
    store, raw = MemoryKeyStore(secrets=[world.desk]), world.mail()
    rejected = {world.carol.key.fingerprint: TrustLevel.REJECTED}
    books = [
        MemoryTrust(anchors=[world.ca.anchor]),
        MemoryTrust(),
        MemoryTrust(anchors=[world.ca.anchor], levels=rejected),
    ]

    with BoundedOpener() as opener:
        opened = [opener.open_message(raw, store, trust, Policy(), NOW) for trust in books]

    assert [(one.report.signature.verdict, one.report.signature.reason) for one in opened] == [
        (Signature.GOOD, None),
        (Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER),
        (Signature.BAD, Reason.REJECTED_KEY),
    ]


def test_an_object_that_occurs_twice_travels_once(world: World) -> None:
    key = world.carol.key

    first, second = decode(encode([key, key]))

    assert first is second
    assert first == key
    assert b"".join(encode([key, key])).count(key.material) == 1


@pytest.mark.parametrize("octets", [100, 16 * 1024, 16 * 1024 + 1, 1_000_000])
def test_keys_of_every_size_travel(world: World, octets: int) -> None:
    key = replace(world.carol.key, material=bytes(octets))

    assert decode(encode(key)) == key
    assert decode(encode(key)) == key


def test_keys_that_differ_in_one_field_stay_apart(world: World) -> None:
    key = world.carol.key
    twins: list[Key] = [key, replace(key, name="Mallory"), replace(key, is_ca=True), replace(key, valid_until=None)]

    assert [decode(encode(one)) for one in twins] == twins


@pytest.mark.parametrize(
    "frames",
    [
        [b'{"r":0}'],
        [b'{"r":"0"}'],
        [b'[{"d":["Budget",[1]]},{"r":1}]'],
        [b'{"k":[0,1]}'],
        [b'{"k":[0,1]}', b'{"k":[0,1]}'],
        [b'{"k":[0,2]}', b'{"b":0}', bytes(1_000_000)],
        [b'{"k":0}'],
        [b'{"e":"Reason nothing"}'],
        [b'{"d":["Popen",[]]}'],
    ],
)
def test_references_to_what_is_not_there_are_refused(frames: list[bytes]) -> None:
    with pytest.raises(EngineError):
        decode(frames)
