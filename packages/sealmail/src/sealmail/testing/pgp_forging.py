"""OpenPGP that no honest program writes, made of packets, and the mails around it: Bob writes to Alice. For tests."""

from __future__ import annotations

from base64 import b64decode, encodebytes
from datetime import datetime

from sealmail import openpgp
from sealmail.errors import InputError
from sealmail.keys import Key, SecretKey
from sealmail.keys.openpgp_key import state_at
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.ciphers import AES256
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.openpgp.containers import seal_mdc
from sealmail.openpgp.wrapping import wrapped

BOB, ALICE = "bob@example.org", "alice@example.org"
HEADERS = f"From: Bob <{BOB}>\r\nTo: {ALICE}\r\nSubject: Case 7\r\nMIME-Version: 1.0\r\n".encode()
WORDS = "Pay 100 euros.\n"
ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nPay 100 euros.\r\n"
SESSION_KEY = bytes(range(32))


def encrypted_packets(packets: bytes, recipient: Key, at: datetime) -> bytes:
    """Any packets, encrypted to somebody under a session key that is always the same."""
    subkey = check_certificate(recipient.material).component(state_at(recipient.material, at).encryption[0])
    if subkey is None:
        raise InputError("This key has no part that is encrypted to.")
    session = packet(Tag.PKESK, wrapped(SESSION_KEY, AES256, subkey.public, with_aead=False))
    return session + packet(Tag.PROTECTED, seal_mdc(packets, SESSION_KEY))


def signature(content: bytes, by: SecretKey, at: datetime) -> bytes:
    """The packet of a detached signature."""
    return b64decode(_base64_of(openpgp.sign(content, by, at)))


def literal(content: bytes, name: bytes = b"") -> bytes:
    """Literal data with a file name, which nobody signs."""
    return packet(Tag.LITERAL, b"b" + bytes([len(name)]) + name + bytes(4) + content)


def armored(data: bytes, label: str = "MESSAGE") -> bytes:
    """Armor without a checksum."""
    lines = encodebytes(data).replace(b"\n", b"\r\n")
    return f"-----BEGIN PGP {label}-----\r\n\r\n".encode() + lines + f"-----END PGP {label}-----\r\n".encode()


def _base64_of(raw: bytes) -> bytes:
    body = raw.partition(b"-----BEGIN PGP ")[2].partition(b"\r\n\r\n")[2].partition(b"-----END")[0]
    return b"".join(line for line in body.split(b"\r\n") if not line.startswith(b"="))


def text(body: bytes, content_type: str = "text/plain; charset=utf-8", encoding: str = "8bit") -> bytes:
    """A mail with one part."""
    return HEADERS + f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


def multipart(subtype: str, *parts: bytes) -> bytes:
    """A mail with parts, each with its header; `subtype` may bring parameters."""
    joined = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts)
    return HEADERS + f'Content-Type: multipart/{subtype}; boundary="limit"\r\n\r\n'.encode() + joined + b"--limit--\r\n"


VERSION = b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
ENCRYPTED = 'encrypted; protocol="application/pgp-encrypted"'
SIGNED = 'signed; micalg=pgp-sha256; protocol="application/pgp-signature"'


def body_part(message: bytes) -> bytes:
    """The part of a multipart/encrypted that holds the message."""
    return b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n\r\n' + message


def signature_part(signature: bytes) -> bytes:
    """The part of a multipart/signed that holds the signature."""
    return b"Content-Type: application/pgp-signature\r\n\r\n" + signature


def encrypted(message: bytes) -> bytes:
    """A PGP/MIME mail around an armored message."""
    return multipart(ENCRYPTED, VERSION, body_part(message))


def signed(entity: bytes, signature: bytes) -> bytes:
    """A PGP/MIME mail with a signature's packets."""
    return multipart(SIGNED, entity, signature_part(armored(signature, "SIGNATURE")))
