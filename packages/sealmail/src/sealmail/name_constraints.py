"""For which mail addresses the CAs of a path may speak (RFC 5280 §4.2.1.10, RFC 9598 §6).

Kept out of the library that checks all other constraints: it does not hold them against SmtpUTF8Mailbox, and it
compares host names after decoding them by IDNA2003, so that an excluded `xn--` host would exclude nobody. Called by
`path_rules`. Where a name or a constraint cannot be read, the answer is the one that lets less through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from sealmail.addresses import Address, parse
from sealmail.keys.certificate import outline_of
from sealmail.keys.mail_names import ascii_mailbox, mail_names

_MOST_COMPARED = 1_000_000
"""Names with constraints, for one certificate: more would take minutes, and no honest CA comes near."""


def names_are_allowed(chain: Sequence[bytes]) -> bool:
    """Whether every certificate of a path (DER, signer first, anchor last) names only mail addresses that all CAs above
    it may speak for. Raises what reading certificates raises.
    """
    limits: list[_Limits] = []
    for position, der in reversed(list(enumerate(chain))):
        certificate = x509.load_der_x509_certificate(der)
        is_anchor = position == len(chain) - 1
        # RFC 5280 §6.1.3 (b, c): a CA that renews its own key names itself, and nobody else.
        if limits and not is_anchor and (position == 0 or not _is_self_issued(der)):
            names = list(_names_of(certificate))
            if len(names) * sum(one.size for one in limits) > _MOST_COMPARED:
                return False
            if not all(one.allows(name) for one in limits for name in names):
                return False
        limits += _limits_of(certificate)
    return True


def _is_self_issued(der: bytes) -> bool:
    outline = outline_of(der)
    return outline.subject == outline.issuer


def _names_of(certificate: x509.Certificate) -> Iterator[Address | None]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        # The subject's address proves nothing here, but a CA has to mind its limits there too.
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            yield ascii_mailbox(attribute.value) if isinstance(attribute.value, str) else None
    else:
        yield from mail_names(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What one CA may speak for. `permitted` is None where it is not limited to anything."""

    permitted: tuple[_Base | None, ...] | None
    excluded: tuple[_Base | None, ...]

    @property
    def size(self) -> int:
        """How many constraints a name is held against."""
        return len(self.permitted or ()) + len(self.excluded)

    def allows(self, name: Address | None) -> bool:
        """A base that cannot be read permits nobody and excludes everybody."""
        if self.permitted is not None and not _any(self.permitted, lambda base: base.permits(name)):
            return False
        return not any(base is None or base.excludes(name) for base in self.excluded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """One constraint: a mailbox, a host, or all hosts below a domain (where `domain` starts with a dot)."""

    local: str | None
    domain: str

    def permits(self, name: Address | None) -> bool:
        return name is not None and self._covers(name) and self.local in {None, name.local}

    def excludes(self, name: Address | None) -> bool:
        """RFC 9598 §6: of a mailbox only the domain is compared with names outside of ASCII."""
        return name is None or (self._covers(name) and (self.local in {None, name.local} or not name.local.isascii()))

    def _covers(self, name: Address) -> bool:
        return name.domain.endswith(self.domain) if self.domain.startswith(".") else name.domain == self.domain


def _any(bases: Iterable[_Base | None], holds: Callable[[_Base], bool]) -> bool:
    return any(base is not None and holds(base) for base in bases)


def _limits_of(certificate: x509.Certificate) -> list[_Limits]:
    """At most one; none where the CA is not limited in mail addresses."""
    try:
        value = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return []
    permitted, excluded = _bases(value.permitted_subtrees), _bases(value.excluded_subtrees)
    return [_Limits(permitted=permitted or None, excluded=excluded)] if permitted or excluded else []


def _bases(names: Iterable[x509.GeneralName] | None) -> tuple[_Base | None, ...]:
    return tuple(_base(name.value) for name in names or () if isinstance(name, x509.RFC822Name))


def _base(text: str) -> _Base | None:
    _local, at, domain = text.rpartition("@")
    dot = "." if not at and domain.startswith(".") else ""
    # A domain is read by the parser of addresses, so that both sides of the comparison have the same form.
    address = ascii_mailbox(text) if at else parse(f"any@{domain.removeprefix('.')}") if domain.isascii() else None
    if address is None:
        return None
    return _Base(local=address.local if at else None, domain=dot + address.domain)
