"""Signature algorithms and keys of others: curves, restricted PSS keys, SHA-3, several signers, doubtful names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sealmail import ber, smime
from sealmail.keys import Key, MemoryKeyStore, SecretKey
from sealmail.keys.certificate import key_from_certificate, outline_of
from sealmail.policy import Policy
from sealmail.report import Integrity, SignatureFacts
from sealmail.smime import algorithms, cms, der
from sealmail.smime.attributes import MESSAGE_DIGEST
from sealmail.testing import CA, forging
from sealmail.testing.forging import usual_attributes as usual
from sealmail.testing.pki import loaded

POLICY = Policy()


def check(message: bytes, content: bytes | None, now: datetime, *known: Key) -> SignatureFacts:
    (signer,) = smime.verify(message, content, MemoryKeyStore(keys=known), POLICY, now).signers
    return signer


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A key with a certificate that openssl made itself, in one file; each only once."""
    folder = tmp_path_factory.mktemp("made")

    def make(*options: str) -> Path:
        file = folder / f"{'-'.join(options).replace(':', '-').replace('/', '-')}.pem"
        if not file.exists():
            subject = ["-subj", "/CN=Peer", "-addext", "subjectAltName=email:peer@customer.example"]
            command = ["openssl", "req", "-x509", "-nodes", "-days", "300", *options, *subject]
            key, certificate = folder / "key.pem", folder / "certificate.pem"
            subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
            file.write_bytes(certificate.read_bytes() + key.read_bytes())
        return file

    return make


def signed_by(openssl: Callable[..., bytes], file: Path, content: bytes, *options: str) -> bytes:
    return openssl("cms", "-sign", "-binary", "-signer", file, "-outform", "DER", *options, given=content)


