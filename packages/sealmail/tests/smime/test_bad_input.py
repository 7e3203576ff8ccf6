"""Structures that are cut, lie, or are far too large: always an outcome, never a good one, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from sealmail import ber, smime
from sealmail.keys import MemoryKeyStore
from sealmail.policy import Policy
from sealmail.report import Encryption, Integrity
from sealmail.smime import algorithms, cms, der
from sealmail.testing import CA, forging
from sealmail.testing.forging import usual_attributes as usual

POLICY = Policy()
MEGABYTE = 1024 * 1024


@contextmanager
def soon(seconds: float) -> Iterator[None]:
    """In time of the processor; wide of what is needed, and far below what a quadratic pass takes."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


@pytest.fixture(scope="session")
def messages(ca: CA, owners, entity: bytes, now: datetime, cms_of) -> dict[str, bytes]:
    signed = smime.sign_opaque(entity, owners["ec"].secret, [ca.certificate], now)
    return {
        "signed": cms_of(signed),
        "encrypted": cms_of(smime.encrypt(entity, [owners["ec"].key])),
        "encrypted by RSA": cms_of(smime.encrypt(entity, [owners["rsa2048"].key])),
        "authenticated": cms_of(smime.encrypt(entity, [owners["ec"].key], gcm=True)),
        "compressed": forging.compressed_data(entity),
    }


@pytest.fixture(scope="session")
def outcome(owners, now: datetime) -> Callable[[bytes], set[str]]:
    """Everything that is said about a message, whatever it is; raises where the engine raises."""
    keys = MemoryKeyStore(secrets=[owners["ec"].secret, owners["rsa2048"].secret])

    def all_of(message: bytes) -> set[str]:
        said = {str(smime.kind(message))}
        said |= {str(signer.integrity) for signer in smime.verify(message, None, keys, POLICY, now).signers}
        said.add(str(smime.decrypt(message, keys, POLICY).facts.verdict))
        try:
            smime.inflate(message, MEGABYTE)
            said.add("inflated")
        except ber.InputError:
            pass
        return said

    return all_of


GOOD = {str(Integrity.INTACT), str(Encryption.DECRYPTED), "inflated"}
KINDS = ["signed", "encrypted", "encrypted by RSA", "authenticated", "compressed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_cut_at_any_byte_has_an_outcome_that_is_not_good(messages, outcome, kind: str) -> None:
    message = messages[kind]
    assert not GOOD.isdisjoint(outcome(message))

    for size in range(len(message)):
        assert GOOD.isdisjoint(outcome(message[:size])), size


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF], ids=hex)
def test_a_message_changed_at_any_byte_has_an_outcome(messages, outcome, kind: str, change: int) -> None:
    """Lengths that lie are among them."""
    message = messages[kind]

    for place in range(len(message)):
        broken = message[:place] + bytes((message[place] ^ change,)) + message[place + 1 :]
        assert str(Integrity.INTACT) not in outcome(broken) or changes_nothing_signed(message, broken, place), place


def changes_nothing_signed(message: bytes, broken: bytes, place: int) -> bool:
    """Versions, lists of digests and other certificates are not signed; content and signer are."""
    before, after = (cms.signed_data(cms.content_of(one, cms.SIGNED_DATA)[1]) for one in (message, broken))
    assert before.content is not None
    assert after.content is not None
    fields = [[field.raw for field in one.signers[0].children()] for one in (before, after)]
    # All but the version of the signer, and parameters of algorithms that nobody reads, must be as they were.
    same_signature = fields[0][-1] == fields[1][-1] and fields[0][3] == fields[1][3]
    return before.content.octets() == after.content.octets() and same_signature


def signed_of(*, signers: bytes = b"", certificates: bytes = b"", digests: bytes = b"", content: bytes = b"x") -> bytes:
    return forging.wrapped(
        cms.SIGNED_DATA,
        der.integer(1),
        der.tagged(ber.SET, digests),
        der.sequence(der.oid(cms.DATA), der.explicit(0, content)),
        der.tagged(ber.context(0), certificates),
        der.tagged(ber.SET, signers),
    )


