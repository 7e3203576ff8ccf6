"""Reading PKCS#12 files (RFC 7292) with any number of key pairs.

The loader of `cryptography` gives one key of several, so the file is taken apart here. What comes out are loose pieces;
`reader` puts keys and certificates together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import pkcs12 as asn1

from sealmail.errors import InputError, LimitExceeded, PassphraseError
from sealmail.keys import private_key
from sealmail.keys.passwords import Effort, Spelling, UnsupportedProtection, decrypt, mac_fits, spellings
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
        return _opened(pfx, content, passphrases, effort)
    except MALFORMED as error:
        raise InputError("The PKCS#12 file is damaged.") from error


def _authenticated_content(pfx: Any) -> bytes:
    if pfx["auth_safe"]["content_type"].native != "data":
        raise UnsupportedProtection("The PKCS#12 file is protected by a public key, not by a passphrase.")
    return bytes(pfx["auth_safe"]["content"].native)


def _opened(pfx: Any, content: bytes, passphrases: Sequence[str], effort: Effort) -> Pieces:
    mac_data = pfx["mac_data"]
    has_mac = mac_data.native is not None
    for spelling in (spelling for passphrase in passphrases for spelling in spellings(passphrase)):
        if has_mac and not mac_fits(mac_data, content, spelling, effort):
            continue
        try:
            return _Safe(spelling, effort).pieces(content)
        except (PassphraseError, *MALFORMED):
            # Where the MAC fits, the passphrase is right and the rest is damaged; without one it may just be wrong.
            if has_mac:
                raise InputError("The PKCS#12 file is damaged.") from None
    raise PassphraseError


class _Safe:
    """One walk through a file with one passphrase."""

    def __init__(self, spelling: Spelling, effort: Effort) -> None:
        self._spelling, self._effort = spelling, effort
        self._pieces = Pieces()
        self._bags = 0

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
            content = decrypt(algorithm, encrypted, self._spelling, self._effort)
        except UnsupportedProtection as error:
            self._pieces.problems.append(f"A part of the PKCS#12 file was skipped. {error}")
            return
        self._contents(content, depth=0)

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
            key = decrypt(algorithm, encrypted, self._spelling, self._effort)
        except UnsupportedProtection as error:
            self._pieces.problems.append(f"A private key in the PKCS#12 file was skipped. {error}")
            return
        self._key(key)

    def _key(self, der: bytes) -> None:
        try:
            self._pieces.keys.append(private_key.from_der(der, self._effort, self._spelling.passphrase))
        except InputError as error:
            self._pieces.problems.append(str(error))
