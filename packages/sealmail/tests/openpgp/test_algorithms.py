"""Algorithms and containers of OpenPGP: what opens and verifies, and how the rest is told by its name."""

import os
import struct

import pysequoia
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from pysequoia import CipherSuite, EncryptionAlgorithm, Profile, SigningAlgorithm, Tsk

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore
from sealmail.keys.openpgp_key import key_from_openpgp, state_at
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.ciphers import AES256, CIPHERS, AEADMode, aead
from sealmail.keys.pgp.packets import Packet, Tag, packet, walk
from sealmail.openpgp import containers
from sealmail.openpgp.containers import Container, open_container, read_container
from sealmail.openpgp.session_keys import SessionKey
from sealmail.openpgp.wrapping import wrapped
from sealmail.report import Encryption, Integrity

TEXT = b"Content-Type: text/plain\r\n\r\nThe contract is in the blue folder.\r\n"
ONE = "one@example.org"


def seen(result):
    return [(one.integrity, one.findings, one.algorithm) for one in result.signers]


@pytest.mark.mission("P3")
@pytest.mark.parametrize(
    "curve", ["nistp256", "nistp384", "nistp521", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "secp256k1"]
)
def test_curves_of_gpg_open_and_verify(fresh_gpg, secret_of, policy, now, curve):
    fresh_gpg.key(f"<{ONE}>", curve)
    own = secret_of(fresh_gpg.secret(ONE))
    message = fresh_gpg("--sign", "--recipient", ONE, "--encrypt", stdin=TEXT)

    result = openpgp.decrypt(message, MemoryKeyStore(secrets=[own]), policy, now)

    name = curve.replace("nistp", "P-")
    assert (result.facts.verdict, result.payload, result.facts.key_scheme) == (
        Encryption.DECRYPTED,
        TEXT,
        f"ECDH {name}",
    )
    assert seen(result) == [(Integrity.INTACT, frozenset(), f"EC {name}")]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("signing", "encryption"),
    [(SigningAlgorithm.Ed25519, EncryptionAlgorithm.X25519), (SigningAlgorithm.Ed448, EncryptionAlgorithm.X448)],
    ids=["25519", "448"],
)
def test_the_newer_curves_of_sequoia_open_and_verify(policy, now, secret_of, version, signing, encryption):
    profile = Profile.RFC4880 if version == 4 else Profile.RFC9580
    key = Tsk.generate(user_id=f"<{ONE}>", profile=profile, signing_algorithm=signing, encryption_algorithm=encryption)
    own = secret_of(bytes(key))
    message = pysequoia.encrypt(TEXT, recipients=[key.extract_certificate()], signer=key.signer(), armor=False)

    result = openpgp.decrypt(bytes(message), MemoryKeyStore(secrets=[own]), policy, now)

    assert (result.facts.verdict, result.payload) == (Encryption.DECRYPTED, TEXT)
    assert result.facts.key_scheme == str(encryption).removeprefix("EncryptionAlgorithm.")
    assert seen(result) == [(Integrity.INTACT, frozenset(), str(signing).removeprefix("SigningAlgorithm."))]
    assert check_certificate(own.material).primary.public.version == version


@pytest.mark.parametrize(
    ("cipher", "name"),
    [
        ("AES", "AES-128"),
        ("AES192", "AES-192"),
        ("CAMELLIA128", "Camellia-128"),
        ("CAMELLIA192", "Camellia-192"),
        ("CAMELLIA256", "Camellia-256"),
        ("3DES", "3DES"),
        ("CAST5", "CAST5"),
        ("BLOWFISH", "Blowfish"),
        ("IDEA", "IDEA"),
    ],
)
def test_ciphers_of_gpg_open_and_small_blocks_are_weak(gpg, store, policy, now, cipher, name):
    message = gpg("--rfc4880", "--force-mdc", "--cipher-algo", cipher, "-r", "bob@example.org", "-e", stdin=TEXT)

    facts = openpgp.decrypt(message, store, policy, now).facts

    assert (facts.verdict, facts.algorithm) == (Encryption.DECRYPTED, f"{name}-CFB with MDC")
    assert facts.weak is (name in {"3DES", "CAST5", "Blowfish", "IDEA"})


def test_a_cipher_that_we_lack_is_told_by_its_name(gpg, store, sealed, inspected, cast, now):
    message = gpg("--rfc4880", "--force-mdc", "--cipher-algo", "TWOFISH", "-r", "bob@example.org", "-e", stdin=TEXT)

    statement = inspected(sealed(message, ONE), now, secrets=[cast.bob])["encryption"]

    assert (statement["verdict"], statement["reason"]) == ("unsupported", "algorithm")
    assert "Twofish" in statement["detail"]


def test_a_dsa_key_signs_and_its_elgamal_subkey_is_told_by_its_name(
    fresh_gpg, secret_of, sealed, inspected, cast, policy, now
):
    # What gpg made until 2009.
    fresh_gpg("--quick-generate-key", f"<{ONE}>", "dsa2048", "sign", "never")
    fresh_gpg("--quick-add-key", fresh_gpg.fingerprint(ONE), "elg1024", "encrypt", "never")
    own = secret_of(fresh_gpg.secret(ONE))
    fresh_gpg("--import", stdin=cast.bob.key.material)
    to_old = fresh_gpg("--sign", "-r", ONE, "-e", stdin=TEXT)
    to_both = fresh_gpg("--sign", "-r", ONE, "-r", "bob@example.org", "-e", stdin=TEXT)

    alone = inspected(sealed(to_old, ONE), now, secrets=[own])
    together = openpgp.decrypt(to_both, MemoryKeyStore(secrets=[own, cast.bob]), policy, now)

    assert (alone["encryption"]["verdict"], alone["encryption"]["reason"]) == ("unsupported", "algorithm")
    assert "ElGamal-1024" in alone["encryption"]["detail"]
    assert (together.payload, seen(together)) == (TEXT, [(Integrity.INTACT, frozenset(), "DSA-2048")])


