"""Keys that a mail brings along: attached, in its text, in Autocrypt headers. Candidates, with what they claim.

Nothing here is trusted. A key from the mail itself may say who signed it, so that "nobody we know" becomes "somebody
whom nobody has confirmed"; it never makes a signature good.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from sealmail import openpgp
from sealmail.addresses import one_from, parse_list
from sealmail.errors import InputError
from sealmail.keys import Key, KeyId, KeyStore, SecretKey, Technology
from sealmail.keys.autocrypt import AutocryptHeader, read_autocrypt
from sealmail.keys.openpgp_key import key_from_openpgp, split_keys
from sealmail.mime import Headers, Part
from sealmail.opening import inline
from sealmail.opening.inline import SegmentKind
from sealmail.openpgp import OpenPGPKind
from sealmail.report import KeyClaim, KeySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvested:
    """One key and where it stood."""

    key: Key
    claim: KeyClaim


MAXIMUM_OCTETS = 1024 * 1024
"""Of all the keys that one part tree brings along: checking the self-signatures of a flood of keys takes seconds."""
_MAXIMUM_HEADERS = 8
"""Autocrypt headers that are looked at; more than one that is valid makes all of them void."""


def harvest(root: Part, budget: int) -> list[Harvested]:
    """OpenPGP keys that stand in the parts of a message and in its own headers, at most `budget` of them."""
    return list(islice(chain(_from_headers(root.headers), _from_parts(root.walk())), budget))


def gossip(payload: Part, recipients: Collection[str], budget: int) -> list[Harvested]:
    """Keys of the other recipients, which a sender tells inside an encrypted mail (Autocrypt 1.1 §2.4).

    Only for those who really are among `recipients`: whom the protected headers, or the ones around them, name.
    """
    values = payload.headers.all("Autocrypt-Gossip")[:budget]
    headers = [read_autocrypt(value, of=recipients) for value in values]
    return [_harvested(one, KeySource.GOSSIP) for one in headers if one is not None]


def recipients_of(*headers: Headers) -> frozenset[str]:
    """The addresses in To and Cc."""
    values = [value for one in headers for name in ("To", "Cc") for value in one.all(name)]
    return frozenset(mailbox.address for value in values for mailbox in parse_list(value).mailboxes)


def _from_headers(headers: Headers) -> Iterator[Harvested]:
    """The sender's own header: exactly one valid one, for the one author that the mail names (Autocrypt 1.1 §2.3)."""
    values = headers.all("Autocrypt")
    author = one_from(headers.all("From")) if values else None
    if author is None or (headers.first("Content-Type") or "").strip().lower().startswith("multipart/report"):
        return
    read = (read_autocrypt(value, of={author.address}) for value in values[:_MAXIMUM_HEADERS])
    valid = list(islice((one for one in read if one is not None), 2))
    if len(valid) == 1:
        yield _harvested(valid[0], KeySource.AUTOCRYPT)


def _harvested(header: AutocryptHeader, source: KeySource) -> Harvested:
    claim = KeyClaim(
        fingerprint=header.key.fingerprint,
        source=source,
        address=header.address,
        # Nobody can say what somebody else prefers.
        prefers_encryption=header.prefers_encryption and source is KeySource.AUTOCRYPT,
    )
    return Harvested(key=header.key, claim=claim)


def _from_parts(parts: Iterable[Part]) -> Iterator[Harvested]:
    left = MAXIMUM_OCTETS
    for part in parts:
        for source, block in _blocks(part):
            for material in _split(block):
                left -= len(material)
                if left < 0:
                    return
                if (key := _key(material)) is not None:
                    yield Harvested(key=key, claim=KeyClaim(fingerprint=key.fingerprint, source=source))


def _split(block: bytes) -> list[bytes]:
    try:
        return split_keys(block) if len(block) <= _LARGEST_BLOCK else []
    except InputError:
        return []


_LARGEST_BLOCK = 2 * MAXIMUM_OCTETS  # with armor around it


def _key(material: bytes) -> Key | None:
    """One that cannot be read does not spoil the others beside it."""
    try:
        return key_from_openpgp(material)
    except InputError:
        return None


def _blocks(part: Part) -> Iterator[tuple[KeySource, bytes]]:
    if part.children:
        return
    if part.content_type == "application/pgp-keys" or _is_key_file(part):
        yield KeySource.ATTACHED, part.decoded()
    elif part.content_type == "text/plain" and b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in (text := part.decoded()):
        found = inline.segments(text)
        yield from ((KeySource.INLINE, one.text) for one in found if one.kind is SegmentKind.KEYS)


def _is_key_file(part: Part) -> bool:
    name = (part.filename or "").lower()
    return name.endswith((".asc", ".pgp", ".gpg", ".key")) and openpgp.kind(part.decoded()) is OpenPGPKind.KEYS


class WithOffered:
    """A key store that also knows the public keys that a mail brings along, for finding its signer.

    They come last and only by their ids: they are never somebody's key by address, and never stand for one of ours.
    """

    def __init__(self, keys: KeyStore, offered: Sequence[Key]) -> None:
        self._keys = keys
        self._offered = {key.fingerprint: key for key in offered}

    def secrets(self, ids: Collection[KeyId]) -> Sequence[SecretKey]:
        """Those of the key store."""
        return self._keys.secrets(ids)

    def every_secret(self, technology: Technology) -> Sequence[SecretKey]:
        """Those of the key store."""
        return self._keys.every_secret(technology)

    def keys(self, ids: Collection[KeyId]) -> Sequence[Key]:
        """Those of the key store, and the offered ones that it does not know."""
        known = self._keys.keys(ids)
        taken = {key.fingerprint for key in known}
        more = [key for key in self._offered.values() if not key.ids.isdisjoint(ids) and key.fingerprint not in taken]
        return [*known, *more]

    def keys_of(self, address: str) -> Sequence[Key]:
        """Those of the key store."""
        return self._keys.keys_of(address)

    def revocations(self, issuer: KeyId) -> Sequence[bytes]:
        """Those of the key store."""
        return self._keys.revocations(issuer)
