"""What we sign is what openssl and gpgsm verify, and what we verify ourselves."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from sealmail import smime
from sealmail.errors import InputError, PassphraseError
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.policy import Policy
from sealmail.report import Integrity
from sealmail.testing import CA, export_armored
from sealmail.testing.pki import loaded

SIGNING = ["rsa2048", "ec", "ec-p384", "ec-p521", "ed25519"]
MICALG = {"rsa2048": "sha-256", "ec": "sha-256", "ec-p384": "sha-384", "ec-p521": "sha-512", "ed25519": "sha-512"}


@pytest.fixture
def ca_file(ca: CA, tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_text(export_armored(ca.certificate))
    return file


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", SIGNING)
def test_sign_detached_is_verified_by_ourselves(owners, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    content, signature = parts_of(smime.sign(entity, owners[kind].secret, [], now))

    result = smime.verify(signature, content, MemoryKeyStore(), Policy(), now)

    (signer,) = result.signers
    assert (content, signer.integrity, signer.findings, signer.key) == (
        entity,
        Integrity.INTACT,
        frozenset(),
        owners[kind].key,
    )
    assert signer.signed_at == now


@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("way", [smime.sign, smime.sign_opaque])
def test_sign_is_verified_by_openssl(
    owners, ca_file: Path, entity: bytes, now: datetime, openssl, kind: str, way: Callable[..., bytes]
) -> None:
    sealed = way(entity, owners[kind].secret, [], now)

    assert openssl("cms", "-verify", "-CAfile", ca_file, "-purpose", "smimesign", given=sealed) == entity


def test_sign_is_verified_by_gpgsm(owners, entity: bytes, now: datetime, parts_of, tmp_path: Path) -> None:
    content, signature = parts_of(smime.sign(entity, owners["rsa2048"].secret, [], now))
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "signature").write_bytes(signature)
    environment = {**os.environ, "GNUPGHOME": str(tmp_path)}
    tmp_path.chmod(0o700)

    done = subprocess.run(
        ["gpgsm", "--disable-crl-checks", "--status-fd", "1", "--verify", "signature", "content"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, capture_output=True, check=False)

    # The chain is not trusted there, which is another status; GOODSIG and BADSIG say whether the octets fit.
    assert b"GOODSIG" in done.stdout


@pytest.mark.parametrize("kind", SIGNING)
def test_sign_names_the_digest_that_was_used(owners, entity: bytes, now: datetime, parts_of, kind: str) -> None:
    sealed = smime.sign(entity, owners[kind].secret, [], now)
    (signer,) = smime.verify(parts_of(sealed)[1], entity, MemoryKeyStore(), Policy(), now).signers

    assert re.search(rb"micalg=([^;]+);", sealed)[1].decode() == MICALG[kind]
    assert signer.hash_algorithm.lower() == MICALG[kind]


def test_sign_sends_the_chain_along_once(ca: CA, owners, entity: bytes, now: datetime, parts_of) -> None:
    owner = owners["ec"]
    content, signature = parts_of(smime.sign(entity, owner.secret, [ca.certificate, owner.key, ca.certificate], now))

    seen = smime.verify(signature, content, MemoryKeyStore(), Policy(), now).keys_seen

    assert {key.fingerprint for key in seen} == {owner.key.fingerprint, ca.certificate.fingerprint}
    assert len(seen) == 2


@pytest.mark.parametrize("way", [smime.sign, smime.sign_opaque])
def test_sign_writes_short_lines_that_end_canonically(owners, now: datetime, way: Callable[..., bytes]) -> None:
    sealed = way(b"Content-Type: text/plain\r\n\r\nx\r\n", owners["rsa2048"].secret, [], now)

    assert max(map(len, sealed.split(b"\r\n"))) <= 78
    assert sealed.replace(b"\r\n", b"").count(b"\n") == 0


def test_sign_keeps_the_entity_as_it_was_given(owners, now: datetime, parts_of) -> None:
    content = b"Content-Type: text/plain\r\n\r\nno line end, trailing space "

    assert parts_of(smime.sign(content, owners["ec"].secret, [], now))[0] == content


def test_sign_with_protected_key_needs_its_passphrase(owners, entity: bytes, now: datetime) -> None:
    key, private = owners["ec"].key, loaded(owners["ec"].secret)
    material = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    )

    with pytest.raises(PassphraseError, match="passphrase_missing"):
        smime.sign(entity, SecretKey(key=key, material=material), [], now)
    with pytest.raises(PassphraseError, match="passphrase_wrong"):
        smime.sign(entity, SecretKey(key=key, material=material, passphrases=("shut",)), [], now)
    assert smime.sign(entity, SecretKey(key=key, material=material, passphrases=("shut", "open sesame")), [], now)


def test_sign_with_key_for_encrypting_only_is_refused(owners, entity: bytes, now: datetime) -> None:
    with pytest.raises(InputError):
        smime.sign(entity, owners["x25519"].secret, [], now)


def test_sign_with_material_that_is_no_key_says_nothing_of_it(owners, entity: bytes, now: datetime) -> None:
    with pytest.raises(InputError) as caught:
        smime.sign(entity, SecretKey(key=owners["ec"].key, material=b"very secret octets"), [], now)

    assert "secret octets" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_sign_opaque_carries_the_entity(owners, entity: bytes, now: datetime) -> None:
    sealed = smime.sign_opaque(entity, owners["ec"].secret, [], now)
    headers, body = sealed.split(b"\r\n\r\n", 1)

    assert b"smime-type=signed-data" in headers
    assert smime.verify(base64.b64decode(body), None, MemoryKeyStore(), Policy(), now).payload == entity
