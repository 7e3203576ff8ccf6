"""The encrypted containers that gpg 2.2 does not write: AEAD of RFC 9580 and of GnuPG 2.3."""

import os
import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from hypothesis import given, settings
from hypothesis import strategies as st

from sealmail import openpgp
from sealmail.errors import InputError
from sealmail.keys import MemoryKeyStore
from sealmail.keys.pgp.ciphers import CIPHERS, AEADMode, aead
from sealmail.keys.pgp.packets import Packet, Tag, packet, walk
from sealmail.openpgp.containers import Damaged, open_container, read_container, seal_mdc, seal_ocb
from sealmail.openpgp.session_keys import SessionKey
from sealmail.report import Encryption

CONTENT = bytes(range(256)) * 5


def gnupg_ocb(content, key, chunk=0):
    """Body of a packet as GnuPG 2.3 writes it, after the description in LibrePGP."""
    start = os.urandom(15)
    head = bytes([1, 9, 2, chunk])
    info = bytes([0xC0 | 20]) + head
    size = 1 << chunk + 6
    box = AESOCB3(key)
    sealed = b""
    number = 0
    for position in range(0, len(content), size):
        counter = struct.pack(">Q", number)
        sealed += box.encrypt(_xor(start, counter), content[position : position + size], info + counter)
        number += 1
    counter = struct.pack(">Q", number)
    return (
        head + start + sealed + box.encrypt(_xor(start, counter), b"", info + counter + struct.pack(">Q", len(content)))
    )


def _xor(start, counter):
    return (int.from_bytes(start, "big") ^ int.from_bytes(counter, "big")).to_bytes(15, "big")


MAKERS = {
    "mdc": (Tag.PROTECTED, seal_mdc),
    "ocb": (Tag.PROTECTED, seal_ocb),
    "gnupg": (Tag.GNUPG_OCB, gnupg_ocb),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1280])
def test_every_container_opens_to_what_went_in(maker, size):
    tag, seal = MAKERS[maker]
    key = os.urandom(32)
    sealed = Packet(tag, seal(CONTENT[:size], key))

    assert open_container(sealed, read_container(sealed), SessionKey(cipher=9, key=key)) == CONTENT[:size]


@pytest.mark.parametrize("maker", MAKERS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_changing_cutting_or_growing_a_container_is_noticed(maker, data):
    tag, seal = MAKERS[maker]
    key = bytes(32)
    body = bytearray(seal(CONTENT, key))
    position = data.draw(st.integers(0, len(body) - 1))
    match data.draw(st.sampled_from(["change", "cut", "grow", "drop"])):
        case "change":
            body[position] ^= data.draw(st.integers(1, 255))
        case "cut":
            del body[position:]
        case "grow":
            body += bytes(1 + position % 40)
        case "drop":
            del body[position]
    sealed = Packet(tag, bytes(body))

    with pytest.raises(InputError):
        open_container(sealed, read_container(sealed), SessionKey(cipher=9, key=key))


def test_the_order_of_chunks_is_protected():
    key = bytes(32)
    body = gnupg_ocb(CONTENT, key)
    start, size = 19, 64 + 16
    swapped = (
        body[:start] + body[start + size : start + 2 * size] + body[start : start + size] + body[start + 2 * size :]
    )
    sealed = Packet(Tag.GNUPG_OCB, swapped)

    with pytest.raises(Damaged):
        open_container(sealed, read_container(sealed), SessionKey(cipher=9, key=key))


def test_decrypt_opens_what_gnupg_2_3_sends(gpg, store, policy, now, cast):
    message = gpg("--recipient", "bob@example.org", "--encrypt", stdin=b"unused")
    session = next(one for one in walk(message) if one.tag == Tag.PKESK)
    key = bytes.fromhex(_session_key(gpg, message))
    literal = packet(Tag.LITERAL, b"b\0" + bytes(4) + b"from Gpg4win")

    result = openpgp.decrypt(
        packet(Tag.PKESK, session.body) + packet(Tag.GNUPG_OCB, gnupg_ocb(literal, key)), store, policy, now
    )

    assert (result.facts.verdict, result.facts.algorithm) == (Encryption.DECRYPTED, "AES-256-OCB")
    assert result.payload == b"from Gpg4win"


def _session_key(gpg, message):
    done = gpg.run("--show-session-key", "--decrypt", stdin=message)
    return done.stderr.decode().split("session key: '9:")[1].split("'")[0]


def test_the_cipher_that_is_none_is_refused(store, policy, now, gpg):
    message = gpg("--recipient", "bob@example.org", "--encrypt", stdin=b"unused")
    session = next(one for one in walk(message) if one.tag == Tag.PKESK)
    body = bytearray(seal_ocb(CONTENT, bytes(32)))
    body[1] = 0

    result = openpgp.decrypt(packet(Tag.PKESK, session.body) + packet(Tag.PROTECTED, bytes(body)), store, policy, now)

    assert (result.facts.verdict, result.facts.why, result.payload) == (Encryption.REFUSED, "no_cipher", None)


def test_eax_gives_the_values_of_its_authors():
    # Test vector 3 of Bellare, Rogaway and Wagner, "The EAX Mode of Operation" (2004).
    box = aead(AEADMode.EAX, CIPHERS[7], bytes.fromhex("01f74ad64077f2e704c0f60ada3dd523"))
    nonce = bytes.fromhex("70c3db4f0d26368400a10ed05d2bff5e")
    sealed = bytes.fromhex("d851d5bae03a59f238a23e39199dc9266626c40f80")

    assert box.decrypt(nonce, sealed, bytes.fromhex("234a3463c1264ac6")) == bytes.fromhex("1a47cb4933")


def test_decrypt_takes_any_bytes(store, policy, now):
    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=300))
    def takes(data):
        for junk in (data, b"\xc1" + data, packet(Tag.PKESK, data) + packet(Tag.PROTECTED, data)):
            assert openpgp.decrypt(junk, store, policy, now).payload is None
            assert openpgp.verify(junk, b"text", MemoryKeyStore(), policy, now).payload is None
            openpgp.verify_opaque(junk, store, policy, now)

    takes()
