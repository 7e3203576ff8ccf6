"""Customers who use S/MIME, and the CA that certifies them: all of it made and opened by the `openssl` command."""

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

from tests.peers.cms import Verified
from tests.peers.programs import PeerError, program, short_folder


class KeyKind(StrEnum):
    """The kinds of key that certificates here have; the value is what `openssl genpkey` takes."""

    RSA_2048 = "RSA rsa_keygen_bits:2048"
    RSA_3072 = "RSA rsa_keygen_bits:3072"
    EC_P256 = "EC ec_paramgen_curve:P-256"
    EC_P384 = "EC ec_paramgen_curve:P-384"
    ED25519 = "ED25519"
    X25519 = "X25519"


SETTINGS = """
[ca]
default_ca = desk
[desk]
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 365
default_crl_days = 30
policy = anything
unique_subject = no
copy_extensions = none
[anything]
commonName = supplied
[req]
distinguished_name = nothing
[nothing]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
LEAF = """
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical, {usage}
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSSLCustomer:
    """Somebody with a certificate: the files `certificate` and `key` are PEM, the key is unprotected."""

    address: str
    certificate: Path
    key: Path
    authority: Path

    def cms_sign(
        self, data: bytes, *, detached: bool = True, digest: str = "sha256", options: Sequence[str] = ()
    ) -> bytes:
        """A DER SignedData over exactly these bytes, with the signer's certificate in it."""
        form = [] if detached else ["-nodetach"]
        who = ["-signer", str(self.certificate), "-inkey", str(self.key)]
        command = ["-sign", "-binary", *form, *who, "-md", digest, "-outform", "DER", *options]
        return _openssl("cms", *command, data=data)

    def cms_encrypt(
        self, data: bytes, certificates: Sequence[Path], *, cipher: str = "-aes256", options: Sequence[str] = ()
    ) -> bytes:
        """A DER EnvelopedData (AuthEnvelopedData where the cipher is a GCM one) for these certificates.

        The options hold for each recipient, as `-keyopt` does.
        """
        to = [word for path in certificates for word in ("-recip", str(path), *options)]
        return _openssl("cms", "-encrypt", "-binary", cipher, "-outform", "DER", *to, data=data)

    def cms_decrypt(self, data: bytes) -> bytes:
        """Opens a DER message with this customer's key; raises PeerError where that does not go."""
        who = ["-recip", str(self.certificate), "-inkey", str(self.key)]
        return _openssl("cms", "-decrypt", "-binary", "-inform", "DER", *who, data=data)

    def cms_verify(self, data: bytes, *, content: bytes | None = None, trusted: Path | None = None) -> Verified:
        """Checks a DER SignedData, detached where the content is given, against a CA (default: the customer's own)."""
        return cms_verify(data, content=content, trusted=trusted or self.authority)

    def smime_sign(self, data: bytes, *, detached: bool = True) -> bytes:
        """A whole S/MIME entity as openssl writes it, multipart/signed or opaque, with CRLF line ends."""
        form = [] if detached else ["-nodetach"]
        who = ["-signer", str(self.certificate), "-inkey", str(self.key)]
        entity = _openssl("cms", "-sign", "-binary", *form, *who, "-outform", "SMIME", data=data)
        return b"\r\n".join(line.removesuffix(b"\r") for line in entity.split(b"\n"))

    def pkcs12(self, password: str) -> bytes:
        """Key, certificate and CA in one protected file, as mail programs export them."""
        who = ["-in", str(self.certificate), "-inkey", str(self.key), "-certfile", str(self.authority)]
        return _openssl("pkcs12", "-export", *who, "-passout", f"pass:{password}", "-name", self.address)

    def protected_key(self, password: str) -> bytes:
        """The private key as PEM under a passphrase."""
        return _openssl("pkey", "-in", str(self.key), "-aes256", "-passout", f"pass:{password}")


