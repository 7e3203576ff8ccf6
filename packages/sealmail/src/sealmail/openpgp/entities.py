"""The MIME entities in which OpenPGP travels (RFC 3156). MIME-Version belongs to the message around them."""

from __future__ import annotations

import secrets

from pysequoia import ArmorKind

from sealmail.keys.pgp.armor import armored, armored_message


def signed_entity(content: bytes, signature: bytes, *, micalg: str) -> bytes:
    """A multipart/signed entity (RFC 3156 §5) around canonical content, exactly as it was given, and a binary
    signature over it."""
    boundary = _boundary()
    head = (
        f'Content-Type: multipart/signed; boundary="{boundary}";\r\n'
        f' micalg={micalg}; protocol="application/pgp-signature"\r\n\r\n'
    )
    part = (
        b'Content-Type: application/pgp-signature; name="signature.asc"\r\n'
        b"Content-Description: OpenPGP digital signature\r\n"
        b'Content-Disposition: attachment; filename="signature.asc"\r\n\r\n'
    )
    return _multipart(head, boundary, content, part, armored(ArmorKind.Signature, signature))


def encrypted_entity(message: bytes, *, with_aead: bool) -> bytes:
    """A multipart/encrypted entity (RFC 3156 §4) with a binary OpenPGP message. `with_aead`: its container is the
    authenticated one."""
    boundary = _boundary()
    head = f'Content-Type: multipart/encrypted; boundary="{boundary}";\r\n protocol="application/pgp-encrypted"\r\n\r\n'
    version = (
        b"Content-Type: application/pgp-encrypted\r\nContent-Description: PGP/MIME version identification\r\n\r\n"
        b"Version: 1\r\n"
    )
    part = (
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b"Content-Description: OpenPGP encrypted message\r\n"
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n\r\n'
    )
    return _multipart(
        head, boundary, version, part, armored_message(message) if with_aead else armored(ArmorKind.Message, message)
    )


def key_entity(material: bytes, key_id: str) -> bytes:
    """An application/pgp-keys entity (RFC 3156 §7) with a binary public key. `key_id`: for the name of the file."""
    name = f"OpenPGP_0x{key_id.upper()}.asc"
    head = (
        f'Content-Type: application/pgp-keys; name="{name}"\r\n'
        "Content-Description: OpenPGP public key\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode("ascii") + armored(ArmorKind.PublicKey, material)


def _boundary() -> str:
    # 128 random bits: it cannot be foreseen, so no content can hold it.
    return f"=_{secrets.token_hex(16)}"


def _multipart(head: str, boundary: str, first: bytes, *second: bytes) -> bytes:
    line = b"--" + boundary.encode()
    # The line end before a boundary line belongs to that line (RFC 2046 §5.1.1), so what is signed ends before it.
    return b"".join((head.encode(), line, b"\r\n", first, b"\r\n", line, b"\r\n", *second, b"\r\n", line, b"--\r\n"))
