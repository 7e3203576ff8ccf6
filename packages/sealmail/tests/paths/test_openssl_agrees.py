"""The same paths judged by OpenSSL: where it finds a rule broken, so do we, and the other way round."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail.keys import Key
from sealmail.testing import CA

from .conftest import ADDRESS, ISSUING, as_version_1, judged, reissued, sub_ca, usage, with_key, without
from .test_name_constraints import limited, named, rfc822, utf8
from .test_policies import ANY, OURS, THEIRS, mapping, policies, required

Case = Callable[[CA], tuple[Key, CA]]
"""A certificate and the CA right above it, below a root."""


def below(
    *extensions: x509.ExtensionType,
    leaf: Iterable[x509.ExtensionType] = (),
    critical: Iterable[x509.ExtensionType] = (),
) -> Case:
    def make(root: CA) -> tuple[Key, CA]:
        authority = sub_ca(root, "Between", *extensions)
        return authority.issue(ADDRESS, extra=list(leaf), critical=list(critical)).key, authority

    return make


def names(permitted: list[str], excluded: list[str], *entries: x509.GeneralName) -> Case:
    def make(root: CA) -> tuple[Key, CA]:
        authority = limited(root, permitted, excluded)
        return named(authority, *entries), authority

    return make


def changed(change: Callable[..., None]) -> Case:
    def make(root: CA) -> tuple[Key, CA]:
        usual = root.intermediate("Changed")
        other = CA(secret=with_key(usual.secret, reissued(usual.certificate, root, change)).secret, parents=root.chain)
        return usual.issue(ADDRESS).key, other

    return make


def two_below_a_path_length_of(length: int) -> Case:
    def make(root: CA) -> tuple[Key, CA]:
        last = root.intermediate("First", path_length=length).intermediate("Second")
        return last.issue(ADDRESS).key, last

    return make


CAROL = x509.RFC822Name(ADDRESS)
ODD = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
CASES: dict[str, tuple[Case, bool]] = {
    "usual": (below(), True),
    "path length 1": (two_below_a_path_length_of(1), True),
    "path length 0": (two_below_a_path_length_of(0), False),
    "no basic constraints": (changed(without("basic_constraints")), False),
    "no key usage": (changed(without("key_usage")), True),
    "version 1": (changed(as_version_1), False),
    "may not issue": (below(usage(digital_signature=True)), False),
    "no CA": (below(x509.BasicConstraints(ca=False, path_length=None), ISSUING), False),
    "CA for the web": (below(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])), False),
    "CA for mail": (below(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])), True),
    "unknown critical": (below(critical=[ODD]), False),
    "unknown": (below(leaf=[ODD]), True),
    "host": (names(["customer.example"], [], CAROL), True),
    "other host": (names(["other.example"], [], CAROL), False),
    "host above": (names(["example"], [], CAROL), False),
    "domain": (names([".example"], [], CAROL), True),
    "domain is no host": (names([".customer.example"], [], CAROL), False),
    "mailbox": (names([ADDRESS], [], CAROL), True),
    "other mailbox": (names(["dave@customer.example"], [], CAROL), False),
    "excluded host": (names([], ["customer.example"], CAROL), False),
    "excluded mailbox": (names([], [ADDRESS], CAROL), False),
    "excluded beats permitted": (names([".example"], ["customer.example"], CAROL), False),
    "one of two": (names(["customer.example"], [], CAROL, *(rfc822("x@other.example") or ())), False),
    "A-labels": (names(["xn--bcher-kva.example"], [], *(rfc822("x@xn--bcher-kva.example") or ())), True),
    "excluded A-labels": (names([], ["xn--bcher-kva.example"], *(rfc822("x@xn--bcher-kva.example") or ())), False),
    "UTF-8": (names(["customer.example"], [], utf8("düsi@customer.example")), True),
    "UTF-8 elsewhere": (names(["other.example"], [], utf8("düsi@customer.example")), False),
    "UTF-8 excluded": (names([], ["customer.example"], utf8("düsi@customer.example")), False),
    "policy": (below(required(), policies(OURS), leaf=[policies(OURS)]), True),
    "no policy": (below(required(), policies(OURS)), False),
    "other policy": (below(required(), policies(OURS), leaf=[policies(THEIRS)]), False),
    "mapped policy": (below(required(), policies(OURS), mapping(OURS, THEIRS), leaf=[policies(THEIRS)]), True),
    "any policy": (below(required(), policies(OURS), leaf=[policies(ANY)]), True),
    "any policy inhibited": (
        below(required(), policies(OURS), x509.InhibitAnyPolicy(0), leaf=[policies(ANY)]),
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_openssl_agrees(root: CA, name: str, tmp_path: Path) -> None:
    make, is_valid = CASES[name]
    leaf, authority = make(root)

    facts = judged(leaf, root, included=authority.chain[:-1])

    assert len(facts.chain) >= 3
    assert facts.findings is not is_valid
    assert openssl_accepts(tmp_path, leaf, authority) is is_valid


def openssl_accepts(folder: Path, leaf: Key, authority: CA) -> bool:
    files = {"leaf": [leaf], "between": authority.chain[:-1], "root": authority.chain[-1:]}
    for file, keys in files.items():
        (folder / file).write_bytes(b"".join(pem(key) for key in keys))
    options = ["-purpose", "smimesign", "-policy_check", "-policy", ANY.dotted_string, "-auth_level", "2"]
    command = ["openssl", "verify", *options, "-CAfile", "root", "-untrusted", "between", "leaf"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def pem(key: Key) -> bytes:
    certificate = x509.load_der_x509_certificate(key.material)
    return certificate.public_bytes(serialization.Encoding.PEM)
