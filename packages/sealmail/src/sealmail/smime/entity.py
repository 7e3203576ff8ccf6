"""The MIME entities in which CMS travels (RFC 8551 §3). Without MIME-Version: that belongs to the message around it."""

from __future__ import annotations

import secrets

from sealmail.mime.transfer import encode_base64


def opaque(cms: bytes, *, smime_type: str) -> bytes:
    """An application/pkcs7-mime entity."""
    return (
        f'Content-Type: application/pkcs7-mime; smime-type={smime_type};\r\n name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n'
        "\r\n"
    ).encode() + encode_base64(cms)


def detached(entity: bytes, cms: bytes, *, micalg: str) -> bytes:
    """A multipart/signed entity, with the signed entity in it exactly as it was given (RFC 1847 §2.1)."""
    boundary = f"sealed-{secrets.token_hex(16)}"
    head = (
        f'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg={micalg};'
        f' boundary="{boundary}"\r\n\r\n--{boundary}\r\n'
    )
    signature = (
        f"\r\n--{boundary}\r\n"
        'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7s"\r\n'
        "\r\n"
    )
    return b"".join((head.encode(), entity, signature.encode(), encode_base64(cms), f"--{boundary}--\r\n".encode()))
