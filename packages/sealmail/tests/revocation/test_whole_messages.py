"""Revocation data and whole mails: what the report, the verdict, the sentence and the command say."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.x509.ocsp import OCSPCertStatus

from sealmail import smime
from sealmail.addresses import Mailbox
from sealmail.bounded import BoundedOpener
from sealmail.cli import main
from sealmail.keys import Key, KeyId, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import Opened, open_message
from sealmail.paths import judge_path
from sealmail.policy import Policy
from sealmail.report import Finding, Reason, RevocationState, Signature, SignatureFacts
from sealmail.sentences import signature_sentence
from sealmail.testing import CA
from sealmail.testing.responder import Said

from .conftest import ADDRESS, DAY, HARD, NOW, SOFT

STRICT = Policy(revocation_required=True)
Data = tuple[KeyId, bytes]


@pytest.fixture(scope="module")
def middle(root: CA) -> CA:
    return root.intermediate("Issuing")


@pytest.fixture(scope="module")
def signer(middle: CA) -> SecretKey:
    return middle.issue(ADDRESS)


def mail(signer: SecretKey, ca: CA, signed_at: datetime = NOW) -> bytes:
    draft = Draft(
        from_=(Mailbox("Carol", ADDRESS),),
        to=(Mailbox("", "desk@desk.example"),),
        subject="Contract",
        text="The words.\n",
        message_id="<1@x>",
    )
    return build_headers(draft) + smime.sign(build_entity(draft), signer, ca.chain, signed_at)


def opened(raw: bytes, root: CA, *data: Data, policy: Policy | None = None, at: datetime = NOW) -> Opened:
    trust = MemoryTrust(anchors=[root.anchor])
    return open_message(raw, MemoryKeyStore(revocations=data), trust, policy or Policy(), at)


def facts(result: Opened) -> SignatureFacts:
    said = result.report.signature.facts
    assert said is not None
    return said


def sentence(result: Opened) -> str:
    return signature_sentence(result.report.signature, result.report.encryption)


@pytest.mark.mission("B11")
def test_fresh_data_for_the_whole_path_is_good_until_the_first_runs_out(
    root: CA, middle: CA, signer: SecretKey
) -> None:
    answer = middle.ocsp(signer.key, Said(at=NOW - DAY, days=3))

    result = opened(mail(signer, middle), root, answer, root.crl(at=NOW - DAY), policy=STRICT)

    assert result.report.signature.verdict is Signature.GOOD
    assert facts(result).revocation is RevocationState.GOOD
    assert facts(result).revocation_known_until == NOW + 2 * DAY


@pytest.mark.mission("B11")
@pytest.mark.parametrize("policy", [Policy(), STRICT])
def test_missing_data_is_said_and_counts_only_where_the_policy_demands_it(
    root: CA, middle: CA, signer: SecretKey, policy: Policy
) -> None:
    """Data for the signer is there, for the CA between it and the root it is not."""
    result = opened(mail(signer, middle), root, middle.crl(at=NOW - DAY), policy=policy)

    assert facts(result).revocation is RevocationState.UNKNOWN
    expected = (Signature.UNVERIFIED, Reason.REVOCATION_UNKNOWN) if policy is STRICT else (Signature.GOOD, None)
    assert (result.report.signature.verdict, result.report.signature.reason) == expected


def test_what_is_missing_is_told_in_a_sentence(root: CA, middle: CA, signer: SecretKey) -> None:
    raw = mail(signer, middle)
    stale = opened(raw, root, middle.crl(at=NOW - 30 * DAY), root.crl(at=NOW - DAY), policy=STRICT)
    nothing = opened(raw, root, policy=STRICT)

    assert sentence(nothing) == (
        "The message is intact. Whether the certificate was revoked is not known: for it or for a CA above it there is "
        "no revocation list or OCSP answer here that would tell."
    )
    day = (NOW - 23 * DAY).date().isoformat()
    assert sentence(stale) == (
        "The message is intact. Whether the certificate was revoked is not known: "
        f"the newest list or answer of its issuer was good until {day}."
    )


def test_a_revocation_is_told_with_date_and_reason(root: CA, middle: CA, signer: SecretKey) -> None:
    since = NOW - 3 * DAY

    result = opened(mail(signer, middle), root, middle.crl([signer.key], reason=HARD, revoked_at=since))

    day = since.date().isoformat()
    assert sentence(result) == (
        f"The signer's certificate or key was revoked on {day} (its key may be in wrong hands)."
    )


@pytest.mark.mission("B11")
def test_an_intermediate_that_was_revoked_makes_the_signature_bad(root: CA, middle: CA, signer: SecretKey) -> None:
    answer = root.ocsp(
        middle.certificate, Said(at=NOW - DAY, status=OCSPCertStatus.REVOKED, revoked_at=NOW - DAY, reason=HARD)
    )

    result = opened(mail(signer, middle), root, middle.crl(at=NOW - DAY), answer)

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.REVOKED)


@pytest.mark.mission("B14")
def test_a_signature_dated_before_the_revocation_is_no_better(root: CA, middle: CA, signer: SecretKey) -> None:
    """The thief of a key writes into the signature what he likes."""
    raw = mail(signer, middle, signed_at=NOW - 20 * DAY)

    result = opened(raw, root, middle.crl([signer.key], reason=SOFT, revoked_at=NOW - 10 * DAY))

    assert facts(result).signed_at == NOW - 20 * DAY
    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.REVOKED)


@pytest.mark.mission("B11")
def test_opening_again_later_learns_what_came_since(root: CA, middle: CA, signer: SecretKey) -> None:
    """The time of receipt stays; lists made afterwards count: harmless reasons are told, the others make it bad."""
    raw, received = mail(signer, middle, NOW - 9 * DAY), NOW - 9 * DAY
    soft = middle.crl([signer.key], reason=SOFT, revoked_at=NOW - 5 * DAY, at=NOW - DAY)
    hard = middle.crl([signer.key], reason=HARD, revoked_at=NOW - 5 * DAY, at=NOW - DAY)

    later, never = opened(raw, root, soft, at=received), opened(raw, root, hard, at=received)

    assert later.report.signature.verdict is Signature.GOOD
    assert (facts(later).revocation, facts(later).revoked_at) == (RevocationState.REVOKED, NOW - 5 * DAY)
    assert facts(later).findings == frozenset()
    assert never.report.signature.verdict is Signature.BAD


def test_where_nobody_could_revoke_nothing_was_checked(root: CA, middle: CA, signer: SecretKey) -> None:
    """A path of one: the anchor needs no status. No path and no issuer: nobody to ask."""
    own_name = CA.create("Self").certificate

    assert _alone(signer.key, Policy()) == (RevocationState.NOT_CHECKED, frozenset())
    assert _alone(signer.key, STRICT) == (RevocationState.NOT_CHECKED, {Finding.REVOCATION_UNKNOWN})
    assert _alone(own_name, STRICT)[0] is RevocationState.NOT_CHECKED
    assert Finding.REVOCATION_UNKNOWN not in _alone(own_name, STRICT)[1]


def _alone(key: Key, policy: Policy) -> tuple[RevocationState, frozenset[Finding]]:
    path = judge_path(key, (), MemoryKeyStore(), (), policy, NOW)
    return path.revocation, path.findings & {Finding.REVOCATION_UNKNOWN}


def test_a_certificate_trusted_by_hand_is_asked_about_too(middle: CA, signer: SecretKey) -> None:
    crl = middle.crl([signer.key], reason=HARD)
    store = MemoryKeyStore(keys=[middle.certificate], revocations=[crl])
    trust = MemoryTrust(levels={signer.key.fingerprint: TrustLevel.BY_HAND})

    result = open_message(mail(signer, middle), store, trust, Policy(), NOW)

    assert (result.report.signature.verdict, result.report.signature.reason) == (Signature.BAD, Reason.REVOKED)


def test_it_comes_through_the_limits_unchanged(root: CA, middle: CA, signer: SecretKey) -> None:
    data = [middle.ocsp(signer.key, Said(at=NOW - DAY)), root.crl(at=NOW - DAY)]
    store, trust = MemoryKeyStore(revocations=data), MemoryTrust(anchors=[root.anchor])

    with BoundedOpener() as opener:
        within = opener.open_message(mail(signer, middle), store, trust, STRICT, NOW)

    assert facts(within) == facts(opened(mail(signer, middle), root, *data, policy=STRICT))


@pytest.mark.mission("B11")
def test_inspect_reads_lists_and_answers_from_its_files(
    root: CA, middle: CA, signer: SecretKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mail.eml").write_bytes(mail(signer, middle))
    (tmp_path / "answer.der").write_bytes(middle.ocsp(signer.key, Said(at=NOW - DAY))[1])
    (tmp_path / "list.crl").write_bytes(root.crl(at=NOW - DAY)[1])
    (tmp_path / "root.der").write_bytes(root.certificate.material)
    paths = [str(tmp_path / name) for name in ("mail.eml", "answer.der", "list.crl", "root.der")]

    main(["inspect", paths[0], "--json", "--keys", *paths[1:3], "--trust", paths[3]])

    report = json.loads(capsys.readouterr().out)
    said = report["layers"][0]["signers"][0]
    assert (said["revocation"], report["signature"]["verdict"]) == ("good", "good")
    assert said["revocation_known_until"] == (NOW + 6 * DAY).isoformat().replace("+00:00", "Z")
