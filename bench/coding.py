"""What any program has to do beside the cryptography: base64 around what was sealed, and the encodings inside it."""

from __future__ import annotations

import binascii
import os
import zlib

from sealmail.mime import parse
from sealmail.mime.transfer import TransferEncoding


class Coding:
    """The transfer encodings of one mail, by the standard library alone; base64 even without lines."""

    def __init__(self, entity: bytes, *, compressed: bool = False) -> None:
        """`entity`: what gets sealed; encryption is taken to make nothing larger. `compressed`: before that, in the
        mails that are opened."""
        self._sealed = os.urandom(len(entity))
        self._compressed = deflated(entity) if compressed else b""
        self._travelling = _with_lines(self._sealed[: len(self._compressed) or None])
        leaves = [part for part in parse(entity).walk() if not part.children]
        self._base64 = [part.body for part in leaves if part.transfer_encoding is TransferEncoding.BASE64]
        self._files = [binascii.a2b_base64(body) for body in self._base64]
        self._quoted = [part.body for part in leaves if part.transfer_encoding is TransferEncoding.QUOTED_PRINTABLE]
        self._texts = [binascii.a2b_qp(body) for body in self._quoted]

    def open(self) -> None:
        """Undoes them."""
        for body in (self._travelling, *self._base64):
            binascii.a2b_base64(body)
        for body in self._quoted:
            binascii.a2b_qp(body)
        if self._compressed:
            zlib.decompress(self._compressed, -15)

    def seal(self) -> None:
        """Applies them."""
        for octets in (self._sealed, *self._files):
            binascii.b2a_base64(octets, newline=False)
        for text in self._texts:
            binascii.b2a_qp(text, istext=True)


def deflated(octets: bytes) -> bytes:
    """As gpg compresses: raw deflate."""
    work = zlib.compressobj(wbits=-15)
    return work.compress(octets) + work.flush()


def _with_lines(octets: bytes) -> bytes:
    encoded = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76))
