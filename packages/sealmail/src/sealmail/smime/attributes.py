"""The signed attributes of a signer (RFC 5652 §5.3, §11; RFC 5035): what they must say, and what they claim.

Ambiguity is an error here: an attribute that stands twice, or has two values, could be read one way by us and another
way by others. Raises Malformed with a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from asn1crypto import x509 as asn1_x509

from sealmail import ber
from sealmail.ber import Element, Malformed, encode_oid
from sealmail.errors import InputError
from sealmail.keys.capabilities import Capabilities, capabilities_from
from sealmail.keys.certificate import outline_of
from sealmail.smime import algorithms, cms
from sealmail.smime.cms import Algorithm, algorithm, set_forms

CONTENT_TYPE = cms.CONTENT_TYPE
MESSAGE_DIGEST = encode_oid("1.2.840.113549.1.9.4")
SIGNING_TIME = encode_oid("1.2.840.113549.1.9.5")
SMIME_CAPABILITIES = encode_oid("1.2.840.113549.1.9.15")
SIGNING_CERTIFICATE = encode_oid("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2 = encode_oid("1.2.840.113549.1.9.16.2.47")
ALGORITHM_PROTECTION = encode_oid("1.2.840.113549.1.9.52")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateMark:
    """What one signing-certificate attribute says about the signer's certificate (RFC 5035 §4)."""

    digest: algorithms.Hash
    value: bytes
    issuer: bytes | None = None
    serial: int | None = None
    """Issuer and serial number are there both or not at all."""

    def fits(self, certificate: bytes) -> bool:
        """Whether this certificate (DER) is meant."""
        if self.digest.digest(certificate) != self.value:
            return False
        if self.issuer is None:
            return True
        outline = outline_of(certificate)
        return outline.serial == self.serial and _is_same_name(outline.issuer, self.issuer)


