"""The badge: encryption, then signature, from the codes of a ticket or an article and the frozen report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sealdesk.keyring.naming import KeyNames
from sealdesk.mail.shown import shown_report
from sealdesk.tickets.models import Article, Ticket
from sealdesk.web.presenters import evidence, gaps
from sealdesk.web.presenters.encryption import UNENCRYPTED_AROUND, encryption_face
from sealdesk.web.presenters.intake import MARKS
from sealdesk.web.presenters.signature import PART_WITHOUT_WORDS, SIGNATURE_INSIDE, UNSIGNED_AROUND, signature_face
from sealdesk.web.presenters.warnings import WARNINGS
from sealdesk.web.presenters.wording import Face, Tone, fill
from sealmail.report import Covers, Encryption, Reason, Signature

Code = TypeVar("Code", bound=StrEnum)

_LAST = {"address": "the sender of the last mail", "key": "that sender’s key"}

UNKNOWN_WARNING = Face(icon="alert", tone=Tone.AMBER, label="Look at this mail", sentence="Something is unusual in it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What the badge shows."""

    encryption: Face
    signature: Face
    warnings: tuple[Face, ...] = ()
    card: tuple[evidence.Row, ...] = ()
    """For the hover card."""

    @property
    def statements(self) -> tuple[Face, ...]:
        """Everything that is said, in order."""
        return (self.encryption, self.signature, *self.warnings)

    @property
    def notices(self) -> tuple[Face, ...]:
        """What must be seen without a click: all that is red, and what has something to do."""
        loud = (face for face in self.statements if face.tone is Tone.RED or (face.tone is Tone.AMBER and face.hint))
        return tuple(loud)


def ticket_seal(ticket: Ticket) -> Seal | None:
    """The badge of a ticket in a list; None where no mail came in yet."""
    if not ticket.encryption:
        return None
    # Beside the customer's name: the last mail may be somebody else's.
    return Seal(encryption=fill(_encryption(ticket)), signature=fill(_signature(ticket), _LAST))


def article_seal(article: Article, names: KeyNames) -> Seal:
    """The badge of an incoming mail. `names`: of the keys that its report refers to."""
    report: Mapping[str, Any] = shown_report(article)
    facts = gaps.gaps(report, article)
    return Seal(
        encryption=fill(_encryption(article, _reason(report)), facts | gaps.opening_gaps(report, names)),
        signature=fill(_signature(article), facts),
        warnings=tuple(warning_faces(article.warnings)),
        card=tuple(evidence.card(report)),
    )


def part_faces(part: Mapping[str, Any], sender: str, names: KeyNames) -> tuple[Face, ...]:
    """What holds for a sealed part inside a message of `sender`; nothing is said about what the part has not.

    Green only where the signed words stand in the same frame: else it would be read as said of the words above.
    """
    facts = gaps.signer_gaps(part) | {"sender": sender}
    has_words = bool(((part.get("content") or {}).get("text") or "").strip())
    faces = []
    encryption = _code(Encryption, part["encryption"]["verdict"], Encryption.UNSUPPORTED)
    if encryption is not Encryption.NONE:
        faces.append(fill(encryption_face(encryption, Covers.WHOLE), facts | gaps.opening_gaps(part, names)))
    signature = _code(Signature, part["signature"]["verdict"], Signature.UNVERIFIED)
    if signature is Signature.GOOD and not has_words:
        faces.append(fill(PART_WITHOUT_WORDS, facts))
    elif signature is not Signature.NONE:
        faces.append(
            fill(signature_face(signature, Covers.WHOLE, _optional_reason(part["signature"]["reason"])), facts)
        )
    return tuple(faces)


def around_faces(article: Article, parts: Sequence[Mapping[str, Any]]) -> tuple[Face, ...]:
    """What must be said above words that stand outside of the parts that are shown apart, unless it holds for all."""
    whole = Covers.WHOLE.value
    signed = article.signature_covers != whole and _is_any(parts, "signature", Signature.NONE)
    encrypted = article.encryption_covers != whole and _is_any(parts, "encryption", Encryption.NONE)
    return (*([UNSIGNED_AROUND] if signed else []), *([UNENCRYPTED_AROUND] if encrypted else []))


def _is_any(parts: Sequence[Mapping[str, Any]], what: str, none: StrEnum) -> bool:
    return any(part[what]["verdict"] != none.value for part in parts)


def warning_faces(codes: Sequence[str]) -> list[Face]:
    """Faces of warnings and marks; a code that this version does not know still says that there is something."""
    known = {member.value: face for member, face in (*WARNINGS.items(), *MARKS.items())}
    return [known.get(code, UNKNOWN_WARNING) for code in codes]


def _encryption(row: Ticket | Article, reason: str = "") -> Face:
    verdict = _code(Encryption, row.encryption, Encryption.UNSUPPORTED)
    return encryption_face(verdict, _code(Covers, row.encryption_covers, Covers.NONE), reason)


def _signature(row: Ticket | Article) -> Face:
    verdict = _code(Signature, row.signature, Signature.UNVERIFIED)
    covers = _code(Covers, row.signature_covers, Covers.NONE)
    if verdict is Signature.NONE and _stayed_closed(row):
        return SIGNATURE_INSIDE
    return signature_face(verdict, covers, _optional_reason(row.signature_reason))


def _stayed_closed(row: Ticket | Article) -> bool:
    """Encrypted as a whole, and not opened."""
    verdict = _code(Encryption, row.encryption, Encryption.UNSUPPORTED)
    whole = _code(Covers, row.encryption_covers, Covers.NONE) is Covers.WHOLE
    return whole and verdict not in {Encryption.NONE, Encryption.DECRYPTED}


def _reason(report: Mapping[str, Any]) -> str:
    return str(report.get("encryption", {}).get("reason") or "")


def _optional_reason(code: str | None) -> Reason | None:
    return _code(Reason, code, Reason.UNSUPPORTED) if code else None


def _code(kind: type[Code], value: str | None, otherwise: Code) -> Code:
    """The member for a stored code; codes of another version never look better than `otherwise`."""
    try:
        return kind(value or "none")
    except ValueError:
        return otherwise
