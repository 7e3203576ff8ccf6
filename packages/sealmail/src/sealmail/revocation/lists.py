"""Revocation lists (RFC 5280 §5): which ones are authentic and understood, and what they say about a certificate.

A list is read once, and what is known of it remembered; asking it for a serial number afterwards is a search in its
bytes. Complete lists, those for some reasons or some certificates, and deltas with their bases; no indirect lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.x509 import ReasonFlags

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.policy import Policy
from sealmail.revocation.remembering import Remembered, Source
from sealmail.revocation.scope import covers, told_reasons
from sealmail.revocation.signatures import Signed, signing_hash
from sealmail.revocation.statement import HOLD, Statement, Word
from sealmail.revocation.times import in_force_until

_UNREADABLE = (ValueError, TypeError, InputError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_REMOVED = ReasonFlags.remove_from_crl.value


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """What is remembered of an authentic list."""

    signer: bytes
    """DER of the certificate whose key signed it."""
    made_at: datetime
    next_update: datetime | None
    number: int | None
    base: int | None
    """For a delta: the number of the list that it builds on."""
    point: x509.IssuingDistributionPoint | None
    """What the list is about, where that is not everything."""
    entries: tuple[int, int]
    """Where the entries stand in the list's bytes."""
    is_weak: bool


_lists: Remembered[RevocationList | None] = Remembered(most=256)


def authentic_list(source: Source, signer: Key, policy: Policy) -> RevocationList | None:
    """The list, if it is one, was signed by this CA, and can be understood."""
    circumstances = signer.fingerprint, policy.weak_hashes
    return _lists.value(source, circumstances, lambda: _read(source.data, signer.material, policy.weak_hashes))


def is_named(source: Source, issuer: Key) -> bool:
    """Whether it is a list under the name of this CA, whoever signed it."""
    try:
        return _places(ber.read(source.data).fields().take(ber.SEQUENCE))[0] == outline_of(issuer.material).subject
    except _UNREADABLE:
        return False


def is_listed(source: Source, one: RevocationList, serial: int) -> bool:
    """Whether the list revokes the certificate with this serial number."""
    entry = _entry(source, one, serial)
    return entry is not None and entry.reason != _REMOVED


def _read(data: bytes, signer: bytes, weak_hashes: frozenset[str]) -> RevocationList | None:
    try:
        whole = ber.read(data)
        fields = whole.fields()
        content, algorithm, signature = fields.take(ber.SEQUENCE), fields.take(ber.SEQUENCE), fields.take()
        issuer, entries = _places(content)
        if whole.stop != len(data) or issuer != outline_of(signer).subject or not _may_sign_lists(signer):
            return None
        signed = Signed(content=content.raw, algorithm=algorithm.raw, signature=signature.bits())
        digest = signing_hash(signed, signer)
        crl = x509.load_der_x509_crl(data)
        if digest is None or not _is_understood(crl) or not _entries_are_understood(crl, data, entries):
            return None
        number = _value(crl, x509.CRLNumber)
        delta = _value(crl, x509.DeltaCRLIndicator)
        return RevocationList(
            signer=signer,
            made_at=crl.last_update_utc,
            next_update=crl.next_update_utc,
            number=number.crl_number if number else None,
            base=delta.crl_number if delta else None,
            point=_value(crl, x509.IssuingDistributionPoint),
            entries=entries,
            is_weak=digest in weak_hashes,
        )
    except _UNREADABLE:
        return None


def _places(content: ber.Element) -> tuple[bytes, tuple[int, int]]:
    """The issuer's name, and where the entries are: version (optional), algorithm, issuer, times, entries (§5.1)."""
    fields = content.fields()
    fields.optional(ber.INTEGER)
    fields.take(ber.SEQUENCE)
    issuer = fields.take(ber.SEQUENCE).raw
    fields.take().time()
    fields.optional(ber.UTC_TIME, ber.GENERALIZED_TIME)
    entries = fields.optional(ber.SEQUENCE)
    return issuer, (entries.body, entries.end) if entries else (0, 0)


@lru_cache(maxsize=128)
def _may_sign_lists(signer: bytes) -> bool:
    """RFC 5280 §6.3.3 (f): the CA's key usage, where there is one, must allow it."""
    usage = _value(x509.load_der_x509_certificate(signer), x509.KeyUsage)
    return usage is None or usage.crl_sign


Kind = TypeVar("Kind", bound=x509.ExtensionType)


def _value(
    of: x509.Certificate | x509.CertificateRevocationList | x509.RevokedCertificate, kind: type[Kind]
) -> Kind | None:
    try:
        return of.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_UNDERSTOOD = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator, x509.CRLNumber, x509.AuthorityKeyIdentifier)
