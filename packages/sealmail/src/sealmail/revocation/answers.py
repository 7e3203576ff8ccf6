"""OCSP answers (RFC 6960): which ones are authentic, and what they say about certificates of one CA.

Authentic: signed by the CA's own key, or by a responder whose certificate that key signed for this very purpose.
Responders that somebody merely configured (RFC 6960 §4.2.2.2, first case) are not known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealmail import ber
from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.policy import Policy
from sealmail.revocation.remembering import Remembered, Source
from sealmail.revocation.signatures import Signed, signed_certificate, signing_hash
from sealmail.revocation.statement import Statement, Word
from sealmail.revocation.times import in_force_until, is_after

_UNREADABLE = (
    ValueError,
    TypeError,
    InputError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_CRITICAL = b"\x01\x01\xff\x04"
"""How a critical extension looks. RFC 6960 §4.4 has none in answers, so that whatever it is, we do not know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one authentic response says about one certificate."""

    serial: int
    statement: Statement
    responder: int | None
    """Serial number of the responder's certificate; None: the CA itself."""


_answers: Remembered[tuple[Answer, ...]] = Remembered(most=1024)


def authentic_answers(source: Source, issuer: Key, policy: Policy) -> tuple[Answer, ...]:
    """Everything that the response says about certificates of this CA; nothing where it is none or not authentic."""
    circumstances = issuer.fingerprint, policy
    return _answers.value(source, circumstances, lambda: _read(source.data, issuer.material, policy))


def is_answer(data: bytes) -> bool:
    """Whether it begins as an OCSP response does, with its status. Lists do not."""
    try:
        return next(ber.read(data).children()).tag == _ENUMERATED
    except (InputError, StopIteration):
        return False


_ENUMERATED = 0x0A


def _read(data: bytes, issuer: bytes, policy: Policy) -> tuple[Answer, ...]:
    try:
        signed = _signed(data)
        response = ocsp.load_der_ocsp_response(data)
        if _CRITICAL in signed.content:
            return ()
        for responder in _responders(response, issuer):
            if (digest := signing_hash(signed, responder)) is not None:
                return tuple(_told(response, issuer, responder, digest, policy))
    except _UNREADABLE:
        pass
    return ()


def _signed(data: bytes) -> Signed:
    """The signed bytes as they came (RFC 6960 §4.2.1): status, then [0] of type and octets with the basic response."""
    whole = ber.read(data)
    fields = whole.fields()
    fields.take(_ENUMERATED)
    outer = fields.take(ber.context(0)).fields(ber.context(0)).take(ber.SEQUENCE).fields()
    outer.take(ber.OID)
    basic = ber.read(outer.take(ber.OCTET_STRING).content).fields()
    content, algorithm, signature = basic.take(ber.SEQUENCE), basic.take(ber.SEQUENCE), basic.take()
    return Signed(content=content.raw, algorithm=algorithm.raw, signature=signature.bits())


def _responders(response: ocsp.OCSPResponse, issuer: bytes) -> Iterator[bytes]:
    """The CA, or a responder that it made, in so far as the response names it."""
    if _is_named(response, issuer):
        yield issuer
    for certificate in response.certificates:
        der = certificate.public_bytes(Encoding.DER)
        if _is_named(response, der) and _may_answer(certificate, der, issuer, response.produced_at_utc):
            yield der


def _is_named(response: ocsp.OCSPResponse, certificate: bytes) -> bool:
    """By name, or by the SHA-1 of its key (RFC 6960 §4.2.1)."""
    outline = outline_of(certificate)
    if response.responder_name is not None:
        return response.responder_name.public_bytes() == outline.subject
    return response.responder_key_hash == _digest("sha1", outline.public_key_bits)


def _may_answer(certificate: x509.Certificate, der: bytes, issuer: bytes, at: datetime) -> bool:
    """RFC 6960 §4.2.2.2: issued directly by the CA, for signing answers, and valid when the answer was made."""
    if outline_of(der).issuer != outline_of(issuer).subject:
        return False
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return False
    return _has_purpose(certificate.extensions) and signing_hash(signed_certificate(der), issuer) is not None


def _has_purpose(extensions: x509.Extensions) -> bool:
    """Named outright: "any purpose" is not enough. An answer is a digital signature, where usages are listed."""
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
            return False
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as missing:
        return missing.oid == x509.KeyUsage.oid
    return usage.digital_signature or usage.content_commitment


def _told(
    response: ocsp.OCSPResponse, issuer: bytes, responder: bytes, digest: str, policy: Policy
) -> Iterator[Answer]:
    """The single answers about this CA's certificates. A responder's word ends with its certificate."""
    hashes, ends, delegate = {digest}, None, None
    if responder != issuer:
        certificate = x509.load_der_x509_certificate(responder)
        hashes.add(signing_hash(signed_certificate(responder), issuer) or "")
        ends, delegate = certificate.not_valid_after_utc, certificate.serial_number
    for single in response.responses:
        if not _is_about(single, issuer) or not _has_sense(single, response.produced_at_utc, policy):
            continue
        statement = replace(_statement(single, policy), is_weak=not hashes.isdisjoint(policy.weak_hashes))
        if ends is not None:
            statement = replace(statement, good_until=min(statement.good_until, ends))
        yield Answer(serial=single.serial_number, statement=statement, responder=delegate)


def _is_about(single: ocsp.OCSPSingleResponse, issuer: bytes) -> bool:
    """RFC 6960 §4.1.1: the CA is named by hashes of its name and of its key."""
    outline = outline_of(issuer)
    name = single.hash_algorithm.name
    return (single.issuer_name_hash, single.issuer_key_hash) == (
        _digest(name, outline.subject),
        _digest(name, outline.public_key_bits),
    )


def _has_sense(single: ocsp.OCSPSingleResponse, produced_at: datetime, policy: Policy) -> bool:
    """Its times follow each other: known, then told, then renewed (RFC 6960 §4.2.2.1)."""
    if is_after(single.this_update_utc, produced_at, policy):
        return False
    return single.next_update_utc is None or single.this_update_utc <= single.next_update_utc


def _statement(single: ocsp.OCSPSingleResponse, policy: Policy) -> Statement:
    made_at = single.this_update_utc
    until = in_force_until(made_at, single.next_update_utc, policy)
    if single.certificate_status is not ocsp.OCSPCertStatus.REVOKED:
        word = Word.GOOD if single.certificate_status is ocsp.OCSPCertStatus.GOOD else Word.UNKNOWN
        return Statement(word=word, made_at=made_at, good_until=until)
    reason = single.revocation_reason or ReasonFlags.unspecified
    return Statement(
        word=Word.REVOKED,
        made_at=made_at,
        good_until=until,
        revoked_at=single.revocation_time_utc,
        reason=reason.value,
    )


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.new(name.replace("-", "_"), data, usedforsecurity=False).digest()
