"""The structures of the Cryptographic Message Syntax (RFC 5652, RFC 5083), read out of BER into values.

Only what is needed is read, and late: signers and recipients stay elements until somebody asks for them, so that one
broken signer does not hide the others. Raises Malformed; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from sealmail import ber
from sealmail.ber import Element, Fields, Malformed, context, encode_oid
from sealmail.errors import InputError
from sealmail.keys.model import KeyId, issuer_and_serial_id, subject_key_id
from sealmail.smime import der

DATA = encode_oid("1.2.840.113549.1.7.1")
SIGNED_DATA = encode_oid("1.2.840.113549.1.7.2")
ENVELOPED_DATA = encode_oid("1.2.840.113549.1.7.3")
AUTH_ENVELOPED_DATA = encode_oid("1.2.840.113549.1.9.16.1.23")
COMPRESSED_DATA = encode_oid("1.2.840.113549.1.9.16.1.9")
CONTENT_INFO = encode_oid("1.2.840.113549.1.9.16.1.6")
KEM_RECIPIENT = encode_oid("1.2.840.113549.1.9.16.13.3")
"""The kind of recipient info whose key came by encapsulation (RFC 9629 §3)."""
CONTENT_TYPE = encode_oid("1.2.840.113549.1.9.3")
"""The attribute that repeats the type of the content (RFC 5652 §11.1)."""


class CMSKind(StrEnum):
    """What a CMS structure is."""

    SIGNED = "signed"
    ENVELOPED = "enveloped"
    AUTH_ENVELOPED = "auth_enveloped"
    COMPRESSED = "compressed"
    CERTS_ONLY = "certs_only"
    """Signed data without content and signers: a bag of certificates (RFC 8551 §3.8)."""
    OTHER = "other"


_KINDS = {
    SIGNED_DATA: CMSKind.SIGNED,
    ENVELOPED_DATA: CMSKind.ENVELOPED,
    AUTH_ENVELOPED_DATA: CMSKind.AUTH_ENVELOPED,
    COMPRESSED_DATA: CMSKind.COMPRESSED,
}


def kind(cms: bytes) -> CMSKind | None:
    """What the bytes are, by the content type they name; None: no CMS. Cheap, and never raises.

    Signed data that turns out to be broken further inside is still called signed: `verify` says what is wrong.
    """
    try:
        fields = ber.read(cms).fields()
        found = _KINDS.get(fields.take().oid(), CMSKind.OTHER)
    except InputError:
        return _truncated_kind(cms)
    return CMSKind.CERTS_ONLY if found is CMSKind.SIGNED and _is_certificates_only(fields) else found


def _truncated_kind(cms: bytes) -> CMSKind | None:
    """The kind of a structure that ends too early: the content type stands at its beginning."""
    if cms[:1] != b"\x30":
        return None
    start = cms[:32]
    return next((found for oid, found in _KINDS.items() if ber.header(ber.OID, len(oid)) + oid in start), None)


def _is_certificates_only(fields: Fields) -> bool:
    try:
        signed = signed_data(explicit_content(fields.take()))
    except InputError:
        return False
    return signed.content is None and not signed.signers


def explicit_content(wrapped: Element) -> Element:
    """The one element inside an explicit [0]."""
    inner = wrapped.fields(context(0))
    element = inner.take()
    inner.end()
    return element


def content_of(cms: bytes, *types: bytes) -> tuple[bytes, Element]:
    """The content type and the content of a ContentInfo (RFC 5652 §3), whose type must be one of these."""
    fields = ber.read(cms).fields()
    content_type = fields.take().oid()
    if content_type not in types:
        raise Malformed("another content type was expected")
    return content_type, explicit_content(fields.take())


def carries_content(cms: bytes) -> bool:
    """Whether signed data holds what was signed (opaque); False for a detached signature and for anything else."""
    try:
        return signed_data(content_of(cms, SIGNED_DATA)[1]).content is not None
    except InputError:
        return False


def as_mail(content_type: bytes, content: bytes) -> bytes | None:
    """Content of this type as a mail holds it: data as it is, CMS with a ContentInfo around it. None: not a mail's.

    A layer may lie in a layer without any MIME between them (RFC 5652 §4).
    """
    if content_type in {DATA, CONTENT_INFO}:
        return content
    if content_type in _KINDS:
        return der.sequence(der.oid(content_type), der.explicit(0, content))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedData:
    """RFC 3274 §1.1."""

    algorithm: Algorithm
    content_type: bytes
    content: Element


def compressed_data(element: Element) -> CompressedData:
    """Reads CompressedData."""
    fields = element.fields()
    fields.take(ber.INTEGER)
    compression = algorithm(fields.take())
    encapsulated = fields.take().fields()
    content_type = encapsulated.take().oid()
    content = explicit_content(encapsulated.take())
    encapsulated.end()
    fields.end()
    return CompressedData(algorithm=compression, content_type=content_type, content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """An AlgorithmIdentifier."""

    oid: bytes
    parameters: Element | None
    raw: bytes


def algorithm(element: Element, tag: int = ber.SEQUENCE) -> Algorithm:
    """Reads an AlgorithmIdentifier."""
    fields = element.fields(tag)
    oid = fields.take().oid()
    return Algorithm(oid=oid, parameters=fields.optional(), raw=element.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """RFC 5652 §5.1."""

    content_type: bytes
    content: Element | None
    """The eContent; None: the content is elsewhere (detached)."""
    certificates: tuple[Element, ...]
    """Elements of the certificate set, of any form; only those with the tag of a SEQUENCE are X.509 certificates."""
    signers: tuple[Element, ...]
    digests: int
    """How many digest algorithms are announced; nothing else is done with them, since each signer names his own."""


_MOST = 1000
"""Signers, certificates and digests that are listed; more than any budget asks for."""


def signed_data(element: Element) -> SignedData:
    """Reads SignedData; signers are left for `signer_info`."""
    fields = element.fields()
    fields.take(ber.INTEGER)
    digests = fields.take(ber.SET)
    encapsulated = fields.take().fields()
    content_type = encapsulated.take().oid()
    wrapped = encapsulated.optional(context(0))
    encapsulated.end()
    certificates = fields.optional(context(0))
    fields.optional(context(1))
    signers = fields.take(ber.SET)
    fields.end()
    return SignedData(
        content_type=content_type,
        content=None if wrapped is None else explicit_content(wrapped),
        certificates=() if certificates is None else tuple(islice(certificates.children(), _MOST)),
        signers=tuple(islice(signers.children(), _MOST)),
        digests=sum(1 for _ in islice(digests.children(), _MOST)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """RFC 5652 §5.3."""

    key_id: KeyId
    digest: Algorithm
    signed_attributes: Element | None
    signature_algorithm: Algorithm
    signature: bytes


def signer_info(element: Element) -> SignerInfo:
    """Reads a SignerInfo. Unsigned attributes are not looked at: anybody may have put them there."""
    fields = element.fields()
    fields.take(ber.INTEGER)
    key_id = _named_key(fields.take())
    digest = algorithm(fields.take())
    attributes = fields.optional(context(0))
    signature_algorithm = algorithm(fields.take())
    signature = fields.take().octets()
    fields.optional(context(1))
    fields.end()
    return SignerInfo(
        key_id=key_id,
        digest=digest,
        signed_attributes=attributes,
        signature_algorithm=signature_algorithm,
        signature=signature,
    )


def _named_key(element: Element) -> KeyId:
    """SignerIdentifier, RecipientIdentifier: issuer and serial number, or [0] subject key identifier."""
    if element.tag in {context(0), context(0, constructed=False)}:
        return subject_key_id(element.octets(context(0, constructed=False)))
    fields = element.fields()
    issuer = fields.take(ber.SEQUENCE).raw
    serial = fields.take().integer()
    fields.end()
    return issuer_and_serial_id(issuer, serial)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTransport:
    """The content key, encrypted to one RSA key (RFC 5652 §6.2.1)."""

    key_id: KeyId
    algorithm: Algorithm
    encrypted_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAgreement:
    """The content key, wrapped under a key agreed with one recipient (RFC 5652 §6.2.2, RFC 5753)."""

    key_id: KeyId
    algorithm: Algorithm
    originator: Element | None
    """The sender's one-time public key; None where he named a certificate instead (static keys)."""
    user_material: bytes | None
    encrypted_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEncapsulation:
    """The content key, wrapped under a key derived from an encapsulated secret (RFC 9629 §3)."""

    key_id: KeyId
    algorithm: Algorithm
    ciphertext: bytes
    """Which the recipient's key turns into the secret."""
    derivation: Algorithm
    kek_bytes: int
    user_material: bytes | None
    wrap: Algorithm
    encrypted_key: bytes


Recipient = KeyTransport | KeyAgreement | KeyEncapsulation


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopedData:
    """RFC 5652 §6.1, and RFC 5083 §2.1 where it is authenticated."""

    is_authenticated: bool
    certificates: tuple[Element, ...]
    recipients: tuple[Recipient, ...]
    """Those of the kinds that we can open; passwords and pre-shared keys are left out."""
    content_type: bytes
    cipher: Algorithm
    encrypted: Element | None
    authenticated_attributes: Element | None = None
    authentication_code: bytes = b""


def enveloped_data(element: Element, *, authenticated: bool) -> EnvelopedData:
    """Reads EnvelopedData or AuthEnvelopedData."""
    fields = element.fields()
    fields.take(ber.INTEGER)
    originator = fields.optional(context(0))
    recipients = tuple(one for info in fields.take(ber.SET).children() for one in _recipients(info))
    encrypted = fields.take().fields()
    content_type = encrypted.take().oid()
    cipher = algorithm(encrypted.take())
    content = encrypted.optional(context(0), context(0, constructed=False))
    encrypted.end()
    attributes = fields.optional(context(1)) if authenticated else None
    code = fields.take().octets() if authenticated else b""
    fields.optional(context(2 if authenticated else 1))
    fields.end()
    return EnvelopedData(
        is_authenticated=authenticated,
        certificates=_originator_certificates(originator),
        recipients=recipients,
        content_type=content_type,
        cipher=cipher,
        encrypted=content,
        authenticated_attributes=attributes,
        authentication_code=code,
    )