class TestCA:
    """A certification authority in a temporary folder. Use it as a context manager."""

    __test__ = False

    def __init__(self, *, name: str = "Test CA", kind: KeyKind = KeyKind.RSA_2048) -> None:
        self._name = name
        self._kind = kind
        self._issued = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._folder = self._stack.enter_context(short_folder("ca"))
            self._prepare()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def certificate(self) -> Path:
        """The CA's own certificate, PEM."""
        return self._folder / "ca.pem"

    def issue(
        self,
        address: str,
        *,
        name: str = "",
        kind: KeyKind = KeyKind.RSA_2048,
        usage: str = "",
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        more_names: Sequence[str] = (),
    ) -> OpenSSLCustomer:
        """A customer with a new key and its certificate. More names as openssl takes them: `email:a@b.example`."""
        self._issued += 1
        stem = self._folder / f"leaf-{self._issued}"
        key, request, certificate = (stem.with_suffix(suffix) for suffix in (".key", ".csr", ".pem"))
        _generate(kind, key)
        subject = f"/CN={name or address}"
        # A key that cannot sign makes no request: the CA's own key stands in, and the certificate gets the right one.
        asking = self._folder / "ca.key" if kind is KeyKind.X25519 else key
        _openssl("req", "-new", "-utf8", *self._settings(), "-key", str(asking), "-subj", subject, "-out", str(request))
        extensions = stem.with_suffix(".cnf")
        names = ", ".join([f"email:{address}", *more_names])
        extensions.write_text(LEAF.format(usage=usage or _default_usage(kind), names=names))
        if kind is KeyKind.X25519:
            self._certify_key_that_cannot_ask(key, request, extensions, certificate)
            return OpenSSLCustomer(address=address, certificate=certificate, key=key, authority=self.certificate)
        now = datetime.now(UTC)
        dates = ["-startdate", _time(valid_from or now - timedelta(days=1))]
        dates += ["-enddate", _time(valid_until or now + timedelta(days=365))]
        how = ["-batch", "-notext", "-utf8", "-extfile", str(extensions), "-extensions", "leaf", *dates]
        _openssl("ca", *self._settings(), *how, "-in", str(request), "-out", str(certificate))
        return OpenSSLCustomer(address=address, certificate=certificate, key=key, authority=self.certificate)

    def revoke(self, customer: OpenSSLCustomer, reason: str = "keyCompromise") -> None:
        """Writes the certificate into the next revocation list."""
        _openssl("ca", *self._settings(), "-revoke", str(customer.certificate), "-crl_reason", reason)

    def revocation_list(self) -> bytes:
        """The current CRL, PEM."""
        return _openssl("ca", *self._settings(), "-gencrl")

    def _certify_key_that_cannot_ask(self, key: Path, request: Path, extensions: Path, certificate: Path) -> None:
        """Valid from now for a year: `openssl x509` takes no dates, and `openssl ca` no key beside the request's."""
        public = key.with_suffix(".pub")
        _openssl("pkey", "-in", str(key), "-pubout", "-out", str(public))
        issuer = ["-CA", str(self.certificate), "-CAkey", str(self._folder / "ca.key"), "-days", "365"]
        what = ["-force_pubkey", str(public), "-extfile", str(extensions), "-extensions", "leaf"]
        number = str(0x100000 + self._issued)
        _openssl("x509", "-req", "-in", str(request), *issuer, *what, "-set_serial", number, "-out", str(certificate))

    def _prepare(self) -> None:
        for name, text in {"index": "", "serial": "1000\n", "crlnumber": "1000\n"}.items():
            (self._folder / name).write_text(text)
        (self._folder / "ca.cnf").write_text(SETTINGS.format(folder=self._folder))
        key = self._folder / "ca.key"
        _generate(self._kind, key)
        what = ["-key", str(key), "-subj", f"/CN={self._name}", "-days", "3650", "-extensions", "authority"]
        _openssl("req", "-new", "-x509", "-utf8", *self._settings(), *what, "-out", str(self.certificate))

    def _settings(self) -> list[str]:
        return ["-config", str(self._folder / "ca.cnf")]


def cms_verify(data: bytes, *, trusted: Path, content: bytes | None = None) -> Verified:
    """Checks a DER SignedData against one CA, for the purpose of mail; detached where the content is given."""
    with short_folder("cms") as folder:
        signer, signed, output = folder / "signer.pem", folder / "signed", folder / "output"
        command = ["-verify", "-binary", "-inform", "DER", "-CAfile", str(trusted), "-no-CApath", "-no-CAstore"]
        command += ["-purpose", "smimesign", "-signer", str(signer), "-out", str(output)]
        if content is not None:
            signed.write_bytes(content)
            command += ["-content", str(signed)]
        done = _run("cms", *command, data=data)
        return Verified(
            ok=done.returncode == 0,
            content=output.read_bytes() if output.exists() else b"",
            signer_subject=_subject(signer),
            signer_addresses=_addresses(signer),
            reason=done.stderr.decode(errors="replace").strip(),
        )


def server_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed TLS certificate for loopback and its key, for servers that the tests start."""
    certificate, key = folder / "server.pem", folder / "server.key"
    _generate(KeyKind.EC_P256, key)
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    _openssl("req", "-new", "-x509", "-key", str(key), "-subj", "/CN=localhost", *names, "-out", str(certificate))
    return certificate, key


def _subject(certificate: Path) -> str:
    if not certificate.exists():
        return ""
    said = _openssl("x509", "-in", str(certificate), "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb,utf8")
    return said.decode().strip().removeprefix("subject=")


def _addresses(certificate: Path) -> tuple[str, ...]:
    if not certificate.exists():
        return ()
    return tuple(_openssl("x509", "-in", str(certificate), "-noout", "-email").decode().split())


def _default_usage(kind: KeyKind) -> str:
    """RSA keys are encrypted to, keys on curves agree on a key (RFC 8550 §4.4.2, RFC 8410 §5)."""
    match kind:
        case KeyKind.RSA_2048 | KeyKind.RSA_3072:
            return "digitalSignature, keyEncipherment"
        case KeyKind.EC_P256 | KeyKind.EC_P384:
            return "digitalSignature, keyAgreement"
        case KeyKind.ED25519:
            return "digitalSignature"
        case KeyKind.X25519:
            return "keyAgreement"


def _generate(kind: KeyKind, path: Path) -> None:
    algorithm, *parameters = kind.value.split()
    options = [word for parameter in parameters for word in ("-pkeyopt", parameter)]
    _openssl("genpkey", "-quiet", "-algorithm", algorithm, *options, "-out", str(path))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%SZ")


def _openssl(*command: str, data: bytes = b"") -> bytes:
    done = _run(*command, data=data)
    if done.returncode:
        raise PeerError(f"openssl {command[0]} failed:\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def _run(*command: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("openssl"), *command], input=data, capture_output=True, check=False)
