"""PKCS#12 and PKCS#8 as old and new programs protect them, and what a hostile file may cost."""

import hashlib
import hmac

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import pkcs12 as asn1
from cryptography.hazmat.primitives.serialization import pkcs12 as pyca

from sealmail import ber
from sealmail.errors import LimitExceeded
from sealmail.keys import rc2
from sealmail.keys.found import Lock
from sealmail.keys.reader import read

pytestmark = pytest.mark.mission("S3")
PASSPHRASE = "süß & secret"
ENDLESS = 2**31 - 1


def pkcs12(openssl, pair, *options, passphrase=PASSPHRASE):
    given = ("-inkey", pair.key, "-in", pair.certificate, "-certfile", pair.ca)
    return openssl("pkcs12", "-export", *options, *given, "-passout", f"pass:{passphrase}")


def opened(found):
    return [(secret.key.fingerprint, secret.passphrases) for secret in found.secrets]


@pytest.mark.parametrize("certificates", ["PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-3DES", "PBE-SHA1-2DES"])
@pytest.mark.parametrize("key", ["PBE-SHA1-RC2-128", "PBE-SHA1-2DES", "aes-128-cbc", "des-ede3-cbc"])
def test_every_old_and_new_scheme_of_pkcs12_is_read(pairs, openssl, certificates, key):
    pair = pairs["ec"]
    data = pkcs12(openssl, pair, "-legacy", "-certpbe", certificates, "-keypbe", key)

    found = read(data, (PASSPHRASE,))

    assert (len(found.keys), opened(found), found.problems) == (2, [(pair.fingerprint, (PASSPHRASE,))], ())


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_every_usual_mac_is_checked(pairs, openssl, digest):
    pair = pairs["ec"]
    data = pkcs12(openssl, pair, "-macalg", digest, "-iter", "10000")

    assert opened(read(data, (PASSPHRASE,))) == [(pair.fingerprint, (PASSPHRASE,))]
    assert [locked.why for locked in read(data, ("wrong",)).locked] == [Lock.WRONG]


@pytest.mark.parametrize("options", [(), ("-nomac",), ("-legacy",), ("-legacy", "-nomac")])
@pytest.mark.parametrize("tried", [("a", "b", "c"), ("wrong", "")])
def test_a_wrong_passphrase_is_told_with_and_without_mac(pairs, openssl, options, tried):
    found = read(pkcs12(openssl, pairs["ec"], *options), tried)

    assert (found.keys, found.problems) == ((), ())
    assert [lock.reason.sentence for lock in found.locked] == ["The passphrase is wrong for the PKCS#12 file."]


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_pbmac1_is_checked(pairs, openssl, digest):
    """RFC 9579; OpenSSL writes it from 3.4 on, the one inside of `cryptography` reads it."""
    pair = pairs["ec"]
    data = with_pbmac1(pkcs12(openssl, pair, "-nomac"), PASSPHRASE, digest)

    assert pyca.load_pkcs12(data, PASSPHRASE.encode()).key is not None
    assert opened(read(data, (PASSPHRASE,))) == [(pair.fingerprint, (PASSPHRASE,))]
    assert [locked.why for locked in read(data, ("wrong",)).locked] == [Lock.WRONG]


def with_pbmac1(data, passphrase, digest, claimed=2048):
    """The file with a MAC that was computed here, from RFC 9579 §5 alone."""
    pfx = asn1.Pfx.load(data)
    content = pfx["auth_safe"]["content"].native
    size = hashlib.new(digest).digest_size
    mac = hmac.digest(hashlib.pbkdf2_hmac(digest, passphrase.encode(), b"salty", 2048, size), content, digest)
    hmac_with = {"sha256": "1.2.840.113549.2.9", "sha512": "1.2.840.113549.2.11"}[digest]
    prf = sequence(oid(hmac_with), b"\x05\0")
    pbkdf2 = sequence(oid("1.2.840.113549.1.5.12"), sequence(octets(b"salty"), integer(claimed), integer(size), prf))
    pbmac1 = sequence(oid("1.2.840.113549.1.5.14"), sequence(pbkdf2, prf))
    mac_data = sequence(sequence(pbmac1, octets(mac)), octets(b"unused"))
    return sequence(integer(3), pfx["auth_safe"].dump(), mac_data)


def sequence(*parts):
    return value(ber.SEQUENCE, b"".join(parts))


def value(tag, content):
    return ber.header(tag, len(content)) + content


def oid(dotted):
    return value(ber.OID, ber.encode_oid(dotted))


def octets(content):
    return value(ber.OCTET_STRING, content)


