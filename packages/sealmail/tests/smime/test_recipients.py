"""How the content key reaches us: every scheme and name that openssl writes, and those that it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealmail import ber, smime
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.keys.certificate import outline_of
from sealmail.policy import Policy
from sealmail.report import Encryption
from sealmail.smime import algorithms, der
from sealmail.smime.algorithms import AES_WRAPS
from sealmail.smime.unwrapping import _triple_des_unwrap
from sealmail.testing import CA, forging

KEY = bytes(range(32))
POLICY = Policy()


@pytest.fixture(scope="session")
def encrypted(owners, entity: bytes, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    import subprocess

    def run(kind: str, *options: str, cipher: str = "-aes256") -> bytes:
        command = ["openssl", "cms", "-encrypt", "-binary", cipher, "-outform", "DER", "-recip", owners[kind].file]
        done = subprocess.run([*map(str, command), *options], input=entity, capture_output=True, check=True)
        return done.stdout

    return run


@pytest.mark.mission("B16")
@pytest.mark.parametrize("mode", ["0", "1"], ids=["standard", "cofactor"])
@pytest.mark.parametrize("wrap", ["-aes128-wrap", "-aes192-wrap", "-aes256-wrap", "-des3-wrap"])
@pytest.mark.parametrize("kind", ["ec", "ec-p384", "ec-p521"])
def test_decrypt_agreement_of_each_form(owners, entity: bytes, encrypted, kind: str, wrap: str, mode: str) -> None:
    # The tool of version 3.0 takes the cipher of the content from the wrap for 3DES.
    options = ["-keyopt", f"ecdh_cofactor_mode:{mode}", "-keyopt", "ecdh_kdf_md:sha256", wrap]
    cipher = "-des3" if wrap == "-des3-wrap" else "-aes256"

    result = smime.decrypt(
        encrypted(kind, *options, cipher=cipher), MemoryKeyStore(secrets=[owners[kind].secret]), POLICY
    )

    curve = {"ec": "P-256", "ec-p384": "P-384", "ec-p521": "P-521"}[kind]
    assert (result.payload, result.facts.key_scheme) == (entity, f"ECDH {curve}")


@pytest.mark.parametrize(
    ("options", "scheme"), [([], "RSA"), (["-keyopt", "rsa_padding_mode:oaep"], "RSA-OAEP")], ids=["v1.5", "OAEP"]
)
def test_decrypt_says_how_the_key_came(owners, encrypted, options: list[str], scheme: str) -> None:
    keys = MemoryKeyStore(secrets=[owners["rsa2048"].secret])

    assert smime.decrypt(encrypted("rsa2048", *options), keys, POLICY).facts.key_scheme == scheme


def agreed(
    secret: SecretKey,
    scheme: bytes,
    kek: Callable[[bytes, bytes], bytes],
    *,
    material: bytes | None = None,
    wrap: bytes = algorithms.AES256_WRAP,
    form: PublicFormat = PublicFormat.UncompressedPoint,
    name: bytes | None = None,
) -> bytes:
    """KeyAgreeRecipientInfo; `kek` makes the key-encryption key out of shared secret and ECC-CMS-SharedInfo."""
    public = x509.load_der_x509_certificate(secret.key.material).public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        fresh = ec.generate_private_key(public.curve)
        point, shared = fresh.public_key().public_bytes(Encoding.X962, form), fresh.exchange(ec.ECDH(), public)
    elif isinstance(public, x25519.X25519PublicKey):
        one = x25519.X25519PrivateKey.generate()
        point, shared = one.public_key().public_bytes_raw(), one.exchange(public)
    else:
        assert isinstance(public, x448.X448PublicKey)
        other = x448.X448PrivateKey.generate()
        point, shared = other.public_key().public_bytes_raw(), other.exchange(public)
    identifier = der.algorithm(wrap)
    bits = der.octet_string((AES_WRAPS[wrap] * 8).to_bytes(4))
    given = b"" if material is None else der.explicit(0, der.octet_string(material))
    info = der.sequence(identifier, given, der.explicit(2, bits))
    outline = outline_of(secret.key.material)
    sealed = der.octet_string(aes_key_wrap(kek(shared, info), KEY))
    names = name or der.sequence(outline.issuer, der.integer(outline.serial))
    return der.implicit(
        1,
        der.sequence(
            der.integer(3),
            der.explicit(0, der.implicit(1, der.sequence(der.algorithm(algorithms.X25519), der.bit_string(point)))),
            b"" if material is None else der.explicit(1, der.octet_string(material)),
            der.algorithm(scheme, identifier),
            der.sequence(der.sequence(names, sealed)),
        ),
    )


HKDF_SCHEMES = [
    ("1.2.840.113549.1.9.16.3.19", hashes.SHA256()),
    ("1.2.840.113549.1.9.16.3.20", hashes.SHA384()),
    ("1.2.840.113549.1.9.16.3.21", hashes.SHA512()),
]


@pytest.fixture(scope="session")
def agreeing(ca: CA, owners) -> dict[str, SecretKey]:
    return {
        "X25519": owners["x25519"].secret,
        "X448": ca.issue("x448@customer.example", key_type="x448"),
        "ECDH P-256": owners["ec"].secret,
    }


@pytest.mark.mission("B16")
@pytest.mark.parametrize(("scheme", "digest"), HKDF_SCHEMES, ids=["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("material", [None, b"", b"sixteen or more octets"], ids=["none", "empty", "some"])
@pytest.mark.parametrize("kind", ["X25519", "X448", "ECDH P-256"])
@pytest.mark.parametrize("wrap", AES_WRAPS, ids=["128", "192", "256"])
def test_decrypt_agreement_with_hkdf(
    agreeing, entity: bytes, kind: str, scheme: str, digest: hashes.HashAlgorithm, material: bytes | None, wrap: bytes
) -> None:
    """RFC 8418 §2.2; openssl of version 3.0 does not write it."""

    def kek(shared: bytes, info: bytes) -> bytes:
        return HKDF(algorithm=digest, length=AES_WRAPS[wrap], salt=material or None, info=info).derive(shared)

    secret = agreeing[kind]
    info = agreed(secret, ber.encode_oid(scheme), kek, material=material, wrap=wrap)

    result = smime.decrypt(forging.chained([info], KEY, entity), MemoryKeyStore(secrets=[secret]), POLICY)

    assert (result.payload, result.facts.key_scheme) == (entity, kind)


def hkdf(shared: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(shared)


def test_decrypt_agreement_with_compressed_point(agreeing, entity: bytes) -> None:
    secret = agreeing["ECDH P-256"]
    info = agreed(secret, algorithms.HKDF_SHA256, hkdf, form=PublicFormat.CompressedPoint)

    result = smime.decrypt(forging.chained([info], KEY, entity), MemoryKeyStore(secrets=[secret]), POLICY)

    assert result.payload == entity


def test_decrypt_agreement_by_key_identifier_with_a_date(agreeing, entity: bytes) -> None:
    """RecipientKeyIdentifier (RFC 5652 §6.2.2) may hold a date and more behind the identifier."""
    secret = agreeing["X25519"]
    certificate = x509.load_der_x509_certificate(secret.key.material)
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    date = der.tagged(ber.GENERALIZED_TIME, b"20260101000000Z")
    name = der.implicit(0, der.sequence(der.octet_string(identifier), date))
    info = agreed(secret, algorithms.HKDF_SHA256, hkdf, name=name)

    result = smime.decrypt(forging.chained([info], KEY, entity), MemoryKeyStore(secrets=[secret]), POLICY)

    assert result.payload == entity


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda info: info.replace(der.oid(algorithms.AES256_WRAP), der.oid(algorithms.RSA_MGF1)), "unsupported"),
        (
            lambda info: info.replace(algorithms.HKDF_SHA256, ber.encode_oid("1.2.840.113549.1.9.16.3.22")),
            "unsupported",
        ),
        (lambda info: info[:-1] + bytes((info[-1] ^ 1,)), "damaged"),
    ],
    ids=["wrap", "scheme", "wrapped key"],
)
def test_decrypt_agreement_that_is_unknown_or_broken(agreeing, entity: bytes, change, verdict: str) -> None:
    secret = agreeing["X25519"]
    info = agreed(secret, algorithms.HKDF_SHA256, hkdf)
    mail = forging.chained([change(info)], KEY, entity)

    result = smime.decrypt(mail, MemoryKeyStore(secrets=[secret]), POLICY)

    assert (result.payload, result.facts.verdict) == (None, Encryption(verdict))


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)], ids=["zero", "one"])
def test_decrypt_agreement_with_a_point_that_leaks_is_damaged(agreeing, entity: bytes, point: bytes) -> None:
    """The shared secret would be zero, whatever our key is."""
    secret = agreeing["X25519"]
    info = agreed(secret, algorithms.HKDF_SHA256, hkdf)
    place = info.index(b"\x03\x21\x00") + 3
    mail = forging.chained([info[:place] + point + info[place + 32 :]], KEY, entity)

    assert smime.decrypt(mail, MemoryKeyStore(secrets=[secret]), POLICY).facts.verdict is Encryption.DAMAGED


def test_decrypt_with_several_keys_of_which_some_fail(ca: CA, owners, agreeing, entity: bytes) -> None:
    """One key is not the one that its name says, one is of no use, the third opens."""
    impostor = replace(owners["rsa2048"].secret, material=ca.issue(None, key_type="rsa2048").material)
    infos = [
        forging.transported(owners["rsa2048"].key, KEY),
        agreed(owners["ec"].secret, ber.encode_oid("1.2.3.4"), hkdf),
        agreed(agreeing["X25519"], algorithms.HKDF_SHA256, hkdf),
    ]
    ours = MemoryKeyStore(secrets=[impostor, owners["ec"].secret, agreeing["X25519"]])

    for order in (infos, infos[::-1]):
        result = smime.decrypt(forging.chained(order, KEY, entity), ours, POLICY)
        assert (result.payload, result.facts.key_scheme) == (entity, "X25519")


def test_triple_des_unwrap_checks_what_it_gives() -> None:
    """RFC 3217 §3.1, made the other way round."""
    kek, key = bytes(range(24)), bytes(range(24, 48))

    def encrypt(vector: bytes, content: bytes) -> bytes:
        encryptor = Cipher(TripleDES(kek), modes.CBC(vector)).encryptor()
        return encryptor.update(content) + encryptor.finalize()

    inner = b"12345678" + encrypt(b"12345678", key + algorithms.SHA1.digest(key)[:8])
    wrapped = encrypt(bytes.fromhex("4adda22c79e82105"), inner[::-1])

    assert _triple_des_unwrap(kek, wrapped) == key
    for broken in (wrapped[:-1], wrapped[:-1] + bytes((wrapped[-1] ^ 1,)), b"", wrapped + bytes(8)):
        with pytest.raises(ValueError, match=r"^$"):
            _triple_des_unwrap(kek, broken)
