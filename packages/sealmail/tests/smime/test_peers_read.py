"""What openssl and gpgsm make of what we seal, key by key and form by form; what they cannot read is expected, too.

An expectation of failure that no longer holds fails, so that an upgrade of the peer shows.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sealmail import smime
from sealmail.keys import SecretKey, Use
from sealmail.testing import CA, export_armored, export_pem

Sealing = Callable[..., bytes]
CURVES = ["ec", "ec-p384", "ec-p521"]
P12_OF_OLD = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"]


class GpgSM:
    """The gpgsm command with a home of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, *arguments: str, given: bytes = b"pw\n") -> subprocess.CompletedProcess[bytes]:
        fixed = ["--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--disable-crl-checks"]
        environment = {**os.environ, "GNUPGHOME": str(self._home)}
        return subprocess.run(
            ["gpgsm", *fixed, "--status-fd", "1", *arguments],
            cwd=self._home,
            env=environment,
            input=given,
            capture_output=True,
            check=False,
        )

    def decrypt(self, cms: bytes) -> bytes | None:
        """The content; None where gpgsm cannot."""
        (self._home / "mail").write_bytes(cms)
        (self._home / "plain").unlink(missing_ok=True)
        done = self.run("--output", "plain", "--decrypt", "mail")
        return (self._home / "plain").read_bytes() if b"DECRYPTION_OKAY" in done.stdout else None

    def verifies(self, content: bytes, signature: bytes) -> bool:
        """Whether the octets fit; whether the chain is trusted is another status."""
        (self._home / "content").write_bytes(content)
        (self._home / "signature").write_bytes(signature)
        return b"GOODSIG" in self.run("--verify", "signature", "content").stdout


@pytest.fixture(scope="session")
def gpgsm(owners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GpgSM]:
    # Sockets of gpg-agent need a short path.
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    peer = GpgSM(home)
    for kind in ("rsa2048", "ec", "ec-p384", "ec-p521"):
        command = ["pkcs12", "-export", *P12_OF_OLD, "-in", str(owners[kind].file), "-passout", "pass:pw"]
        subprocess.run(["openssl", *command, "-out", str(home / f"{kind}.p12")], check=True)
        assert b"IMPORT_OK" in peer.run("--import", f"{kind}.p12").stdout
    yield peer
    environment = {**os.environ, "GNUPGHOME": str(home)}
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, capture_output=True, check=False)


@pytest.mark.mission("B16")
def test_gpgsm_opens_cbc_with_rsa(gpgsm: GpgSM, owners, entity: bytes, cms_of) -> None:
    sealed = smime.encrypt(entity, [owners["ec-p384"].key, owners["rsa2048"].key, owners["x25519"].key])

    assert gpgsm.decrypt(cms_of(sealed)) == entity


def test_gpgsm_reads_no_gcm_and_no_oaep(gpgsm: GpgSM, owners, entity: bytes, cms_of) -> None:
    key = owners["rsa2048"].key

    assert gpgsm.decrypt(cms_of(smime.encrypt(entity, [key], gcm=True))) is None
    assert gpgsm.decrypt(cms_of(smime.encrypt(entity, [key], oaep=[key.fingerprint]))) is None


@pytest.mark.parametrize("kind", CURVES)
def test_gpgsm_takes_no_keys_on_curves_out_of_pkcs12(
    gpgsm: GpgSM, owners, entity: bytes, cms_of, openssl, kind: str
) -> None:
    theirs = openssl("cms", "-encrypt", "-aes256", "-outform", "DER", owners[kind].file, given=entity)

    assert gpgsm.decrypt(theirs) is None
    assert gpgsm.decrypt(cms_of(smime.encrypt(entity, [owners[kind].key]))) is None


@pytest.mark.mission("B16")
@pytest.mark.parametrize(
    ("kind", "pss", "fits"),
    [
        ("rsa2048", False, True),
        ("rsa2048", True, True),
        ("ec", False, True),
        ("ec-p384", False, True),
        ("ec-p521", False, False),  # gpgsm 2.2 rejects every signature on P-521, those of openssl as well
        ("ed25519", False, False),
    ],
)
def test_gpgsm_verifies(
    gpgsm: GpgSM, owners, entity: bytes, now: datetime, parts_of, kind: str, pss: bool, fits: bool
) -> None:
    content, signature = parts_of(smime.sign(entity, owners[kind].secret, [], now, pss=pss))

    assert gpgsm.verifies(content, signature) is fits