def integer(number):
    return value(ber.INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


@pytest.mark.parametrize("options", [(), ("-legacy",), ("-nomac",)])
def test_an_empty_passphrase_opens_without_asking(pairs, openssl, options):
    found = read(pkcs12(openssl, pairs["ec"], *options, passphrase=""))

    assert opened(found) == [(pairs["ec"].fingerprint, ())]


def test_a_passphrase_that_an_old_program_took_byte_by_byte_opens(pairs, openssl):
    """OpenSSL before 1.1 wrote UTF-8 as if each byte were a letter."""
    as_letters = PASSPHRASE.encode().decode("latin-1")
    data = pkcs12(openssl, pairs["ec"], "-legacy", passphrase=as_letters)

    assert opened(read(data, (PASSPHRASE,))) == [(pairs["ec"].fingerprint, (PASSPHRASE,))]


def test_several_keys_under_one_passphrase_all_open(pairs, openssl):
    both = [pairs["ec"], pairs["rsa2048"]]
    protected = [openssl("pkcs8", "-topk8", "-in", pair.key, "-passout", "pass:pw") for pair in both]
    certificates = [pair.certificate.read_bytes() for pair in both]

    found = read(b"".join([*protected, *certificates]), ("pw",))

    assert sorted(opened(found)) == sorted((pair.fingerprint, ("pw",)) for pair in both)


@pytest.mark.parametrize("scheme", ["PBE-MD5-DES", "PBE-SHA1-DES", "PBE-SHA1-RC2-64", "PBE-MD5-RC2-64"])
def test_the_oldest_schemes_of_pkcs8_are_read(pairs, openssl, scheme):
    pair = pairs["ec"]
    providers = ("-provider", "legacy", "-provider", "default")
    key = openssl("pkcs8", *providers, "-topk8", "-v1", scheme, "-in", pair.key, "-passout", f"pass:{PASSPHRASE}")

    found = read(key + pair.certificate.read_bytes(), ("no", PASSPHRASE))

    assert opened(found) == [(pair.fingerprint, (PASSPHRASE,))]


@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"])
@pytest.mark.parametrize("prf", ["hmacWithSHA1", "hmacWithSHA512"])
def test_every_usual_form_of_pbes2_is_read(pairs, openssl, cipher, prf):
    pair = pairs["ec"]
    key = openssl("pkcs8", "-topk8", "-v2", cipher, "-v2prf", prf, "-in", pair.key, "-passout", "pass:pw")

    found = read(key + pair.certificate.read_bytes(), ("pw",))

    assert opened(found) == [(pair.fingerprint, ("pw",))]
    assert [lock.why for lock in read(key, ("no", "never", "wrong")).locked] == [Lock.WRONG]


def test_a_mac_with_rounds_without_end_is_refused_before_they_are_done(pairs, openssl):
    pfx = asn1.Pfx.load(pkcs12(openssl, pairs["ec"]))
    pfx["mac_data"]["iterations"] = ENDLESS

    with pytest.raises(LimitExceeded, match="too many rounds"):
        read(pfx.dump(), (PASSPHRASE,))


@pytest.mark.parametrize(("options", "scheme"), [((), "pbes2"), (("-legacy",), "pkcs12_sha1_rc2_40")])
def test_certificates_with_rounds_without_end_are_refused_before_they_are_done(pairs, openssl, options, scheme):
    safe = asn1.Pfx.load(pkcs12(openssl, pairs["ec"], *options)).authenticated_safe
    encrypted = next(info["content"] for info in safe if info["content_type"].native == "encrypted_data")
    algorithm = encrypted["encrypted_content_info"]["content_encryption_algorithm"]
    assert algorithm["algorithm"].native == scheme
    set_rounds(algorithm["parameters"])
    without_mac = sequence(oid("1.2.840.113549.1.7.1"), value(0xA0, octets(safe.dump(force=True))))

    with pytest.raises(LimitExceeded, match="too many rounds"):
        read(sequence(integer(3), without_mac), (PASSPHRASE,))


@pytest.mark.parametrize("scheme", [("-v2", "aes-256-cbc"), ("-v1", "PBE-SHA1-3DES")])
def test_a_private_key_with_rounds_without_end_is_refused_before_they_are_done(pairs, openssl, scheme):
    key = openssl("pkcs8", "-topk8", *scheme, "-in", pairs["ec"].key, "-passout", "pass:pw", "-outform", "DER")
    info = asn1_keys.EncryptedPrivateKeyInfo.load(key)
    set_rounds(info["encryption_algorithm"]["parameters"])

    with pytest.raises(LimitExceeded, match="too many rounds"):
        read(info.dump(force=True), ("pw",))


def set_rounds(parameters):
    if "iterations" in parameters.native:
        parameters["iterations"] = ENDLESS
    else:
        parameters["key_derivation_func"]["parameters"]["iteration_count"] = ENDLESS


def test_pbmac1_with_rounds_without_end_is_refused(pairs, openssl):
    data = with_pbmac1(pkcs12(openssl, pairs["ec"], "-nomac"), PASSPHRASE, "sha256", claimed=ENDLESS)

    with pytest.raises(LimitExceeded, match="too many rounds"):
        read(data, (PASSPHRASE,))


@pytest.mark.parametrize(
    ("key", "bits", "plain", "encrypted"),
    [
        ("0000000000000000", 63, "0000000000000000", "ebb773f993278eff"),
        ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"),
        ("88", 64, "0000000000000000", "61a8a244adacccf0"),
        ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
    ],
)
def test_rc2_gives_what_rfc_2268_says(key, bits, plain, encrypted):
    """RFC 2268 §5."""
    assert rc2.decrypt_cbc(bytes.fromhex(key), bits, bytes(8), bytes.fromhex(encrypted)).hex() == plain
