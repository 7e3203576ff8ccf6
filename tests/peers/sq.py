"""A customer who uses Sequoia's `sq`: no key ring and no agent, the keys are files that each command names.

Its exit code is all that is read: whether a signature is good, and whose, is found by offering one certificate after
the other.
"""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from typing import Self

from tests.peers.pgp import Checked, Decrypted
from tests.peers.programs import PeerError, program, short_folder

SUITES = {"RSA-3072": "rsa3k", "Curve25519": "cv25519"}


class SQ:
    """One person's secret key, and the certificates of everybody he knows by their fingerprints. A context manager."""

    def __init__(self, secret: bytes, known: Mapping[str, bytes]) -> None:
        self._stack = contextlib.ExitStack()
        self._secret, self._known = secret, known

    def __enter__(self) -> Self:
        self._folder = self._stack.enter_context(short_folder("sq"))
        self._key = self._folder / "own"
        self._key.write_bytes(self._secret)
        for fingerprint, certificate in self._known.items():
            (self._folder / fingerprint).write_bytes(certificate)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sign_detached(self, data: bytes, *, passphrase: str = "", digest: str = "SHA512") -> bytes:
        """An armored detached signature; the hash is sq's choice."""
        _without_passphrase(passphrase)
        return self._done("sign", "--detached", "--signer-key", str(self._key), data=data)

    def clearsign(self, data: bytes, *, passphrase: str = "") -> bytes:
        """A text with its signature around it."""
        _without_passphrase(passphrase)
        return self._done("sign", "--cleartext-signature", "--signer-key", str(self._key), data=data)

    def encrypt(
        self,
        data: bytes,
        recipients: Sequence[str],
        *,
        sign: bool = False,
        passphrase: str = "",
        options: Sequence[str] = (),
    ) -> bytes:
        """An armored message for these fingerprints, signed inside where asked."""
        _without_passphrase(passphrase)
        signing = ["--signer-key", str(self._key)] if sign else []
        to = [word for name in recipients for word in ("--recipient-cert", str(self._folder / name))]
        return self._done("encrypt", *signing, *to, *options, data=data)

    def decrypt(self, data: bytes) -> Decrypted:
        """Opens a message. A signature that no known certificate proves is not seen at all."""
        command = ["decrypt", "--recipient-key", str(self._key)]
        plain = self._done(*command, data=data)
        return Decrypted(plain=plain, signatures=self._by_whom(data, *command))

    def verify(self, signature: bytes, data: bytes) -> Checked:
        """Checks a detached signature."""
        (self._folder / "signature").write_bytes(signature)
        return self._by_whom(data, "verify", "--detached", str(self._folder / "signature"), is_signed=True)

    def read_clearsigned(self, text: bytes) -> Decrypted:
        """The words, which sq gives only where the signature is good."""
        checked = self._by_whom(text, "verify", is_signed=True)
        if not checked.good_signers:
            raise PeerError("sq releases no text without a good signature")
        plain = self._done("verify", "--signer-cert", str(self._folder / checked.good_signers[0]), data=text)
        return Decrypted(plain=plain, signatures=checked)

    def _by_whom(self, data: bytes, *command: str, is_signed: bool = False) -> Checked:
        good = []
        for fingerprint in self._known:
            with contextlib.suppress(PeerError):
                self._done(*command, "--signatures", "1", "--signer-cert", str(self._folder / fingerprint), data=data)
                good.append(fingerprint)
        return Checked(good_signers=tuple(good), bad=is_signed and not good, is_signed=is_signed or bool(good))

    def _done(self, *command: str, data: bytes) -> bytes:
        return _run(*command, data=data)


def generate(address: str, suite: str) -> bytes:
    """A secret key with subkeys of its own for signing and for encrypting; `suite` as in `SUITES`."""
    with short_folder("sq") as folder:
        path = folder / "key"
        user_id = f"<{address}>"
        _run("key", "generate", "--cipher-suite", SUITES[suite], "--userid", user_id, "--export", str(path), data=b"")
        return _run("dearmor", data=path.read_bytes())


def certificate(secret: bytes) -> bytes:
    """The public side of a secret key."""
    return _run("key", "extract-cert", "--binary", data=secret)


def _without_passphrase(passphrase: str) -> None:
    if passphrase:
        raise PeerError("sq asks for passphrases on a terminal only")


def _run(*command: str, data: bytes) -> bytes:
    done = subprocess.run([program("sq"), *command], input=data, capture_output=True, check=False)
    if done.returncode:
        raise PeerError(f"sq {command[0]} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout
