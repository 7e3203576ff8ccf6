"""Signatures made by gpg, checked by us."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealmail import openpgp
from sealmail.errors import InputError
from sealmail.keys import MemoryKeyStore
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.policy import Budget, Policy
from sealmail.report import Finding, Integrity

TEXT = b"Content-Type: text/plain\r\n\r\nI agree.  \r\n-- \r\nBob\r\n"


def detached(gpg, *options, who="bob@example.org", text=TEXT):
    return gpg("--armor", *options, "--local-user", who, "--detach-sign", stdin=text)


def outcome(result):
    return [(one.integrity, one.findings) for one in result.signers]


INTACT = [(Integrity.INTACT, frozenset())]


@pytest.mark.mission("P3")
@pytest.mark.parametrize("who", ["alice@example.org", "bob@example.org"])
@pytest.mark.parametrize("options", [(), ("--textmode",), ("--digest-algo", "SHA512")])
def test_verify_accepts_what_gpg_signed(gpg, store, policy, now, who, options):
    signature = detached(gpg, *options, who=who)

    result = openpgp.verify(signature, TEXT, store, policy, now)

    assert outcome(result) == INTACT
    assert openpgp.verify(dearmor(signature), TEXT, store, policy, now) == result
    (signer,) = result.signers
    assert (signer.key.addresses, signer.signing_fingerprint) == ((who,), gpg.fingerprint(who))
    assert abs(signer.signed_at - now) < timedelta(minutes=5)


def test_verify_accepts_content_whose_line_ends_a_store_changed(gpg, store, policy, now):
    result = openpgp.verify(detached(gpg), TEXT.replace(b"\r\n", b"\n"), store, policy, now)

    assert outcome(result) == INTACT


@pytest.mark.parametrize("change", [(b"agree.", b"agree!"), (b"agree.  \r\n", b"agree.\r\n"), (b"Bob\r\n", b"Bob")])
def test_verify_notices_each_change(gpg, store, policy, now, change):
    result = openpgp.verify(detached(gpg), TEXT.replace(*change), store, policy, now)

    assert [one.integrity for one in result.signers] == [Integrity.CHANGED]


def test_verify_without_the_key_names_it(gpg, policy, now, cast):
    result = openpgp.verify(detached(gpg), TEXT, MemoryKeyStore(keys=[cast.alice.key]), policy, now)

    (signer,) = result.signers
    assert (signer.integrity, signer.key) == (Integrity.NO_KEY, None)
    assert set(signer.key_ids) <= cast.bob.key.ids
    assert len(signer.key_ids) == 2


def test_verify_gives_facts_for_each_signature(gpg, store, policy, now):
    both = gpg("--local-user", "bob@example.org", "--local-user", "alice@example.org", "--detach-sign", stdin=TEXT)

    result = openpgp.verify(both, TEXT, store, policy, now)

    assert outcome(result) == INTACT * 2
    assert {one.key.name for one in result.signers} == {"Alice", "Bob"}


def test_verify_stops_at_the_budget_and_says_so(gpg, store, now):
    many = dearmor(detached(gpg)) * 5

    result = openpgp.verify(many, TEXT, store, Policy(budget=Budget(signers=2)), now)

    assert [one.integrity for one in result.signers] == [Integrity.INTACT, Integrity.INTACT, Integrity.UNSUPPORTED]


def test_verify_marks_weak_hashes(gpg, store, policy, now):
    signature = detached(gpg, "--digest-algo", "SHA1", who="alice@example.org")

    result = openpgp.verify(signature, TEXT, store, policy, now)

    assert outcome(result) == [(Integrity.INTACT, {Finding.WEAK_ALGORITHM})]


def test_verify_marks_short_keys(gpg, store, now):
    signature = detached(gpg, who="alice@example.org")

    result = openpgp.verify(signature, TEXT, store, Policy(minimum_rsa_bits=4096), now)

    assert outcome(result) == [(Integrity.INTACT, {Finding.WEAK_ALGORITHM})]


def test_verify_takes_only_signatures_over_documents(gpg, store, policy, now):
    certification = next(
        one for one in walk(gpg.public("bob@example.org")) if one.tag == Tag.SIGNATURE and one.body[1] == 0x13
    )

    result = openpgp.verify(packet(Tag.SIGNATURE, certification.body), TEXT, store, policy, now)

    assert [(one.integrity, one.why) for one in result.signers] == [(Integrity.MALFORMED, "signature_type")]


def test_verify_of_something_else_is_malformed(gpg, store, policy, now):
    for junk in (b"", b"hello", b"\x88", gpg.public("bob@example.org")):
        result = openpgp.verify(junk, TEXT, store, policy, now)

        assert [one.integrity for one in result.signers] == [Integrity.MALFORMED]


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa2048"])
def test_verify_tells_expired_and_not_yet_valid_keys(fresh_gpg, policy, algorithm):
    fresh_gpg.key("Old <old@example.org>", algorithm, "2020-06-01", when="20200101T000000")
    store = MemoryKeyStore(keys=[key_from_openpgp(fresh_gpg.public("old@example.org"))])
    signature = detached(fresh_gpg, "--faked-system-time", "20200201T000000!", who="old@example.org")
    times = [datetime(2020, 2, 1, 12, tzinfo=UTC), datetime(2020, 7, 1, tzinfo=UTC), datetime(2019, 7, 1, tzinfo=UTC)]

    found = [openpgp.verify(signature, TEXT, store, policy, at).signers[0].findings for at in times]

    assert found == [set(), {Finding.EXPIRED}, {Finding.NOT_YET_VALID}]


def test_a_claimed_signing_time_only_makes_it_worse(fresh_gpg, policy):
    fresh_gpg.key("Old <old@example.org>", "ed25519", "2020-06-01", when="20200101T000000")
    store = MemoryKeyStore(keys=[key_from_openpgp(fresh_gpg.public("old@example.org"))])
    backdated = detached(fresh_gpg, "--faked-system-time", "20200201T000000!", who="old@example.org")
    from_the_future = detached(fresh_gpg, "--faked-system-time", "20200501T000000!", who="old@example.org")

    long_after = openpgp.verify(backdated, TEXT, store, policy, datetime(2021, 1, 1, tzinfo=UTC))
    before = openpgp.verify(from_the_future, TEXT, store, policy, datetime(2020, 3, 1, tzinfo=UTC))

    assert outcome(long_after) == [(Integrity.INTACT, {Finding.EXPIRED})]
    assert outcome(before) == [(Integrity.INTACT, {Finding.NOT_YET_VALID})]


def test_verify_tells_an_expired_signature(gpg, store, policy, now):
    signature = detached(gpg, "--default-sig-expire", "1d")

    assert outcome(openpgp.verify(signature, TEXT, store, policy, now)) == INTACT
    assert outcome(openpgp.verify(signature, TEXT, store, policy, now + timedelta(days=2))) == [
        (Integrity.INTACT, {Finding.SIGNATURE_EXPIRED})
    ]


@pytest.mark.parametrize(
    ("reason", "finding", "said"),
    [
        ("0", Finding.REVOKED_HARD, "none_given"),
        ("1", Finding.REVOKED_HARD, "compromised"),
        ("2", Finding.REVOKED_SOFT, "superseded"),
        ("3", Finding.REVOKED_SOFT, "retired"),
    ],
)
def test_verify_tells_hard_from_soft_revocations(fresh_gpg, policy, now, reason, finding, said):
    fingerprint = fresh_gpg.key("Rae <rae@example.org>", "ed25519")
    signature = detached(fresh_gpg, who="rae@example.org")
    _revoke(fresh_gpg, fingerprint, reason)
    store = MemoryKeyStore(keys=[key_from_openpgp(fresh_gpg.public("rae@example.org"))])

    (after,) = openpgp.verify(signature, TEXT, store, policy, now).signers

    assert (after.integrity, after.findings, after.revocation_reason) == (Integrity.INTACT, {finding}, said)
    assert after.revoked_at is not None


def test_a_soft_revocation_does_not_reach_back(fresh_gpg, policy, now):
    fingerprint = fresh_gpg.key("Rae <rae@example.org>", "ed25519", when="20200101T000000")
    signature = detached(fresh_gpg, "--faked-system-time", "20200201T000000!", who="rae@example.org")
    _revoke(fresh_gpg, fingerprint, "3")
    store = MemoryKeyStore(keys=[key_from_openpgp(fresh_gpg.public("rae@example.org"))])

    then = openpgp.verify(signature, TEXT, store, policy, datetime(2020, 2, 2, tzinfo=UTC))

    assert outcome(then) == INTACT


def _revoke(gpg, fingerprint, reason):
    certificate = gpg.home / "revocation"
    command = ["--command-fd", "0", "--output", str(certificate), "--gen-revoke", fingerprint]
    # --batch refuses to make one; the answers are: yes, the reason, no description, yes.
    gpg("--no-batch", *command, stdin=f"y\n{reason}\n\ny\n".encode())
    gpg("--import", str(certificate))


def test_a_signature_by_a_rotated_subkey_names_primary_and_subkey(fresh_gpg, policy, now):
    primary = fresh_gpg.key("Sue <sue@example.org>", "ed25519", when="20200101T000000")
    fresh_gpg("--faked-system-time", "20210101T000000!", "--quick-add-key", primary, "ed25519", "sign", "2022-01-01")
    fresh_gpg("--faked-system-time", "20211201T000000!", "--quick-add-key", primary, "ed25519", "sign", "never")
    key = key_from_openpgp(fresh_gpg.public("sue@example.org"))
    store = MemoryKeyStore(keys=[key])
    old = detached(fresh_gpg, "--faked-system-time", "20210601T000000!", who="sue@example.org")
    new = detached(fresh_gpg, who="sue@example.org")

    results = [
        openpgp.verify(old, TEXT, store, policy, datetime(2021, 6, 2, tzinfo=UTC)),
        openpgp.verify(old, TEXT, store, policy, now),
        openpgp.verify(new, TEXT, store, policy, now),
    ]

    assert [one.signers[0].findings for one in results] == [set(), {Finding.EXPIRED}, set()]
    assert {one.signers[0].key.fingerprint for one in results} == {primary}
    assert len({one.signers[0].signing_fingerprint for one in results} - {primary}) == 2


def test_a_subkey_without_back_signature_may_not_sign(fresh_gpg, policy, now):
    primary = fresh_gpg.key("Sue <sue@example.org>", "ed25519")
    fresh_gpg("--quick-add-key", primary, "ed25519", "sign", "never")
    signature = detached(fresh_gpg, who="sue@example.org")
    stripped = _without_back_signatures(fresh_gpg.public("sue@example.org"))
    store = MemoryKeyStore(keys=[key_from_openpgp(stripped)])

    result = openpgp.verify(signature, TEXT, store, policy, now)

    assert outcome(result) == [(Integrity.INTACT, {Finding.WRONG_USAGE})]


def _without_back_signatures(material):
    # gpg puts them into the unhashed area, which can be emptied without breaking the binding.
    return b"".join(
        packet(one.tag, _unhashed_emptied(one.body) if one.tag == Tag.SIGNATURE else one.body) for one in walk(material)
    )


def _unhashed_emptied(body):
    start = 6 + int.from_bytes(body[4:6], "big")
    return body[:start] + b"\0\0" + body[start + 2 + int.from_bytes(body[start : start + 2], "big") :]


def test_a_foreign_subkey_hung_on_a_key_is_not_part_of_it(gpg, policy, now, cast):
    alice = list(walk(gpg.public("alice@example.org")))
    mallory = next(one for one in walk(gpg.public("bob@example.org")) if one.tag == Tag.PUBLIC_KEY)
    binding = next(one for one in reversed(alice) if one.tag == Tag.SIGNATURE)
    grafted = [*alice, type(mallory)(Tag.PUBLIC_SUBKEY, mallory.body), binding]
    key = key_from_openpgp(b"".join(packet(one.tag, one.body) for one in grafted))

    result = openpgp.verify(detached(gpg), TEXT, MemoryKeyStore(keys=[key]), policy, now)

    assert [one.integrity for one in result.signers] == [Integrity.NO_KEY]
    assert key.ids == cast.alice.key.ids


@pytest.mark.parametrize("options", [(), ("--compress-algo", "none"), ("--compress-algo", "bzip2"), ("--armor",)])
def test_verify_opaque_gives_content_and_facts(gpg, store, policy, now, options):
    message = gpg(*options, "--local-user", "bob@example.org", "--sign", stdin=TEXT)

    result = openpgp.verify_opaque(message, store, policy, now)

    assert (result.payload, outcome(result)) == (TEXT, INTACT)


def test_verify_opaque_of_a_changed_message_still_shows_it(gpg, store, policy, now):
    message = gpg("--compress-algo", "none", "--local-user", "bob@example.org", "--sign", stdin=TEXT)

    result = openpgp.verify_opaque(message.replace(b"agree", b"argue"), store, policy, now)

    assert result.payload == TEXT.replace(b"agree", b"argue")
    assert [one.integrity for one in result.signers] == [Integrity.CHANGED]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changing_any_byte_of_a_signature_never_makes_it_better(one_signature, store, policy, now, data):
    position = data.draw(st.integers(0, len(one_signature) - 1))
    changed = bytearray(one_signature)
    changed[position] ^= data.draw(st.integers(1, 255))

    (signer, *_) = openpgp.verify(bytes(changed), TEXT, store, policy, now).signers

    if signer.integrity is Integrity.INTACT:  # a byte that nothing vouches for: the unhashed area, or a hint
        assert signer.key.name == "Bob"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changing_any_byte_of_a_key_never_gives_it_more(bob_public, cast, data):
    position = data.draw(st.integers(0, len(bob_public) - 1))
    changed = bytearray(bob_public)
    changed[position] ^= data.draw(st.integers(1, 255))

    try:
        key = key_from_openpgp(bytes(changed))
    except InputError:
        return

    bob = cast.bob.key
    same = key.fingerprint == bob.fingerprint
    assert set(key.addresses) <= (set(bob.addresses) if same else set())
    assert key.uses <= (bob.uses if same else set())


@pytest.fixture(scope="module")
def one_signature(gpg):
    return dearmor(detached(gpg))


@pytest.fixture(scope="module")
def bob_public(gpg):
    return gpg.public("bob@example.org")