@pytest.mark.mission("B16")
@pytest.mark.parametrize("curve", ["brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"])
def test_verify_brainpool(made, openssl, entity: bytes, now: datetime, curve: str) -> None:
    mail = signed_by(openssl, made("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"), entity, "-md", "sha512")

    facts = check(mail, entity, now)

    assert (facts.integrity, facts.algorithm, facts.findings) == (Integrity.INTACT, "ECDSA", frozenset())
    assert check(mail, entity + b"x", now).integrity is Integrity.CHANGED


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ["ed25519", "ed448"])
def test_verify_edwards_curves(ca: CA, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    _, signature = parts_of(smime.sign(entity, ca.issue("ed@customer.example", key_type=kind), [], now))

    facts = check(signature, entity, now)

    assert (facts.integrity, facts.algorithm, facts.findings) == (Integrity.INTACT, kind.title(), frozenset())
    assert check(signature, entity + b"x", now).integrity is Integrity.CHANGED


SHA2 = ["sha224", "sha256", "sha384", "sha512"]
SHA3 = ["sha3-224", "sha3-256", "sha3-384", "sha3-512"]


@pytest.mark.mission("B16")
@pytest.mark.parametrize(
    ("kind", "digest"), [("rsa2048", one) for one in (*SHA2, *SHA3)] + [("ec", one) for one in SHA2]
)
def test_verify_each_hash(owners, openssl, entity: bytes, now: datetime, kind: str, digest: str) -> None:
    mail = signed_by(openssl, owners[kind].file, entity, "-md", digest)

    facts = check(mail, entity, now)

    name = digest.upper() if digest in SHA3 else f"SHA-{digest[3:]}"
    assert (facts.integrity, facts.hash_algorithm, facts.findings) == (Integrity.INTACT, name, frozenset())


@pytest.mark.mission("B16")
@pytest.mark.parametrize("number", range(4), ids=SHA3)
def test_verify_ecdsa_with_sha3(owners, entity: bytes, now: datetime, number: int) -> None:
    """The tool of version 3.0 does not sign so."""
    secret, private = owners["ec"].secret, loaded(owners["ec"].secret)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    digest = algorithms.HASHES[ber.encode_oid(f"2.16.840.1.101.3.4.2.{7 + number}")]
    attributes = [usual(entity)[0], forging.attribute(MESSAGE_DIGEST, der.octet_string(digest.digest(entity)))]
    info = forging.signer_info(
        secret,
        entity,
        attributes,
        digest=digest.oid,
        scheme=der.algorithm(ber.encode_oid(f"2.16.840.1.101.3.4.3.{9 + number}")),
        signs=lambda content: private.sign(content, ec.ECDSA(digest.primitive)),
    )

    facts = check(forging.signed_data([info], entity, certificates=[secret.key.material]), None, now)

    assert (facts.integrity, facts.hash_algorithm) == (Integrity.INTACT, digest.name)


PSS = ("-keyopt", "rsa_padding_mode:pss")


@pytest.mark.mission("B16")
@pytest.mark.parametrize(
    ("restrictions", "digest", "salt", "why"),
    [
        ((), "sha512", "64", None),
        (
            ("rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256", "rsa_pss_keygen_saltlen:32"),
            "sha256",
            "32",
            None,
        ),
        (
            ("rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256", "rsa_pss_keygen_saltlen:20"),
            "sha256",
            "48",
            None,
        ),
    ],
    ids=["none", "exact", "longer salt"],
)
def test_verify_keys_for_pss_alone(
    made, openssl, entity: bytes, now: datetime, restrictions: tuple[str, ...], digest: str, salt: str, why: str | None
) -> None:
    options = [part for one in restrictions for part in ("-pkeyopt", one)]
    signer = made("-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", *options)

    facts = check(
        signed_by(openssl, signer, entity, "-md", digest, *PSS, "-keyopt", f"rsa_pss_saltlen:{salt}"), entity, now
    )

    assert (facts.integrity, facts.algorithm, facts.why) == (Integrity.INTACT, "RSA-PSS", why)


def restricted(owners, parameters: bytes) -> bytes:
    """The certificate of an RSA key, changed so that it says to be for RSA-PSS with these parameters alone."""
    old = owners["rsa2048"].key.material
    info = outline_of(old).public_key_info
    key = ber.read(info).fields()
    key.take()
    new = der.sequence(der.algorithm(algorithms.RSA_PSS, parameters), key.take().raw)
    certificate = ber.read(old).fields()
    whole, algorithm, signature = certificate.take(), certificate.take(), certificate.take()
    body = b"".join(new if field.raw == info else field.raw for field in whole.children())
    return der.sequence(der.tagged(ber.SEQUENCE, body), algorithm.raw, signature.raw)


def pss_parameters(digest: bytes, salt: int) -> bytes:
    mask = der.algorithm(algorithms.RSA_MGF1, der.algorithm(digest))
    return der.sequence(
        der.explicit(0, der.algorithm(digest)), der.explicit(1, mask), der.explicit(2, der.integer(salt))
    )


@pytest.mark.parametrize(
    ("digest", "salt", "options", "why"),
    [
        (algorithms.SHA256, 32, [*PSS, "-keyopt", "rsa_pss_saltlen:32"], None),
        (algorithms.SHA256, 33, [*PSS, "-keyopt", "rsa_pss_saltlen:32"], "algorithm_mismatch"),
        (algorithms.SHA512, 32, [*PSS, "-keyopt", "rsa_pss_saltlen:32"], "algorithm_mismatch"),
        (algorithms.SHA256, 32, [], "algorithm_mismatch"),
    ],
    ids=["as allowed", "salt too short", "other hash", "other padding"],
)
def test_verify_keeps_to_what_the_certificate_allows(
    owners,
    openssl,
    entity: bytes,
    now: datetime,
    digest: algorithms.Hash,
    salt: int,
    options: list[str],
    why: str | None,
) -> None:
    mail = signed_by(openssl, owners["rsa2048"].file, entity, "-md", "sha256", "-nocerts", *options)
    certificate = key_from_certificate(restricted(owners, pss_parameters(digest.oid, salt)))

    facts = check(mail, entity, now, certificate)

    assert (facts.integrity, facts.why) == (Integrity.INTACT if why is None else Integrity.MALFORMED, why)


def test_verify_pss_with_another_trailer_is_malformed(owners, entity: bytes, now: datetime) -> None:
    parameters = der.sequence(
        der.explicit(0, der.algorithm(algorithms.SHA256.oid)),
        der.explicit(3, der.integer(2)),
    )
    scheme = der.algorithm(algorithms.RSA_PSS, parameters)
    info = forging.signer_info(owners["rsa2048"].secret, entity, usual(entity), scheme=scheme, signs=lambda _: b"x")
    mail = forging.signed_data([info], entity, certificates=[owners["rsa2048"].key.material])

    assert check(mail, None, now).why == "algorithm_mismatch"


def test_verify_several_signers_with_different_hashes(owners, openssl, entity: bytes, now: datetime) -> None:
    one = signed_by(openssl, owners["ec"].file, entity, "-md", "sha256")
    other = signed_by(openssl, owners["rsa2048"].file, entity, "-md", "sha512")
    infos = [cms.signed_data(cms.content_of(mail, cms.SIGNED_DATA)[1]).signers[0].raw for mail in (one, other)]
    certificates = [owners["ec"].key.material, owners["rsa2048"].key.material]

    result = smime.verify(
        forging.signed_data(infos, None, certificates=certificates), entity, MemoryKeyStore(), POLICY, now
    )

    assert {(signer.integrity, signer.hash_algorithm) for signer in result.signers} == {
        (Integrity.INTACT, "SHA-256"),
        (Integrity.INTACT, "SHA-512"),
    }


@pytest.mark.parametrize(
    "digests",
    [(), (algorithms.SHA1.oid,), (algorithms.SHA512.oid, ber.encode_oid("1.2.3"))],
    ids=["none", "another", "others"],
)
def test_verify_listed_digests_decide_nothing(owners, entity: bytes, now: datetime, digests: tuple[bytes, ...]) -> None:
    """They only help programs that read in one pass (RFC 5652 §5.1)."""
    secret = owners["ec"].secret
    info = forging.signer_info(secret, entity, usual(entity))
    mail = forging.signed_data([info], entity, certificates=[secret.key.material], digests=digests)

    assert check(mail, None, now).integrity is Integrity.INTACT


def by_key_identifier(secret: SecretKey, content: bytes, certificates: list[bytes]) -> bytes:
    certificate = x509.load_der_x509_certificate(secret.key.material)
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    sid = der.tagged(ber.context(0, constructed=False), identifier)
    info = forging.signer_info(secret, content, usual(content), sid=sid)
    return forging.signed_data([info], content, certificates=certificates)


def test_verify_goes_by_the_valid_one_of_two_certificates_for_a_key(ca: CA, entity: bytes, now: datetime) -> None:
    """After a renewal with the same key pair both certificates have one key identifier."""
    times = {"valid_from": now - timedelta(days=300), "valid_until": now - timedelta(days=10)}
    old = ca.issue("carol@customer.example", **times)
    new = ca.renew(old, "carol@customer.example")
    both = [old.key.material, new.key.material]

    for order in (both, both[::-1]):
        facts = check(by_key_identifier(new, entity, order), None, now)
        assert (facts.integrity, facts.key) == (Integrity.INTACT, new.key)
    at_hand = check(by_key_identifier(new, entity, []), None, now, old.key, new.key)
    assert (at_hand.integrity, at_hand.key) == (Integrity.INTACT, new.key)


def test_verify_finds_the_key_that_fits_among_those_of_one_name(owners, entity: bytes, now: datetime) -> None:
    """A stranger's certificate under the same issuer and serial number hides the true one in no order."""
    secret = owners["ec"].secret
    genuine = x509.load_der_x509_certificate(secret.key.material)
    strange = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(genuine.subject)
        .issuer_name(genuine.issuer)
        .serial_number(genuine.serial_number)
        .public_key(strange.public_key())
        .not_valid_before(genuine.not_valid_before_utc)
        .not_valid_after(genuine.not_valid_after_utc)
        .sign(strange, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    info = forging.signer_info(secret, entity, usual(entity))

    for order in ([forged, secret.key.material], [secret.key.material, forged]):
        facts = check(forging.signed_data([info], entity, certificates=order), None, now)
        assert (facts.integrity, facts.key) == (Integrity.INTACT, secret.key)
    alone = check(forging.signed_data([info], entity, certificates=[forged]), None, now)
    assert (alone.integrity, alone.why) == (Integrity.CHANGED, "signature")
    assert check(forging.signed_data([info], entity, certificates=[forged]), None, now, secret.key).key == secret.key


def renumbered(secret: SecretKey, serial: bytes) -> bytes:
    """The certificate with another serial number, signed anew by nobody."""
    certificate = ber.read(secret.key.material).fields()
    whole, algorithm, signature = certificate.take(), certificate.take(), certificate.take()
    fields = [field.raw for field in whole.children()]
    fields[1] = der.tagged(ber.INTEGER, serial)
    return der.sequence(der.tagged(ber.SEQUENCE, b"".join(fields)), algorithm.raw, signature.raw)


@pytest.mark.parametrize(
    "serial",
    [b"\xff", b"\x80\x00\x00", b"\x00", b"", b"\x00\x00", b"\x7f" * 200],
    ids=["-1", "negative", "0", "", "00", "long"],
)
def test_verify_odd_serial_numbers_never_crash_and_are_never_intact_unless_positive(
    owners, entity: bytes, now: datetime, serial: bytes
) -> None:
    secret = owners["ec"].secret
    sid = der.sequence(outline_of(secret.key.material).issuer, der.tagged(ber.INTEGER, serial))
    info = forging.signer_info(secret, entity, usual(entity), sid=sid)

    facts = check(forging.signed_data([info], entity, certificates=[renumbered(secret, serial)]), None, now)

    expected = {b"": Integrity.MALFORMED}.get(serial, Integrity.NO_KEY)
    # RFC 5280 §4.1.2.2 limits the length too; cryptography reads on, and no path holds for what nobody signed.
    assert facts.integrity is (Integrity.INTACT if serial[:1] == b"\x7f" else expected)


def test_verify_signer_of_a_kind_that_nobody_can_read_is_unsupported(owners, entity: bytes, now: datetime) -> None:
    """The certificate is here, so that asking for it would mislead."""
    secret = owners["ec"].secret
    unknown = secret.key.material.replace(
        der.oid(algorithms.EC_PUBLIC_KEY), der.oid(ber.encode_oid("1.2.840.10045.2.9"))
    )
    info = forging.signer_info(secret, entity, usual(entity))

    facts = check(forging.signed_data([info], entity, certificates=[unknown]), None, now)

    assert (facts.integrity, facts.why) == (Integrity.UNSUPPORTED, "public_key")


def test_verify_without_any_signer_says_so(owners, entity: bytes, now: datetime) -> None:
    mail = forging.signed_data([], entity, certificates=[owners["ec"].key.material])

    result = smime.verify(mail, None, MemoryKeyStore(), POLICY, now)

    assert (result.signers, result.payload, smime.kind(mail)) == ((), entity, smime.CMSKind.SIGNED)
