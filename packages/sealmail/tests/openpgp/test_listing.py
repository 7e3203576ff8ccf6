"""What a key says about itself at a time: user IDs, parts, ends, revocations, and algorithms that we do not use."""

from datetime import UTC, datetime, timedelta

import pysequoia
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import openpgp
from sealmail.addresses import Mailbox
from sealmail.choosing import choose
from sealmail.errors import InputError
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel, Use
from sealmail.keys.openpgp_key import key_from_openpgp, state_at
from sealmail.keys.openpgp_listing import ListedUserId, State, UsableUntil, lapsed_addresses, listing, user_ids
from sealmail.keys.openpgp_making import Suite, generate, with_encryption_subkey, with_user_id
from sealmail.keys.openpgp_revoking import RevocationReason, revoke_subkey, revoke_user_id
from sealmail.keys.pgp.assembly import Part, subpacket, take_apart
from sealmail.keys.pgp.packets import Tag
from sealmail.keys.pgp.self_signing import opened
from sealmail.keys.pgp.subpackets import Kind, SignatureType
from sealmail.keys.usability import Purpose, problems
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Reason, Signature
from sealmail.vouching import Judges

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE = generate(name="A", addresses=["a@x.example"], at=NOW).secret


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def with_raw_user_id(raw: bytes, expires_after: timedelta | None = None) -> SecretKey:
    """The key with any bytes as a user ID, certified by itself, for a time or for ever."""
    assembly = take_apart(BASE.material)
    end = []
    if expires_after is not None:
        end = [subpacket(Kind.EXPIRES_AFTER, int(expires_after.total_seconds()).to_bytes(4, "big"))]
    signer = opened(BASE, assembly.primary)
    signature = signer.over_user_id(SignatureType.POSITIVE_CERTIFICATION, raw, day(1), end)
    material = assembly.to_bytes() + Part(tag=Tag.USER_ID, body=raw, signatures=(signature,)).to_bytes()
    return SecretKey(key=key_from_openpgp(material), material=material)


def only(key: Key, at: datetime) -> ListedUserId:
    (one,) = [one for one in user_ids(key.material, at) if one.text != "A <a@x.example>"]
    return one


@pytest.mark.mission("P4")
def test_each_user_id_is_listed_with_its_state_and_reason():
    key = with_user_id(BASE, name="B", address="b@x.example", at=day(1))
    key = revoke_user_id(key, b"B <b@x.example>", at=day(5), text="left")

    before, after = only(key.key, day(2)), only(key.key, day(6))

    assert (before.state, before.since, before.explanation) == (State.VALID, None, None)
    assert (after.state, after.since) == (State.REVOKED, day(5))
    assert (after.name, after.address) == ("B", "b@x.example")
    assert after.explanation == "the name or address no longer holds (“left”)"
    assert [one.is_main for one in user_ids(key.key.material, day(6))] == [True, False]


def test_a_certification_runs_out_and_its_address_with_it():
    key = with_raw_user_id(b"B <b@x.example>", timedelta(days=10)).key

    assert [only(key, day(number)).state for number in (2, 12)] == [State.VALID, State.EXPIRED]
    assert only(key, day(12)).since == day(11)
    assert [lapsed_addresses(key, day(number)) for number in (2, 12)] == [frozenset(), {"b@x.example"}]


def test_a_lapsed_address_is_not_encrypted_to_and_signs_for_nobody():
    secret = with_raw_user_id(b"B <b@x.example>", timedelta(days=10))
    trust = MemoryTrust(levels={secret.key.fingerprint: TrustLevel.BY_HAND})
    store = MemoryKeyStore(secrets=[secret])
    draft = Draft(from_=(Mailbox("", "b@x.example"),), subject="x", text="x")

    def seen(at):
        mail = build_headers(draft) + openpgp.sign(build_entity(draft), secret, at)
        statement = open_message(mail, store, trust, Policy(), at).report.signature
        judges = Judges(keys=store, trust=trust, policy=Policy(), at=at)
        choice = choose("b@x.example", Technology.OPENPGP, Purpose.ENCRYPT, judges)
        return statement.verdict, statement.reason, choice.key == secret.key

    assert seen(day(2)) == (Signature.GOOD, None, True)
    assert seen(day(12)) == (Signature.BAD, Reason.SENDER_MISMATCH, False)


