"""What a mail program says it can read: the S/MIME capabilities of a signature or a certificate.

A claim of the sender's, to be remembered only where the signature that carries it is good (RFC 8551 §2.5.2, §2.7.1).
Reads them and makes them; what follows for a mail is decided by `sealing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from cryptography import x509

from sealmail import ber
from sealmail.errors import InputError

_MOST = 100
"""Capabilities read of one list; mail programs name a dozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Algorithms by dotted object identifier, best first; parameters are left out.

    RSA-OAEP is in the list only where its parameters do not tie it to another hash than SHA-256.
    """

    algorithms: tuple[str, ...] = ()

    @property
    def reads_gcm(self) -> bool:
        """Whether mail in AES-256-GCM can be read (RFC 8551 §2.7.1)."""
        return AES256_GCM in self.algorithms

    @property
    def reads_oaep(self) -> bool:
        """Whether a content key under RSA-OAEP with SHA-256 can be read (RFC 4055 §5)."""
        return RSA_OAEP in self.algorithms


AES256_GCM = "2.16.840.1.101.3.4.1.46"
RSA_OAEP = "1.2.840.113549.1.1.7"


def capabilities_from(value: ber.Element) -> Capabilities | None:
    """The capabilities in a SMIMECapabilities value (RFC 8551 §2.5.2); None where it cannot be read.

    Never raises: what somebody claims to read must not decide whether his signature holds.
    """
    raw = value.raw
    return _remembered(raw) if len(raw) <= _LONGEST_REMEMBERED else _read(raw)


_LONGEST_REMEMBERED = 1024


def _read(raw: bytes) -> Capabilities | None:
    try:
        found = [_algorithm(one) for one in islice(ber.read(raw).expect(ber.SEQUENCE).children(), _MOST)]
    except InputError:
        return None
    return Capabilities(algorithms=tuple(dict.fromkeys(oid for oid in found if oid is not None)))


_remembered = lru_cache(maxsize=256)(_read)
"""A mail program says the same of itself in each mail."""


@lru_cache(maxsize=512)
def capabilities_in(certificate: bytes) -> Capabilities | None:
    """The capabilities that a certificate (DER) vouches for in its extension (RFC 4262); None where it has none."""
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        value = extensions.get_extension_for_oid(_EXTENSION).value
        return capabilities_from(ber.read(value.public_bytes()))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError, InputError):
        return None


_EXTENSION = x509.ObjectIdentifier("1.2.840.113549.1.9.15")


def _algorithm(capability: ber.Element) -> str | None:
    """The identifier of one capability; None for OAEP with another hash than the one that we write."""
    fields = capability.fields(ber.SEQUENCE)
    oid = _dotted(fields.take(ber.OID).oid())
    parameters = fields.optional()
    if oid == RSA_OAEP and parameters is not None and _SHA256 not in parameters.raw:
        # Parameters of no size mean SHA-1 (RFC 4055 §4.1). The forms of RFC 3560 and RFC 4055 differ in their tags.
        return None
    return oid


_SHA256 = ber.encode_oid("2.16.840.1.101.3.4.2.1")


def _dotted(oid: bytes) -> str:
    if not 0 < len(oid) <= _LONGEST or oid[-1] & 0x80:
        raise ber.Malformed("an object identifier is cut off or endless")
    head, *others = _arcs(oid)
    first = min(head // 40, 2)
    return ".".join(map(str, (first, head - 40 * first, *others)))


_LONGEST = 64


def _arcs(oid: bytes) -> Iterator[int]:
    value = 0
    for octet in oid:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            yield value
            value = 0
