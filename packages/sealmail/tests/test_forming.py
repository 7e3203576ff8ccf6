"""Each recipient gets what he is known to read, else what everybody reads; and the plan says why."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sealmail import mime
from sealmail.addresses import Mailbox
from sealmail.keys import Anchor, Capabilities, Key, MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel, Use
from sealmail.keys.capabilities import AES256_GCM, RSA_OAEP
from sealmail.keys.certificate import key_from_certificate
from sealmail.mime import Draft
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.sealing import (
    ContentCipher,
    KeyTransport,
    MessageCipher,
    Plan,
    PlannedSignature,
    RsaSignature,
    SealRequest,
    SmimeForm,
    plan,
    seal,
)
from sealmail.sealing.chains import chain_of
from sealmail.smime import advertising
from sealmail.testing import CA, openpgp_key
from sealmail.testing.pki import loaded

NOW = datetime.now(UTC)
DESK, CAROL, DAVE, GRACE = "support@desk.example", "carol@bank.example", "dave@law.example", "grace@post.example"
MODERN = Capabilities(algorithms=(AES256_GCM, RSA_OAEP))
GCM_ONLY, OLD = Capabilities(algorithms=(AES256_GCM,)), Capabilities(algorithms=("1.2.840.113549.3.7",))


class House:
    """The desk with an RSA certificate, Carol with RSA, Dave with a curve, Grace with OpenPGP."""

    def __init__(self) -> None:
        self.ca = CA.create()
        self.desk = self.ca.issue(DESK, key_type="rsa2048")
        self.carol = self.ca.issue(CAROL, key_type="rsa2048")
        self.dave = self.ca.issue(DAVE)
        self.grace = openpgp_key(GRACE)
        self.trust = MemoryTrust(anchors=[self.ca.anchor], levels={self.grace.key.fingerprint: TrustLevel.BY_HAND})

    def store(self, *keys: Key, own: tuple[SecretKey, ...] = ()) -> MemoryKeyStore:
        public = [self.ca.certificate, self.carol.key, self.dave.key, self.grace.key, *keys]
        return MemoryKeyStore(keys=public, secrets=own or [self.desk, openpgp_key(DESK)])

    def plan(
        self,
        *to: str,
        capabilities: dict[str, Capabilities] | None = None,
        store: MemoryKeyStore | None = None,
        encrypt: bool = True,
        **form: object,
    ) -> Plan:
        request = SealRequest(
            sender=DESK,
            to=to,
            sign=True,
            encrypt=encrypt,
            capabilities=capabilities or {},
            smime=SmimeForm(**form),  # type: ignore[arg-type]
        )
        return plan(request, store or self.store(), self.trust, Policy(), NOW)

    def sealed(self, made: Plan, store: MemoryKeyStore | None = None) -> bytes:
        draft = Draft(from_=(Mailbox("", DESK),), to=(Mailbox("", CAROL),), subject="x", text="Words.\n")
        return seal(made, draft, store or self.store(), NOW)[0].raw

    def opened(self, raw: bytes, secret: SecretKey) -> Opened:
        store = MemoryKeyStore(keys=[self.ca.certificate], secrets=[secret])
        return open_message(raw, store, self.trust, Policy(), NOW)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def reasons(made: Plan) -> list[tuple[str, str | None]]:
    return [(reason.code, reason.address) for reason in made.copies[0].cipher_reasons]


def test_cipher_is_cbc_where_nothing_is_known(house: House) -> None:
    made = house.plan(CAROL)

    assert made.copies[0].cipher is ContentCipher.CBC
    assert reasons(made) == [("capabilities_unknown", CAROL)]
    assert set(made.copies[0].key_schemes.values()) == {"RSA"}


def test_cipher_is_gcm_where_everybody_reads_it(house: House) -> None:
    made = house.plan(CAROL, DAVE, capabilities={CAROL: GCM_ONLY, DAVE: GCM_ONLY})

    assert made.copies[0].cipher is ContentCipher.GCM
    assert reasons(made) == []
    for secret in (house.carol, house.dave, house.desk):
        opened = house.opened(house.sealed(made), secret)
        assert opened.report.encryption.facts is not None
        assert (opened.report.encryption.verdict, opened.report.encryption.facts.algorithm) == (
            Encryption.DECRYPTED,
            "AES-256-GCM",
        )
        assert (opened.report.signature.verdict, opened.content.text) == (Signature.GOOD, "Words.\n")


def test_cipher_is_cbc_as_soon_as_one_does_not_read_gcm(house: House) -> None:
    made = house.plan(CAROL, DAVE, capabilities={CAROL: MODERN, DAVE: OLD})

    assert made.copies[0].cipher is ContentCipher.CBC
    assert reasons(made) == [("gcm_not_read", DAVE)]


def test_cipher_of_a_bcc_goes_by_him_alone(house: House) -> None:
    request = SealRequest(sender=DESK, to=(CAROL,), bcc=(DAVE,), sign=True, encrypt=True, capabilities={DAVE: MODERN})

    shared, alone = plan(request, house.store(), house.trust, Policy(), NOW).copies

    assert (shared.cipher, alone.cipher) == (ContentCipher.CBC, ContentCipher.GCM)


def test_capabilities_in_the_certificate_count_until_a_mail_says_otherwise(house: House) -> None:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.840.113549.1.9.15"), advertising.capabilities())
    certified = house.ca.issue("heidi@bank.example", key_type="rsa2048", extra=[extension]).key
    store = house.store(certified)

    by_certificate = house.plan("heidi@bank.example", store=store)
    by_mail = house.plan("heidi@bank.example", store=store, capabilities={"heidi@bank.example": OLD})

    assert by_certificate.copies[0].cipher is ContentCipher.GCM
    assert by_certificate.copies[0].key_schemes[certified.fingerprint] == "RSA-OAEP"
    assert by_mail.copies[0].cipher is ContentCipher.CBC
    assert by_mail.copies[0].key_schemes[certified.fingerprint] == "RSA"


def test_key_transport_is_chosen_for_each_recipient(house: House) -> None:
    other = house.ca.issue("heidi@bank.example", key_type="rsa2048")

    made = house.plan(CAROL, DAVE, "heidi@bank.example", store=house.store(other.key), capabilities={CAROL: MODERN})

    assert made.copies[0].key_schemes == {
        house.carol.key.fingerprint: "RSA-OAEP",
        house.dave.key.fingerprint: "ECDH P-256",
        other.key.fingerprint: "RSA",
        house.desk.key.fingerprint: "RSA-OAEP",
    }
    assert house.opened(house.sealed(made), other).content.text == "Words.\n"
    assert house.opened(house.sealed(made), house.carol).content.text == "Words.\n"


def test_what_was_asked_for_is_obeyed_and_told(house: House) -> None:
    made = house.plan(CAROL, capabilities={CAROL: OLD}, cipher=ContentCipher.GCM, key_transport=KeyTransport.OAEP)
    careful = house.plan(
        CAROL, capabilities={CAROL: MODERN}, cipher=ContentCipher.CBC, key_transport=KeyTransport.PKCS1
    )

    assert (made.copies[0].cipher, set(made.copies[0].key_schemes.values())) == (ContentCipher.GCM, {"RSA-OAEP"})
    assert reasons(made) == [("cipher_asked_for", None), ("gcm_not_read", CAROL)]
    assert (careful.copies[0].cipher, set(careful.copies[0].key_schemes.values())) == (ContentCipher.CBC, {"RSA"})
    assert reasons(careful) == [("cipher_asked_for", None)]
    assert house.opened(house.sealed(made), house.carol).report.encryption.verdict is Encryption.DECRYPTED


def test_openpgp_has_no_form_of_smime(house: House) -> None:
    (copy,) = house.plan(GRACE, cipher=ContentCipher.GCM, opaque=True).copies

    assert copy.technology is Technology.OPENPGP
    assert copy.cipher is MessageCipher.AES256_MDC
    assert set(copy.key_schemes.values()) == {"ECDH Curve25519"}
    assert copy.signature == PlannedSignature(algorithm="Ed25519", micalg="pgp-sha256")


@pytest.mark.parametrize("encrypt", [False, True])
@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize(("rsa", "algorithm"), [(RsaSignature.PKCS1, "RSA"), (RsaSignature.PSS, "RSA-PSS")])
def test_signature_is_the_one_that_the_plan_names(
    house: House, rsa: RsaSignature, algorithm: str, *, encrypt: bool, opaque: bool
) -> None:
    made = house.plan(CAROL, encrypt=encrypt, opaque=opaque, rsa_signature=rsa)

    raw = house.sealed(made)
    opened = house.opened(raw, house.carol)

    assert made.copies[0].signature == PlannedSignature(algorithm=algorithm, micalg="sha-256", opaque=opaque)
    assert opened.report.signature.facts is not None
    assert (opened.report.signature.verdict, opened.report.signature.facts.algorithm) == (Signature.GOOD, algorithm)
    assert opened.content.text == "Words.\n"
    if not encrypt:
        expected = "application/pkcs7-mime" if opaque else "multipart/signed"
        assert mime.parse(raw).content_type == expected


def test_capabilities_of_a_good_mail_reach_the_next_one(house: House) -> None:
    first = plan(
        SealRequest(sender=CAROL, to=(DESK,), sign=True, encrypt=True),
        MemoryKeyStore(keys=[house.ca.certificate, house.desk.key], secrets=[house.carol]),
        house.trust,
        Policy(),
        NOW,
    )
    draft = Draft(from_=(Mailbox("", CAROL),), to=(Mailbox("", DESK),), text="Hello.\n")
    store = MemoryKeyStore(keys=[house.ca.certificate, house.desk.key], secrets=[house.carol])
    received = house.opened(seal(first, draft, store, NOW)[0].raw, house.desk)

    facts = received.report.signature.facts
    assert facts is not None
    assert facts.capabilities is not None
    answer = house.plan(CAROL, capabilities={CAROL: facts.capabilities})

    assert answer.copies[0].cipher is ContentCipher.GCM
    assert answer.copies[0].key_schemes[house.carol.key.fingerprint] == "RSA-OAEP"


def test_replies_are_asked_to_the_newest_encryption_certificate(house: House) -> None:
    signing = house.ca.issue(DESK, uses=[Use.SIGN])
    older = house.ca.issue(DESK, uses=[Use.ENCRYPT], valid_from=NOW - timedelta(days=9))
    newer = house.ca.issue(DESK, uses=[Use.ENCRYPT], valid_from=NOW - timedelta(days=2))
    gone = house.ca.issue(
        DESK, uses=[Use.ENCRYPT], valid_from=NOW - timedelta(days=1), valid_until=NOW - timedelta(hours=1)
    )
    store = house.store(own=(signing, older, newer, gone))

    made = house.plan(CAROL, store=store)
    opened = house.opened(house.sealed(made, store), house.carol)

    assert (made.copies[0].signer, made.copies[0].encrypts_to) == (signing.key, newer.key)
    assert made.copies[0].encrypt_to == (house.carol.key, newer.key)
    assert {signing.key, newer.key, house.ca.certificate} == set(opened.report.keys_seen)


def test_a_key_bound_to_a_weak_signature_is_refused_with_the_reason(house: House, tmp_path: Path) -> None:
    weak = [f"rsa_pss_keygen_{name}:sha1" for name in ("md", "mgf1_md")]
    options = [part for one in ["rsa_keygen_bits:2048", *weak] for part in ("-pkeyopt", one)]
    openssl(tmp_path, "genpkey", "-quiet", "-algorithm", "RSA-PSS", *options, "-outform", "DER", "-out", "key")
    names = ["-subj", "/CN=x", "-addext", f"subjectAltName=email:{DESK}"]
    key = key_from_certificate(
        openssl(tmp_path, "req", "-new", "-x509", "-key", "key", *names, "-sha1", "-outform", "DER")
    )
    secret = SecretKey(key=key, material=(tmp_path / "key").read_bytes())

    request = SealRequest(sender=DESK, to=(CAROL,), sign=True, encrypt=True)
    later = datetime.now(UTC) + timedelta(minutes=1)
    made = plan(request, house.store(own=(secret,)), house.trust, Policy(), later)

    assert [(reason.code, reason.address) for reason in made.refusals] == [("no_signing_use", DESK)]


def openssl(folder: Path, *command: str) -> bytes:
    return subprocess.run(["openssl", *command], cwd=folder, capture_output=True, check=True).stdout


def test_one_certificate_for_both_names_no_other(house: House) -> None:
    assert house.plan(CAROL).copies[0].encrypts_to is None


def test_chain_holds_all_certificates_of_a_ca_that_fit() -> None:
    old_root, new_root = CA.create("Old root"), CA.create("New root")
    middle, namesake = new_root.intermediate("Middle"), CA.create("Middle")
    crossed = signed_by(old_root, middle)
    looped = signed_by(middle, new_root)
    everything = [new_root.certificate, old_root.certificate, middle.certificate, namesake.certificate, crossed, looped]

    chain = chain_of([middle.issue(DESK).key], MemoryKeyStore(keys=everything), NOW)

    assert set(chain) == {middle.certificate, crossed, new_root.certificate, old_root.certificate, looped}
    assert len(chain) == 5


def signed_by(issuer: CA, subject: CA) -> Key:
    """Another certificate for the same name and key."""
    above, below = (x509.load_der_x509_certificate(one.certificate.material) for one in (issuer, subject))
    builder = x509.CertificateBuilder(
        above.subject, below.subject, below.public_key(), 4711, NOW - timedelta(days=2), NOW + timedelta(days=2)
    )
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        loaded(issuer.secret), hashes.SHA256()
    )
    return key_from_certificate(certificate.public_bytes(serialization.Encoding.DER))


def test_chain_leaves_expired_issuers_at_home(house: House) -> None:
    leaf = house.ca.issue(DESK)

    assert chain_of([leaf.key], house.store(), NOW) == (house.ca.certificate,)
    assert chain_of([leaf.key], house.store(), NOW + timedelta(days=9999)) == ()


def test_an_anchor_for_others_changes_no_form(house: House) -> None:
    trust = MemoryTrust(anchors=[Anchor(key=house.ca.certificate, domains=("clinic.example",))])
    request = SealRequest(sender=DESK, to=(CAROL,), sign=True, encrypt=True, capabilities={CAROL: MODERN})

    made = plan(request, house.store(), trust, Policy(), NOW)

    assert made.refusals
    assert made.copies[0].encrypt is False
    assert made.copies[0].cipher is None
