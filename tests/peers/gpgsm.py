"""A customer who uses `gpgsm`, as mail programs of KDE and Gpg4win do: a folder of his own, and nothing of ours."""

import contextlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.peers.cms import Verified
from tests.peers.openssl import OpenSSLCustomer
from tests.peers.programs import PeerError, program, short_folder

SETTINGS = "disable-crl-checks\ndisable-dirmngr\nno-secmem-warning\n"
AGENT_SETTINGS = "disable-scdaemon\n"
STATUS_PREFIX = "[GNUPG:] "
CURVES = {256: "NIST P-256", 384: "NIST P-384", 521: "NIST P-521"}


class GPGSM:
    """One person's gpgsm, with a certificate and key that openssl made. Use it as a context manager: the key agent ends
    and the folder goes with it.

    The private key is written where the agent keeps keys, because gpgsm 2.2 crashes when it imports PKCS#12 with a key
    on a curve. Kinds of key that the agent does not know are left out; gpgsm then says what it cannot do.
    """

    def __init__(self, owner: OpenSSLCustomer, others: Sequence[OpenSSLCustomer] = ()) -> None:
        """`others`: whom the owner writes to; their CAs are trusted too, for gpgsm encrypts to nobody else."""
        self._owner = owner
        self._others = others
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._home = self._stack.enter_context(short_folder("gpgsm"))
            self._stack.callback(self._end_agent)
            self._prepare()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def certificate(self) -> Path:
        """The owner's certificate, PEM."""
        return self._owner.certificate

    @property
    def authority(self) -> Path:
        """The CA of the owner."""
        return self._owner.authority

    def cms_sign(
        self, data: bytes, *, detached: bool = True, digest: str = "sha256", options: Sequence[str] = ()
    ) -> bytes:
        """A SignedData over exactly these bytes. `options` are gpgsm's."""
        form = "--detach-sign" if detached else "--sign"
        who = ["--local-user", _fingerprint(self.certificate), "--digest-algo", digest]
        return self._run([*who, *options, form], data)

    def cms_encrypt(
        self, data: bytes, certificates: Sequence[Path], *, cipher: str = "-aes256", options: Sequence[str] = ()
    ) -> bytes:
        """An EnvelopedData for these certificates. `cipher` as openssl calls it."""
        to = [word for path in certificates for word in ("--recipient", _fingerprint(path))]
        name = cipher.removeprefix("-").upper()
        return self._run([*to, "--cipher-algo", name, *options, "--encrypt"], data)

    def cms_decrypt(self, data: bytes) -> bytes:
        """Opens a message with the owner's key; raises PeerError where that does not go."""
        return self._run(["--decrypt"], data)

    def cms_verify(self, data: bytes, *, content: bytes | None = None, trusted: Path | None = None) -> Verified:
        """Checks a SignedData, detached where the content is given, against the CAs that this gpgsm was set up with."""
        if trusted is not None and {trusted} != self._authorities():
            raise PeerError("this gpgsm trusts the CAs that it was set up with, and no other")
        signature, signed, output = (self._home / name for name in ("signature", "signed", "output"))
        signature.write_bytes(data)
        output.unlink(missing_ok=True)
        command = ["--verify", str(signature)]
        if content is not None:
            signed.write_bytes(content)
            command.append(str(signed))
        done = self._call(["--output", str(output), *command])
        status = _status(done)
        good = [line.split()[1] for line in status if line.startswith("GOODSIG ")]
        trusted_signers = sum(line.startswith("TRUST_FULLY") for line in status)
        return Verified(
            ok=bool(good) and len(good) == trusted_signers and done.returncode == 0,
            content=output.read_bytes() if output.exists() else content or b"",
            signer_subject=next((line.partition(" /")[2] for line in status if line.startswith("GOODSIG ")), ""),
            signer_addresses=tuple(address for fingerprint in good for address in self._addresses(fingerprint)),
            reason=done.stderr.decode(errors="replace").strip(),
        )

    def _prepare(self) -> None:
        (self._home / "gpgsm.conf").write_text(SETTINGS)
        (self._home / "gpg-agent.conf").write_text(AGENT_SETTINGS)
        authorities = self._authorities()
        trusted = [f"{_fingerprint(authority)} S relax\n" for authority in authorities]
        (self._home / "trustlist.txt").write_text("".join(trusted))
        certificates = [*authorities, self.certificate, *(other.certificate for other in self._others)]
        self._run(["--import"], b"".join(certificate.read_bytes() for certificate in certificates))
        key = _agent_form(self._owner.key.read_bytes())
        if key is not None:
            keys = self._home / "private-keys-v1.d"
            keys.mkdir(mode=0o700, exist_ok=True)
            (keys / f"{self._keygrip()}.key").write_bytes(key)

    def _authorities(self) -> set[Path]:
        return {self.authority, *(other.authority for other in self._others)}

    def _keygrip(self) -> str:
        listed = self._listed(_fingerprint(self.certificate), "--with-keygrip")
        return next(fields[9] for fields in listed if fields[0] == "grp")

    def _addresses(self, fingerprint: str) -> list[str]:
        names = [fields[9] for fields in self._listed(fingerprint) if fields[0] == "uid"]
        return [name[1:-1] for name in names if re.fullmatch(r"<[^<>]+>", name)]

    def _listed(self, fingerprint: str, *options: str) -> list[list[str]]:
        listed = self._run(["--with-colons", *options, "--list-keys", fingerprint])
        return [line.split(":") for line in listed.decode().splitlines()]

    def _run(self, command: Sequence[str], data: bytes = b"") -> bytes:
        done = self._call(command, data)
        if done.returncode:
            raise PeerError(f"gpgsm could not {command[-1].lstrip('-')}:\n{done.stderr.decode(errors='replace')}")
        return done.stdout

    def _call(self, command: Sequence[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        fixed = ["--homedir", str(self._home), "--batch", "--yes", "--status-fd", "2"]
        return subprocess.run([program("gpgsm"), *fixed, *command], input=data, capture_output=True, check=False)

    def _end_agent(self) -> None:
        command = [program("gpgconf"), "--homedir", str(self._home), "--kill", "all"]
        subprocess.run(command, capture_output=True, check=False)


def _status(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    lines = done.stderr.decode(errors="replace").splitlines()
    return [line.removeprefix(STATUS_PREFIX) for line in lines if line.startswith(STATUS_PREFIX)]


def _fingerprint(certificate: Path) -> str:
    """By which gpgsm names certificates."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 -- a name, not a proof


def _agent_form(pem: bytes) -> bytes | None:
    """A private key as the agent keeps it unprotected (a canonical S-expression); None where it knows no such kind."""
    key = serialization.load_pem_private_key(pem, None)
    match key:
        case rsa.RSAPrivateKey():
            fields = _rsa_fields(key.private_numbers())
            return _list(b"private-key", _list(b"rsa", *fields))
        case ec.EllipticCurvePrivateKey():
            curve = CURVES[key.key_size].encode()
            point = key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            secret = _number(key.private_numbers().private_value)
            fields = [_list(b"curve", curve), _list(b"q", point), _list(b"d", secret)]
            return _list(b"private-key", _list(b"ecc", *fields))
        case _:
            return None


def _rsa_fields(numbers: rsa.RSAPrivateNumbers) -> list[bytes]:
    """As libgcrypt wants them: p is the smaller prime, and u its inverse modulo q."""
    p, q = sorted((numbers.p, numbers.q))
    values = {"n": numbers.public_numbers.n, "e": numbers.public_numbers.e, "d": numbers.d}
    values |= {"p": p, "q": q, "u": pow(p, -1, q)}
    return [_list(name.encode(), _number(value)) for name, value in values.items()]


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def _list(*members: bytes) -> bytes:
    """An S-expression of atoms and lists; a list begins with a bracket, and no atom of ours does."""
    return b"(" + b"".join(one if one[:1] == b"(" else b"%d:%s" % (len(one), one) for one in members) + b")"
