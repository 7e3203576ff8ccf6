"""The verdict table, row by row, and what must hold for every combination of facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealmail.judge import judge_encryption, judge_layer, judge_signature, judge_signer, outer_signature_is_bad
from sealmail.keys import Key, Technology, TrustLevel
from sealmail.report import (
    Binding,
    Covers,
    Encryption,
    EncryptionFacts,
    EncryptionLayer,
    Finding,
    Integrity,
    Reason,
    Signature,
    SignatureFacts,
    SignatureLayer,
)

SMIME, OPENPGP = Technology.SMIME, Technology.OPENPGP
KEY = Key(
    technology=SMIME,
    fingerprint="ab" * 32,
    material=b"",
    name="Carol",
    addresses=("carol@bank.example",),
    ids=frozenset(),
    algorithm="RSA-3072",
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=None,
    uses=frozenset(),
)
GOOD = SignatureFacts(
    technology=SMIME, integrity=Integrity.INTACT, key=KEY, binding=Binding.HOLDS, trust=TrustLevel.BY_CA
)


def found(*findings: Finding) -> SignatureFacts:
    return replace(GOOD, findings=frozenset(findings))


ROWS = [
    (replace(GOOD, integrity=Integrity.MALFORMED), Signature.BAD, Reason.MALFORMED),
    (replace(GOOD, integrity=Integrity.CHANGED), Signature.BAD, Reason.CONTENT_CHANGED),
    (replace(GOOD, integrity=Integrity.UNSUPPORTED), Signature.UNVERIFIED, Reason.UNSUPPORTED),
    (replace(GOOD, integrity=Integrity.NO_KEY), Signature.UNVERIFIED, Reason.UNKNOWN_SIGNER),
    (found(Finding.WEAK_ALGORITHM), Signature.BAD, Reason.WEAK_ALGORITHM),
    (found(Finding.WRONG_USAGE), Signature.BAD, Reason.WRONG_USAGE),
    (replace(GOOD, trust=TrustLevel.REJECTED), Signature.BAD, Reason.REJECTED_KEY),
    (found(Finding.REVOKED_HARD), Signature.BAD, Reason.REVOKED),
    (found(Finding.REVOKED_SOFT), Signature.BAD, Reason.REVOKED),
    (replace(GOOD, binding=Binding.MISMATCH), Signature.BAD, Reason.SENDER_MISMATCH),
    (replace(GOOD, binding=Binding.NO_ADDRESS), Signature.UNVERIFIED, Reason.NO_ADDRESS),
    (found(Finding.NOT_YET_VALID), Signature.UNVERIFIED, Reason.NOT_YET_VALID),
    (found(Finding.EXPIRED), Signature.UNVERIFIED, Reason.EXPIRED),
    (found(Finding.SIGNATURE_EXPIRED), Signature.UNVERIFIED, Reason.SIGNATURE_EXPIRED),
    (found(Finding.OTHER_RECIPIENT), Signature.UNVERIFIED, Reason.OTHER_RECIPIENT),
    (found(Finding.REVOCATION_UNKNOWN), Signature.UNVERIFIED, Reason.REVOCATION_UNKNOWN),
    (found(Finding.CONFLICTING_KEY), Signature.UNVERIFIED, Reason.CONFLICTING_KEY),
    (replace(GOOD, trust=TrustLevel.CANDIDATE), Signature.UNVERIFIED, Reason.UNTRUSTED_ISSUER),
    (
        replace(GOOD, technology=OPENPGP, trust=TrustLevel.CANDIDATE),
        Signature.UNVERIFIED,
        Reason.UNTRUSTED_KEY,
    ),
]


@pytest.mark.mission("A3")
@pytest.mark.parametrize(("facts", "verdict", "reason"), ROWS, ids=lambda one: getattr(one, "value", None))
def test_judge_signer_follows_the_table(facts: SignatureFacts, verdict: Signature, reason: Reason) -> None:
    assert judge_signer(facts) == (verdict, reason)


def test_judge_signer_calls_good_what_no_row_speaks_against() -> None:
    assert judge_signer(GOOD) == (Signature.GOOD, None)
    assert judge_signer(replace(GOOD, trust=TrustLevel.ACCEPTED_ONCE)) == (Signature.GOOD, None)


def test_judge_signer_outside_the_encryption_is_unverified() -> None:
    assert judge_signer(GOOD, outside=True) == (Signature.UNVERIFIED, Reason.OUTSIDE_ENCRYPTION)


def test_judge_signer_takes_a_sender_that_was_never_compared_for_a_mismatch() -> None:
    assert judge_signer(replace(GOOD, binding=Binding.UNKNOWN)) == (Signature.BAD, Reason.SENDER_MISMATCH)


@pytest.mark.parametrize("later", range(len(ROWS)))
def test_rows_are_tried_in_order(later: int) -> None:
    reasons = list(dict.fromkeys(reason for _, _, reason in ROWS))
    facts = ROWS[later][0]

    worse = replace(facts, integrity=Integrity.CHANGED)

    expected = Reason.MALFORMED if later == 0 else Reason.CONTENT_CHANGED
    assert judge_signer(worse)[1] in {expected, Reason.CONTENT_CHANGED}
    assert reasons == sorted(reasons, key=list(Reason).index)


ANY_FACTS = st.builds(
    SignatureFacts,
    technology=st.sampled_from(Technology),
    integrity=st.sampled_from(Integrity),
    key=st.just(KEY),
    findings=st.frozensets(st.sampled_from(Finding)),
    binding=st.sampled_from(Binding),
    trust=st.sampled_from(TrustLevel),
)


@given(ANY_FACTS, st.booleans())
def test_only_spotless_facts_are_good(facts: SignatureFacts, outside: bool) -> None:
    verdict, reason = judge_signer(facts, outside=outside)

    spotless = (
        facts.integrity is Integrity.INTACT
        and not facts.findings
        and facts.binding is Binding.HOLDS
        and facts.trust.suffices
        and not outside
    )
    assert (verdict is Signature.GOOD) == spotless
    assert (reason is None) == spotless


@given(ANY_FACTS, st.sampled_from(Finding))
def test_bad_is_sticky(facts: SignatureFacts, finding: Finding) -> None:
    before, _ = judge_signer(facts)
    after, _ = judge_signer(replace(facts, findings=facts.findings | {finding}))

    assert before is not Signature.BAD or after is Signature.BAD
    assert before is Signature.GOOD or after is not Signature.GOOD


def signed(*signers: SignatureFacts) -> SignatureLayer:
    return SignatureLayer(technology=SMIME, signers=signers)


def encrypted(verdict: Encryption = Encryption.DECRYPTED) -> EncryptionLayer:
    return EncryptionLayer(facts=EncryptionFacts(technology=SMIME, verdict=verdict))


def test_no_layer_is_no_signature() -> None:
    statement = judge_signature([])

    assert (statement.verdict, statement.covers) == (Signature.NONE, Covers.NONE)


def test_a_layer_without_signer_is_malformed() -> None:
    assert judge_signature([signed()]).reason is Reason.MALFORMED


def test_the_signature_inside_the_encryption_speaks() -> None:
    outer = signed(replace(GOOD, integrity=Integrity.CHANGED))

    statement = judge_signature([outer, encrypted(), signed(GOOD)])

    assert statement.verdict is Signature.GOOD
    assert outer_signature_is_bad([outer, encrypted(), signed(GOOD)])


def test_a_signature_only_outside_speaks_for_the_envelope() -> None:
    assert judge_signature([signed(GOOD), encrypted()]).reason is Reason.OUTSIDE_ENCRYPTION


def test_a_signature_between_two_encryptions_does_not_speak_for_the_words() -> None:
    assert judge_signature([encrypted(), signed(GOOD), encrypted()]).reason is Reason.OUTSIDE_ENCRYPTION


def test_the_outermost_of_several_signatures_speaks() -> None:
    changed = signed(replace(GOOD, integrity=Integrity.CHANGED))

    assert judge_signature([signed(GOOD), changed]).verdict is Signature.GOOD
    assert judge_signature([changed, signed(GOOD)]).verdict is Signature.BAD


def test_a_bad_signer_beside_a_good_one_makes_it_bad() -> None:
    changed = replace(GOOD, integrity=Integrity.CHANGED)

    assert judge_layer(signed(GOOD, changed)).reason is Reason.CONTENT_CHANGED
    assert judge_layer(signed(changed, GOOD)).reason is Reason.CONTENT_CHANGED


def test_a_colleague_who_signs_too_does_not_spoil_the_senders_signature() -> None:
    colleague = replace(GOOD, binding=Binding.MISMATCH)

    assert judge_layer(signed(GOOD, colleague)).verdict is Signature.GOOD
    assert judge_layer(signed(colleague)).reason is Reason.SENDER_MISMATCH


def test_an_unknown_signer_beside_a_good_one_leaves_it_good() -> None:
    assert judge_layer(signed(replace(GOOD, integrity=Integrity.NO_KEY), GOOD)).verdict is Signature.GOOD


@pytest.mark.parametrize("verdict", [one for one in Encryption if one is not Encryption.NONE])
def test_the_layer_that_did_not_open_decides(verdict: Encryption) -> None:
    result = judge_encryption([encrypted(), encrypted(verdict)])

    assert result.verdict is verdict
    assert result.reason == (None if verdict is Encryption.DECRYPTED else verdict.value)


def test_verdicts_have_no_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(judge_signature([]))
    with pytest.raises(TypeError):
        bool(judge_encryption([]))
