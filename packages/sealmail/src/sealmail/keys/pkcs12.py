"""Reading PKCS#12 files (RFC 7292) with any number of key pairs.

The loader of `cryptography` gives one key of several, so the file is taken apart here; it still helps with certificates
under RC2, which nothing else reads. What comes out are loose pieces; `reader` puts keys and certificates together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import pkcs12 as asn1
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12 as pyca

from sealmail.errors import InputError, LimitExceeded, PassphraseError
from sealmail.keys import private_key
from sealmail.keys.passwords import Effort, UnsupportedProtection, decrypt, mac_fits
from sealmail.keys.private_key import PrivateKey

_MAX_BAGS = 2_000
_MAX_DEPTH = 4
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What asn1crypto raises for bytes that are not what they claim to be."""


@dataclass(slots=True)
class Pieces:
    """What a file held."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    keys: list[PrivateKey] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences about pieces that could not be used."""


def read(der: bytes, passphrases: Sequence[str], effort: Effort) -> Pieces:
    """Everything in the file, opened by the first passphrase that fits; keys stay protected by it.

    Raises `PassphraseError` (none fits), `InputError` (damaged or unsupported), `LimitExceeded`.
    """
    try:
        pfx = asn1.Pfx.load(der)
        content = _authenticated_content(pfx)
        return _opened(pfx, content, der, passphrases, effort)
    except MALFORMED as error:
        raise InputError("The PKCS#12 file is damaged.") from error


def _authenticated_content(pfx: Any) -> bytes:
    if pfx["auth_safe"]["content_type"].native != "data":
        raise UnsupportedProtection("The PKCS#12 file is protected by a public key, not by a passphrase.")
    return bytes(pfx["auth_safe"]["content"].native)


def _opened(pfx: Any, content: bytes, der: bytes, passphrases: Sequence[str], effort: Effort) -> Pieces:
    mac_data = pfx["mac_data"]
    for passphrase in passphrases:
        if mac_data.native is not None and not mac_fits(mac_data, content, passphrase, effort):
            continue
        try:
            return _Safe(der, passphrase, effort).pieces(content)
        except PassphraseError:
            # Where the MAC fits, the passphrase is right and the rest is damaged; without one it may just be wrong.
            if mac_data.native is not None:
                raise InputError("The PKCS#12 file is damaged.") from None
    raise PassphraseError


class _Safe:
    """One walk through a file with one passphrase."""

    def __init__(self, der: bytes, passphrase: str, effort: Effort) -> None:
        self._der, self._passphrase, self._effort = der, passphrase, effort
        self._pieces = Pieces()
        self._bags = 0
        self._asked_pyca = False

    def pieces(self, content: bytes) -> Pieces:
        for info in asn1.AuthenticatedSafe.load(content):
            self._content(info)
        return self._pieces

    def _content(self, info: Any) -> None:
        kind = info["content_type"].native
        if kind == "data":
            self._contents(info["content"].native, depth=0)
        elif kind == "encrypted_data":
            encrypted = info["content"]["encrypted_content_info"]
            self._encrypted(encrypted["content_encryption_algorithm"], encrypted["encrypted_content"].native)
        else:
            self._pieces.problems.append("A part of the PKCS#12 file is protected by a public key and was skipped.")

    def _encrypted(self, algorithm: Any, encrypted: bytes) -> None:
        try:
            self._contents(decrypt(algorithm, encrypted, self._passphrase, self._effort), depth=0)
        except UnsupportedProtection as error:
            if not self._certificates_by_pyca():
                self._pieces.problems.append(f"A part of the PKCS#12 file was skipped. {error}")

    def _certificates_by_pyca(self) -> bool:
        """Takes the certificates from cryptography's loader, which reads RC2 with 40 bits: OpenSSL's default for them
        before 3.0.
        """
        if self._asked_pyca:
            return True
        self._asked_pyca = True
        try:
            loaded = pyca.load_pkcs12(self._der, self._passphrase.encode())
        except (ValueError, TypeError):
            return False
        found: Iterable[Any] = [*([loaded.cert] if loaded.cert else []), *loaded.additional_certs]
        self._pieces.certificates += [one.certificate.public_bytes(serialization.Encoding.DER) for one in found]
        return True

    def _contents(self, content: bytes, depth: int) -> None:
        self._bags_of(asn1.SafeContents.load(content), depth)

    def _bags_of(self, bags: Any, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise LimitExceeded("The PKCS#12 file is nested too deeply.")
        for bag in self._counted(bags):
            self._bag(bag, depth)

    def _counted(self, bags: Any) -> Iterator[Any]:
        for bag in bags:
            self._bags += 1
            if self._bags > _MAX_BAGS:
                raise LimitExceeded("The PKCS#12 file holds too many pieces.")
            yield bag

    def _bag(self, bag: Any, depth: int) -> None:
        value = bag["bag_value"]
        match bag["bag_id"].native:
            case "cert_bag" if value["cert_id"].native == "x509":
                self._pieces.certificates.append(bytes(value["cert_value"]))
            case "key_bag":
                self._key(value.untag().dump())
            case "pkcs8_shrouded_key_bag":
                self._shrouded(value)
            case "crl_bag":
                self._pieces.crls.append(bytes(value["crl_value"].native))
            case "safe_contents":
                self._bags_of(value, depth + 1)
            case other:
                self._pieces.problems.append(f"The PKCS#12 file holds a piece that Sealdesk has no use for ({other}).")

    def _shrouded(self, value: Any) -> None:
        algorithm, encrypted = value["encryption_algorithm"], value["encrypted_data"].native
        try:
            self._key(decrypt(algorithm, encrypted, self._passphrase, self._effort))
        except UnsupportedProtection:
            self._pieces.keys.append(
                private_key.from_encrypted_der(value.untag().dump(), self._passphrase, self._effort)
            )

    def _key(self, der: bytes) -> None:
        try:
            self._pieces.keys.append(private_key.from_der(der, self._passphrase))
        except InputError as error:
            self._pieces.problems.append(str(error))
