"""Private keys of every kind, those that contradict themselves, and those without their certificate."""

import pytest
from asn1crypto import keys as asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.reader import read
from sealmail.testing import CA, export_armored, export_pem

pytestmark = pytest.mark.mission("S3")


@pytest.mark.parametrize(
    ("arguments", "algorithm"),
    [
        (("RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"), "RSA-2048"),
        (("EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "EC P-521"),
        (("ED25519",), "Ed25519"),
        (("ED448",), "Ed448"),
        (("X25519",), "X25519"),
        (("X448",), "X448"),
    ],
)
@pytest.mark.parametrize("passphrase", [None, "pw"])
def test_every_kind_is_read(openssl, arguments, algorithm, passphrase):
    data = openssl("genpkey", "-algorithm", *arguments)
    if passphrase:
        data = openssl("pkcs8", "-topk8", "-passout", f"pass:{passphrase}", given=data)

    (secret,) = read(data, (passphrase,) if passphrase else ()).unmatched

    assert (secret.algorithm, secret.passphrases) == (algorithm, (passphrase,) if passphrase else ())


def test_a_kind_that_seals_no_mail_is_told(openssl):
    found = read(openssl("genpkey", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"))

    assert [problem.sentence for problem in found.problems] == [
        "The private key is of a kind that Sealdesk does not use."
    ]


@pytest.fixture(scope="module")
def numbers():
    return rsa.generate_private_key(65537, 2048).private_numbers()


@pytest.mark.parametrize(
    "wrong",
    ["modulus", "public_exponent", "private_exponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"],
)
def test_rsa_key_with_a_wrong_number_is_refused(numbers, wrong):
    """One signature by a key whose CRT numbers are wrong gives its primes away."""
    right = {
        "version": 0,
        "modulus": numbers.public_numbers.n,
        "public_exponent": 65537,
        "private_exponent": numbers.d,
        "prime1": numbers.p,
        "prime2": numbers.q,
        "exponent1": numbers.dmp1,
        "exponent2": numbers.dmq1,
        "coefficient": numbers.iqmp,
    }
    assert len(read(asn1.RSAPrivateKey(right).dump()).unmatched) == 1

    with pytest.raises(InputError, match=r"private key \(RSA\) is damaged or contradicts itself"):
        read(asn1.RSAPrivateKey(right | {wrong: right[wrong] + 2}).dump())


def test_key_of_a_curve_that_does_not_fit_its_public_point_is_refused():
    ours, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    right = {
        "version": "ecPrivkeyVer1",
        "private_key": ours.private_numbers().private_value,
        "parameters": asn1.ECDomainParameters(name="named", value="secp256r1"),
    }
    fitting, foreign = (
        one.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for one in (ours, other)
    )
    assert len(read(asn1.ECPrivateKey(right | {"public_key": fitting}).dump()).unmatched) == 1

    with pytest.raises(InputError, match=r"private key \(EC\) is damaged or contradicts itself"):
        read(asn1.ECPrivateKey(right | {"public_key": foreign}).dump())


@pytest.mark.parametrize("kind", [ed25519.Ed25519PrivateKey, x25519.X25519PrivateKey])
def test_newer_pkcs8_is_read_where_its_public_key_fits(kind):
    """RFC 5958 §2, RFC 8410 §7: Java and others put the public key beside the private one."""
    ours, other = (kind.generate() for _ in range(2))

    (secret,) = read(newer(ours, ours)).unmatched
    with pytest.raises(InputError, match="does not fit the public key that stands beside it"):
        read(newer(ours, other))

    assert secret.algorithm == kind.__name__.removesuffix("PrivateKey")


def newer(private, beside):
    """A OneAsymmetricKey of version 2."""
    content = ber.read(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).content
    public = b"\x81\x21\x00" + beside.public_key().public_bytes_raw()
    changed = b"\x02\x01\x01" + content[3:] + public
    return ber.header(ber.SEQUENCE, len(changed)) + changed


def test_a_key_that_contradicts_itself_does_not_keep_its_neighbours_out(pairs):
    pair = pairs["ec"]
    broken = newer(ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate())
    der = b"".join([broken, ber.read(_der(pair.key)).raw])

    found = read(pem(broken) + pair.key.read_bytes() + pair.certificate.read_bytes())

    assert [secret.key.fingerprint for secret in found.secrets] == [pair.fingerprint]
    assert len(found.problems) == 1
    assert der.startswith(broken)


def _der(path):
    import base64

    return base64.b64decode(b"".join(path.read_bytes().splitlines()[1:-1]))


def pem(der):
    import base64

    return b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der) + b"\n-----END PRIVATE KEY-----\n"


@pytest.mark.mission("S12")
def test_a_certificate_that_belongs_to_another_key_is_named():
    ca = CA.create()
    carol, dave = ca.issue("carol@bank.example", name="Carol"), ca.issue("dave@law.example")
    key_alone = export_pem(ca.issue("erin@shop.example")).partition(b"-----BEGIN CERT")[0]

    (secret,) = read(key_alone + b"".join(export_armored(one.key).encode() for one in (carol, dave))).unmatched

    assert secret.reason.sentence == (
        "There is no matching certificate for this private key (EC P-256). Add it first. What is beside it "
        "belongs to other private keys: the certificate of “Carol” (carol@bank.example), of “dave@law.example”."
    )
