"""A customer who uses GnuPG: a key ring of his own, the `gpg` command, and nothing of ours."""

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tests.peers.pgp import Checked, Decrypted
from tests.peers.programs import PeerError, program, short_folder

# A passphrase is asked for each time; the few rounds spare the agent seconds of measuring how fast the machine is.
AGENT_SETTINGS = "disable-scdaemon\nmax-cache-ttl 0\ns2k-count 65536\n"
STATUS_PREFIX = "[GNUPG:] "


class Algorithm(StrEnum):
    """The kinds of key that customers have."""

    RSA_3072 = "rsa3072"
    ED25519 = "ed25519"


KEY_PARAMETERS = {
    Algorithm.RSA_3072: "Key-Type: RSA\nKey-Length: 3072\n{usage}\nSubkey-Type: RSA\nSubkey-Length: 3072",
    Algorithm.ED25519: "Key-Type: eddsa\nKey-Curve: ed25519\n{usage}\nSubkey-Type: ecdh\nSubkey-Curve: cv25519",
}


class GnuPG:
    """One person's GnuPG. Use it as a context manager: the key agent ends and the key ring goes with it."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self.home = self._stack.enter_context(short_folder("gpg"))
            (self.home / "gpg-agent.conf").write_text(AGENT_SETTINGS)
            (self.home / "gpg.conf").write_text("no-auto-key-retrieve\ntrust-model always\nno-greeting\n")
            self._stack.callback(self._end_agent)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def generate(
        self,
        address: str,
        *,
        name: str = "",
        algorithm: Algorithm = Algorithm.ED25519,
        passphrase: str = "",
        expires: str = "0",
    ) -> str:
        """Makes a key for signing with a subkey for encrypting; returns the fingerprint. `expires` as gpg takes it."""
        protection = f"Passphrase: {passphrase}" if passphrase else "%no-protection"
        kind = KEY_PARAMETERS[algorithm].format(usage="Key-Usage: sign,cert")
        person = [f"Name-Real: {name}"] if name else []
        lines = [
            kind,
            "Subkey-Usage: encrypt",
            *person,
            f"Name-Email: {address}",
            f"Expire-Date: {expires}",
            protection,
        ]
        parameters = "\n".join([*lines, "%commit", ""]).encode()
        status = self._run(["--generate-key"], parameters, passphrase=passphrase).status
        return next(line.split()[2] for line in status if line.startswith("KEY_CREATED "))

    def import_(self, keys: bytes) -> tuple[str, ...]:
        """Takes in public or secret keys, armored or not; returns their fingerprints."""
        status = self._run(["--import"], keys).status
        return tuple(dict.fromkeys(line.split()[2] for line in status if line.startswith("IMPORT_OK ")))

    def export_public(self, key: str = "", *, armor: bool = True) -> bytes:
        """The public keys, or the one that is named by address or fingerprint."""
        return self._run([*_armor(armor), "--export", *filter(None, [key])]).output

    def export_secret(self, key: str = "", *, passphrase: str = "", armor: bool = True) -> bytes:
        """The secret keys, or the one that is named; protected by the passphrase where the key has one."""
        command = [*_armor(armor), "--export-secret-keys", *filter(None, [key])]
        return self._run(command, passphrase=passphrase).output

    def sign_detached(self, data: bytes, *, key: str = "", passphrase: str = "", digest: str = "SHA256") -> bytes:
        """An armored detached signature."""
        return self._run([*_signer(key, digest), "--armor", "--detach-sign"], data, passphrase=passphrase).output

    def clearsign(self, data: bytes, *, key: str = "", passphrase: str = "") -> bytes:
        """A text with its signature around it, as people once sent it in a mail's body."""
        return self._run([*_signer(key, "SHA256"), "--clearsign"], data, passphrase=passphrase).output

    def encrypt(
        self,
        data: bytes,
        recipients: Sequence[str],
        *,
        sign: bool = False,
        key: str = "",
        passphrase: str = "",
        options: Sequence[str] = (),
    ) -> bytes:
        """An armored message for these addresses or fingerprints, signed inside where asked."""
        signing = [*_signer(key, "SHA256"), "--sign"] if sign else []
        to = [part for recipient in recipients for part in ("--recipient", recipient)]
        return self._run(["--armor", *signing, *to, *options, "--encrypt"], data, passphrase=passphrase).output

    def decrypt(self, data: bytes, *, passphrase: str = "") -> Decrypted:
        """Opens a message; raises PeerError unless gpg says that decrypting went well (a bad signature does not)."""
        done = self._run(["--decrypt"], data, passphrase=passphrase, check=False)
        if "DECRYPTION_OKAY" not in done.status:
            raise PeerError(f"gpg could not decrypt: {done.status}")
        return Decrypted(plain=done.output, signatures=_checked(done.status))

    def session_key(self, data: bytes) -> bytes:
        """The key of an encrypted message, as gpg tells it to people who must hand it to somebody."""
        status = self._run(["--show-session-key", "--decrypt"], data).status
        return bytes.fromhex(next(line.partition(":")[2] for line in status if line.startswith("SESSION_KEY ")))

    def verify(self, signature: bytes, data: bytes) -> Checked:
        """Checks a detached signature."""
        with short_folder("sig") as folder:
            (folder / "signature").write_bytes(signature)
            return _checked(self._run(["--verify", str(folder / "signature"), "-"], data, check=False).status)

    def read_clearsigned(self, text: bytes) -> Decrypted:
        """The words of a text that carries its signature around it, and what is said of that."""
        done = self._run(["--decrypt"], text, check=False)
        return Decrypted(plain=done.output, signatures=_checked(done.status))

    def _run(self, command: Sequence[str], data: bytes = b"", *, passphrase: str = "", check: bool = True) -> "_Done":
        log = self.home / "log"
        fixed = ["--batch", "--no-tty", "--status-fd", "2", "--logger-file", str(log), "--pinentry-mode", "loopback"]
        done = subprocess.run(
            [program("gpg"), "--homedir", str(self.home), *fixed, "--passphrase", passphrase, *command],
            input=data,
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise PeerError(f"gpg {command} failed:\n{log.read_text(errors='replace')}")
        return _Done(output=done.stdout, status=_status_lines(done.stderr))

    def _end_agent(self) -> None:
        subprocess.run([program("gpgconf"), "--homedir", str(self.home), "--kill", "all"], check=False)


class GnuPGFactory:
    """Makes customers with GnuPG; a key that was made once is handed to later customers of the same kind."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._made: dict[tuple[str, Algorithm, str, str], bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def empty(self) -> GnuPG:
        """Somebody with GnuPG and no key."""
        return self._stack.enter_context(GnuPG())

    def customer(
        self,
        address: str,
        *,
        algorithm: Algorithm = Algorithm.ED25519,
        passphrase: str = "",
        key_number: int = 1,
    ) -> GnuPG:
        """A fresh key ring with the secret key of that address; another number is another key."""
        gpg = self.empty()
        kind = (address, algorithm, passphrase, str(key_number))
        if kind in self._made:
            gpg.import_(self._made[kind])
        else:
            gpg.generate(address, algorithm=algorithm, passphrase=passphrase)
            self._made[kind] = gpg.export_secret(passphrase=passphrase)
        return gpg


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    output: bytes
    status: tuple[str, ...]


def _armor(armor: bool) -> list[str]:
    return ["--armor"] if armor else []


def _signer(key: str, digest: str) -> list[str]:
    return ["--digest-algo", digest, *(["--local-user", key] if key else [])]


def _status_lines(said: bytes) -> tuple[str, ...]:
    lines = said.decode(errors="replace").splitlines()
    return tuple(line.removeprefix(STATUS_PREFIX).rstrip() for line in lines if line.startswith(STATUS_PREFIX))


def _checked(status: Sequence[str]) -> Checked:
    """VALIDSIG names the primary key, but for expired and revoked keys too; GOODSIG before it tells them apart."""
    good, signers, bad = False, [], False
    for line in status:
        word, *rest = line.split(" ")
        match word:
            case "NEWSIG" | "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "ERRSIG":
                good = False
            case "BADSIG":
                good, bad = False, True
            case "GOODSIG":
                good = True
            case "VALIDSIG" if good:
                signers.append(rest[-1])
    is_signed = any(line.startswith("NEWSIG") for line in status)
    return Checked(good_signers=tuple(signers), bad=bad, is_signed=is_signed, status=tuple(status))
