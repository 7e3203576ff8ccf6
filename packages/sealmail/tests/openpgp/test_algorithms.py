"""Algorithms and containers of OpenPGP: what opens and verifies, and how the rest is told by its name."""

import os
import struct
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from openpgp.composed import EncryptionCaps, KeyType, SecretKeyParamsBuilder, SubkeyParamsBuilder

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp, split_keys, state_at
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.ciphers import CIPHERS, AEADMode, aead
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.openpgp import containers
from sealmail.openpgp.containers import Container, Damaged, open_container, read_container
from sealmail.openpgp.content import read_content
from sealmail.openpgp.session_keys import SessionKey
from sealmail.report import Encryption, Integrity

TEXT = b"Content-Type: text/plain\r\n\r\nThe contract is in the blue folder.\r\n"

CURVES = {
    "nistp256": ("ECDSA", "EC P-256"),
    "nistp384": ("ECDSA", "EC P-384"),
    "nistp521": ("ECDSA", "EC P-521"),
    "brainpoolP256r1": ("ECDSA", "EC brainpoolP256r1"),
    "brainpoolP384r1": ("ECDSA", "EC brainpoolP384r1"),
    "brainpoolP512r1": ("ECDSA", "EC brainpoolP512r1"),
    "secp256k1": ("ECDSA", "EC secp256k1"),
}


@pytest.mark.mission("P3")
@pytest.mark.parametrize("curve", CURVES)
def test_curves_of_gpg_open_and_verify(fresh_gpg, secret_of, policy, now, curve):
    _, name = CURVES[curve]
    fresh_gpg.key("<one@example.org>", curve)
    own = secret_of(fresh_gpg.secret("one@example.org"))
    message = fresh_gpg("--sign", "--recipient", "one@example.org", "--encrypt", stdin=TEXT)

    result = openpgp.decrypt(message, MemoryKeyStore(secrets=[own]), policy, now)

    assert (result.facts.verdict, result.payload) == (Encryption.DECRYPTED, TEXT)
    assert result.facts.key_scheme == f"ECDH {name.removeprefix('EC ')}"
    assert [(one.integrity, one.findings, one.algorithm) for one in result.signers] == [
        (Integrity.INTACT, frozenset(), name)
    ]


@pytest.fixture(scope="module")
def old_fashioned(module_gpg):
    """A DSA key with an ElGamal subkey: what gpg made until 2009."""
    module_gpg.key("<old@example.org>", "dsa2048")  # its first encryption subkey fails: see `key`
    return module_gpg


@pytest.fixture(scope="module")
def module_gpg(tmp_path_factory):
    # The sockets of gpg's agent need a short path.
    import shutil
    import subprocess

    program = _gnupg()
    yield program
    subprocess.run(["gpgconf", "--homedir", str(program.home), "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(program.home, ignore_errors=True)
