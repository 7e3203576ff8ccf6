"""Session keys for every kind of key that we encrypt to: written by OpenSSL and read back, by us and by rPGP."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from openpgp.composed import EncryptionCaps, KeyType, SecretKeyParamsBuilder, SubkeyParamsBuilder

from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.ciphers import AES128, AES256
from sealmail.keys.pgp.public import Unsupported
from sealmail.openpgp.session_keys import read_wrapped, unwrap
from sealmail.openpgp.unwrapping import scheme
from sealmail.openpgp.wrapping import wrapped
from sealmail.testing import openpgp_key

KINDS = {
    "rsa": (KeyType.rsa(2048), "RSA-2048"),
    "curve25519": (KeyType.ecdh("curve25519"), "ECDH Curve25519"),
    "p256": (KeyType.ecdh("p256"), "ECDH P-256"),
    "p384": (KeyType.ecdh("p384"), "ECDH P-384"),
    "p521": (KeyType.ecdh("p521"), "ECDH P-521"),
    "x25519": (KeyType.x25519(), "X25519"),
    "x448": (KeyType.x448(), "X448"),
}


@pytest.fixture(scope="module", params=KINDS)
def component(request) -> tuple[Component, str]:
    kind, name = KINDS[request.param]
    subkey = SubkeyParamsBuilder().version(4).key_type(kind).can_encrypt(EncryptionCaps.all()).build()
    primary = SecretKeyParamsBuilder().version(4).key_type(KeyType.ed25519_legacy()).can_certify(True)
    material = primary.primary_user_id("<carol@bank.example>").subkey(subkey).build().generate().to_bytes()
    return check_certificate(material).subkeys[0], name


@pytest.mark.parametrize(("with_aead", "version"), [(False, 3), (True, 6)])
@pytest.mark.parametrize("cipher", [AES128, AES256])
def test_a_session_key_comes_back(component: tuple[Component, str], with_aead: bool, version: int, cipher: int) -> None:
    part, name = component
    session_key = os.urandom(16 if cipher == AES128 else 32)
    private = secret.unlock(part.secret, is_primary=False, passphrases=())

    read = read_wrapped(wrapped(session_key, cipher, part.public, with_aead=with_aead))
    session = unwrap(read, part.public, private)

    assert read.version == version
    assert read.recipient == (part.public.fingerprint if with_aead else part.public.key_id)
    assert (session.cipher, session.key) == (None if with_aead else cipher, session_key)
    assert (scheme(part.public), part.public.takes_session_keys) == (name, True)


def test_a_session_key_is_not_wrapped_for_a_key_that_only_signs() -> None:
    material = openpgp_key("carol@bank.example").material
    primary = check_certificate(material).primary.public

    assert state_at(material, datetime.now(UTC)).signing == (primary.fingerprint,)
    assert not primary.takes_session_keys
    with pytest.raises(Unsupported):
        wrapped(os.urandom(32), AES256, primary, with_aead=False)
