"""What we encrypt is opened by openssl, gpgsm and ourselves."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime

import pytest

from sealmail import smime
from sealmail.errors import InputError, UsageError
from sealmail.keys import MemoryKeyStore, SecretKey
from sealmail.policy import Policy
from sealmail.report import Encryption
from sealmail.testing import CA

ENCRYPTING = ["rsa2048", "ec", "ec-p384", "ec-p521", "x25519"]


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ENCRYPTING)
@pytest.mark.parametrize(("gcm", "name"), [(False, "AES-256-CBC"), (True, "AES-256-GCM")])
def test_encrypt_is_opened_by_ourselves(owners, entity: bytes, cms_of, kind: str, gcm: bool, name: str) -> None:
    sealed = smime.encrypt(entity, [owners["other"].key, owners[kind].key], gcm=gcm)

    result = smime.decrypt(cms_of(sealed), MemoryKeyStore(secrets=[owners[kind].secret]), Policy())

    assert (result.payload, result.facts.verdict, result.facts.algorithm) == (entity, Encryption.DECRYPTED, name)
    assert result.facts.opened_with == owners[kind].key.fingerprint
    assert result.facts.malleable is not gcm
    assert len(result.facts.recipients) == 2


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("gcm", [False, True])
def test_encrypt_is_opened_by_openssl(owners, entity: bytes, openssl, kind: str, gcm: bool) -> None:
    sealed = smime.encrypt(entity, [owners[kind].key, owners["other"].key], gcm=gcm)

    file = owners[kind].file
    assert openssl("cms", "-decrypt", "-inkey", file, "-recip", file, given=sealed) == entity


def test_encrypt_is_opened_by_gpgsm(
    owners, entity: bytes, cms_of, openssl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Sockets of gpg-agent need a short path.
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]
    openssl("pkcs12", "-export", *old, "-in", owners["rsa2048"].file, "-passout", "pass:pw", "-out", home / "key.p12")
    (home / "mail").write_bytes(cms_of(smime.encrypt(entity, [owners["rsa2048"].key])))

    def gpgsm(*arguments: str) -> bytes:
        fixed = ["gpgsm", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--disable-crl-checks"]
        environment = {**os.environ, "GNUPGHOME": str(home)}
        done = subprocess.run(
            [*fixed, *arguments], cwd=home, env=environment, input=b"pw\n", capture_output=True, check=True
        )
        return done.stdout

    try:
        gpgsm("--import", "key.p12")
        assert gpgsm("--decrypt", "mail") == entity
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, check=False)


@pytest.mark.parametrize("gcm", [False, True])
def test_encrypt_names_what_it_is(owners, entity: bytes, gcm: bool) -> None:
    headers = smime.encrypt(entity, [owners["ec"].key], gcm=gcm).split(b"\r\n\r\n")[0]

    assert (b"smime-type=authEnveloped-data" if gcm else b"smime-type=enveloped-data") in headers


def test_encrypt_writes_short_lines_that_end_canonically(owners, entity: bytes) -> None:
    sealed = smime.encrypt(entity, [owners["ec"].key])

    assert max(map(len, sealed.split(b"\r\n"))) <= 78
    assert sealed.replace(b"\r\n", b"").count(b"\n") == 0


def test_encrypt_never_gives_the_same_twice(owners, entity: bytes) -> None:
    assert smime.encrypt(entity, [owners["rsa2048"].key]) != smime.encrypt(entity, [owners["rsa2048"].key])


def test_encrypt_names_each_recipient_once(owners, entity: bytes, cms_of) -> None:
    sealed = smime.encrypt(entity, [owners["ec"].key, owners["ec"].key])

    assert len(smime.decrypt(cms_of(sealed), MemoryKeyStore(), Policy()).facts.recipients) == 1


@pytest.mark.parametrize("size", [0, 15, 16, 17])
def test_encrypt_any_length_comes_back(owners, cms_of, size: int) -> None:
    sealed = smime.encrypt(b"x" * size, [owners["ec"].key])

    result = smime.decrypt(cms_of(sealed), MemoryKeyStore(secrets=[owners["ec"].secret]), Policy())

    assert result.payload == b"x" * size


def test_encrypt_to_nobody_is_a_mistake_of_the_caller(entity: bytes) -> None:
    with pytest.raises(UsageError):
        smime.encrypt(entity, [])


def test_encrypt_to_key_that_only_signs_is_refused(owners, entity: bytes) -> None:
    with pytest.raises(InputError):
        smime.encrypt(entity, [owners["rsa2048"].key, owners["ed25519"].key])


@pytest.mark.mission("S8")
def test_expired_certificate_still_opens_old_mail(ca: CA, entity: bytes, now: datetime, cms_of) -> None:
    expired: SecretKey = ca.issue(
        "old@customer.example", valid_from=now.replace(year=2001), valid_until=now.replace(year=2002)
    )

    result = smime.decrypt(cms_of(smime.encrypt(entity, [expired.key])), MemoryKeyStore(secrets=[expired]), Policy())

    assert result.payload == entity
