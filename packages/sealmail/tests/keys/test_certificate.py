"""From DER to a key: what a certificate says, and that nothing but InputError comes of a broken one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys import Key, Technology, Use
from sealmail.keys.certificate import key_from_certificate, outline_of, public_key
from sealmail.keys.model import issuer_and_serial_id, name_id, subject_key_id
from sealmail.testing import CA

SINCE, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
PRIVATE = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
SIGN, ENCRYPT, CERTIFY = Use.SIGN, Use.ENCRYPT, Use.CERTIFY
FLAGS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def usage(*flags: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{flag: flag in flags for flag in FLAGS})


def der(
    *extensions: x509.ExtensionType,
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = PRIVATE,
    subject: Sequence[x509.NameAttribute[str]] = (x509.NameAttribute(NameOID.COMMON_NAME, "Carol"),),
) -> bytes:
    name = x509.Name(subject)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 4711, SINCE, UNTIL)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def key(*extensions: x509.ExtensionType, **others: object) -> Key:
    return key_from_certificate(der(*extensions, **others))


def test_certificate_becomes_a_key_with_all_that_it_says() -> None:
    ca = CA.create("Test CA")
    secret = ca.issue("carol@customer.example", name="Carol", key_type="rsa2048")
    certificate = x509.load_der_x509_certificate(secret.key.material)
    issuer, subject = certificate.issuer.public_bytes(), certificate.subject.public_bytes()
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest

    made = key_from_certificate(secret.key.material)

    assert made == Key(
        technology=Technology.SMIME,
        fingerprint=hashlib.sha256(secret.key.material).hexdigest(),
        material=secret.key.material,
        name="Carol",
        addresses=("carol@customer.example",),
        ids=frozenset(
            {
                issuer_and_serial_id(issuer, certificate.serial_number),
                subject_key_id(identifier),
                name_id(subject),
            }
        ),
        algorithm="RSA-2048",
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        uses=frozenset({SIGN, ENCRYPT}),
        is_ca=False,
        subject=name_id(subject),
        issuer=ca.certificate.subject,
    )


def test_key_identifier_is_derived_where_it_is_absent() -> None:
    derived = x509.SubjectKeyIdentifier.from_public_key(PRIVATE.public_key()).digest

    assert subject_key_id(derived) in key().ids


def test_addresses_come_from_the_alternative_name_only() -> None:
    names = [
        x509.RFC822Name("Carol@Customer.Example"),
        x509.DNSName("customer.example"),
        x509.RFC822Name("carol@other.example"),
    ]
    subject = [
        x509.NameAttribute(NameOID.COMMON_NAME, "boss@desk.example"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "boss@desk.example"),
    ]

    made = key(x509.SubjectAlternativeName(names), subject=subject)

    assert made.addresses == ("carol@customer.example", "carol@other.example")
    assert key(subject=subject).addresses == ()


@pytest.mark.parametrize(
    "name", ["two@at@customer.example", "a b@customer.example", "nobody", "x@y.example\0@z.example"]
)
def test_address_that_is_none_is_left_out(name: str) -> None:
    encoded = name.encode()
    names = ber.header(ber.context(1, constructed=False), len(encoded)) + encoded
    extension = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, ber.header(ber.SEQUENCE, len(names)) + names
    )

    assert key(extension).addresses == ()


def utf8_mailbox(content: bytes | str, tag: int = 0x0C) -> x509.OtherName:
    """SmtpUTF8Mailbox, right or wrong."""
    octets = content.encode() if isinstance(content, str) else content
    return x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), ber.header(tag, len(octets)) + octets)


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("düsi@customer.example", "düsi@customer.example"),
        ("用户@customer.example", "用户@customer.example"),
        ("düsi@xn--bcher-kva.example", "düsi@xn--bcher-kva.example"),
        ("düsi@bücher.example", "düsi@xn--bcher-kva.example"),
        ("Düsi.X@customer.example", "düsi.x@customer.example"),
        ("du\u0308si@customer.example", "düsi@customer.example"),
    ],
)
def test_address_outside_of_ascii_is_read_in_canonical_form(content: str, address: str) -> None:
    made = key(x509.SubjectAlternativeName([utf8_mailbox(content)]))

    assert made.addresses == (address,)


@pytest.mark.mission("B14")
@pytest.mark.parametrize(
    "content",
    [
        "carol@customer.example",
        '"carol smith"@customer.example',
        "düsi@Customer.example",
        "düsi@BÜCHER.example",
        "düsi@[192.0.2.1]",
        "düsi",
        "düsi@",
        "@customer.example",
        "",
        "düsi@two@customer.example",
        "düsi@customer.example\0.attacker.example",
        "dü\0si@customer.example",
        "dü si@customer.example",
        " düsi@customer.example",
        "düsi@customer.example\n",
        "\ufeffdüsi@customer.example",
        "dü\u202esi@customer.example",
        "\uff43arol@customer.example",
        "düsi@customer\u3002example",
        "düsi@ｃustomer.example",
        b"d\xfcsi@customer.example",
        b"d\xc3",
        b"\xed\xa0\x80@customer.example",
        b"\xff\xfe" + "düsi@customer.example".encode("utf-16-le"),
    ],
)
def test_address_outside_of_ascii_that_is_none_is_left_out(content: str | bytes) -> None:
    good = x509.RFC822Name("carol@good.example")

    assert key(x509.SubjectAlternativeName([utf8_mailbox(content), good])).addresses == ("carol@good.example",)


@pytest.mark.parametrize("tag", [0x04, 0x16, 0x1E, 0x2C, 0x30])
def test_address_outside_of_ascii_in_another_type_is_left_out(tag: int) -> None:
    assert key(x509.SubjectAlternativeName([utf8_mailbox("düsi@customer.example", tag)])).addresses == ()


@pytest.mark.parametrize("value", [b"", b"\x0c", b"\x0c\x05ab", b"\x0c\x80ab\0\0"])
def test_address_outside_of_ascii_in_broken_encoding_is_left_out_or_refused(value: bytes) -> None:
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), value)
    encoded = ber.header(ber.context(0), 12 + len(value)) + bytes.fromhex("06082b06010505070809")
    encoded += ber.header(ber.context(0), len(name.value)) + name.value
    extension = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, ber.header(ber.SEQUENCE, len(encoded)) + encoded
    )

    try:
        assert key(extension).addresses == ()
    except InputError:
        return


def test_other_kinds_of_names_are_passed_over() -> None:
    """The name of a Windows account looks like an address and is none."""
    account = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x0fd\xc3\xbcsi@a.example")

    assert key(x509.SubjectAlternativeName([account, x509.DNSName("customer.example")])).addresses == ()


@pytest.mark.parametrize(
    ("private", "flags", "uses"),
    [
        (PRIVATE, None, {SIGN, ENCRYPT}),
        (RSA, None, {SIGN, ENCRYPT}),
        (PRIVATE, ["digital_signature"], {SIGN}),
        (PRIVATE, ["content_commitment"], {SIGN}),
        (PRIVATE, ["key_agreement"], {ENCRYPT}),
        (PRIVATE, ["key_encipherment"], set()),
        (RSA, ["key_encipherment"], {ENCRYPT}),
        (RSA, ["key_agreement"], set()),
        (RSA, ["digital_signature", "key_encipherment"], {SIGN, ENCRYPT}),
        (RSA, ["key_cert_sign"], set()),
    ],
)
def test_uses_follow_the_key_usage_and_the_kind_of_key(
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, flags: list[str] | None, uses: set[Use]
) -> None:
    extensions = [] if flags is None else [usage(*flags)]

    assert key(*extensions, private=private).uses == uses


@pytest.mark.parametrize(
    ("purposes", "uses"),
    [
        ([ExtendedKeyUsageOID.EMAIL_PROTECTION], {SIGN, ENCRYPT}),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], {SIGN, ENCRYPT}),
        ([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION], {SIGN, ENCRYPT}),
        ([ExtendedKeyUsageOID.SERVER_AUTH], set()),
    ],
)
def test_uses_follow_the_extended_key_usage(purposes: list[x509.ObjectIdentifier], uses: set[Use]) -> None:
    assert key(x509.ExtendedKeyUsage(purposes)).uses == uses


@pytest.mark.parametrize(
    ("is_ca", "flags", "uses"),
    [
        (True, ["key_cert_sign"], {CERTIFY}),
        (True, ["crl_sign"], set()),
        (True, None, {SIGN, ENCRYPT, CERTIFY}),
        (False, ["key_cert_sign"], set()),
    ],
)
def test_ca_certifies_where_both_extensions_say_so(is_ca: bool, flags: list[str] | None, uses: set[Use]) -> None:
    extensions = [] if flags is None else [usage(*flags)]

    made = key(x509.BasicConstraints(ca=is_ca, path_length=None), *extensions)

    assert (made.is_ca, made.uses) == (is_ca, uses)


@pytest.mark.parametrize(
    ("key_type", "algorithm"),
    [
        ("rsa2048", "RSA-2048"),
        ("ec", "EC P-256"),
        ("ec-p384", "EC P-384"),
        ("ec-p521", "EC P-521"),
        ("ed25519", "Ed25519"),
        ("x25519", "X25519"),
    ],
)
def test_algorithm_is_named_for_people(key_type: str, algorithm: str) -> None:
    made = CA.create().issue("a@customer.example", key_type=key_type).key

    assert made.algorithm == algorithm
    assert public_key(made.material) is not None


def test_name_without_common_name_is_the_organisation() -> None:
    assert key(subject=[x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Customer Ltd")]).name == "Customer Ltd"
    assert key(subject=[]).name == ""


def with_serial(number: bytes) -> bytes:
    """A certificate with these octets as serial number. Its signature no longer fits; reading does not ask for it."""
    whole = der()
    fields = ber.read(whole).fields()
    body = fields.take()
    rest = whole[body.stop :]
    kept = list(body.children())
    kept_raw = [kept[0].raw, ber.header(ber.INTEGER, len(number)) + number, *(child.raw for child in kept[2:])]
    changed = b"".join(kept_raw)
    outer = ber.header(ber.SEQUENCE, len(changed)) + changed + rest
    return ber.header(ber.SEQUENCE, len(outer)) + outer


@pytest.mark.parametrize("number", [b"", b"\x00", b"\xff", b"\x80" + b"\0" * 30])
def test_serial_number_that_is_not_positive_is_refused(number: bytes) -> None:
    with pytest.raises(InputError):
        key_from_certificate(with_serial(number))


def test_long_serial_number_is_kept_whole() -> None:
    made = key_from_certificate(with_serial(b"\x7f" * 25))

    assert issuer_and_serial_id(outline_of(made.material).issuer, int.from_bytes(b"\x7f" * 25)) in made.ids


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30", b"-----BEGIN CERTIFICATE-----", bytes(500), der()[:-1], der() + b"\0"],
    ids=["empty", "tag", "pem", "zeros", "cut", "followed"],
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        key_from_certificate(data)


def test_huge_certificate_is_refused() -> None:
    with pytest.raises(InputError):
        key_from_certificate(ber.header(ber.SEQUENCE, 300_000) + bytes(300_000))


WHOLE = der(
    x509.SubjectAlternativeName(
        [
            x509.RFC822Name("carol@customer.example"),
            x509.DNSName("customer.example"),
            utf8_mailbox("düsi@customer.example"),
        ]
    ),
    usage("digital_signature"),
    x509.BasicConstraints(ca=False, path_length=None),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),
)


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), min_size=1, max_size=4))
def test_changed_certificate_raises_nothing_but_input_error(changes: dict[int, int]) -> None:
    changed = bytearray(WHOLE)
    for place, value in changes.items():
        changed[place] = value

    try:
        made = key_from_certificate(bytes(changed))
    except InputError:
        return
    public_key(made.material)
    repr(made)