def _is_same_name(one: bytes, other: bytes) -> bool:
    """Some signers write the name anew, with strings of another type."""
    if one == other:
        return True
    try:
        return bool(asn1_x509.Name.load(one) == asn1_x509.Name.load(other))
    except (ValueError, TypeError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAttributes:
    """What was signed about the content."""

    message_digest: bytes
    signed_at: datetime | None
    element: Element
    certificate_marks: tuple[CertificateMark, ...]
    protected_algorithms: tuple[Algorithm, Algorithm] | None = None
    """Digest and signature algorithm that the signer meant (RFC 6211)."""
    capabilities: Capabilities | None = None
    """What the signer says he reads; None where he says nothing that can be read."""

    def signed_forms(self) -> Iterator[bytes]:
        """The octets that the signature may be over, under the tag of a SET instead of the implicit one."""
        return set_forms(self.element)

    def name(self, certificate: bytes) -> bool:
        """Whether they agree that this certificate (DER) is the signer's."""
        return all(mark.fits(certificate) for mark in self.certificate_marks)

    def mean(self, digest: Algorithm, signature: Algorithm) -> bool:
        """Whether they agree with the algorithms that stand outside of them (RFC 6211 §3)."""
        meant = self.protected_algorithms
        return meant is None or (_is_same_algorithm(meant[0], digest) and _is_same_algorithm(meant[1], signature))


def _is_same_algorithm(one: Algorithm, other: Algorithm) -> bool:
    return one.oid == other.oid and _parameters(one) == _parameters(other)


def _parameters(identifier: Algorithm) -> bytes:
    """Absent parameters and NULL mean the same (RFC 5754 §2)."""
    if identifier.parameters is None or identifier.parameters.tag == ber.NULL:
        return b""
    return identifier.parameters.der()


def signed_attributes(element: Element, content_type: bytes) -> SignedAttributes:
    """Reads and checks the attributes of a signer who signed content of this type."""
    found = _single_valued(element)
    if CONTENT_TYPE not in found or found[CONTENT_TYPE].oid() != content_type:
        raise Malformed("content_type_attribute")
    if MESSAGE_DIGEST not in found:
        raise Malformed("message_digest_attribute")
    return SignedAttributes(
        message_digest=found[MESSAGE_DIGEST].octets(),
        signed_at=found[SIGNING_TIME].time() if SIGNING_TIME in found else None,
        element=element,
        certificate_marks=_certificate_marks(found),
        protected_algorithms=_protected_algorithms(found),
        capabilities=_capabilities(element),
    )


_SINGLE = {
    *(CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME),
    *(SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, ALGORITHM_PROTECTION),
}


def _single_valued(element: Element) -> Mapping[bytes, Element]:
    """The value of each attribute that we read, by its type."""
    found: dict[bytes, Element] = {}
    seen: set[bytes] = set()
    for attribute in element.children():
        fields = attribute.fields()
        kind = fields.take().oid()
        values = fields.take(ber.SET)
        fields.end()
        if kind in seen:
            raise Malformed("duplicate_attribute")
        seen.add(kind)
        if kind in _SINGLE:
            inner = values.fields(ber.SET)
            found[kind] = inner.take()
            inner.end()
    return found


def _capabilities(element: Element) -> Capabilities | None:
    """Read on their own: they decide nothing about the signature, so that broken ones break nothing (RFC 8551 §2.5.2).

    Where they have several values nobody could say which is meant, and none counts.
    """
    try:
        values = _values(element, SMIME_CAPABILITIES)
    except InputError:
        return None
    return capabilities_from(values[0]) if len(values) == 1 else None


def _values(element: Element, wanted: bytes) -> Sequence[Element]:
    """The first two values of the attribute of this type; none where it is not there."""
    for attribute in element.children():
        fields = attribute.fields()
        if fields.take().oid() == wanted:
            return list(islice(fields.take(ber.SET).children(), 2))
    return ()


def _certificate_marks(found: Mapping[bytes, Element]) -> tuple[CertificateMark, ...]:
    """What is said of the signer's own certificate: the first of each attribute's list (RFC 5035 §3, §4)."""
    marks: list[CertificateMark] = []
    if SIGNING_CERTIFICATE in found:
        marks.append(_mark(_first_entry(found[SIGNING_CERTIFICATE]), algorithms.SHA1))
    if SIGNING_CERTIFICATE_V2 in found:
        entry = _first_entry(found[SIGNING_CERTIFICATE_V2])
        named = entry.optional(ber.SEQUENCE)
        digest = algorithms.SHA256 if named is None else algorithms.HASHES.get(algorithm(named).oid)
        if digest is None:
            raise Malformed("signing_certificate_attribute")
        marks.append(_mark(entry, digest))
    return tuple(marks)


def _first_entry(value: Element) -> ber.Fields:
    return value.fields().take().fields().take().fields()


def _mark(entry: ber.Fields, digest: algorithms.Hash) -> CertificateMark:
    """ESSCertID without its hash algorithm: the hash, and IssuerSerial where it is given."""
    value = entry.take().octets()
    if (given := entry.optional(ber.SEQUENCE)) is None:
        return CertificateMark(digest=digest, value=value)
    fields = given.fields()
    # RFC 5035 §5: the issuer as the only one of its GeneralNames, a directoryName.
    issuer = fields.take(ber.SEQUENCE).fields().take(ber.context(4)).fields(ber.context(4)).take().raw
    return CertificateMark(digest=digest, value=value, issuer=issuer, serial=fields.take().integer())


def _protected_algorithms(found: Mapping[bytes, Element]) -> tuple[Algorithm, Algorithm] | None:
    """CMSAlgorithmProtection of a signer (RFC 6211 §2): the form for signatures, with tag 1, and no other."""
    if ALGORITHM_PROTECTION not in found:
        return None
    fields = found[ALGORITHM_PROTECTION].fields()
    digest, signature = algorithm(fields.take()), algorithm(fields.take(ber.context(1)), ber.context(1))
    fields.end()
    return digest, signature


def is_set_of_attributes(content: bytes) -> bool:
    """Whether the content itself reads as signed attributes.

    Signed without attributes, such content may be the attributes of another message: somebody removed them there and
    made them the content here, and the signature over them still fits. One attribute that every signer has is enough,
    whatever comes before or after it, and however it is encoded.
    """
    if content[:1] != b"\x31":
        return False
    try:
        return any(
            attribute.fields().take().oid() in {CONTENT_TYPE, MESSAGE_DIGEST}
            for attribute in ber.read(content).children()
        )
    except InputError:
        return False