@pytest.mark.mission("B16")
@pytest.mark.parametrize("kind", ["rsa2048", "ec", "ec-p384", "ec-p521"])
@pytest.mark.parametrize("gcm", [False, True])
@pytest.mark.parametrize("oaep", [False, True])
def test_openssl_opens_for_one_of_several(owners, entity: bytes, openssl, kind: str, gcm: bool, oaep: bool) -> None:
    keys = [owners[one].key for one in ("other", "rsa2048", "ec", "ec-p384", "ec-p521", "x25519", "x448")]
    sealed = smime.encrypt(entity, keys, gcm=gcm, oaep=[owners["rsa2048"].key.fingerprint] if oaep else [])

    file = owners[kind].file
    assert openssl("cms", "-decrypt", "-inkey", file, "-recip", file, given=sealed) == entity


@pytest.mark.parametrize("kind", ["x25519", "x448"])
def test_openssl_reads_no_montgomery_curves(owners, entity: bytes, kind: str) -> None:
    sealed = smime.encrypt(entity, [owners[kind].key])
    command = ["openssl", "cms", "-decrypt", "-inkey", owners[kind].file, "-recip", owners[kind].file]

    done = subprocess.run(command, input=sealed, capture_output=True, check=False)

    assert (done.returncode != 0, done.stdout) == (True, b"")


@pytest.mark.mission("B16")
@pytest.mark.parametrize(
    ("kind", "pss", "fits"),
    [
        ("rsa2048", False, True),
        ("rsa2048", True, True),
        ("ec", False, True),
        ("ec-p384", False, True),
        ("ec-p521", False, True),
        ("ed25519", False, False),  # openssl 3.0 reads no EdDSA in CMS
        ("ed448", False, False),
    ],
)
@pytest.mark.parametrize("way", [smime.sign, smime.sign_opaque])
def test_openssl_verifies(
    ca: CA, owners, entity: bytes, tmp_path: Path, kind: str, *, pss: bool, fits: bool, way: Sealing
) -> None:
    (tmp_path / "ca.pem").write_text(export_armored(ca.certificate))
    command = ["openssl", "cms", "-verify", "-CAfile", tmp_path / "ca.pem", "-purpose", "smimesign"]

    sealed = way(entity, owners[kind].secret, [ca.certificate], datetime.now(UTC), pss=pss)
    done = subprocess.run(command, input=sealed, capture_output=True, check=False)

    assert (done.returncode == 0, done.stdout if fits else b"") == (fits, entity if fits else b""), done.stderr


def test_openssl_verifies_what_a_key_bound_to_pss_signs(
    bound_to_pss: SecretKey, entity: bytes, now: datetime, tmp_path: Path, openssl
) -> None:
    (tmp_path / "own.pem").write_text(export_armored(bound_to_pss.key))

    sealed = smime.sign(entity, bound_to_pss, [], now)

    assert openssl("cms", "-verify", "-CAfile", tmp_path / "own.pem", given=sealed) == entity


def test_openssl_encrypts_to_the_certificate_that_we_name(
    ca: CA, entity: bytes, now: datetime, openssl, tmp_path: Path, parts_of
) -> None:
    signing = ca.issue("two@desk.example", uses=[Use.SIGN])
    encrypting = ca.issue("two@desk.example", uses=[Use.ENCRYPT], key_type="rsa2048")
    _, signature = parts_of(smime.sign(entity, signing, [], now, encrypts_to=encrypting.key))
    named = (tmp_path / "key.pem", tmp_path / "all.pem")
    named[0].write_bytes(export_pem(encrypting))

    openssl("cms", "-cmsout", "-inform", "DER", "-certsout", named[1], "-noout", given=signature)
    certificates = re.findall(
        "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", named[1].read_text(), re.DOTALL
    )

    assert len(certificates) == 2
    assert export_armored(encrypting.key).strip() in [one.strip() for one in certificates]
