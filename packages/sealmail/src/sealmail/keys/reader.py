"""Any blob in, keys out: PEM with any mix and text around it, DER, PKCS#7, PKCS#12, armored and binary OpenPGP.

Recognises by content, never by file name, and reads no files: callers hand in bytes. It decides nothing about trust or
usability. On any bytes it either answers or raises `InputError`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sealmail.errors import InputError, LimitExceeded, PassphraseError
from sealmail.keys import der, pkcs12, private_key
from sealmail.keys.collection import Collection
from sealmail.keys.der import Form
from sealmail.keys.found import Found, Lock, LockedKey
from sealmail.keys.model import Technology
from sealmail.keys.pem import Block, blocks
from sealmail.keys.private_key import PrivateKey

MAX_BYTES = 5 * 1024 * 1024
"""Larger blobs are refused."""


def read(data: bytes, passphrases: Sequence[str] = ()) -> Found:
    """Every key, certificate and revocation list in the blob.

    Passphrases are tried on everything protected, in order; an empty one is always tried. What stays closed is in
    `locked`. Raises `InputError` where nothing in it is a key at all, and `LimitExceeded` (an `InputError`) past 5 MiB,
    2,000 pieces, or the work that trying passphrases may cost.
    """
    collection = Collection(passphrases)
    _Reading(collection).blob(data)
    return collection.found()


def read_paths(paths: Iterable[tuple[str, bytes]], passphrases: Sequence[str] = ()) -> tuple[Found, tuple[str, ...]]:
    """The same for several named blobs together, so that a private key finds its certificate in another file.

    What cannot be read is skipped, with a sentence that names it. Never raises on any bytes.
    """
    collection = Collection(passphrases)
    warnings = []
    for name, data in paths:
        try:
            _Reading(collection).blob(data)
        except InputError as error:
            warnings.append(f"{name}: skipped. {error}")
    return collection.found(), tuple(warnings)


class _Reading:
    """One blob on its way into a collection."""

    def __init__(self, collection: Collection) -> None:
        self._into = collection

    def blob(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise LimitExceeded("This is too large to be a key: more than 5 MiB.")
        data = _plain_text(data)
        if not data.strip():
            raise InputError("This is empty. Choose a file or paste a certificate or key.")
        self._into.start_blob()
        if b"-----BEGIN " in data:
            self._text(data)
        elif der.looks_like(data):
            self._binary(data)
        elif _is_openpgp(data):
            self._into.add_openpgp(data)
        else:
            self._bare_base64(data)

    def _text(self, text: bytes) -> None:
        count = 0
        for block in blocks(text):
            count += 1
            self._block(block)
        if not count:
            raise InputError("This is neither a certificate nor a key: its BEGIN line is damaged.")

    def _block(self, block: Block) -> None:
        self._into.count()
        if block.is_openpgp:
            self._armor(block)
        elif block.body is None:
            self._into.problem("damaged", f"A block “{block.label}” is cut off or damaged.")
        elif block.is_encrypted:
            self._encrypted_pem(block)
        elif block.label == "OPENSSH PRIVATE KEY":
            self._into.problem("wrong_kind", "A key of SSH does not seal mail.")
        elif not block.label.endswith("PARAMETERS"):  # openssl ecparam writes those before the key
            self._piece(lambda: self._first(block))

    def _first(self, block: Block) -> None:
        # OpenSSL's TRUSTED CERTIFICATE has settings of its own behind the certificate, which mean nothing here.
        self._der(next(iter(der.values(block.body or b"")), b""))

    def _armor(self, block: Block) -> None:
        if not block.label.endswith("KEY BLOCK"):
            self._into.problem("wrong_kind", f"A block “{block.label}” is not a key.")
            return
        self._piece(lambda: self._into.add_openpgp(block.text))

    def _piece(self, take: Callable[[], None]) -> None:
        """One piece of several: what is wrong with it does not keep the others out."""
        try:
            take()
        except LimitExceeded:
            raise
        except InputError as error:
            self._into.problem("unusable", str(error))

    def _bare_base64(self, text: bytes) -> None:
        """Base64 without the lines around it, as it is sometimes pasted."""
        try:
            body = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            body = b""
        if not der.looks_like(body) and _BROKEN_LINE.search(text):
            raise InputError(
                "The BEGIN and END lines are damaged: each must begin and end with five plain hyphens. A word "
                "processor may have changed them; copy from the file itself."
            )
        if not der.looks_like(body):
            raise InputError(
                "This is neither a certificate nor a key: it has no BEGIN line and is in none of the binary forms."
            )
        self._binary(body)

    def _binary(self, data: bytes) -> None:
        for value in der.values(data):
            self._into.count()
            self._der(value)

    def _der(self, value: bytes) -> None:
        match der.form(value):
            case Form.CERTIFICATE:
                self._into.add_certificate(value)
            case Form.PKCS7:
                self._bundle(value)
            case Form.PKCS12:
                self._pkcs12(value)
            case Form.PRIVATE_KEY:
                self._into.add_private(private_key.from_der(value, self._into.effort))
            case Form.ENCRYPTED_PRIVATE_KEY:
                self._try(
                    lambda passphrase: private_key.from_encrypted_der(value, passphrase, self._into.effort),
                    material=value,
                )
            case Form.CRL:
                self._into.add_crl(value)
            case Form.OCSP_RESPONSE:
                self._into.add_ocsp(value)
            case Form.REQUEST:
                self._into.problem(
                    "wrong_kind", "A certificate request is not a certificate yet: its issuer has to sign it first."
                )
            case Form.PUBLIC_KEY:
                self._into.problem(
                    "wrong_kind", "A public key without its certificate names no address and cannot be used."
                )
            case Form.UNKNOWN:
                raise InputError(
                    "This is neither a certificate nor a key: it is ASN.1 data of another kind, or damaged."
                )

    def _bundle(self, value: bytes) -> None:
        certificates, crls = der.bundle(value)
        for certificate in certificates:
            self._into.count()
            self._piece(partial(self._into.add_certificate, certificate))
        for crl in crls:
            self._into.count()
            self._piece(partial(self._into.add_crl, crl))

    def _pkcs12(self, value: bytes) -> None:
        try:
            pieces = pkcs12.read(value, ("", *self._into.passphrases), self._into.effort)
        except PassphraseError:
            self._lock("the PKCS#12 file")
            return
        for certificate in pieces.certificates:
            self._into.count()
            self._piece(partial(self._into.add_certificate, certificate))
        for crl in pieces.crls:
            self._piece(partial(self._into.add_crl, crl))
        for key in pieces.keys:
            self._into.add_private(key)
        for sentence in pieces.problems:
            self._into.problem("unusable", sentence)

    def _encrypted_pem(self, block: Block) -> None:
        self._piece(
            lambda: self._try(
                lambda passphrase: private_key.from_encrypted_pem(block.text, passphrase, self._into.effort),
                material=None,
            )
        )

    def _try(self, unlock: Callable[[str], PrivateKey], material: bytes | None) -> None:
        for passphrase in self._into.passphrases:
            try:
                self._into.add_private(unlock(passphrase))
            except PassphraseError:
                continue
            return
        self._lock("the private key", material)

    def _lock(self, description: str, material: bytes | None = None) -> None:
        why = Lock.WRONG if self._into.passphrases else Lock.MISSING
        self._into.add_locked(
            LockedKey(
                technology=Technology.SMIME, description=description, fingerprint=None, why=why, material=material
            )
        )


_BROKEN_LINE = re.compile(rb"BEGIN (?:[A-Z0-9. ]{1,30} )?(?:CERTIFICATE|PRIVATE KEY|PKCS ?#?7|CMS|PGP)")


def _plain_text(data: bytes) -> bytes:
    """Text that Windows wrote as UTF-16 or with a mark, as ASCII; everything else as it is."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"-\0-" in data:
        return data.decode("utf-16", errors="replace").encode("ascii", errors="replace")
    for encoding in ("utf-16-le", "utf-16-be"):
        if "-----BEGIN ".encode(encoding) in data:
            return data.decode(encoding, errors="replace").encode("ascii", errors="replace")
    return data.removeprefix(b"\xef\xbb\xbf")


def _is_openpgp(data: bytes) -> bool:
    """Whether it begins with the packet of a secret or public key, or with a marker (RFC 9580 §4.2)."""
    first = data[0]
    tag = first & 0x3F if first & 0x40 else (first & 0x3C) >> 2
    return bool(first & 0x80) and tag in {5, 6, 10}
