"""Little to send and much to compute: what such input may cost, counted before or while it is done."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sealmail import ber, smime
from sealmail.errors import LimitExceeded
from sealmail.keys import MemoryKeyStore
from sealmail.keys.certificate import MOST_ADDRESSES
from sealmail.keys.passwords import Effort
from sealmail.keys.private_key import from_encrypted_pem
from sealmail.keys.reader import read
from sealmail.name_constraints import names_are_allowed
from sealmail.policy import MEGABYTE, Budget, Policy
from sealmail.report import Integrity
from sealmail.smime import cms, der
from sealmail.testing import CA, forging

from .conftest import NOW

NAME = b"\x77" * 20


@pytest.mark.mission("B14")
def test_attack_content_is_not_hashed_for_every_signer_and_certificate() -> None:
    """Signatures without attributes are over the content itself, and each of many certificates goes by each signer's
    name: a mail of a few hundred kB, compressed, would hash 60 GB.
    """
    ca = CA.create()
    named = x509.SubjectKeyIdentifier(NAME)
    owners = [ca.issue(f"carol{i}@bank.example", extra=[named]) for i in range(Budget().certificates)]
    content = b"Content-Type: text/plain\r\n\r\n" + b"a" * MEGABYTE
    signer = forging.signer_info(
        owners[0],
        content,
        None,
        sid=der.tagged(ber.context(0, constructed=False), NAME),
        signs=lambda _: der.sequence(der.integer(1), der.integer(1)),
    )
    message = forging.signed_data(
        [signer] * Budget().signers, content, certificates=[owner.key.material for owner in owners]
    )

    facts = smime.verify(message, None, MemoryKeyStore(), Policy(), NOW).signers

    assert {(one.integrity, one.why) for one in facts} == {
        (Integrity.CHANGED, "signature"),
        (Integrity.UNSUPPORTED, "too_much_to_check"),
    }


@pytest.mark.mission("B14")
def test_attack_a_long_key_for_a_mac_costs_all_its_rounds() -> None:
    """PBKDF2 repeats its rounds for each block of the key, and the file says how long the key is (RFC 9579 §5)."""
    read(_guarded(key_bytes=32, rounds=1_000), ("wrong",))

    with pytest.raises(LimitExceeded, match="too many rounds"):
        read(_guarded(key_bytes=1024, rounds=1_000_000), ("wrong",))


def _guarded(*, key_bytes: int, rounds: int) -> bytes:
    """An empty PKCS#12 file with PBMAC1."""
    with_hash = der.algorithm(ber.encode_oid("1.2.840.113549.2.9"), der.null())
    parameters = der.sequence(der.octet_string(b"salty"), der.integer(rounds), der.integer(key_bytes), with_hash)
    derivation = der.algorithm(ber.encode_oid("1.2.840.113549.1.5.12"), parameters)
    scheme = der.algorithm(ber.encode_oid("1.2.840.113549.1.5.14"), der.sequence(derivation, with_hash))
    mac = der.octet_string(hmac.digest(b"", b"", hashlib.sha256))
    content = der.sequence(der.oid(cms.DATA), der.explicit(0, der.octet_string(der.sequence())))
    return der.sequence(der.integer(3), content, der.sequence(der.sequence(scheme, mac), der.octet_string(b"-")))


@pytest.mark.mission("B14")
def test_attack_keys_in_old_pem_are_counted_like_all_others() -> None:
    """The old encryption costs nothing, but checking the primes of what is inside does."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"tell nobody"),
    )
    effort = Effort(50_000)

    assert [from_encrypted_pem(pem, "tell nobody", effort).algorithm for _ in range(2)] == ["RSA-2048"] * 2
    with pytest.raises(LimitExceeded, match="too many rounds"):
        from_encrypted_pem(pem, "tell nobody", effort)


@pytest.mark.mission("B14")
def test_attack_a_certificate_with_thousands_of_names_is_known_for_the_first() -> None:
    """Each name would become a row of the store, and be compared with all the others in every path."""
    names = x509.SubjectAlternativeName([x509.RFC822Name(f"carol{i}@bank.example") for i in range(2_000)])

    key = CA.create().issue(None, extra=[names]).key

    assert key.addresses == tuple(f"carol{i}@bank.example" for i in range(MOST_ADDRESSES))


@pytest.mark.mission("B14")
def test_attack_thousands_of_names_are_not_held_against_thousands_of_constraints() -> None:
    names = [x509.RFC822Name(f"carol{i}@bank.example") for i in range(1_000)]
    limits = [x509.RFC822Name(f"b{i}.example") for i in range(1_000)]

    assert names_are_allowed(_path(names, [x509.RFC822Name("bank.example"), *limits[1:]]))
    assert not names_are_allowed(_path(names, [x509.RFC822Name("bank.example"), *limits]))


def _path(names: list[x509.GeneralName], permitted: list[x509.GeneralName]) -> tuple[bytes, ...]:
    root = CA.create()
    may_issue = x509.BasicConstraints(ca=True, path_length=None)
    limited = root.issue(None, critical=[may_issue, x509.NameConstraints(permitted, None)])
    leaf = CA(secret=limited).issue(None, extra=[x509.SubjectAlternativeName(names)])
    return leaf.key.material, limited.key.material, root.certificate.material
