"""The whole mails that customers' programs send, sealed by gpg, sq and openssl in every way that is in use."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

from tests.peers.cms import CMSProgram
from tests.peers.pgp import PGPProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What somebody wants to say, before it is sealed. `headers` are added as they are, outside."""

    sender: str
    recipients: Sequence[str]
    subject: str
    text: str
    cc: Sequence[str] = ()
    attachments: Sequence[File] = ()
    headers: Sequence[tuple[str, str]] = ()
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    message_id: str = field(default_factory=lambda: make_msgid(domain="customer.example"))

    def entity(self) -> bytes:
        """Text and attachments as one MIME entity, 7-bit and with CRLF line ends, ready to be signed."""
        entity = EmailMessage(policy=SMTP)
        entity.set_content(self.text, cte="quoted-printable")
        for file in self.attachments:
            kind, _, subtype = file.type.partition("/")
            entity.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
        del entity["MIME-Version"]
        return entity.as_bytes()

    def wrapped(self, entity: bytes) -> bytes:
        """The letter's headers around an entity."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        if self.cc:
            message["Cc"] = ", ".join(self.cc)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.sent_at)
        message["Message-ID"] = self.message_id
        for name, value in self.headers:
            message[name] = value
        message["MIME-Version"] = "1.0"
        return message.as_bytes().removesuffix(b"\r\n") + entity


def plain(letter: Letter) -> bytes:
    """Neither signed nor encrypted."""
    return letter.wrapped(letter.entity())


def pgp_signed(letter: Letter, gpg: PGPProgram, *, passphrase: str = "", digest: str = "SHA256") -> bytes:
    """PGP/MIME, signed (RFC 3156 §5)."""
    return letter.wrapped(_pgp_signed_entity(letter.entity(), gpg, passphrase, digest))


def pgp_encrypted(
    letter: Letter,
    gpg: PGPProgram,
    *,
    to: Sequence[str] = (),
    sign: bool = False,
    passphrase: str = "",
    options: Sequence[str] = (),
) -> bytes:
    """PGP/MIME, encrypted (RFC 3156 §4), signed in the same OpenPGP message where asked (§6.2)."""
    recipients = to or _everybody(letter)
    message = gpg.encrypt(letter.entity(), recipients, sign=sign, passphrase=passphrase, options=options)
    return letter.wrapped(_pgp_encrypted_entity(message))


def pgp_signed_inside_encrypted(
    letter: Letter, gpg: PGPProgram, *, to: Sequence[str] = (), passphrase: str = "", digest: str = "SHA256"
) -> bytes:
    """PGP/MIME, a multipart/signed inside the encryption (RFC 3156 §6.1)."""
    signed = _pgp_signed_entity(letter.entity(), gpg, passphrase, digest)
    return letter.wrapped(_pgp_encrypted_entity(gpg.encrypt(signed, to or _everybody(letter))))


def pgp_inline(letter: Letter, gpg: PGPProgram, *, passphrase: str = "") -> bytes:
    """The text signed in the body itself, without MIME, as old programs do."""
    signed = gpg.clearsign(letter.text.encode(), passphrase=passphrase)
    return letter.wrapped(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + with_crlf(signed))


def pgp_inline_encrypted(letter: Letter, gpg: PGPProgram, *, to: Sequence[str] = (), sign: bool = False) -> bytes:
    """The text encrypted in the body itself, signed in the same message where asked."""
    message = gpg.encrypt(letter.text.encode(), to or _everybody(letter), sign=sign)
    return letter.wrapped(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + with_crlf(message))


def smime_signed(letter: Letter, who: CMSProgram, *, digest: str = "sha256", options: Sequence[str] = ()) -> bytes:
    """S/MIME, multipart/signed (RFC 8551 §3.5.3). `options` are those of the program's command for signing."""
    return letter.wrapped(_smime_signed_entity(letter.entity(), who, digest, options))


