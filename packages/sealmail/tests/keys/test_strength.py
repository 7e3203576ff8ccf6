"""What makes a public key too weak to be believed."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from sealmail.keys.strength import is_weak, weakness


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (rsa.RSAPublicNumbers(65537, (1 << 1023) + 1).public_key(), "RSA with 1024 bits; 2048 are the least"),
        (rsa.RSAPublicNumbers(3, (1 << 2047) + 1).public_key(), "RSA with the exponent 3; 65537 is the least"),
        (ec.generate_private_key(ec.SECP192R1()).public_key(), "a curve of 192 bits; 224 are the least"),
        (dsa.generate_private_key(2048).public_key(), "DSA"),
    ],
    ids=["short", "small exponent", "small curve", "DSA"],
)
def test_weakness_is_said_for_people(key, sentence: str) -> None:
    assert weakness(key, 2048) == sentence
    assert is_weak(key, 2048)


@pytest.mark.parametrize(
    "key",
    [
        rsa.RSAPublicNumbers(65537, (1 << 2047) + 1).public_key(),
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        None,
    ],
    ids=["RSA-2048", "P-256", "Ed25519", "unreadable"],
)
def test_keys_of_today_have_no_weakness(key) -> None:
    assert weakness(key, 2048) is None