def made_container(content, key, *, tag=Tag.PROTECTED, mode=AEADMode.OCB, cipher=9, chunk=6):
    """An AEAD container of RFC 9580 or GnuPG with any mode, cipher and size of chunks."""
    octets = mode.nonce_octets if tag == Tag.GNUPG_OCB else 32
    head = bytes([1 if tag == Tag.GNUPG_OCB else 2, cipher, mode, chunk])
    header = Container(
        tag=tag, version=head[0], cipher=cipher, mode=mode, chunk=chunk, salt=os.urandom(octets), start=4 + octets
    )
    info, message_key, start = containers._chunk_keys(header, mode, CIPHERS[cipher], key)
    box, size = aead(mode, CIPHERS[cipher], message_key), 1 << chunk + 6
    count = -(-len(content) // size)
    pieces = [
        box.encrypt(
            containers._nonce(header, start, number),
            content[number * size : (number + 1) * size],
            containers._associated(header, info, number),
        )
        for number in range(count)
    ]
    last = containers._associated(header, info, count) + struct.pack(">Q", len(content))
    return head + header.salt + b"".join(pieces) + box.encrypt(containers._nonce(header, start, count), b"", last)


@pytest.mark.parametrize("mode", AEADMode)
@pytest.mark.parametrize("cipher", [7, 8, 9])
@pytest.mark.parametrize("chunk", [0, 1, 6, 16])
def test_each_mode_and_size_of_chunks_opens(mode, cipher, chunk):
    key, content = os.urandom(CIPHERS[cipher].key_octets), os.urandom(10_000)
    sealed = Packet(Tag.PROTECTED, made_container(content, key, mode=mode, cipher=cipher, chunk=chunk))

    container = read_container(sealed)

    assert open_container(sealed, container, SessionKey(cipher=None, key=key)) == content
    assert containers.algorithm_name(container, cipher) == f"{CIPHERS[cipher].name}-{mode.name}"


@pytest.mark.parametrize("mode", AEADMode)
def test_the_modes_open_as_a_whole_message(cast, store, policy, now, literal, mode):
    key = os.urandom(32)
    target = check_certificate(cast.alice.material).subkeys[0].public
    message = packet(Tag.PKESK, wrapped(key, AES256, target, with_aead=True)) + packet(
        Tag.PROTECTED, made_container(literal(TEXT), key, mode=mode)
    )

    result = openpgp.decrypt(message, store, policy, now)

    assert (result.payload, result.facts.algorithm, result.facts.key_scheme) == (
        TEXT,
        f"AES-256-{mode.name}",
        "RSA-3072",
    )


@pytest.mark.mission("P3")
@pytest.mark.parametrize("chunk", [0, 4, 10, 16])
def test_gpg_confirms_the_ocb_messages_that_we_open(gpg, store, policy, now, sessions, literal, chunk):
    wrapped, key = sessions(gpg, "bob@example.org")
    content = literal(TEXT * 100)
    container = made_container(content, key, tag=Tag.GNUPG_OCB, chunk=chunk)
    message = wrapped + packet(Tag.GNUPG_OCB, container)

    result = openpgp.decrypt(message, store, policy, now)

    assert (result.facts.algorithm, result.payload) == ("AES-256-OCB", TEXT * 100)
    assert gpg("--decrypt", stdin=message) == TEXT * 100


def test_the_cipher_of_a_session_key_must_be_that_of_the_container(gpg, store, policy, now, sessions, literal):
    # Both are said in GnuPG's own container; who says two things says none.
    message = gpg("--cipher-algo", "CAMELLIA256", "-r", "bob@example.org", "-e", stdin=TEXT)
    done = gpg.run("--show-session-key", "--decrypt", stdin=message).stderr.decode()
    key = bytes.fromhex(done.split("session key: '13:")[1].split("'")[0])
    wrapped = next(one for one in walk(message) if one.tag == Tag.PKESK)
    container = packet(Tag.GNUPG_OCB, made_container(literal(TEXT), key, tag=Tag.GNUPG_OCB))

    result = openpgp.decrypt(packet(Tag.PKESK, wrapped.body) + container, store, policy, now)

    assert (result.facts.verdict, result.payload) == (Encryption.DAMAGED, None)


def test_session_keys_of_one_version_do_not_open_containers_of_the_other(
    gpg, cast, store, policy, now, sessions, literal
):
    # RFC 9580 §10.3.2.1: else a message could be moved into a container with weaker protection.
    old, key = sessions(gpg, "alice@example.org")
    target = check_certificate(cast.alice.material).subkeys[0].public
    new = packet(Tag.PKESK, wrapped(key, AES256, target, with_aead=True))
    newer = packet(Tag.PROTECTED, made_container(literal(TEXT), key))
    older = packet(Tag.PROTECTED, containers.seal_mdc(literal(TEXT), key))

    def opened(message):
        result = openpgp.decrypt(message, store, policy, now)
        return result.facts.verdict, result.facts.why

    assert [opened(new + newer), opened(old + older)] == [(Encryption.DECRYPTED, None)] * 2
    assert [opened(old + newer), opened(new + older)] == [(Encryption.DAMAGED, "session_key")] * 2


def test_a_message_under_a_password_is_told(gpg, store, cast, sealed, inspected, now):
    message = gpg("--symmetric", stdin=TEXT, passphrase="sesam")
    both = gpg("--symmetric", "-r", "bob@example.org", "-e", stdin=TEXT, passphrase="sesam")

    statement = inspected(sealed(message, ONE), now)["encryption"]

    assert (statement["verdict"], statement["reason"]) == ("unsupported", "password_encrypted")
    assert inspected(sealed(both, ONE), now, secrets=[cast.bob])["encryption"]["verdict"] == "decrypted"


@pytest.mark.parametrize("profile", [Profile.RFC4880, Profile.RFC9580], ids=["v4", "v6"])
def test_a_post_quantum_subkey_is_read_and_told(secret_of, sealed, inspected, now, profile):
    key = Tsk.generate(
        user_id=f"<{ONE}>",
        profile=profile,
        cipher_suite=CipherSuite.Cv25519,
        encryption_algorithm=EncryptionAlgorithm.MLKEM768_X25519,
    )
    own = secret_of(bytes(key))
    message = bytes(pysequoia.encrypt(TEXT, recipients=[key.extract_certificate()], armor=False))

    document = inspected(sealed(message, ONE), now, secrets=[own])

    assert own.key.addresses == (ONE,)
    assert state_at(own.key.material, now).encryption == ()
    assert (document["encryption"]["verdict"], document["encryption"]["reason"]) == ("unsupported", "algorithm")
    assert "ML-KEM-768+X25519" in document["encryption"]["detail"]
    assert document["layers"][0]["key_scheme"] == "ML-KEM-768+X25519"


@pytest.mark.parametrize(
    ("suite", "name"),
    [(CipherSuite.MLDSA65_Ed25519, "ML-DSA-65+Ed25519"), (CipherSuite.MLDSA87_Ed448, "ML-DSA-87+Ed448")],
    ids=str,
)
def test_a_post_quantum_signature_is_told(signed, inspected, entity, now, suite, name):
    key = Tsk.generate(user_id=f"<{ONE}>", profile=Profile.RFC9580, cipher_suite=suite)
    signature = bytes(pysequoia.sign(key.signer(), entity, mode=pysequoia.SignatureMode.DETACHED, armor=False))
    public = key_from_openpgp(bytes(key.extract_certificate()))

    document = inspected(signed(signature, ONE), now, trusted=[public])

    assert (document["signature"]["verdict"], document["signature"]["reason"]) == ("unverified", "unsupported")
    (signer,) = document["layers"][0]["signers"]
    assert (signer["integrity"], signer["why"], signer["algorithm"]) == ("unsupported", "algorithm", name)
    assert public.algorithm == name


def test_our_ocb_is_that_of_the_other_implementation():
    # The containers of this file are made with the code that opens them; their mode is OpenSSL's.
    key, nonce = os.urandom(32), os.urandom(15)

    assert aead(AEADMode.OCB, CIPHERS[9], key).encrypt(nonce, TEXT, b"info") == AESOCB3(key).encrypt(
        nonce, TEXT, b"info"
    )
