"""CMS that is well formed and means harm: crowds, impossible numbers, names that pretend, two answers to a question."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sealmail import ber, smime
from sealmail.bounded import BoundedOpener, ProcessLimits
from sealmail.errors import InputError
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.keys.certificate import key_from_certificate
from sealmail.policy import MEGABYTE, Policy
from sealmail.report import Encryption, Reason, Signature, Warning
from sealmail.smime import der
from sealmail.testing.pki import loaded

SMALL = ProcessLimits(memory_bytes=768 * MEGABYTE, cpu_seconds=8, wall_seconds=30)
NULLS = b"\x05\x00"
SIGNED_ATTRIBUTES = 3


@pytest.fixture
def signed(hostile, parsed):
    """Opaque signed data as a tree, with a name for its parts: version, digests, content, certificates, signers."""

    class Signed:
        root = parsed(hostile.forms["opaque"])
        version, digests, content, certificates, signers = root[1][0].children

        @property
        def signer(self):
            return self.signers[0]

        def sign_attributes(self) -> None:
            """A true signature over the attributes as they are now."""
            attributes = b"\x31" + self.signer[SIGNED_ATTRIBUTES].encoded[1:]
            self.signer[5].octets = loaded(hostile.carol).sign(attributes, ec.ECDSA(hashes.SHA256()))

        def verdict(self):
            return hostile.verdict(self.root.encoded)

        def reason(self):
            return hostile.opened(self.root.encoded).report.signature.reason

    return Signed()


def test_signed_data_of_the_fixture_can_be_signed_anew(signed) -> None:
    signed.sign_attributes()

    assert signed.verdict() is Signature.GOOD


PLACES = [
    pytest.param(lambda signed: signed.digests, (Signature.UNVERIFIED, Reason.UNSUPPORTED), id="digests"),
    pytest.param(lambda signed: signed.certificates, (Signature.UNVERIFIED, Reason.UNSUPPORTED), id="certificates"),
    pytest.param(lambda signed: signed.signers, (Signature.UNVERIFIED, Reason.UNSUPPORTED), id="signers"),
    pytest.param(lambda signed: signed.signer[SIGNED_ATTRIBUTES], (Signature.BAD, Reason.MALFORMED), id="attributes"),
]


@pytest.mark.mission("B14")
@pytest.mark.parametrize(("place", "expected"), PLACES)
def test_a_million_elements_stay_within_the_limits(hostile, signed, place: Callable, expected) -> None:
    node = place(signed)
    node.children, node.octets = None, b"".join(child.encoded for child in node.children) + NULLS * 1_000_000
    raw = hostile.mail(signed.root.encoded)

    with BoundedOpener(SMALL) as opener:
        report = opener.open_message(raw, hostile.keys, hostile.trust, Policy(), hostile.now).report

    assert Warning.OPENING_FAILED not in report.warnings
    assert (report.signature.verdict, report.signature.reason) == expected


@pytest.mark.mission("B14")
def test_a_million_recipients_stay_within_the_limits(hostile, parsed) -> None:
    root = parsed(hostile.forms["CBC"])
    recipients = root[1][0][1]
    recipients.children, recipients.octets = None, NULLS * 1_000_000

    with BoundedOpener(SMALL) as opener:
        opened = opener.open_message(hostile.mail(root.encoded), hostile.keys, hostile.trust, Policy(), hostile.now)

    assert Warning.OPENING_FAILED not in opened.report.warnings
    assert opened.report.encryption.verdict is not Encryption.DECRYPTED


@pytest.mark.mission("B14")
def test_ten_thousand_certificates_are_read_up_to_the_budget(hostile, signed) -> None:
    own = signed.certificates[0].encoded
    crowd = [der.sequence(der.integer(number), der.octet_string(own)) for number in range(9_990)]
    crowd += [hostile.ca.issue("mallory@evil.example").key.material for _ in range(10)]
    signed.certificates.children, signed.certificates.octets = None, b"".join([*crowd, own])

    with BoundedOpener(SMALL) as opener:
        raw = hostile.mail(signed.root.encoded)
        opened = opener.open_message(raw, MemoryKeyStore(), hostile.trust, Policy(), hostile.now)

    assert (opened.report.signature.verdict, opened.report.signature.reason) == (
        Signature.UNVERIFIED,
        Reason.UNSUPPORTED,
    )
    assert len(opened.report.keys_seen) <= Policy().budget.certificates


def test_content_that_nobody_signed_is_malformed(signed) -> None:
    signed.signers.children = []

    assert (signed.verdict(), signed.reason()) == (Signature.BAD, Reason.MALFORMED)


@pytest.mark.mission("B14")
def test_content_inside_and_beside_is_never_good(hostile) -> None:
    assert hostile.verdict(hostile.forms["opaque"], "detached") is Signature.BAD


def test_the_same_signer_twice_says_nothing_new(signed) -> None:
    signed.signers.children = [signed.signer, signed.signer]

    assert signed.verdict() is Signature.GOOD


def test_more_signers_than_the_budget_are_never_good(signed) -> None:
    signed.signers.children = [signed.signer] * 17

    assert signed.verdict() is Signature.UNVERIFIED


def test_broken_signer_beside_a_true_one_is_never_good(signed, parsed) -> None:
    broken = parsed(signed.signer.encoded)
    del broken.children[1]
    signed.signers.children = [signed.signer, broken]

    assert signed.verdict() is Signature.BAD


NUMBERS = [b"", b"\x00", b"\xff", b"\x80", b"\x00" * 3000 + b"\x01", b"\x7f" * 100_000, b"\xff" * 3000]
OIDS = [
    b"",
    b"\x80",
    b"\x80\x2a\x86",
    b"\x2a\x80\x80\x01",
    b"\x8f" * 5000 + b"\x01",
    b"\xff" * 9,
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x07",
]


@pytest.mark.parametrize("octets", NUMBERS, ids=lambda octets: f"{octets[:2].hex()}*{len(octets)}")
@pytest.mark.parametrize("form", ["opaque", "detached", "CBC", "GCM", "compressed"])
def test_impossible_numbers_are_survived(hostile, parsed, form: str, octets: bytes) -> None:
    """In each INTEGER of a message: versions, serials, sizes. What no program relies on (a version) may stay good."""
    _each(hostile, parsed, form, ber.INTEGER, octets)


@pytest.mark.parametrize("octets", OIDS, ids=lambda octets: f"{octets[:2].hex()}*{len(octets)}")
@pytest.mark.parametrize("form", ["opaque", "detached", "CBC", "GCM", "compressed"])
def test_impossible_identifiers_are_survived(hostile, parsed, form: str, octets: bytes) -> None:
    _each(hostile, parsed, form, ber.OID, octets)


@pytest.mark.parametrize("octets", [b"", b"\x07", b"\x08\xff", b"\x01\x80", b"\xff" * 5, b"\x00"])
def test_bit_strings_of_half_octets_are_survived(hostile, parsed, octets: bytes) -> None:
    for form in ("opaque", "CBC", "GCM"):
        _each(hostile, parsed, form, ber.BIT_STRING, octets)


def _each(hostile, parsed, form: str, tag: int, octets: bytes) -> None:
    root = parsed(hostile.forms[form])
    nodes = [node for node in root.walk() if node.tag == tag]
    assert nodes
    for node in nodes:
        kept, node.octets = node.octets, octets
        hostile.verdict(root.encoded, form)
        node.octets = kept
    assert hostile.verdict(root.encoded, form) is Signature.GOOD


TIMES = [
    (ber.UTC_TIME, b""),
    (ber.UTC_TIME, b"991332256199Z"),
    (ber.UTC_TIME, b"000000000000Z"),
    (ber.UTC_TIME, b"260230120000Z"),
    (ber.UTC_TIME, b"2601011200Z"),
    (ber.UTC_TIME, b"260101120000+0100"),
    (ber.UTC_TIME, b"26\x0001120000Z"),
    (ber.GENERALIZED_TIME, b"00000101000000Z"),
    (ber.GENERALIZED_TIME, b"99991231235959Z"),
    (ber.GENERALIZED_TIME, b"20260101120000.5Z"),
    (ber.GENERALIZED_TIME, b"00010101000000Z"),
    (ber.OCTET_STRING, b"260101120000Z"),
]


@pytest.mark.mission("B14")
@pytest.mark.parametrize(("tag", "octets"), TIMES)
def test_signing_time_out_of_range_is_never_good(signed, tag: int, octets: bytes) -> None:
    (time,) = [node for node in signed.signer[SIGNED_ATTRIBUTES].walk() if node.tag == ber.UTC_TIME]
    time.tag, time.octets = tag, octets
    signed.sign_attributes()

    assert signed.verdict() is not Signature.GOOD


def certificate(hostile, parsed, change: Callable, secret: SecretKey | None = None) -> bytes:
    """Carol's certificate, changed, and signed by her CA again: a CA that certifies whatever it is asked for."""
    root = parsed((secret or hostile.carol).key.material)
    change(root[0])
    root[2].octets = b"\0" + loaded(hostile.ca.secret).sign(root[0].encoded, ec.ECDSA(hashes.SHA256()))
    return root.encoded