_UNDERSTOOD_IN_ENTRIES = (x509.CRLReason, x509.InvalidityDate)
_CRITICAL = b"\x01\x01\xff\x04"
"""How a critical extension looks: TRUE, then the octets of its value. Such bytes elsewhere only cost time."""
_CERTIFICATE_ISSUER = b"\x06\x03\x55\x1d\x1d"


def _is_understood(crl: x509.CertificateRevocationList) -> bool:
    """No critical extension that we do not know, and the list is not about other issuers' certificates."""
    for extension in crl.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            return False
        if isinstance(extension.value, x509.IssuingDistributionPoint) and (
            extension.value.indirect_crl or extension.value.only_contains_attribute_certs
        ):
            return False
    return True


def _entries_are_understood(crl: x509.CertificateRevocationList, data: bytes, entries: tuple[int, int]) -> bool:
    """RFC 5280 §5.3: one entry with a critical extension that we do not know spoils the whole list; so does one that
    belongs to another issuer.
    """
    if data.find(_CERTIFICATE_ISSUER, *entries) >= 0:
        return False
    if data.find(_CRITICAL, *entries) < 0:
        return True
    return all(
        isinstance(extension.value, _UNDERSTOOD_IN_ENTRIES) or not extension.critical
        for entry in crl
        for extension in entry.extensions
    )


def list_statements(key: Key, lists: Sequence[tuple[Source, RevocationList]], policy: Policy) -> Iterator[Statement]:
    """What authentic lists, each with its source, say about a certificate of their issuer."""
    serial = outline_of(key.material).serial
    entries = [(one, _entry(source, one, serial)) for source, one in lists]
    deltas = [(one, entry) for one, entry in entries if one.base is not None]
    for one, entry in entries:
        alone = _statement(one, entry, key, policy)
        if alone is not None and (one.base is None or alone.word is Word.REVOKED):
            yield alone
        if one.base is None and (delta := _newest_delta(one, deltas)) is not None:
            combined = _statement(delta[0], _combined(entry, delta[1]), key, policy)
            if combined is not None:
                yield combined


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """When and why a certificate was revoked."""

    revoked_at: datetime
    reason: str


_entries: Remembered[Entry | None] = Remembered(most=1024)


def _entry(source: Source, one: RevocationList, serial: int) -> Entry | None:
    """The entry for a serial number. Few numbers stand in a list, and a list has many: first its bytes are searched."""
    octets = serial.to_bytes(serial.bit_length() // 8 + 1)
    if source.data.find(ber.header(ber.INTEGER, len(octets)) + octets, *one.entries) < 0:
        return None
    return _entries.value(source, serial, lambda: _read_entry(source.data, serial))


def _read_entry(data: bytes, serial: int) -> Entry | None:
    found = x509.load_der_x509_crl(data).get_revoked_certificate_by_serial_number(serial)
    return None if found is None else Entry(revoked_at=found.revocation_date_utc, reason=_reason(found))


def _reason(entry: x509.RevokedCertificate) -> str:
    """A reason that is missing or broken is none given, which counts as the worst."""
    try:
        reason = _value(entry, x509.CRLReason)
    except _UNREADABLE:
        reason = None
    return (reason.reason if reason else ReasonFlags.unspecified).value


def _newest_delta(
    base: RevocationList, deltas: Sequence[tuple[RevocationList, Entry | None]]
) -> tuple[RevocationList, Entry | None] | None:
    """RFC 5280 §5.2.4: of the same signer and scope, built on this list or an older one, and newer than it."""
    fitting = [
        (delta.number, delta, entry)
        for delta, entry in deltas
        if base.number is not None
        and delta.base is not None
        and delta.number is not None
        and delta.base <= base.number < delta.number
        and (delta.signer, delta.point, delta.is_weak) == (base.signer, base.point, base.is_weak)
    ]
    newest = max(fitting, key=lambda one: one[0], default=None)
    return None if newest is None else newest[1:]


def _combined(base: Entry | None, delta: Entry | None) -> Entry | None:
    """What a delta says replaces what its base says; only a hold can be removed."""
    if delta is None:
        return base
    if delta.reason != _REMOVED:
        return delta
    return base if base is not None and base.reason != HOLD else None


def _statement(one: RevocationList, entry: Entry | None, key: Key, policy: Policy) -> Statement | None:
    until = in_force_until(one.made_at, one.next_update, policy)
    # "Remove from CRL" has a meaning in deltas only, where it is resolved by now (RFC 5280 §5.3.1).
    if entry is not None and entry.reason != _REMOVED:
        return Statement(
            word=Word.REVOKED,
            made_at=one.made_at,
            good_until=until,
            revoked_at=entry.revoked_at,
            reason=entry.reason,
            is_weak=one.is_weak,
        )
    if not covers(one.point, key):
        return None
    reasons = told_reasons(one.point)
    return Statement(word=Word.GOOD, made_at=one.made_at, good_until=until, reasons=reasons, is_weak=one.is_weak)
