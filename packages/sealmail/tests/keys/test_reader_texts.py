"""Keys as text that went through mail programs, editors and terminals before it was pasted."""

import base64
import json
import time

import pytest

from sealmail.errors import InputError, LimitExceeded
from sealmail.keys.reader import read


def lines(text, ending=b"\n", before=b""):
    return ending.join(before + line for line in text.splitlines())


def one_line(text):
    return b"".join(text.splitlines())


TEXTS = {
    "CR only": lambda text: lines(text, b"\r"),
    "CRLF and spaces": lambda text: lines(text, b"  \r\n"),
    "indented": lambda text: lines(text, before=b"    "),
    "quoted": lambda text: b"Carol wrote:\n" + lines(text, before=b"> "),
    "quoted twice": lambda text: lines(text, before=b">> "),
    "in one line": one_line,
    "spaces for line ends": lambda text: lines(text, b" "),
    "JSON": lambda text: json.dumps({"cert": text.decode(), "other": 1}).encode(),
    "no-break spaces": lambda text: lines(text, before=b"\xc2\xa0"),
    "UTF-8 with mark": lambda text: b"\xef\xbb\xbf" + text,
    "two files with marks": lambda text: (b"\xef\xbb\xbf" + text) * 2,
    "UTF-16 without mark": lambda text: text.decode().encode("utf-16-le"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
    "Bag Attributes": lambda text: b"Bag Attributes\n    localKeyID: 01 02\nsubject=CN = Carol\n" + text,
    "s_client": lambda text: (
        b"CONNECTED(00000003)\n---\nServer certificate\n"
        + text
        + b"-----BEGIN SSL SESSION PARAMETERS-----\nMAMCAQE=\n-----END SSL SESSION PARAMETERS-----\n"
    ),
    "in a mail": lambda text: "Grüße, Müller\r\n\r\n".encode() + lines(text, b"\r\n") + b"\r\n-- \r\nMueller KG",
}


@pytest.mark.mission("S2")
@pytest.mark.parametrize("name", TEXTS)
def test_certificate_is_read_from_any_text(pairs, name):
    found = read(TEXTS[name](pairs["ec"].certificate.read_bytes()))

    assert [key.fingerprint for key in found.keys] == [pairs["ec"].fingerprint]
    assert found.problems == ()


@pytest.mark.parametrize("label", ["PKCS7", "CERTIFICATE", "CMS", "PKCS #7 SIGNED DATA"])
@pytest.mark.parametrize("ending", [b"\n", b" \r\n"])
def test_bundle_is_read_whatever_its_label(pairs, openssl, label, ending):
    data = openssl("crl2pkcs7", "-nocrl", "-certfile", pairs["ec"].certificate, "-certfile", pairs["ec"].ca)

    found = read(lines(data.replace(b" PKCS7-", f" {label}-".encode()), ending))

    assert pairs["ec"].fingerprint in {key.fingerprint for key in found.keys}
    assert (len(found.keys), found.problems) == (2, ())


@pytest.mark.mission("S3")
@pytest.mark.parametrize("change", [lines, one_line, lambda text: lines(text, b"\r", b"> ")])
def test_protected_private_key_is_read_from_changed_text(pairs, openssl, change):
    pair = pairs["ec"]
    key = openssl("pkcs8", "-topk8", "-in", pair.key, "-passout", "pass:pw")

    found = read(change(key + pair.certificate.read_bytes()), ("pw",))

    assert [secret.key.fingerprint for secret in found.secrets] == [pair.fingerprint]


@pytest.mark.mission("S3")
def test_traditional_encryption_is_read_with_other_line_ends(pairs, openssl):
    pair = pairs["rsa2048"]
    key = openssl("rsa", "-traditional", "-aes128", "-in", pair.key, "-passout", "pass:pw")

    for ending, before in ((b"\r\n", b""), (b"\r", b"  "), (b"\n", b"> ")):
        found = read(lines(key, ending, before) + ending + pair.certificate.read_bytes(), ("pw",))
        assert [secret.key.fingerprint for secret in found.secrets] == [pair.fingerprint]


@pytest.mark.mission("S3")
def test_parameters_before_a_key_of_a_curve_are_skipped(openssl):
    data = openssl("ecparam", "-name", "prime256v1", "-genkey")

    found = read(data)

    assert b"BEGIN EC PARAMETERS" in data
    assert ([secret.algorithm for secret in found.unmatched], found.problems) == (["EC P-256"], ())


@pytest.mark.mission("S12")
@pytest.mark.parametrize("dashes", ["—–", "–––––", "----", "- - - - -", "\N{NON-BREAKING HYPHEN}" * 5])
def test_dashes_that_a_word_processor_changed_are_told_and_not_guessed(pairs, dashes):
    text = pairs["ec"].certificate.read_text().replace("-----", dashes)

    with pytest.raises(InputError, match="must begin and end with five plain hyphens"):
        read(text.encode())


@pytest.mark.mission("S12")
def test_ten_thousand_certificates_in_one_paste_are_refused_in_time(pairs):
    body = base64.b64decode(b"".join(pairs["ec"].certificate.read_bytes().splitlines()[1:-1]))
    many = [body[:-1] + bytes((body[-1] ^ number & 0xFF,)) for number in range(256)]
    text = b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(many[number % 256]) + b"\n-----END CERTIFICATE-----\n"
        for number in range(5_000)
    )

    start = time.process_time()
    with pytest.raises(LimitExceeded, match=r"more than 2,000 pieces\. Split it into several files"):
        read(text)
    with pytest.raises(LimitExceeded, match="more than 5 MiB"):
        read(text * 2 + text)

    assert time.process_time() - start < 10