def with_serial(octets: bytes) -> Callable:
    def change(fields) -> None:
        fields[1].octets = octets

    return change


def signed_with(hostile, parsed, der_certificate: bytes, serial: bytes | None = None) -> bytes:
    """What she signs with this certificate."""
    root = parsed(hostile.forms["opaque"])
    signer = root[1][0][4][0]
    root[1][0][3].children, root[1][0][3].octets = None, der_certificate
    if serial is not None:
        signer[1][1].octets = serial
    marks = [node for node in signer[SIGNED_ATTRIBUTES].walk() if node.octets == _digest(hostile.carol.key.material)]
    for mark in marks:
        mark.octets = _digest(der_certificate)
    attributes = b"\x31" + signer[SIGNED_ATTRIBUTES].encoded[1:]
    signer[5].octets = loaded(hostile.carol).sign(attributes, ec.ECDSA(hashes.SHA256()))
    return root.encoded


def _digest(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def test_certificate_made_anew_is_as_good(hostile, parsed) -> None:
    made = certificate(hostile, parsed, with_serial(b"\x05"))

    opened = hostile.opened(signed_with(hostile, parsed, made, b"\x05"), keys=MemoryKeyStore())

    assert opened.report.signature.verdict is Signature.GOOD


@pytest.mark.mission("B14")
@pytest.mark.parametrize("octets", [b"\x00", b"\xff", b"\x80\x01", b"\x00\x00", b""])
def test_serial_that_is_not_positive_is_never_good(hostile, parsed, octets: bytes) -> None:
    made = certificate(hostile, parsed, with_serial(octets))

    opened = hostile.opened(signed_with(hostile, parsed, made, octets), keys=MemoryKeyStore())

    assert opened.report.signature.verdict is not Signature.GOOD
    with pytest.raises(InputError):
        key_from_certificate(made)


NAMES = [
    b"carol@bank.example\0.evil.example",
    b"carol@bank.example\0",
    b"\0carol@bank.example",
    b" carol@bank.example",
    b"carol@bank.example ",
    b"carol@bank.example\r\n",
    b"carol @bank.example",
    b"carol@bank.example,mallory@evil.example",
    b"<carol@bank.example>",
    b"Carol <carol@bank.example>",
    b"carol@bank.example.",
    b"c\xd0\xb0rol@bank.example",
    b"carol@b\xd0\xb0nk.example",
    b"\xef\xbd\x83arol@bank.example",
    b"carol@bank\xe3\x80\x82example",
    b"\xe2\x80\x8bcarol@bank.example",
    b"carol@bank.example@evil.example",
    b"mailto:carol@bank.example",
    b"carol%bank.example@evil.example",
    b"",
    b"\xff\xfe",
    b"carol@bank.example" + b"x" * 100_000,
]


@pytest.mark.mission("B14")
@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:40]))
def test_name_that_pretends_to_be_the_address_never_binds(hostile, parsed, name: bytes) -> None:
    """The CA is trusted, the signature is true, and From is carol@bank.example."""
    made = certificate(hostile, parsed, with_names(name))

    opened = hostile.opened(signed_with(hostile, parsed, made), keys=MemoryKeyStore())

    assert opened.report.signature.verdict is not Signature.GOOD


