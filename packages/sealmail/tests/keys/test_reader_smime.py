"""Reading certificates and private keys in the forms that openssl writes."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509 import ocsp

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys.found import Lock, match, suspects
from sealmail.keys.reader import MAX_BYTES, read, read_paths

KINDS = ("rsa2048", "ec")
PASSPHRASE = "süß & secret"


def fingerprints(found):
    return sorted(key.fingerprint for key in found.keys)


def opened_as(found):
    """What its secrets are: whose, and by which passphrase they open; every one is really opened."""
    for secret in found.secrets:
        load_der_private_key(secret.material, secret.passphrases[0].encode() if secret.passphrases else None)
    return sorted((secret.key.fingerprint, secret.passphrases) for secret in found.secrets)


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_certificate_is_read(pairs, openssl, form):
    data = openssl("x509", "-in", pairs["ec"].certificate, "-outform", form)

    found = read(data)

    assert fingerprints(found) == [pairs["ec"].fingerprint]
    assert (found.secrets, found.locked, found.unmatched, found.problems) == ((), (), (), ())


@pytest.mark.mission("S2")
def test_many_certificates_in_one_text_are_all_read(pairs):
    text = b"Dear admin,\r\nhere they are:\r\n"
    for pair in pairs.values():
        text += pair.certificate.read_bytes().replace(b"\n", b"\r\n") + b"\r\nand\r\n"

    found = read(text + pairs["ec"].ca.read_bytes())

    assert len(found.keys) == 3
    assert {pair.fingerprint for pair in pairs.values()} < set(fingerprints(found))
    assert [key.is_ca for key in found.keys] == [False, False, True]


def test_trusted_certificate_of_openssl_is_read(pairs, openssl):
    data = openssl("x509", "-in", pairs["ec"].certificate, "-trustout", "-addtrust", "emailProtection")

    assert b"BEGIN TRUSTED CERTIFICATE" in data
    assert fingerprints(read(data)) == [pairs["ec"].fingerprint]


@pytest.mark.parametrize("label", ["X509 CERTIFICATE", "X.509 CERTIFICATE"])
def test_old_labels_are_read(pairs, label):
    data = pairs["ec"].certificate.read_bytes().replace(b" CERTIFICATE", f" {label}".encode())

    assert fingerprints(read(data)) == [pairs["ec"].fingerprint]


def test_certificate_without_its_lines_is_read(pairs):
    bare = b"".join(pairs["ec"].certificate.read_bytes().split(b"-----")[2:3])

    assert fingerprints(read(bare)) == [pairs["ec"].fingerprint]


def test_text_of_windows_in_utf16_is_read(pairs):
    data = pairs["ec"].certificate.read_text().encode("utf-16")

    assert fingerprints(read(data)) == [pairs["ec"].fingerprint]


@pytest.mark.mission("S2")
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_pkcs7_bundle_is_read(pairs, openssl, form):
    files = [f"-certfile={pair.certificate}" for pair in pairs.values()]
    arguments = [part for file in files for part in file.split("=", 1)]

    data = openssl("crl2pkcs7", "-nocrl", *arguments, "-outform", form)

    assert fingerprints(read(data)) == sorted(pair.fingerprint for pair in pairs.values())


@pytest.mark.mission("S3")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [(), ("-legacy",), ("-keypbe", "NONE", "-certpbe", "NONE")])
def test_pkcs12_of_openssl_is_read(pairs, openssl, kind, options):
    pair = pairs[kind]
    data = openssl(
        *("pkcs12", "-export", *options, "-inkey", pair.key, "-in", pair.certificate, "-certfile", pair.ca),
        *("-passout", f"pass:{PASSPHRASE}"),
    )

    found = read(data, ("not this one", PASSPHRASE))

    assert len(found.keys) == 2
    assert opened_as(found) == [(pair.fingerprint, (PASSPHRASE,))]
    assert found.problems == ()


def test_pkcs12_without_passphrase_is_read(pairs, openssl):
    pair = pairs["ec"]
    data = openssl("pkcs12", "-export", "-inkey", pair.key, "-in", pair.certificate, "-passout", "pass:")

    assert opened_as(read(data)) == [(pair.fingerprint, ())]


def test_pkcs12_without_mac_is_read(pairs, openssl):
    pair = pairs["ec"]
    data = openssl("pkcs12", "-export", "-nomac", "-inkey", pair.key, "-in", pair.certificate, "-passout", "pass:pw")

    assert opened_as(read(data, ("no", "pw"))) == [(pair.fingerprint, ("pw",))]


@pytest.mark.mission("S12")
@pytest.mark.parametrize(
    ("passphrases", "why", "sentence"),
    [
        ((), Lock.MISSING, "A passphrase is needed to open the PKCS#12 file."),
        (("wrong",), Lock.WRONG, "The passphrase is wrong for the PKCS#12 file."),
    ],
)
def test_pkcs12_stays_locked_without_its_passphrase(pairs, openssl, passphrases, why, sentence):
    pair = pairs["ec"]
    data = openssl("pkcs12", "-export", "-inkey", pair.key, "-in", pair.certificate, "-passout", "pass:pw")

    found = read(data, passphrases)

    assert (found.keys, found.secrets) == ((), ())
    assert [(locked.why, locked.reason.sentence) for locked in found.locked] == [(why, sentence)]


@pytest.mark.mission("S3")
@pytest.mark.vectors
@pytest.mark.parametrize("name", ["alice", "bob", "carlos", "dana"])
def test_pkcs12_with_two_key_pairs_gives_both(vectors, name):
    data = (vectors / "rfc9216" / "pem" / f"{name}.p12").read_bytes()
    paths = sorted((vectors / "rfc9216" / "pem").glob(f"{name}.*.crt"))
    people, _ = read_paths((path.name, path.read_bytes()) for path in paths)

    found = read(data, (name,))

    assert len(people.keys) == 2
    assert opened_as(found) == [(fingerprint, (name,)) for fingerprint in fingerprints(people)]
    assert [key.is_ca for key in found.keys].count(True) == 1


@pytest.mark.mission("S3")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_private_key_finds_its_certificate_later(pairs, openssl, kind, form):
    pair = pairs[kind]
    for data in (openssl("pkey", "-in", pair.key, "-outform", form), _traditional(openssl, pair, kind, form)):
        found = read(data)
        certificates = read(b"".join(other.certificate.read_bytes() for other in pairs.values())).keys

        assert (found.keys, found.secrets, len(found.unmatched)) == ((), (), 1)
        assert not found.unmatched[0].is_protected
        assert match(found.unmatched[0], certificates).key.fingerprint == pair.fingerprint
        assert match(found.unmatched[0], []) is None


def _traditional(openssl, pair, kind, form):
    program = ("rsa", "-traditional") if kind == "rsa2048" else ("ec",)
    return openssl(*program, "-in", pair.key, "-outform", form)


@pytest.mark.mission("S12")
def test_private_key_without_certificate_says_so(pairs):
    found = read(pairs["ec"].key.read_bytes())

    assert [secret.reason.code for secret in found.unmatched] == ["no_certificate"]
    assert found.unmatched[0].reason.sentence.startswith("There is no matching certificate")


@pytest.mark.mission("S3")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["pkcs8", "pkcs8-3des", "pkcs8-scrypt", "traditional"])
def test_protected_private_key_stays_protected(pairs, openssl, kind, way):
    pair = pairs[kind]
    data = _protected(openssl, pair, kind, way) + pair.certificate.read_bytes()

    found = read(data, ("wrong", PASSPHRASE))

    assert opened_as(found) == [(pair.fingerprint, (PASSPHRASE,))]
    with pytest.raises(TypeError, match="encrypted"):
        load_der_private_key(found.secrets[0].material, None)


@pytest.mark.mission("S12")
@pytest.mark.parametrize("way", ["pkcs8", "traditional"])
@pytest.mark.parametrize(("passphrases", "why"), [((), Lock.MISSING), (("wrong", "no"), Lock.WRONG)])
def test_protected_private_key_stays_locked_without_its_passphrase(pairs, openssl, way, passphrases, why):
    pair = pairs["ec"]
    data = _protected(openssl, pair, "ec", way) + pair.certificate.read_bytes()

    found = read(data, passphrases)

    assert (fingerprints(found), found.secrets, found.unmatched) == ([pair.fingerprint], (), ())
    assert [(locked.description, locked.why) for locked in found.locked] == [("the private key", why)]


def _protected(openssl, pair, kind, way):
    out = ("-passout", f"pass:{PASSPHRASE}")
    match way:
        case "pkcs8":
            return openssl("pkcs8", "-topk8", "-in", pair.key, *out)
        case "pkcs8-3des":
            return openssl("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", pair.key, *out)
        case "pkcs8-scrypt":
            return openssl("pkcs8", "-topk8", "-scrypt", "-in", pair.key, *out)
        case _:
            program = ("rsa", "-traditional") if kind == "rsa2048" else ("ec",)
            return openssl(*program, "-aes256", "-in", pair.key, *out)


def test_locked_key_is_suspected_of_free_certificates_only(cast, pairs, openssl):
    pair = pairs["ec"]
    data = _protected(openssl, pair, "ec", "pkcs8") + pair.certificate.read_bytes() + pair.ca.read_bytes()

    found = suspects(read(data), ("one",))

    assert [(secret.key.fingerprint, secret.passphrases) for secret in found] == [(pair.fingerprint, ("one",))]


def test_certificates_for_the_same_key_pair_both_get_the_secret(cast):
    from sealmail.keys import Use
    from sealmail.testing import export_armored, export_pem

    signing = cast.ca.issue("carol@customer.example", uses=[Use.SIGN])
    encrypting = cast.ca.renew(signing, "carol@customer.example", uses=[Use.ENCRYPT])

    found = read(export_pem(signing) + export_armored(encrypting.key).encode())

    expected = sorted((secret.key.fingerprint, ()) for secret in (signing, encrypting))
    assert opened_as(found) == expected


def test_private_key_in_another_file_finds_its_certificate(pairs):
    pair = pairs["rsa2048"]
    files = [
        ("a.key", pair.key.read_bytes()),
        ("photo.png", b"\x89PNG\r\n\x1a\n"),
        ("b.crt", pair.certificate.read_bytes()),
    ]

    found, warnings = read_paths(files)

    assert opened_as(found) == [(pair.fingerprint, ())]
    assert [warning[:57] for warning in warnings] == ["photo.png: skipped. This is neither a certificate nor a k"]


def test_crl_is_found_under_its_issuer(cast, openssl):
    issuer, der = cast.ca.crl([cast.carol.smime.key])
    pem = openssl("crl", "-inform", "DER", given=der)

    for data in (der, pem):
        assert read(data).revocations == ((issuer, der),)
    assert issuer == cast.ca.certificate.subject


def ocsp_response(ca, key):
    issuer, subject = (x509.load_der_x509_certificate(one.material) for one in (ca.certificate, key))
    since = subject.not_valid_before_utc
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=subject,
        issuer=issuer,
        algorithm=hashes.SHA1(),  # noqa: S303 -- what responders use for names
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=since,
        next_update=None,
        revocation_time=None,
        revocation_reason=None,
    )
    private = load_der_private_key(ca.secret.material, None)
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(private, hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def test_ocsp_response_is_found_under_the_ca_that_it_speaks_for(cast):
    carol = cast.carol.smime.key
    der = ocsp_response(cast.ca, carol)

    found, _ = read_paths([("answer.der", der), ("carol.crt", carol.material)])

    assert found.revocations == ((cast.ca.certificate.subject, der),)


def test_ocsp_response_of_an_unknown_ca_is_named(cast):
    found = read(ocsp_response(cast.ca, cast.carol.smime.key))

    assert (found.revocations, [problem.code for problem in found.problems]) == ((), ["unknown_issuer"])


def test_certificate_of_a_version_that_does_not_exist_is_refused(cast):
    material = cast.carol.smime.key.material
    version = bytes.fromhex("a003020102")

    with pytest.raises(InputError):
        read(material.replace(version, version[:-1] + b"\x09", 1))


@pytest.mark.mission("S12")
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This is empty."),
        (b" \r\n", "This is empty."),
        (b"\xef\xbb\xbf", "This is empty."),
        (b"hello", "This is neither a certificate nor a key: it has no BEGIN line"),
        (b"\xef\xbb\xbfh\xc3\xa9llo", "This is neither a certificate nor a key"),
        (b"-----BEGIN something", "This is neither a certificate nor a key: its BEGIN line is damaged."),
        (b"0\x03\x02\x01\x01", "This is neither a certificate nor a key: it is ASN.1 data of another kind"),
        (base64.b64encode(b"0\x03\x02\x01\x01"), "This is neither a certificate nor a key: it is ASN.1"),
        (b"\x89PNG\r\n\x1a\n", "This is neither a certificate nor a key: it has no BEGIN line"),
        (b"\x99\x01\x0d\x04cut off", "The OpenPGP data is broken or cut off."),
    ],
)
def test_what_is_no_key_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(InputError) as caught:
        read(data)

    assert str(caught.value).startswith(sentence)


@pytest.mark.mission("S12")
def test_what_is_nearly_a_key_is_named(cast, pairs, openssl):
    request = openssl("req", "-new", "-key", pairs["ec"].key, "-subj", "/CN=x")
    public = openssl("pkey", "-in", pairs["ec"].key, "-pubout")
    cut_off = pairs["ec"].certificate.read_bytes()[:300]
    broken = b"-----BEGIN CERTIFICATE-----\nMIIB!\n-----END CERTIFICATE-----\n"

    sentences = [read(data).problems[0].sentence for data in (request, public, cut_off, broken)]

    assert sentences == [
        "A certificate request is not a certificate yet: its issuer has to sign it first.",
        "A public key without its certificate names no address and cannot be used.",
        "A block “CERTIFICATE” is cut off or damaged.",
        "A block “CERTIFICATE” is cut off or damaged.",
    ]


def test_broken_block_does_not_keep_the_others_out(pairs):
    broken = b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"

    found = read(broken + pairs["ec"].certificate.read_bytes())

    assert fingerprints(found) == [pairs["ec"].fingerprint]
    assert len(found.problems) == 1


def test_too_large_or_too_many_is_refused(pairs):
    for data in (b"x" * (MAX_BYTES + 1), b"-----BEGIN A-----\n" * 2001, pairs["ec"].certificate.read_bytes() * 2001):
        with pytest.raises(LimitExceeded):
            read(data)


def test_costly_passphrase_derivation_is_refused(pairs, openssl):
    pair = pairs["ec"]
    data = openssl("pkcs8", "-topk8", "-in", pair.key, "-iter", "9000001", "-passout", "pass:pw")

    with pytest.raises(LimitExceeded):
        read(data, ("a", "b", "c", "d"))


def test_no_secret_is_in_what_is_printed(pairs, openssl):
    pair = pairs["ec"]
    data = openssl("pkcs12", "-export", "-inkey", pair.key, "-in", pair.certificate, "-passout", "pass:hush-hush")

    found = read(data, ("hush-hush",))

    assert "hush-hush" not in repr(found)
    assert repr(found.secrets[0].material)[2:20] not in repr(found)
