"""Checking signatures: what others signed, and what attackers make of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sealmail import ber, smime
from sealmail.keys import Key, MemoryKeyStore, Use
from sealmail.policy import Budget, Policy
from sealmail.report import Finding, Integrity, SignatureFacts
from sealmail.results import VerificationResult
from sealmail.smime import cms, der
from sealmail.testing import CA
from sealmail.testing.forging import signed_by_hand, structure
from sealmail.testing.forging import usual_attributes as usual

POLICY = Policy()
OTHER_TYPE = ber.encode_oid("1.2.840.113549.1.9.16.1.4")


def only(result: VerificationResult) -> SignatureFacts:
    (signer,) = result.signers
    return signer


def check(message: bytes, content: bytes | None, now: datetime, *known: Key, policy: Policy = POLICY) -> SignatureFacts:
    return only(smime.verify(message, content, MemoryKeyStore(keys=known), policy, now))


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("options", [[], ["-noattr"], ["-keyid"], ["-nodetach"], ["-nodetach", "-stream"]])
def test_verify_what_openssl_signed(
    owners, entity: bytes, now: datetime, openssl, kind: str, digest: str, options: list[str]
) -> None:
    mail = openssl(
        "cms",
        "-sign",
        "-binary",
        "-md",
        digest,
        "-signer",
        owners[kind].file,
        *options,
        "-outform",
        "DER",
        given=entity,
    )
    content = None if "-nodetach" in options else entity

    result = smime.verify(mail, content, MemoryKeyStore(), POLICY, now)

    signer = only(result)
    assert (signer.integrity, signer.findings, signer.key) == (Integrity.INTACT, frozenset(), owners[kind].key)
    assert signer.hash_algorithm == f"SHA-{digest[3:]}"
    assert result.payload == (entity if content is None else None)


@pytest.mark.mission("B16")
@pytest.mark.parametrize("salt", ["20", "32", "max"])
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_verify_pss_that_openssl_signed(owners, entity: bytes, now: datetime, openssl, salt: str, digest: str) -> None:
    mail = openssl(
        "cms",
        "-sign",
        "-binary",
        "-md",
        digest,
        "-signer",
        owners["rsa2048"].file,
        "-outform",
        "DER",
        "-keyopt",
        "rsa_padding_mode:pss",
        "-keyopt",
        f"rsa_pss_saltlen:{salt}",
        given=entity,
    )

    signer = check(mail, entity, now)

    assert (signer.integrity, signer.algorithm, signer.findings) == (Integrity.INTACT, "RSA-PSS", frozenset())


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_verify_old_hash_fits_but_is_weak(owners, entity: bytes, now: datetime, openssl, digest: str) -> None:
    mail = openssl(
        "cms", "-sign", "-binary", "-md", digest, "-signer", owners["rsa2048"].file, "-outform", "DER", given=entity
    )

    signer = check(mail, entity, now)

    assert (signer.integrity, signer.findings) == (Integrity.INTACT, {Finding.WEAK_ALGORITHM})


def test_verify_small_key_fits_but_is_weak(ca: CA, entity: bytes, now: datetime, parts_of) -> None:
    small = ca.issue("small@customer.example", key_type="rsa1024")

    signer = check(parts_of(smime.sign(entity, small, [], now))[1], entity, now)

    assert (signer.integrity, signer.findings) == (Integrity.INTACT, {Finding.WEAK_ALGORITHM})


def test_verify_key_that_only_encrypts_fits_but_is_wrong(ca: CA, entity: bytes, now: datetime, parts_of) -> None:
    key = ca.issue("enc@customer.example", uses=[Use.ENCRYPT])

    signer = check(parts_of(smime.sign(entity, key, [], now))[1], entity, now)

    assert (signer.integrity, signer.findings) == (Integrity.INTACT, {Finding.WRONG_USAGE})


@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ed25519"])
def test_verify_changed_content_is_changed(owners, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    _, signature = parts_of(smime.sign(entity, owners[kind].secret, [], now))

    signer = check(signature, entity.replace(b"100", b"900"), now)

    assert (signer.integrity, signer.why, signer.key) == (Integrity.CHANGED, "digest", owners[kind].key)


def test_verify_changed_content_shows_what_is_there(owners, entity: bytes, now: datetime, cms_of) -> None:
    mail = cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now)).replace(b"100 euros", b"900 euros")

    result = smime.verify(mail, None, MemoryKeyStore(), POLICY, now)

    assert (only(result).integrity, result.payload) == (Integrity.CHANGED, entity.replace(b"100", b"900"))


def test_verify_changed_attributes_are_changed(owners, entity: bytes, now: datetime, parts_of) -> None:
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))
    before, after = der.time(now), der.time(now - timedelta(hours=1))

    assert check(signature, entity, now).integrity is Integrity.INTACT
    assert check(signature.replace(before, after), entity, now).why == "signature"


@pytest.mark.parametrize("kind", ["rsa2048", "ec"])
def test_verify_bare_line_feeds_are_canonical_ones(owners, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    _, signature = parts_of(smime.sign(entity, owners[kind].secret, [], now))

    assert check(signature, entity.replace(b"\r\n", b"\n"), now).integrity is Integrity.INTACT


def test_verify_bare_line_feeds_without_attributes(owners, entity: bytes, now: datetime, openssl) -> None:
    mail = openssl("cms", "-sign", "-binary", "-noattr", "-signer", owners["ec"].file, "-outform", "DER", given=entity)

    assert check(mail, entity.replace(b"\r\n", b"\n"), now).integrity is Integrity.INTACT
    assert check(mail, entity.replace(b"\r\n", b"\r"), now).integrity is Integrity.CHANGED


def test_verify_without_certificate_asks_for_it(owners, entity: bytes, now: datetime, openssl) -> None:
    mail = openssl("cms", "-sign", "-binary", "-nocerts", "-signer", owners["ec"].file, "-outform", "DER", given=entity)

    assert check(mail, entity, now, owners["other"].key).integrity is Integrity.NO_KEY
    assert check(mail, entity, now, owners["other"].key).key_ids[0] in owners["ec"].key.ids
    assert check(mail, b"other content", now).integrity is Integrity.CHANGED
    assert check(mail, entity, now, owners["ec"].key).integrity is Integrity.INTACT


def test_verify_two_signers_gives_each_a_fact(owners, entity: bytes, now: datetime, openssl) -> None:
    mail = openssl(
        "cms",
        "-sign",
        "-binary",
        "-signer",
        owners["ec"].file,
        "-signer",
        owners["rsa2048"].file,
        "-outform",
        "DER",
        given=entity,
    )

    result = smime.verify(mail, entity, MemoryKeyStore(), POLICY, now)

    assert {signer.key for signer in result.signers} == {owners["ec"].key, owners["rsa2048"].key}
    assert {signer.integrity for signer in result.signers} == {Integrity.INTACT}


def test_verify_bag_of_certificates_has_no_signers(owners, now: datetime, openssl) -> None:
    bag = openssl("crl2pkcs7", "-nocrl", "-certfile", owners["ec"].file, "-outform", "DER")

    result = smime.verify(bag, None, MemoryKeyStore(), POLICY, now)

    assert (result.signers, result.keys_seen, result.payload) == ((), (owners["ec"].key,), None)


def test_verify_more_signers_than_the_budget_checks_none(owners, entity: bytes, now: datetime, cms_of) -> None:
    mail = cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now))
    signed = cms.signed_data(cms.content_of(mail, cms.SIGNED_DATA)[1])
    many = structure([signed.signers[0].raw] * 3, entity, cms.DATA, [owners["ec"].key.material])

    signer = check(many, None, now, policy=Policy(budget=Budget(signers=2)))

    assert (signer.integrity, signer.why) == (Integrity.UNSUPPORTED, "too_many_signers")


def test_verify_more_certificates_than_the_budget_reads_the_first(ca: CA, owners, entity: bytes, now: datetime) -> None:
    crowd = [owners["ec"].key.material, *(owners[kind].key.material for kind in ("rsa2048", "other", "ed25519"))]
    mail = signed_by_hand(owners["ec"].secret, entity, usual(entity), certificates=crowd)

    result = smime.verify(mail, None, MemoryKeyStore(), Policy(budget=Budget(certificates=2)), now)

    assert result.keys_seen == (owners["ec"].key, owners["rsa2048"].key)


def test_verify_made_by_hand_is_intact(owners, entity: bytes, now: datetime) -> None:
    """The forge of the tests below works: what they find wrong is wrong for the reason that they name."""
    assert check(signed_by_hand(owners["ec"].secret, entity, usual(entity)), None, now).integrity is Integrity.INTACT
    assert check(signed_by_hand(owners["ec"].secret, entity, None), None, now).integrity is Integrity.INTACT


def test_verify_content_both_inside_and_beside_is_malformed(owners, entity: bytes, now: datetime, cms_of) -> None:
    mail = cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now))

    assert check(mail, entity, now).why == "content_ambiguous"
    assert check(mail, entity, now).integrity is Integrity.MALFORMED


def test_verify_content_nowhere_is_malformed(owners, entity: bytes, now: datetime, parts_of) -> None:
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))

    assert check(signature, None, now).integrity is Integrity.MALFORMED


def test_verify_unknown_algorithms_are_unsupported(owners, entity: bytes, now: datetime) -> None:
    secret = owners["ec"].secret

    assert check(signed_by_hand(secret, entity, usual(entity), digest=OTHER_TYPE), None, now).integrity is (
        Integrity.UNSUPPORTED
    )
    assert check(
        signed_by_hand(secret, entity, usual(entity), scheme=der.algorithm(OTHER_TYPE)), None, now
    ).integrity is (Integrity.UNSUPPORTED)


def test_verify_scheme_of_another_kind_of_key_does_not_fit(owners, entity: bytes, now: datetime) -> None:
    mail = signed_by_hand(
        owners["ec"].secret, entity, usual(entity), scheme=der.algorithm(ber.encode_oid("1.2.840.113549.1.1.11"))
    )

    assert check(mail, None, now).integrity is Integrity.CHANGED


def test_verify_one_broken_signer_does_not_hide_the_other(owners, entity: bytes, now: datetime) -> None:
    genuine = signed_by_hand(owners["ec"].secret, entity, usual(entity))
    (info,) = cms.signed_data(cms.content_of(genuine, cms.SIGNED_DATA)[1]).signers
    mail = structure([info.raw, der.sequence(der.integer(1))], entity, cms.DATA, [owners["ec"].key.material])

    result = smime.verify(mail, None, MemoryKeyStore(), POLICY, now)

    assert sorted(signer.integrity for signer in result.signers) == [Integrity.INTACT, Integrity.MALFORMED]


def test_verify_certificate_of_another_with_the_same_key_is_not_taken(
    ca: CA, owners, entity: bytes, now: datetime, parts_of
) -> None:
    """Mallory has a certificate made for Carol's public key; it does not become the signer's."""
    twin = ca.renew(owners["ec"].secret, "mallory@attacker.example")
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))
    own, other = owners["ec"].key.material, twin.key.material
    swapped = structure(
        [one.raw for one in cms.signed_data(cms.content_of(signature, cms.SIGNED_DATA)[1]).signers],
        None,
        cms.DATA,
        [other],
    )

    assert own not in swapped
    assert check(swapped, entity, now).integrity is Integrity.NO_KEY


@pytest.mark.parametrize(
    ("shift", "findings"),
    [
        (timedelta(hours=20), frozenset()),
        (timedelta(days=2), {Finding.NOT_YET_VALID}),
        (timedelta(days=-300), frozenset()),
        (timedelta(days=-400), {Finding.NOT_YET_VALID}),
        (timedelta(days=400), {Finding.NOT_YET_VALID, Finding.EXPIRED}),
    ],
    ids=["within the skew", "in the future", "long ago", "before the certificate", "after the certificate"],
)
def test_verify_claimed_time_only_makes_it_worse(
    owners, entity: bytes, now: datetime, parts_of, shift: timedelta, findings: frozenset[Finding]
) -> None:
    _, signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now + shift))

    signer = check(signature, entity, now)

    assert (signer.integrity, signer.signed_at, signer.findings) == (Integrity.INTACT, now + shift, findings)


@pytest.mark.parametrize("mail", [b"", b"\x30", b"hello", b"\x30\x80" * 100, bytes(1000)])
def test_verify_what_is_no_cms_is_malformed(mail: bytes, now: datetime) -> None:
    assert check(mail, b"content", now).integrity is Integrity.MALFORMED