def smime_opaque(letter: Letter, who: CMSProgram, *, digest: str = "sha256", options: Sequence[str] = ()) -> bytes:
    """S/MIME, the signed content inside the CMS (RFC 8551 §3.5.2)."""
    return letter.wrapped(_smime_opaque_entity(letter.entity(), who, digest, options))


def smime_enveloped(
    letter: Letter,
    who: CMSProgram,
    certificates: Sequence[Path],
    *,
    cipher: str = "-aes256",
    options: Sequence[str] = (),
) -> bytes:
    """S/MIME, encrypted (RFC 8551 §3.3). `options` are those of the program's command for encrypting."""
    return letter.wrapped(_enveloped_entity(letter.entity(), who, certificates, cipher, options))


def smime_signed_inside_enveloped(
    letter: Letter,
    who: CMSProgram,
    certificates: Sequence[Path],
    *,
    cipher: str = "-aes256",
    opaque: bool = False,
    digest: str = "sha256",
    options: Sequence[str] = (),
) -> bytes:
    """S/MIME, signed, then encrypted (RFC 8551 §3.7); detached inside, as Thunderbird does, or opaque as Outlook."""
    sign = _smime_opaque_entity if opaque else _smime_signed_entity
    signed = sign(letter.entity(), who, digest, ())
    return letter.wrapped(_enveloped_entity(signed, who, certificates, cipher, options))


def with_crlf(raw: bytes) -> bytes:
    """The same lines, each ended by CRLF."""
    return re.sub(rb"\r?\n", b"\r\n", raw)


def _everybody(letter: Letter) -> list[str]:
    return [*letter.recipients, *letter.cc]


def _pgp_signed_entity(entity: bytes, gpg: PGPProgram, passphrase: str, digest: str) -> bytes:
    signature = with_crlf(gpg.sign_detached(entity, passphrase=passphrase, digest=digest))
    part = b'Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n' + signature
    kind = f'multipart/signed; protocol="application/pgp-signature"; micalg="pgp-{digest.lower()}"'
    return _multipart(kind, [entity, part])


def _pgp_encrypted_entity(message: bytes) -> bytes:
    version = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
    content = b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n' + with_crlf(message)
    return _multipart('multipart/encrypted; protocol="application/pgp-encrypted"', [version, content])


def _smime_opaque_entity(entity: bytes, who: CMSProgram, digest: str, options: Sequence[str]) -> bytes:
    return _pkcs7_entity(who.cms_sign(entity, detached=False, digest=digest, options=options), "signed-data")


def _smime_signed_entity(entity: bytes, who: CMSProgram, digest: str, options: Sequence[str]) -> bytes:
    signature = who.cms_sign(entity, digest=digest, options=options)
    part = _base64_entity('application/pkcs7-signature; name="smime.p7s"', "smime.p7s", signature)
    micalg = digest.replace("sha", "sha-")  # RFC 8551 §3.5.3.2
    return _multipart(f'multipart/signed; protocol="application/pkcs7-signature"; micalg="{micalg}"', [entity, part])


def _enveloped_entity(
    entity: bytes, who: CMSProgram, certificates: Sequence[Path], cipher: str, options: Sequence[str]
) -> bytes:
    kind = "authEnveloped-data" if cipher.endswith("-gcm") else "enveloped-data"
    return _pkcs7_entity(who.cms_encrypt(entity, certificates, cipher=cipher, options=options), kind)


def _pkcs7_entity(der: bytes, kind: str) -> bytes:
    return _base64_entity(f'application/pkcs7-mime; smime-type={kind}; name="smime.p7m"', "smime.p7m", der)


def _base64_entity(content_type: str, name: str, content: bytes) -> bytes:
    headers = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n"
    headers += f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    return headers.encode() + with_crlf(base64.encodebytes(content))


def _multipart(content_type: str, parts: Sequence[bytes]) -> bytes:
    boundary = f"=_{secrets.token_hex(12)}"
    head = f'Content-Type: {content_type};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    delimiter = f"--{boundary}".encode()
    return head + b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--\r\n"
