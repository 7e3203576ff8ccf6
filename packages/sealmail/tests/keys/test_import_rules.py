"""Which certificates may be added, and what the refusal says."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail.keys import Use
from sealmail.keys.import_rules import import_problems
from sealmail.keys.usability import Purpose, usable

pytestmark = pytest.mark.mission("S4")
ADDRESS = "carol@customer.example"
DAY = timedelta(days=1)


def refused(secret):
    """Codes, and the attributes that the sentences name."""
    return [(reason.code, reason.sentence.split(":")[0]) for reason in import_problems(secret.key)]


SIGN, ENCRYPT, BOTH = [Use.SIGN], [Use.ENCRYPT], [Use.SIGN, Use.ENCRYPT]


@pytest.mark.parametrize(
    ("key_type", "uses"),
    [(kind, uses) for kind in ("rsa2048", "ec", "ec-p384") for uses in (SIGN, ENCRYPT, BOTH)]
    + [("ed25519", SIGN), ("x25519", ENCRYPT)],
)
def test_proper_certificate_may_be_added(cast, key_type, uses):
    assert refused(cast.ca.issue(ADDRESS, key_type=key_type, uses=uses)) == []


def test_certificate_without_extended_key_usage_may_be_added(cast, openssl, tmp_path):
    from sealmail.keys.reader import read

    usage = ("-addext", f"subjectAltName=email:{ADDRESS}", "-addext", "keyUsage=digitalSignature")
    usage += ("-addext", "basicConstraints=critical,CA:FALSE")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key")
    found = read(openssl("req", "-x509", *new_key, "-subj", "/CN=Carol", *usage))

    assert import_problems(found.keys[0]) == ()


def test_certificate_without_alternative_name_is_refused(cast):
    assert refused(cast.ca.issue(None)) == [("no_address", "Subject Alternative Name")]


def test_certificate_without_address_in_its_alternative_name_is_refused(cast):
    names = x509.SubjectAlternativeName([x509.DNSName("customer.example")])

    assert refused(cast.ca.issue(None, extra=[names])) == [("no_address", "Subject Alternative Name")]


def test_certificate_with_an_unreadable_address_is_refused(cast):
    names = x509.SubjectAlternativeName([x509.RFC822Name("carol at customer.example")])

    assert refused(cast.ca.issue(None, extra=[names])) == [("unreadable_address", "Subject Alternative Name")]


def usage(**true):
    flags = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    flags += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{flag: true.get(flag, False) for flag in flags})


@pytest.mark.parametrize(
    ("key_type", "flags", "codes"),
    [
        ("ec", {"content_commitment": True}, [("wrong_key_usage", "Key Usage")]),
        ("ec", {"key_encipherment": True}, [("wrong_key_usage", "Key Usage")]),
        ("rsa2048", {"key_agreement": True}, [("wrong_key_usage", "Key Usage")]),
        ("rsa2048", {"key_encipherment": True}, []),
        ("ec", {"key_agreement": True}, []),
        ("ed25519", {"digital_signature": True}, []),
        ("ed25519", {"key_agreement": True, "key_encipherment": True}, [("wrong_key_usage", "Key Usage")]),
        ("x25519", {"key_agreement": True}, []),
        ("x25519", {"digital_signature": True}, [("wrong_key_usage", "Key Usage")]),
    ],
)
def test_key_usage_must_fit_the_algorithm(cast, key_type, flags, codes):
    assert refused(cast.ca.issue(ADDRESS, key_type=key_type, extra=[usage(**flags)])) == codes


def test_certificate_without_key_usage_is_refused(cast, openssl, tmp_path):
    from sealmail.keys.reader import read

    extra = ("-addext", f"subjectAltName=email:{ADDRESS}", "-addext", "basicConstraints=critical,CA:FALSE")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key")
    found = read(openssl("req", "-x509", *new_key, "-subj", "/CN=Carol", *extra))

    assert [reason.code for reason in import_problems(found.keys[0])] == ["no_key_usage"]


@pytest.mark.parametrize("purpose", [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
def test_extended_key_usage_must_hold_email_protection(cast, purpose):
    other = cast.ca.issue(ADDRESS, extra=[x509.ExtendedKeyUsage([purpose])])
    both = cast.ca.issue(ADDRESS, extra=[x509.ExtendedKeyUsage([purpose, ExtendedKeyUsageOID.EMAIL_PROTECTION])])

    assert refused(other) == [("wrong_extended_key_usage", "Extended Key Usage")]
    assert refused(both) == []


def test_every_problem_is_named_at_once(cast):
    bad = cast.ca.issue(None, extra=[usage(), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])])

    assert [code for code, _ in refused(bad)] == ["no_address", "wrong_key_usage", "wrong_extended_key_usage"]


def test_ca_certificate_is_not_asked_for_any_of_it(cast):
    assert refused(cast.ca.secret) == []
    assert refused(cast.ca.intermediate().secret) == []


def test_algorithm_that_seals_no_mail_is_refused(openssl, tmp_path):
    from sealmail.keys.reader import read

    (tmp_path / "parameters").write_bytes(openssl("dsaparam", "1024"))
    key = ("-newkey", f"dsa:{tmp_path / 'parameters'}", "-nodes", "-keyout", tmp_path / "key")
    extra = ("-addext", f"subjectAltName=email:{ADDRESS}", "-addext", "basicConstraints=critical,CA:FALSE")
    found = read(openssl("req", "-x509", *key, "-subj", "/CN=x", *extra, "-addext", "keyUsage=digitalSignature"))

    problems = import_problems(found.keys[0])

    assert [problem.code for problem in problems] == ["wrong_algorithm"]
    assert problems[0].sentence.endswith("not DSA-1024.")


def test_the_sentence_names_what_the_key_usage_must_hold(cast):
    sentences = [
        import_problems(cast.ca.issue(ADDRESS, key_type=kind, extra=[usage()]).key)[0].sentence
        for kind in ("rsa2048", "ec", "x25519")
    ]

    assert sentences == [
        "Key Usage: it holds neither Digital Signature nor Key Encipherment, so it can neither sign nor encrypt mail.",
        "Key Usage: it holds neither Digital Signature nor Key Agreement, so it can neither sign nor encrypt mail.",
        "Key Usage: it does not hold Key Agreement, the only use for a key of X25519.",
    ]


@pytest.mark.parametrize("extra", [[], [usage(content_commitment=True)]])
def test_what_may_not_be_added_may_still_verify(cast, extra):
    """RFC 8550 §4.4.2: an absent key usage, or nonRepudiation alone, is enough for a signature in a mail."""
    secret = cast.ca.issue(
        ADDRESS, extra=extra or [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])]
    )

    assert import_problems(secret.key) != ()
    assert usable(secret.key, Purpose.VERIFY, datetime.now(UTC))


def test_expired_certificate_may_be_added(cast):
    """It still opens old mail (S8)."""
    moments = {"valid_from": datetime.now(UTC) - 2 * DAY, "valid_until": datetime.now(UTC) - DAY}

    assert refused(cast.ca.issue(ADDRESS, **moments)) == []
