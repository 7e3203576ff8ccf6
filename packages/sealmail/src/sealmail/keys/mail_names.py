"""The mail addresses in names of certificates, each read in one way only: what binds a key to an address and what name
constraints are compared with is the same. What is not exactly one address is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from sealmail import ber
from sealmail.addresses import Address, parse
from sealmail.errors import InputError

SMTP_UTF8_MAILBOX = ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598 §3
_UTF8_STRING = 0x0C


def mail_names(names: Iterable[x509.GeneralName]) -> Iterator[Address | None]:
    """The addresses among the names of a subject alternative name, in order: rfc822Name and SmtpUTF8Mailbox; None for
    one that cannot be read. Names of other kinds are passed over.
    """
    for name in names:
        if isinstance(name, x509.RFC822Name):
            yield ascii_mailbox(name.value)
        elif isinstance(name, x509.OtherName) and name.type_id == SMTP_UTF8_MAILBOX:
            yield utf8_mailbox(name.value)


def ascii_mailbox(text: str) -> Address | None:
    """The address of an rfc822Name (RFC 5280 §4.2.1.6)."""
    return parse(text) if text.isascii() else None


def utf8_mailbox(der: bytes) -> Address | None:
    """The address of an SmtpUTF8Mailbox, whose local part is outside of ASCII and whose domain is in lower case (RFC
    9598 §3): the A-labels that it demands or the U-labels of RFC 8398 before it.

    An address within ASCII is refused: older programs would not see it in this place, nor hold a CA's constraints
    against it.
    """
    text = _utf8_string(der)
    address = parse(text) if text is not None else None
    if text is None or address is None or address.local.isascii() or address.domain.startswith("["):
        return None
    domain = text.rpartition("@")[2]
    return address if domain == domain.lower() else None


def _utf8_string(der: bytes) -> str | None:
    try:
        element = ber.read(der)
        whole = element.tag == _UTF8_STRING and element.stop == len(der)
        return bytes(element.content).decode("utf-8") if whole else None
    except (InputError, UnicodeDecodeError):
        return None
