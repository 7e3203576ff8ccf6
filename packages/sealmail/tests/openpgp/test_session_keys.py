"""Session keys for RSA: written by OpenSSL and read back."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.public import Unsupported
from sealmail.openpgp.session_keys import read_wrapped, unwrap, wrap_rsa
from sealmail.testing import openpgp_key


def _encrypting(cipher: str) -> Component:
    material = openpgp_key("carol@bank.example", cipher=cipher).material
    (fingerprint,) = state_at(material, datetime.now(UTC)).encryption
    component = check_certificate(material).component(fingerprint)
    assert component is not None
    return component


@pytest.fixture(scope="module")
def component() -> Component:
    return _encrypting("rsa2048")


@pytest.mark.parametrize(("with_aead", "version", "cipher"), [(False, 3, 9), (True, 6, None)])
def test_a_session_key_for_rsa_comes_back(
    component: Component, with_aead: bool, version: int, cipher: int | None
) -> None:
    session_key = os.urandom(32)
    private = secret.unlock(component.secret, is_primary=False, passphrases=())

    wrapped = read_wrapped(wrap_rsa(session_key, component.public, with_aead=with_aead))
    session = unwrap(wrapped, component.public, private)

    assert wrapped.version == version
    assert wrapped.recipient == (component.public.fingerprint if with_aead else component.public.key_id)
    assert (session.cipher, session.key) == (cipher, session_key)


def test_a_session_key_for_a_curve_is_not_wrapped_by_rsa() -> None:
    with pytest.raises(Unsupported):
        wrap_rsa(os.urandom(32), _encrypting("cv25519").public, with_aead=False)