MILLION = 1_000_000
LARGE = {
    "signers that are none": signed_of(signers=der.null() * MILLION),
    "signers of nearly nothing": signed_of(signers=der.sequence(der.integer(1)) * MILLION),
    "digests": signed_of(digests=der.null() * MILLION),
    "certificates that are none": signed_of(certificates=der.null() * MILLION),
    "pieces": signed_of(content=b"\x24\x80" + b"\x04\x01x" * MILLION + b"\0\0"),
    "pieces of pieces": signed_of(content=b"\x24\x80" * 60 + b"\x04\x01x" * MILLION + b"\0\0" * 60),
    "lengths without end": b"\x30\x80" * MILLION,
    "a length of exabytes": b"\x30\x88\x7f" + b"\xff" * 7 + b"\x06\x09",
    "recipients": forging.wrapped(
        cms.ENVELOPED_DATA,
        der.integer(0),
        der.tagged(ber.SET, der.null() * MILLION),
        der.sequence(
            der.oid(cms.DATA),
            der.algorithm(algorithms.AES256_CBC.oid, der.octet_string(bytes(16))),
            der.tagged(0x80, bytes(32)),
        ),
    ),
}


@pytest.mark.parametrize("message", LARGE.values(), ids=LARGE)
def test_a_million_of_anything_is_no_matter(outcome, message: bytes) -> None:
    with soon(8):
        assert GOOD.isdisjoint(outcome(message))


def test_attributes_by_the_million_are_malformed(owners, outcome, entity: bytes) -> None:
    odd = forging.attribute(ber.encode_oid("1.2.3"), der.null())
    info = forging.signer_info(owners["ec"].secret, entity, [*usual(entity), *[odd] * 200_000], sorts=False)

    with soon(8):
        assert GOOD.isdisjoint(outcome(forging.signed_data([info], entity)))


def test_ten_thousand_certificates_are_no_matter(owners, ca: CA, entity: bytes, now: datetime) -> None:
    """Such a message is not checked at all, wherever in the crowd the signer's own certificate stands."""
    secret, other = owners["ec"].secret, [owners[kind].key.material for kind in ("rsa2048", "other", "ed25519")]
    info = forging.signer_info(secret, entity, usual(entity))
    first = forging.signed_data([info], entity, certificates=[secret.key.material, *other * 3333])
    last = forging.signed_data([info], entity, certificates=[*other * 3333, secret.key.material])

    with soon(4):
        results = [smime.verify(mail, None, MemoryKeyStore(), POLICY, now) for mail in (first, last)]

    assert [result.signers[0].integrity for result in results] == [Integrity.UNSUPPORTED, Integrity.UNSUPPORTED]
    assert [len(result.keys_seen) for result in results] == [4, 3]


@pytest.mark.parametrize("levels", [10, 60, 100])
def test_layers_nested_deeply_in_one_structure_end(outcome, levels: int) -> None:
    message = forging.signed_data([], b"x")
    for _ in range(levels):
        message = forging.signed_data([], message, content_type=cms.SIGNED_DATA)

    with soon(2):
        assert GOOD.isdisjoint(outcome(message))


@pytest.mark.parametrize("piece", [1000, 1024, 4096])
@pytest.mark.parametrize("kind", ["signed", "encrypted"])
def test_25_megabytes_in_pieces_are_joined_at_once(owners, now: datetime, kind: str, piece: int) -> None:
    """As openssl streams: indefinite lengths, strings in pieces. Joining alone is measured, not the cryptography."""
    content = b"A line of forty octets in a long text.\r\n" * (25 * MEGABYTE // 40)
    pieces = b"".join(der.octet_string(content[i : i + piece]) for i in range(0, len(content), piece))
    streamed = b"\x24\x80" + pieces + b"\0\0"
    carried = b"\x30\x80" + der.oid(cms.DATA) + b"\xa0\x80" + streamed + bytes(4)
    if kind == "encrypted":
        carried = b"\x30\x80" + der.oid(cms.DATA) + der.algorithm(algorithms.AES256_CBC.oid) + b"\xa0" + streamed[1:]
        carried += b"\0\0"
    before = der.integer(1) + (der.tagged(ber.SET, b""))
    message = b"\x30\x80" + der.oid(cms.SIGNED_DATA if kind == "signed" else cms.ENVELOPED_DATA) + b"\xa0\x80\x30\x80"
    message += before + carried + (der.tagged(ber.SET, b"") if kind == "signed" else b"") + bytes(6)

    started = time.process_time()
    if kind == "signed":
        found = cms.signed_data(cms.content_of(message, cms.SIGNED_DATA)[1]).content
        joined = None if found is None else found.octets()
    else:
        envelope = cms.enveloped_data(cms.content_of(message, cms.ENVELOPED_DATA)[1], authenticated=False)
        joined = None if envelope.encrypted is None else envelope.encrypted.octets(0x80)
    taken = time.process_time() - started

    assert joined == content
    assert taken < 0.5
