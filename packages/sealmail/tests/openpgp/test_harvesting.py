"""Keys that a mail brings along: found, with what they claim, and never believed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime

import pytest

from sealmail.keys import MemoryKeyStore, MemoryTrust
from sealmail.keys.autocrypt import read_autocrypt, write_autocrypt
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.opening import Opened, harvesting, open_message
from sealmail.opening.harvesting import MAXIMUM_OCTETS
from sealmail.policy import Policy
from sealmail.report import KeySource, Reason, Signature

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


@pytest.fixture
def opened(cast, now: datetime) -> Callable[[bytes], Opened]:
    """Opens a mail as a desk with Bob's secret key that knows nobody else."""
    return lambda raw: open_message(raw, MemoryKeyStore(secrets=[cast.bob]), MemoryTrust(), Policy(), now)


def mail(body: str = "Words.\n", *headers: str, sender: str = ALICE) -> bytes:
    head = [f"From: <{sender}>", f"To: {BOB}, {CAROL}", "Subject: keys", *headers]
    return "\r\n".join([*head, "", body]).encode()


def claims(result: Opened) -> list[tuple[str, KeySource, str | None]]:
    return [(one.fingerprint, one.source, one.address) for one in result.report.key_claims]


def autocrypt(cast, address: str = ALICE, *, mutual: bool = True, name: str = "Autocrypt") -> str:
    return f"{name}: {write_autocrypt(address, cast.alice.key.material, prefers_encryption=mutual)}"


def test_the_autocrypt_header_of_the_author_is_a_candidate(cast, opened) -> None:
    result = opened(mail("Words.\n", autocrypt(cast)))

    assert claims(result) == [(cast.alice.key.fingerprint, KeySource.AUTOCRYPT, ALICE)]
    assert result.report.key_claims[0].prefers_encryption is True
    assert [key.fingerprint for key in result.report.keys_seen] == [cast.alice.key.fingerprint]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(lambda cast: [autocrypt(cast, BOB)], id="for another address"),
        pytest.param(lambda cast: [autocrypt(cast), autocrypt(cast)], id="two of them"),
        pytest.param(
            lambda cast: [autocrypt(cast).replace(" keydata", " critical=1; keydata")], id="unknown attribute"
        ),
        pytest.param(lambda cast: [autocrypt(cast).replace("keydata=\r\n ", "keydata=\r\n =")], id="broken base64"),
        pytest.param(lambda _: ["Autocrypt: addr=alice@example.org"], id="no key"),
        pytest.param(lambda cast: [autocrypt(cast), "From: <mallory@example.org>"], id="two authors"),
        pytest.param(lambda cast: [autocrypt(cast), "Content-Type: multipart/report; boundary=x"], id="a report"),
    ],
)
def test_an_invalid_autocrypt_header_is_passed_over(cast, opened, headers) -> None:
    assert claims(opened(mail("Words.\n", *headers(cast)))) == []


def test_an_autocrypt_attribute_that_may_be_passed_over_is(cast, opened) -> None:
    header = autocrypt(cast).replace(" keydata", " _more=1; keydata")

    assert len(claims(opened(mail("Words.\n", header)))) == 1


def test_an_autocrypt_header_that_is_too_large_is_passed_over() -> None:
    assert read_autocrypt(f"addr={ALICE}; keydata=" + "A" * 11_000) is None


def test_keys_in_the_text_and_attached_are_candidates(gpg, cast, opened) -> None:
    block = gpg("--armor", "--export", ALICE).decode()
    attached = gpg("--export", CAROL)
    body = (
        f"--b\r\n\r\nMy key:\r\n{block}\r\n--b\r\nContent-Type: application/octet-stream\r\n"
        'Content-Disposition: attachment; filename="carol.gpg"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        f"{base64.encodebytes(attached).decode()}\r\n--b--\r\n"
    )

    result = opened(mail(body, "Content-Type: multipart/mixed; boundary=b"))

    assert claims(result) == [
        (cast.alice.key.fingerprint, KeySource.INLINE, None),
        (cast.carol.key.fingerprint, KeySource.ATTACHED, None),
    ]


def encrypted(gpg, inside: str) -> str:
    block = gpg("--armor", "--encrypt", "--recipient", BOB, stdin=inside.encode()).decode()
    return (
        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n"
        f"Content-Type: application/octet-stream\r\n\r\n{block}\r\n--b--\r\n"
    )


ENCRYPTED = 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b'


