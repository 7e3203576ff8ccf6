"""CRLs and OCSP answers that an administrator adds: whose they are, how old, and what they hold. For people.

Whether one may be believed is asked where it is used (`sealmail.paths`); here a false one is described like a true one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from sealdesk.keyring.models import Origin, RevocationData, StoredKey
from sealdesk.keyring.rows import keys_from
from sealmail.errors import Reason
from sealmail.keys import Key, KeyId, Technology
from sealmail.keys.found import Found
from sealmail.keys.reader import read_paths
from sealmail.policy import Policy
from sealmail.revocation.answers import authentic_answers
from sealmail.revocation.lists import authentic_list
from sealmail.revocation.remembering import Source

_MOST_AUTHORITIES = 1000
_MOST_OF_ONE_NAME = 50
_REFUSED = "It is not signed by {issuer}, or holds something that Sealdesk cannot check: it was not added."


class RevocationKind(StrEnum):
    """What kind of data it is."""

    LIST = "list"
    """A CRL: all that the issuer revoked."""
    ANSWER = "answer"
    """An OCSP response: about single certificates."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationNews:
    """A piece of revocation data."""

    issuer: KeyId
    material: bytes = field(repr=False)
    kind: RevocationKind
    issuer_name: str
    issuer_is_here: bool
    as_of: datetime | None = None
    until: datetime | None = None
    entries: int = 0
    """Certificates that are revoked by it, or that it answers for."""
    is_known: bool = False
    """It was here before."""
    is_refused: bool = False
    """The CA is here, and did not sign it; it is not kept."""

    @property
    def digest(self) -> str:
        """What tells it from others."""
        return hashlib.sha256(self.material).hexdigest()

    @property
    def refusal(self) -> str:
        """Why it is not kept; empty where it is."""
        return _REFUSED.format(issuer=self.issuer_name or "its CA") if self.is_refused else ""


def revocations_of(found: Found, blob: bytes) -> tuple[tuple[RevocationNews, ...], tuple[Reason, ...]]:
    """The revocation data of a file, and what is wrong with the file.

    An OCSP answer names its CA by a hash, so that one alone is told only beside the CA certificates that are here.
    """
    pieces, problems = found.revocations, found.problems
    if any(problem.code == _UNKNOWN_ISSUER for problem in problems):
        authorities = StoredKey.objects.filter(technology=Technology.SMIME, is_ca=True)[:_MOST_AUTHORITIES]
        beside = [("", bytes(material)) for material in authorities.values_list("material", flat=True)]
        again, _ = read_paths([("", blob), *beside])
        pieces = again.revocations
        still = tuple(problem for problem in again.problems if problem.code == _UNKNOWN_ISSUER)
        problems = (*(problem for problem in problems if problem.code != _UNKNOWN_ISSUER), *still)
    return tuple(_judged(one, found.keys) for one in described(pieces)), problems


def _judged(news: RevocationNews, beside: Sequence[Key]) -> RevocationNews:
    """Refused where somebody gave us the CA and it did not sign this. A CA certificate that merely came with mail
    refuses nothing: else a stranger could keep out the lists of others by their name."""
    rows = list(StoredKey.objects.filter(subject=news.issuer, is_ca=True).order_by("origin")[:_MOST_OF_ONE_NAME])
    is_given = any(row.origin != Origin.HARVESTED for row in rows)
    if news.is_known or not is_given:
        return news
    authorities = [*keys_from(rows), *(key for key in beside if key.is_ca and key.subject == news.issuer)]
    return replace(news, is_refused=not any(_is_authentic(news.material, one) for one in authorities))


def _is_authentic(material: bytes, authority: Key) -> bool:
    source, policy = Source.of(material), Policy()
    return authentic_list(source, authority, policy) is not None or bool(authentic_answers(source, authority, policy))


def data_of(issuer: KeyId) -> list[RevocationNews]:
    """What is here of one issuer, newest first."""
    rows = RevocationData.objects.filter(issuer=issuer).order_by("-added_at")
    return described((issuer, bytes(material)) for material in rows.values_list("material", flat=True))


def described(pieces: Iterable[tuple[KeyId, bytes]]) -> list[RevocationNews]:
    """The pieces in words that pages can use."""
    pieces = list(pieces)
    rows = StoredKey.objects.filter(subject__in={issuer for issuer, _ in pieces}, is_ca=True)
    names = dict(rows.order_by("origin").values_list("subject", "name"))
    digests = {hashlib.sha256(material).hexdigest() for _, material in pieces}
    known = set(RevocationData.objects.filter(digest__in=digests).values_list("digest", flat=True))
    return [_news(issuer, material, names.get(issuer), known) for issuer, material in pieces]


_UNKNOWN_ISSUER = "unknown_issuer"


def _news(issuer: KeyId, material: bytes, name: str | None, known: set[str]) -> RevocationNews:
    facts = _of_list(material) or _of_answer(material) or _Facts(kind=RevocationKind.UNREADABLE)
    return RevocationNews(
        issuer=issuer,
        material=material,
        kind=facts.kind,
        issuer_name=name or facts.issuer_name,
        issuer_is_here=name is not None,
        as_of=facts.as_of,
        until=facts.until,
        entries=facts.entries,
        is_known=hashlib.sha256(material).hexdigest() in known,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    kind: RevocationKind
    issuer_name: str = ""
    as_of: datetime | None = None
    until: datetime | None = None
    entries: int = 0


def _of_list(material: bytes) -> _Facts | None:
    try:
        crl = x509.load_der_x509_crl(material)
        names = crl.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return _Facts(
            kind=RevocationKind.LIST,
            issuer_name=str(names[0].value) if names else crl.issuer.rfc4514_string(),
            as_of=crl.last_update_utc,
            until=crl.next_update_utc,
            entries=len(crl),
        )
    except (ValueError, TypeError):
        return None


def _of_answer(material: bytes) -> _Facts | None:
    try:
        answers = list(ocsp.load_der_ocsp_response(material).responses)
        ends = [one.next_update_utc for one in answers if one.next_update_utc is not None]
        return _Facts(
            kind=RevocationKind.ANSWER,
            as_of=min((one.this_update_utc for one in answers), default=None),
            until=min(ends, default=None),
            entries=len(answers),
        )
    except (ValueError, TypeError):
        return None