def with_names(name: bytes) -> Callable:
    wanted = der.sequence(der.tagged(ber.context(1, constructed=False), name))

    def change(fields) -> None:
        (names,) = [node for node in fields.walk() if b"carol@bank.example" in node.octets and node.tag == 4]
        names.octets = wanted

    return change


@pytest.mark.mission("B14")
def test_two_certificates_of_one_name_and_serial_do_not_lend_each_other_anything(hostile, parsed) -> None:
    """Mallory's certificate goes by the same issuer and serial number as Carol's; the signature is Mallory's."""
    mallory = hostile.ca.issue("mallory@evil.example")
    serial = parsed(hostile.carol.key.material)[0][1].octets
    made = SecretKey(
        key=key_from_certificate(certificate(hostile, parsed, with_serial(serial), mallory)), material=mallory.material
    )
    assert hostile.carol.key.ids & made.key.ids
    for chain in ([], [hostile.carol.key]):
        entity = smime.sign_opaque(hostile.entity, made, chain, hostile.now)
        message = b64decode(entity.partition(b"\r\n\r\n")[2])
        statement = hostile.opened(message).report.signature

        assert (statement.verdict, statement.reason) == (Signature.BAD, Reason.SENDER_MISMATCH)
        assert statement.facts.key == made.key