@pytest.mark.mission("P4")
@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (b"C <c@x.example> <d@x.example>", None),
        (b"c@x.example, d@x.example", None),
        (b"C <c@x.example>\n", None),
        (b"C <c@x.example>\0", None),
        (b"C\x1b[2J <c@x.example>", "c@x.example"),
        (b"C \xff\xfe <c@x.example>", None),
        ("C \u202e <c@x.example>".encode(), "c@x.example"),
        (b"<c@x.example", None),
        (b"", None),
        (b"x" * 2000, None),
    ],
)
def test_a_strange_user_id_names_one_address_or_none_and_shows_no_control_characters(raw, address):
    key = with_raw_user_id(raw).key

    listed = only(key, day(2))

    assert listed.address == address
    assert key.addresses == ("a@x.example", *([address] if address else []))
    assert all(one.isprintable() for one in listed.text + listed.name)
    assert len(listed.text) <= 300


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=3000))
def test_any_bytes_are_listed_as_a_user_id(raw):
    listed = user_ids(with_raw_user_id(raw).key.material, day(2))

    assert all(one.isprintable() for user_id in listed for one in user_id.text + user_id.name)


@pytest.mark.mission("B10")
@pytest.mark.parametrize("suite", [Suite.CURVE25519, Suite.VERSION_6])
def test_the_end_that_counts_is_that_of_the_last_subkey_within_the_key(suite):
    key = generate(name="A", addresses=["a@x.example"], at=NOW, suite=suite, until=day(100)).secret
    key = with_encryption_subkey(key, at=day(1), until=day(200), overlap_until=day(30))

    listed = listing(key.key.material, day(2))

    assert (listed.signing, listed.encrypting) == (UsableUntil(is_usable=True, end=day(100)),) * 2
    assert [part.until for part in listed.parts] == [day(100), day(30), day(200)]
    assert listing(key.key.material, day(101)).encrypting == UsableUntil(is_usable=False)
    assert listing(BASE.key.material, day(2)).encrypting == UsableUntil(is_usable=True, end=None)


@pytest.mark.mission("P4")
def test_a_revoked_part_says_why():
    (subkey,) = state_at(BASE.key.material, day(1)).encryption

    revoked = revoke_subkey(BASE, subkey, at=day(3), reason=RevocationReason.COMPROMISED).key

    part = listing(revoked.material, day(4)).parts[1]
    assert (part.state, part.revoked, part.explanation) == (
        State.REVOKED,
        day(3),
        "its secret may be known to others",
    )
    assert [one.uses for one in listing(BASE.key.material, day(1)).parts] == [{Use.SIGN, Use.CERTIFY}, {Use.ENCRYPT}]


@pytest.fixture(scope="module")
def post_quantum() -> list[Key]:
    """One key that encrypts with a post-quantum algorithm, and one that also signs with one."""
    profile = pysequoia.Profile.RFC9580
    kem = pysequoia.EncryptionAlgorithm.MLKEM768_X25519
    suite = pysequoia.CipherSuite.MLDSA65_Ed25519
    made = [
        pysequoia.Tsk.generate("Q <q@x.example>", profile=profile, encryption_algorithm=kem),
        pysequoia.Tsk.generate("Q <q@x.example>", profile=profile, cipher_suite=suite),
    ]
    return [key_from_openpgp(bytes(one)) for one in made]


def test_post_quantum_keys_are_read_and_told_and_not_encrypted_to(post_quantum):
    at = datetime.now(UTC) + timedelta(minutes=1)
    kem, both = post_quantum

    reasons = [problems(key, Purpose.ENCRYPT, at)[0].sentence for key in post_quantum]

    assert [part.algorithm for part in listing(kem.material, at).parts] == ["Ed25519", "Ed25519", "ML-KEM-768+X25519"]
    assert (both.algorithm, both.addresses) == ("ML-DSA-65+Ed25519", ())
    assert reasons == [
        "Its part for encrypting uses ML-KEM-768+X25519, to which Sealdesk does not encrypt yet.",
        "It is held together by ML-DSA-65+Ed25519, which Sealdesk does not check yet.",
    ]
    assert problems(kem, Purpose.VERIFY, at) == ()
    with pytest.raises(InputError, match="no part that may be encrypted to"):
        openpgp.encrypt(b"x", [kem], None, at)
