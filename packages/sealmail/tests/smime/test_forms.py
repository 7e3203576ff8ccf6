"""Which signature a certificate makes, and what our signatures say about ourselves, octet by octet."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import pytest

from sealmail import ber, smime
from sealmail.errors import InputError
from sealmail.keys import MemoryKeyStore, SecretKey, Use
from sealmail.keys.certificate import outline_of
from sealmail.policy import Policy
from sealmail.report import Encryption, Integrity, SignatureFacts
from sealmail.smime import advertising, cms, der
from sealmail.smime.attributes import SMIME_CAPABILITIES
from sealmail.smime.cms import SignerInfo
from sealmail.testing import CA

FORMS = {
    "rsa2048": ("RSA", "sha-256"),
    "ec": ("ECDSA", "sha-256"),
    "ec-p384": ("ECDSA", "sha-384"),
    "ec-p521": ("ECDSA", "sha-512"),
    "ed25519": ("Ed25519", "sha-512"),
    "ed448": ("Ed448", "unknown"),  # RFC 8551 §3.5.3.2 names no SHAKE
}


def verified(signature: bytes, content: bytes, now: datetime) -> SignatureFacts:
    (signer,) = smime.verify(signature, content, MemoryKeyStore(), Policy(), now).signers
    return signer


def signer_of(signature: bytes) -> SignerInfo:
    return cms.signer_info(cms.signed_data(cms.content_of(signature, cms.SIGNED_DATA)[1]).signers[0])


def attribute(signature: bytes, kind: bytes) -> bytes | None:
    """The value of a signed attribute."""
    attributes = signer_of(signature).signed_attributes
    assert attributes is not None
    for one in attributes.children():
        fields = one.fields()
        if fields.take().oid() == kind:
            return fields.take(ber.SET).fields(ber.SET).take().raw
    return None


@pytest.mark.parametrize("kind", FORMS)
def test_form_is_what_is_signed(owners, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    form = smime.form_of(owners[kind].key)
    sealed = smime.sign(entity, owners[kind].secret, [], now)

    signer = verified(parts_of(sealed)[1], entity, now)

    assert (form.name, form.micalg) == FORMS[kind]
    assert (signer.algorithm, signer.integrity) == (form.name, Integrity.INTACT)
    assert f"micalg={form.micalg};".encode() in sealed


def test_form_of_rsa_may_be_pss(owners, entity: bytes, now: datetime, parts_of) -> None:
    sealed = smime.sign(entity, owners["rsa2048"].secret, [], now, pss=True)

    signer = verified(parts_of(sealed)[1], entity, now)

    assert (signer.algorithm, signer.hash_algorithm, signer.integrity) == ("RSA-PSS", "SHA-256", Integrity.INTACT)


def test_form_of_pss_is_encoded_as_rfc_4055_says(owners) -> None:
    digest = "300d06096086480165030402010500"
    expected = f"304106092a864886f70d01010a3034a00f{digest}a11c301a06092a864886f70d010108{digest}a203020120"

    assert smime.form_of(owners["rsa2048"].key, pss=True).identifier.hex() == expected


def test_form_of_a_key_bound_to_pss_is_always_pss(
    bound_to_pss: SecretKey, entity: bytes, now: datetime, parts_of
) -> None:
    form = smime.form_of(bound_to_pss.key)

    signer = verified(parts_of(smime.sign(entity, bound_to_pss, [], now))[1], entity, now)

    assert (form.name, form.micalg, form.salt_bytes) in {("RSA-PSS", "sha-256", 32), ("RSA-PSS", "sha-384", 50)}
    assert (signer.algorithm, signer.integrity) == ("RSA-PSS", Integrity.INTACT)


@pytest.mark.parametrize("kind", ["x25519", "x448"])
def test_form_of_a_key_that_only_agrees_is_none(owners, kind: str) -> None:
    with pytest.raises(InputError):
        smime.form_of(owners[kind].key)


def test_ed448_names_its_hash_with_its_length(owners, entity: bytes, now: datetime, parts_of) -> None:
    info = signer_of(parts_of(smime.sign(entity, owners["ed448"].secret, [], now))[1])

    assert info.digest.raw.hex() == "300f060960864801650304021202020200"  # RFC 8419 §3.1: id-shake256-len, 512


def test_sign_tells_what_we_read_best_first(owners, entity: bytes, now: datetime, parts_of) -> None:
    signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))[1]

    said = verified(signature, entity, now).capabilities

    assert said is not None
    assert said.algorithms[:2] == ("2.16.840.1.101.3.4.1.46", "2.16.840.1.101.3.4.1.42")
    assert said.algorithms[-1] == "1.2.840.113549.1.1.7"
    assert (said.reads_gcm, said.reads_oaep) == (True, True)


def test_capabilities_are_encoded_as_their_rfcs_say() -> None:
    written = advertising.capabilities().hex()

    assert "300b060960864801650304012e" in written  # AES-256-GCM, no parameters
    assert "300b060960864801650304012a" in written  # RFC 3565 §5.1: AES-256-CBC, no parameters
    assert "301506062b8104010b01300b060960864801650304012d" in written  # RFC 5753 §6: with AES-256 key wrap
    digest = "300d06096086480165030402010500"
    oaep = f"303c06092a864886f70d010107302fa00f{digest}a11c301a06092a864886f70d010108{digest}"
    assert written.endswith(oaep)


def test_sign_names_another_certificate_for_replies(ca: CA, entity: bytes, now: datetime, parts_of) -> None:
    signing = ca.issue("two@desk.example", uses=[Use.SIGN])
    encrypting = ca.issue("two@desk.example", uses=[Use.ENCRYPT]).key
    content, signature = parts_of(smime.sign(entity, signing, [], now, encrypts_to=encrypting))
    outline = outline_of(encrypting.material)

    result = smime.verify(signature, content, MemoryKeyStore(), Policy(), now)

    expected = der.implicit(0, der.sequence(outline.issuer, der.integer(outline.serial)))
    assert attribute(signature, advertising.ENCRYPTION_KEY_PREFERENCE) == expected
    assert {key.fingerprint for key in result.keys_seen} == {signing.key.fingerprint, encrypting.fingerprint}
    assert [one.integrity for one in result.signers] == [Integrity.INTACT]


def test_sign_with_the_certificate_for_replies_names_no_other(owners, entity: bytes, now: datetime, parts_of) -> None:
    owner = owners["ec"]

    signature = parts_of(smime.sign(entity, owner.secret, [], now, encrypts_to=owner.key))[1]

    assert attribute(signature, advertising.ENCRYPTION_KEY_PREFERENCE) is None


BROKEN = [b"\x30\x80\x01", b"\x04\x02ab", b"\x30\x03\x06\x01\x80", b"\x30\x04\x30\x02\x06\x00", b"\x05\x00"]


@pytest.mark.parametrize("value", [*BROKEN, b"", BROKEN[1] + BROKEN[4]])
def test_broken_capabilities_never_break_a_signature(
    owners, entity: bytes, now: datetime, parts_of, monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    monkeypatch.setattr(advertising, "capabilities", lambda: value)
    signature = parts_of(smime.sign(entity, owners["ec"].secret, [], now))[1]
    assert SMIME_CAPABILITIES in signature

    signer = verified(signature, entity, now)

    assert (signer.integrity, signer.capabilities) == (Integrity.INTACT, None)


def test_oaep_is_chosen_for_each_recipient_by_itself(owners, entity: bytes, cms_of) -> None:
    one, other = owners["rsa2048"], owners["ec"]

    sealed = cms_of(smime.encrypt(entity, [one.key, other.key], oaep=[one.key.fingerprint, other.key.fingerprint]))

    for owner in (one, other):
        result = smime.decrypt(sealed, MemoryKeyStore(secrets=[owner.secret]), Policy())
        assert (result.payload, result.facts.verdict) == (entity, Encryption.DECRYPTED)
    assert advertising._OAEP in sealed  # the identifier is the capability, parameters included


@pytest.mark.parametrize(
    ("kind", "scheme", "name"),
    [
        ("ec", "1.3.132.1.11.1", "ECDH P-256"),
        ("ec-p384", "1.3.132.1.11.2", "ECDH P-384"),
        ("ec-p521", "1.3.132.1.11.3", "ECDH P-521"),
        ("x25519", "1.2.840.113549.1.9.16.3.19", "X25519"),
        ("x448", "1.2.840.113549.1.9.16.3.21", "X448"),
    ],
)
def test_agreement_derives_as_strong_as_the_curve(
    owners, entity: bytes, cms_of, kind: str, scheme: str, name: str
) -> None:
    sealed = cms_of(smime.encrypt(entity, [owners[kind].key]))

    result = smime.decrypt(sealed, MemoryKeyStore(secrets=[owners[kind].secret]), Policy())

    assert der.oid(ber.encode_oid(scheme)) in sealed
    assert (result.payload, smime.key_scheme(owners[kind].key)) == (entity, name)


def test_nothing_is_encrypted_to_a_certificate_for_signing(ca: CA, entity: bytes) -> None:
    for kind in ("rsa2048", "ec"):
        with pytest.raises(InputError):
            smime.encrypt(entity, [ca.issue("a@b.example", uses=[Use.SIGN], key_type=kind).key])


def test_a_private_key_of_another_kind_than_its_certificate_signs_nothing(owners, entity: bytes, now: datetime) -> None:
    swapped = dataclasses.replace(owners["ec"].secret, material=owners["rsa2048"].secret.material)

    with pytest.raises(InputError):
        smime.sign(entity, swapped, [], now)
