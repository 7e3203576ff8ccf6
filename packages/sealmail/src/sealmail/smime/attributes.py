"""The signed attributes of a signer (RFC 5652 §5.3, §11; RFC 5035): what they must say, and what they claim.

Ambiguity is an error here: an attribute that stands twice, or has two values, could be read one way by us and another
way by others. Raises Malformed with a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sealmail import ber
from sealmail.ber import Element, Malformed, encode_oid
from sealmail.errors import InputError
from sealmail.keys.capabilities import Capabilities, capabilities_from
from sealmail.smime import algorithms
from sealmail.smime.cms import algorithm

CONTENT_TYPE = encode_oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = encode_oid("1.2.840.113549.1.9.4")
SIGNING_TIME = encode_oid("1.2.840.113549.1.9.5")
SMIME_CAPABILITIES = encode_oid("1.2.840.113549.1.9.15")
SIGNING_CERTIFICATE = encode_oid("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2 = encode_oid("1.2.840.113549.1.9.16.2.47")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAttributes:
    """What was signed about the content."""

    message_digest: bytes
    signed_at: datetime | None
    element: Element
    certificate_marks: tuple[tuple[algorithms.Hash, bytes], ...]
    """Hashes that the signer's certificate must have (signing-certificate attributes)."""
    capabilities: Capabilities | None = None
    """What the signer says he reads; None where he says nothing that can be read."""

    def signed_forms(self) -> Iterator[bytes]:
        """The octets that the signature may be over, under the tag of a SET instead of the implicit one.

        First as they came; then in true DER (RFC 5652 §5.4), in case somebody encoded them anew on the way.
        """
        yield b"\x31" + self.element.raw[1:]
        content = b"".join(sorted(child.der() for child in self.element.children()))
        yield ber.header(ber.SET, len(content)) + content

    def name(self, certificate: bytes) -> bool:
        """Whether they agree that this certificate (DER) is the signer's."""
        return all(digest.digest(certificate) == mark for digest, mark in self.certificate_marks)


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
        capabilities=_capabilities(element),
    )


_SINGLE = {CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2}


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


def _certificate_marks(found: Mapping[bytes, Element]) -> tuple[tuple[algorithms.Hash, bytes], ...]:
    """The hash of the signer's own certificate: the first of each attribute's list (RFC 5035 §3, §4)."""
    marks: list[tuple[algorithms.Hash, bytes]] = []
    if SIGNING_CERTIFICATE in found:
        marks.append((algorithms.SHA1, _first_entry(found[SIGNING_CERTIFICATE]).take().octets()))
    if SIGNING_CERTIFICATE_V2 in found:
        entry = _first_entry(found[SIGNING_CERTIFICATE_V2])
        named = entry.optional(ber.SEQUENCE)
        digest = algorithms.SHA256 if named is None else algorithms.HASHES.get(algorithm(named).oid)
        if digest is None:
            raise Malformed("signing_certificate_attribute")
        marks.append((digest, entry.take().octets()))
    return tuple(marks)


def _first_entry(value: Element) -> ber.Fields:
    return value.fields().take().fields().take().fields()


def is_set_of_attributes(content: bytes) -> bool:
    """Whether the content itself reads as signed attributes.

    Signed without attributes, such content may be the attributes of another message: somebody removed them there and
    made them the content here, and the signature over them still fits.
    """
    if content[:1] != b"\x31":
        return False
    try:
        kinds = {attribute.fields().take().oid() for attribute in ber.read(content).children()}
    except InputError:
        return False
    return not kinds.isdisjoint({CONTENT_TYPE, MESSAGE_DIGEST})
