"""Content ciphers as others write them, authenticated attributes, derived keys, and noise that is not shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealmail import ber, smime
from sealmail.keys import MemoryKeyStore
from sealmail.policy import Policy
from sealmail.report import Encryption
from sealmail.results import DecryptionResult
from sealmail.smime import algorithms, cms, der
from sealmail.smime.ciphers import named_cipher
from sealmail.smime.plausible import may_be_mail
from sealmail.testing import forging

KEY = bytes(range(32))
NONCE = bytes(range(12))


@pytest.fixture(scope="session")
def opened(owners) -> Callable[[bytes], DecryptionResult]:
    ours = MemoryKeyStore(secrets=[owners["rsa2048"].secret])
    return lambda mail: smime.decrypt(mail, ours, Policy())


@pytest.fixture(scope="session")
def infos(owners) -> list[bytes]:
    return [forging.transported(owners["rsa2048"].key, KEY)]


def gcm(infos: Sequence[bytes], content: bytes, attributes: Sequence[bytes] | None, **how: bytes) -> bytes:
    """AES-256-GCM with these attributes, authenticated in the order in which they are sent."""
    listed = None if attributes is None else b"".join(attributes)
    sealed = AESGCM(KEY).encrypt(NONCE, content, None if listed is None else der.tagged(ber.SET, listed))
    cipher = der.algorithm(algorithms.AES256_GCM.oid, der.sequence(der.octet_string(NONCE), der.integer(16)))
    return forging.authenticated_data(infos, cipher, sealed, attributes=listed, **how)


def content_type(*types: bytes) -> bytes:
    return forging.attribute(cms.CONTENT_TYPE, *(der.oid(one) for one in types))


def test_decrypt_chacha20_poly1305(opened, infos, entity: bytes) -> None:
    sealed = ChaCha20Poly1305(KEY).encrypt(NONCE, entity, None)
    cipher = der.algorithm(algorithms.CHACHA20_POLY1305.oid, der.octet_string(NONCE))

    result = opened(forging.authenticated_data(infos, cipher, sealed))
    changed = opened(forging.authenticated_data(infos, cipher, sealed[:-1] + bytes((sealed[-1] ^ 1,))))
    short = opened(forging.authenticated_data(infos, cipher, sealed[:-4], code_bytes=12))

    assert (result.payload, result.facts.algorithm, result.facts.malleable) == (entity, "ChaCha20-Poly1305", False)
    assert [(one.payload, one.facts.verdict) for one in (changed, short)] == [(None, Encryption.DAMAGED)] * 2


@pytest.mark.parametrize("nonce", [7, 12, 13])
@pytest.mark.parametrize("size", [12, 14, 16])
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_decrypt_ccm(owners, opened, entity: bytes, nonce: int, size: int, bits: int) -> None:
    key = KEY[: bits // 8]
    sealed = AESCCM(key, tag_length=size).encrypt(bytes(nonce), entity, None)
    length = () if size == 12 else (der.integer(size),)  # RFC 5084 §3.1: twelve octets where nothing is said
    oid = {128: algorithms.AES128_CCM, 192: algorithms.AES192_CCM, 256: algorithms.AES256_CCM}[bits].oid
    cipher = der.algorithm(oid, der.sequence(der.octet_string(bytes(nonce)), *length))
    own = [forging.transported(owners["rsa2048"].key, key)]

    result = opened(forging.authenticated_data(own, cipher, sealed, code_bytes=size))

    assert (result.payload, result.facts.algorithm) == (entity, f"AES-{bits}-CCM")


@pytest.mark.parametrize(("nonce", "size"), [(6, 16), (14, 16), (0, 16), (12, 8), (12, 4)])
def test_decrypt_ccm_of_another_shape_is_damaged(opened, infos, entity: bytes, nonce: int, size: int) -> None:
    sealed = AESCCM(KEY, tag_length=size).encrypt(bytes(12), entity, None)
    parameters = der.sequence(der.octet_string(bytes(nonce)), der.integer(size))
    cipher = der.algorithm(algorithms.AES256_CCM.oid, parameters)

    result = opened(forging.authenticated_data(infos, cipher, sealed, code_bytes=size))

    assert (result.payload, result.facts.verdict) == (None, Encryption.DAMAGED)


OTHER = forging.attribute(ber.encode_oid("1.2.3.4"), der.null())


def test_decrypt_with_authenticated_attributes(opened, infos, entity: bytes) -> None:
    assert opened(gcm(infos, entity, [content_type(cms.DATA), OTHER])).payload == entity
    assert opened(gcm(infos, entity, [OTHER, content_type(cms.DATA)])).payload == entity
    assert opened(gcm(infos, entity, [OTHER])).payload == entity


def test_decrypt_reads_attributes_that_were_authenticated_in_order_and_sent_in_another(
    opened, infos, entity: bytes
) -> None:
    proper = sorted([OTHER, content_type(cms.DATA)])
    mail = gcm(infos, entity, proper)

    shuffled = mail.replace(b"".join(proper), b"".join(reversed(proper)))

    assert shuffled != mail
    assert opened(shuffled).payload == entity


ATTRIBUTES = {
    "another type": ([content_type(cms.SIGNED_DATA)], cms.DATA),
    "two types in one": ([content_type(cms.DATA, cms.DATA)], cms.DATA),
    "two attributes": ([content_type(cms.DATA), content_type(cms.DATA)], cms.DATA),
    "no value": ([content_type()], cms.DATA),
    "no attributes around CMS": (None, cms.SIGNED_DATA),
    "no type around CMS": ([OTHER], cms.SIGNED_DATA),
    "no object identifier": ([forging.attribute(cms.CONTENT_TYPE, der.null())], cms.DATA),
}


@pytest.mark.parametrize(("attributes", "type_"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_decrypt_with_a_content_type_that_is_not_certain_is_damaged(
    opened, infos, entity: bytes, attributes: list[bytes] | None, type_: bytes
) -> None:
    result = opened(gcm(infos, entity, attributes, content_type=type_))

    assert (result.payload, result.facts.verdict) == (None, Encryption.DAMAGED)


def test_decrypt_attributes_that_were_changed_or_taken_away_are_noticed(opened, infos, entity: bytes) -> None:
    mail = gcm(infos, entity, [content_type(cms.DATA), OTHER])
    attributes = der.tagged(ber.context(1), content_type(cms.DATA) + OTHER)

    fields = list(cms.content_of(mail, cms.AUTH_ENVELOPED_DATA)[1].children())
    assert fields[3].raw == attributes
    without = forging.wrapped(cms.AUTH_ENVELOPED_DATA, *(field.raw for field in fields if field.raw != attributes))
    other = mail.replace(der.oid(ber.encode_oid("1.2.3.4")), der.oid(ber.encode_oid("1.2.3.5")))

    assert [opened(one).facts.verdict for one in (without, other)] == [Encryption.DAMAGED] * 2


def test_decrypt_cms_inside_without_mime(owners, opened, infos, entity: bytes, now, cms_of) -> None:
    """An inner layer named by the content type, with its own structure only."""
    signed = cms_of(smime.sign_opaque(entity, owners["ec"].secret, [], now))
    inner = cms.content_of(signed, cms.SIGNED_DATA)[1].raw

    in_gcm = opened(gcm(infos, inner, [content_type(cms.SIGNED_DATA)], content_type=cms.SIGNED_DATA))
    in_cbc = opened(forging.chained(infos, KEY, inner, content_type=cms.SIGNED_DATA))

    assert (in_gcm.payload, in_cbc.payload) == (signed, signed)


def test_decrypt_what_is_no_mail_is_unsupported(opened, infos) -> None:
    time_stamp = ber.encode_oid("1.2.840.113549.1.9.16.1.4")

    result = opened(forging.chained(infos, KEY, b"x", content_type=time_stamp))

    assert (result.payload, result.facts.verdict, result.facts.why) == (None, Encryption.UNSUPPORTED, "content_type")


def derived(identifier: bytes, size: int = 32, key: bytes = KEY) -> bytes:
    salt = b"The Cryptographic Message Syntax"
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=salt, info=identifier).derive(key)


def test_derivation_is_the_one_of_the_standard() -> None:
    """The values of RFC 9709 Appendix A for AES-128-GCM and AES-128-CBC."""
    sent = bytes.fromhex("c702e7d0a9e064b09ba55245fb733cf3")
    in_gcm = bytes.fromhex("301b0609608648016503040106300e040c5c79058ba2f43447639d29e2")
    in_cbc = bytes.fromhex("301d06096086480165030401020410651f722ffd512c52fe072e507d72b377")

    assert derived(in_gcm, 16, sent).hex() == "2124ffb29fac4e0fbbc7d5d87492bff3"
    assert derived(in_cbc, 16, sent).hex() == "9cd102c52f1e19ece8729b35bfeceb50"
    wrapped = ber.read(der.algorithm(algorithms.CEK_HKDF_SHA256, in_cbc))
    assert named_cipher(cms.algorithm(wrapped)).bound_to == in_cbc


@pytest.mark.parametrize("place", ["authenticated", "chained"])
def test_decrypt_with_derived_content_key(opened, infos, entity: bytes, place: str) -> None:
    if place == "authenticated":
        inner = der.algorithm(algorithms.AES256_GCM.oid, der.sequence(der.octet_string(NONCE), der.integer(16)))
        sealed = AESGCM(derived(inner)).encrypt(NONCE, entity, None)
        mail = forging.authenticated_data(infos, der.algorithm(algorithms.CEK_HKDF_SHA256, inner), sealed)
    else:
        inner = der.algorithm(algorithms.AES256_CBC.oid, der.octet_string(bytes(16)))
        encrypted = forging.chained_bytes(derived(inner), bytes(16), entity)
        mail = forging.enveloped_data(infos, der.algorithm(algorithms.CEK_HKDF_SHA256, inner), encrypted)

    result = opened(mail)

    assert result.payload == entity
    assert result.facts.algorithm == ("AES-256-GCM" if place == "authenticated" else "AES-256-CBC")


def test_decrypt_with_derivation_around_an_old_cipher_is_refused(opened, infos) -> None:
    rc2 = der.algorithm(ber.encode_oid("1.2.840.113549.3.2"), der.null())

    result = opened(forging.enveloped_data(infos, der.algorithm(algorithms.CEK_HKDF_SHA256, rc2), bytes(16)))

    assert (result.facts.verdict, result.facts.algorithm) == (Encryption.REFUSED, "RC2-CBC")


def test_decrypt_with_derivation_in_derivation_is_unsupported(opened, infos) -> None:
    cipher = der.algorithm(algorithms.CEK_HKDF_SHA256, der.algorithm(algorithms.CEK_HKDF_SHA256))

    assert opened(forging.enveloped_data(infos, cipher, bytes(16))).facts.verdict is Encryption.UNSUPPORTED
    bare = forging.enveloped_data(infos, der.algorithm(algorithms.CEK_HKDF_SHA256), bytes(16))
    assert opened(bare).facts.verdict is Encryption.DAMAGED


def downgraded(infos: Sequence[bytes], sealed: bytes, vector: bytes) -> bytes:
    """The blocks of an authenticated mail as if they were chained (RFC 9709 §1)."""
    cipher = der.algorithm(algorithms.AES256_CBC.oid, der.octet_string(vector))
    return forging.enveloped_data(infos, cipher, sealed[: len(sealed) // 16 * 16])


@pytest.mark.mission("B14")
def test_attack_authenticated_mail_sent_again_as_chained_shows_nothing(opened, infos, entity: bytes) -> None:
    """Nobody can see to it that the padding fits, so it is tried often enough for that to happen."""
    outcomes = []
    for number in range(4000):
        sealed = AESGCM(KEY).encrypt(number.to_bytes(12), entity * 4, None)
        outcomes.append(opened(downgraded(infos, sealed, os.urandom(16))))

    assert {(one.payload, one.facts.verdict, one.facts.why) for one in outcomes} == {(None, Encryption.DAMAGED, None)}


HONEST = {
    "entity": b"Content-Type: text/plain\r\n\r\nWords.\r\n",
    "bare line feeds": b"Content-Type: text/plain\n\nWords.\n",
    "sample of RFC 4134": b"This is some sample content.",
    "nothing": b"",
    "blank": b"\r\n",
    "no header": b"\r\nWords without any header.\r\n",
    "utf-8 without header": "Grüße aus Köln".encode(),
    "one letter": b"x",
    "latin-1 in a header": "Subject: Grüße\r\n\r\nGrüße".encode("latin-1"),
    "latin-1 in a body": "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGrüße".encode("latin-1") * 9,
    "japanese of 1993": "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n一二三四五".encode("iso-2022-jp"),
    "binary file": b"Content-Type: application/pdf\r\n\r\n" + bytes(range(256)) * 40,
    "multipart with a binary file": b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\n' + bytes(500),
    "utf-16": b"Content-Type: text/plain; charset=utf-16le\r\n\r\n" + "Words".encode("utf-16le"),
    "one NUL in long words": b"Content-Type: text/plain\r\n\r\n" + b"words " * 50 + b"\0",
    "long text cut within a letter": ("x" + "ü" * 9000).encode(),
    "mark of byte order": b"\xef\xbb\xbfContent-Type: text/plain\r\n\r\nWords",
    "mailbox line": b"From carol@bank.example Mon Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\nWords",
    "CMS": der.sequence(der.oid(cms.SIGNED_DATA), der.explicit(0, der.sequence(der.integer(1)))),
}
NOISE = {
    "control characters": b"\x01\x02\x03",
    "NULs": bytes(64),
    "not UTF-8 and no header": "Grüße".encode("latin-1"),
    "noise after a true beginning": b"Content-Type: text/plain\r\n\r\n" + bytes(range(256)) * 4,
    "noise after an empty line": b"\r\n\r\n" + bytes(range(256)) * 4,
    "unknown CMS": der.sequence(der.oid(ber.encode_oid("1.2.3.4")), der.explicit(0, bytes(40))),
}


@pytest.mark.parametrize("content", HONEST.values(), ids=HONEST)
def test_may_be_mail_lets_pass_what_is_odd_but_honest(content: bytes) -> None:
    assert may_be_mail(content)


@pytest.mark.parametrize("content", NOISE.values(), ids=NOISE)
def test_may_be_mail_stops_noise(content: bytes) -> None:
    assert not may_be_mail(content)


def test_may_be_mail_hardly_ever_takes_random_bytes_for_words() -> None:
    sizes = [15, 16, 31, 64, 500]

    assert sum(may_be_mail(os.urandom(size)) for size in sizes for _ in range(4000)) <= 40