def test_gossip_counts_for_recipients_and_only_inside_of_encryption(gpg, cast, opened) -> None:
    told = autocrypt(cast, CAROL, mutual=False, name="Autocrypt-Gossip")
    stranger = autocrypt(cast, "mallory@example.org", mutual=False, name="Autocrypt-Gossip")
    inside = f"Content-Type: text/plain\r\n{told}\r\n{stranger}\r\n\r\nWords.\r\n"

    assert claims(opened(mail(encrypted(gpg, inside), ENCRYPTED))) == [
        (cast.alice.key.fingerprint, KeySource.GOSSIP, CAROL)
    ]
    assert claims(opened(mail("Words.\n", told))) == []


@pytest.mark.mission("B14")
def test_a_key_that_came_with_the_mail_names_its_signer_and_makes_nothing_good(gpg, cast, opened) -> None:
    signed = gpg("--clear-sign", "--local-user", ALICE, stdin=b"Words.\n").decode()

    alone, with_key = opened(mail(signed)), opened(mail(signed, autocrypt(cast)))

    assert alone.report.signature.reason is Reason.UNKNOWN_SIGNER
    assert (with_key.report.signature.verdict, with_key.report.signature.reason) == (
        Signature.UNVERIFIED,
        Reason.UNTRUSTED_KEY,
    )


def test_gossip_does_not_say_what_others_prefer(gpg, cast, opened) -> None:
    told = autocrypt(cast, CAROL, mutual=True, name="Autocrypt-Gossip")

    result = opened(mail(encrypted(gpg, f"Content-Type: text/plain\r\n{told}\r\n\r\nWords.\r\n"), ENCRYPTED))

    assert [(one.address, one.prefers_encryption) for one in result.report.key_claims] == [(CAROL, False)]


def test_gossip_in_what_is_only_signed_is_passed_over(gpg, cast, opened) -> None:
    told = autocrypt(cast, CAROL, mutual=False, name="Autocrypt-Gossip")
    entity = f"Content-Type: text/plain\r\n{told}\r\n\r\nWords.\r\n"
    signature = gpg("--armor", "--local-user", ALICE, "--detach-sign", stdin=entity.encode()).decode()
    body = f"--b\r\n{entity}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n{signature}\r\n--b--\r\n"

    result = opened(mail(body, 'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b'))

    assert result.report.signature.verdict is not Signature.NONE
    assert claims(result) == []


def test_the_address_of_a_claim_never_becomes_the_keys_address(cast, opened) -> None:
    result = opened(mail("Words.\n", autocrypt(cast, "mallory@example.org"), sender="mallory@example.org"))

    assert claims(result) == [(cast.alice.key.fingerprint, KeySource.AUTOCRYPT, "mallory@example.org")]
    assert [key.addresses for key in result.report.keys_seen] == [(ALICE,)]


def key_file(data: bytes) -> bytes:
    return mail(
        base64.encodebytes(data).decode(),
        "Content-Type: application/pgp-keys; name=keys.asc",
        "Content-Transfer-Encoding: base64",
    )


def test_a_key_that_cannot_be_read_does_not_spoil_the_next_one(cast, opened) -> None:
    broken = packet(Tag.PUBLIC_KEY, b"\x05nothing")

    assert claims(opened(key_file(broken + cast.alice.key.material))) == [
        (cast.alice.key.fingerprint, KeySource.ATTACHED, None)
    ]


@pytest.mark.mission("B14")
def test_attack_a_flood_of_keys_ends_at_the_limit(cast, opened) -> None:
    alice = cast.alice.key.material
    padded = cast.bob.key.material + packet(Tag.USER_ATTRIBUTE, bytes(MAXIMUM_OCTETS))

    assert claims(opened(key_file(alice + padded))) == [(cast.alice.key.fingerprint, KeySource.ATTACHED, None)]
    assert claims(opened(key_file(alice + packet(Tag.USER_ATTRIBUTE, bytes(3 * MAXIMUM_OCTETS))))) == []


@pytest.mark.mission("B14")
def test_attack_headers_past_the_eighth_are_not_looked_at(cast, opened, monkeypatch) -> None:
    stranger = autocrypt(cast, "mallory@example.org")
    looked_at: list[str] = []
    monkeypatch.setattr(
        harvesting, "read_autocrypt", lambda value, **more: looked_at.append(value) or read_autocrypt(value, **more)
    )

    result = opened(mail("Words.\n", *[stranger] * 40, autocrypt(cast)))

    assert (claims(result), len(looked_at)) == ([], 8)