def set_forms(attributes: Element) -> Iterator[bytes]:
    """The octets over which attributes are signed or authenticated: with the tag of a SET instead of the implicit one.

    First as they came; then in true DER (RFC 5652 §5.4, RFC 5083 §2.2), in case somebody encoded them anew on the way.
    """
    came = b"\x31" + attributes.raw[1:]
    yield came
    content = b"".join(sorted(child.der() for child in attributes.children()))
    proper = ber.header(ber.SET, len(content)) + content
    if proper != came:
        yield proper


def _originator_certificates(originator: Element | None) -> tuple[Element, ...]:
    certificates = None if originator is None else originator.fields(context(0)).optional(context(0))
    return () if certificates is None else tuple(certificates.children())


def _recipients(info: Element) -> Iterator[Recipient]:
    if info.tag == ber.SEQUENCE:
        fields = info.fields()
        fields.take(ber.INTEGER)
        yield KeyTransport(
            key_id=_named_key(fields.take()),
            algorithm=algorithm(fields.take()),
            encrypted_key=fields.take().octets(),
        )
    elif info.tag == context(1):
        yield from _agreements(info.fields(context(1)))
    elif info.tag == context(4):
        yield from _others(info.fields(context(4)))


def _agreements(fields: Fields) -> Iterator[KeyAgreement]:
    fields.take(ber.INTEGER)
    originator = fields.take(context(0)).fields(context(0)).take()
    material = fields.optional(context(1))
    scheme = algorithm(fields.take())
    for one in fields.take(ber.SEQUENCE).children():
        recipient = one.fields()
        yield KeyAgreement(
            key_id=_agreeing_key(recipient.take()),
            algorithm=scheme,
            originator=originator if originator.tag == context(1) else None,
            user_material=_octets_inside(material),
            encrypted_key=recipient.take().octets(),
        )


def _agreeing_key(element: Element) -> KeyId:
    """KeyAgreeRecipientIdentifier: issuer and serial number, or [0] with the subject key identifier in it."""
    if element.tag == context(0):
        return subject_key_id(element.fields(context(0)).take().octets())
    return _named_key(element)


def _others(fields: Fields) -> Iterator[KeyEncapsulation]:
    """OtherRecipientInfo (RFC 5652 §6.2.5); of its kinds one is known."""
    if fields.take().oid() == KEM_RECIPIENT:
        yield _encapsulation(fields.take().fields())


def _encapsulation(fields: Fields) -> KeyEncapsulation:
    fields.take(ber.INTEGER)
    found = KeyEncapsulation(
        key_id=_named_key(fields.take()),
        algorithm=algorithm(fields.take()),
        ciphertext=fields.take().octets(),
        derivation=algorithm(fields.take()),
        kek_bytes=fields.take().integer(),
        user_material=_octets_inside(fields.optional(context(0))),
        wrap=algorithm(fields.take()),
        encrypted_key=fields.take().octets(),
    )
    fields.end()
    return found


def _octets_inside(wrapped: Element | None) -> bytes | None:
    """The octets in an explicit tag that may be absent."""
    return None if wrapped is None else wrapped.fields(wrapped.tag).take().octets()
