"""What is handed over when an article is made: values, checked by whoever makes them. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sealmail.report import Report

NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """A file that comes with an article."""

    name: str
    content_type: str
    data: bytes = field(repr=False)
    content_id: str = ""
    part: str = ""
    """The path of the part that it came in, where that part is shown apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleContent:
    """The words and the addresses of an article. Addresses are canonical."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    sender: str = ""
    sender_name: str = ""
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    message_id: str = ""
    in_reply_to: str = ""
    references: Sequence[str] = ()
    is_automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCodes:
    """The columns of an article that say how it was sealed; codes of `sealmail.report`."""

    encryption: str = NONE
    encryption_covers: str = NONE
    signature: str = NONE
    signature_reason: str = ""
    signature_covers: str = NONE
    technology: str = ""
    signer_fingerprint: str = ""
    signer_address: str = ""
    warnings: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """The values by the names of the article's fields."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return named | {"warnings": list(self.warnings)}

    def ticket_columns(self) -> dict[str, str]:
        """The values that the ticket repeats for lists."""
        names = ("encryption", "encryption_covers", "signature", "signature_reason", "signature_covers")
        return {name: getattr(self, name) for name in names}


def readable(text: str, limit: int) -> str:
    """Text of a stranger made fit for a readable column: nothing that a database refuses, not longer than `limit`."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:limit]


def verdict_codes(report: Report, *, author: str | None, more_warnings: Sequence[str] = ()) -> VerdictCodes:
    """The codes of a report. `author`: the canonical address that the mail is from, to which a good signer is bound."""
    signature, encryption = report.signature, report.encryption
    signer = signature.facts.key if signature.facts else None
    technology = signature.technology or encryption.technology
    return VerdictCodes(
        encryption=encryption.verdict.value,
        encryption_covers=encryption.covers.value,
        signature=signature.verdict.value,
        signature_reason=signature.reason.value if signature.reason else "",
        signature_covers=signature.covers.value,
        technology=technology.value if technology else "",
        signer_fingerprint=signer.fingerprint if signer else "",
        signer_address=_signer_address(signer.addresses, author) if signer else "",
        warnings=(*(warning.value for warning in report.warnings), *more_warnings),
    )


def _signer_address(addresses: Sequence[str], author: str | None) -> str:
    """Of several addresses in a key the one that wrote; the key's main one where none of them did."""
    return author if author and author in addresses else next(iter(addresses), "")
