"""Asks all the data at hand about one certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.policy import Policy
from sealmail.revocation.answers import Answer, authentic_answers
from sealmail.revocation.deciding import RevocationStatus, decide
from sealmail.revocation.lists import RevocationList, authentic_list, is_listed, is_named, list_statements
from sealmail.revocation.statement import Statement, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """About which certificate, and whom to believe."""

    key: Key
    issuer: Key
    """The certificate whose key signed it."""
    data: Sequence[bytes]
    """Lists and answers (DER) that go by the issuer's name, from whomever; others change nothing."""
    heirs: Callable[[], Iterable[Key]] = tuple
    """Other certificates of the same CA, whose keys may sign its lists too. Asked for only where a list needs one."""


def revocation_status(question: Question, policy: Policy, at: datetime) -> RevocationStatus:
    """What the issuer says about the certificate. Data that others signed, or that is broken, is ignored."""
    lists = list(_lists(question, policy))
    told = [
        *list_statements(question.key, lists, policy),
        *(answer.statement for answer in _answers(question, lists, policy)),
    ]
    return decide([one for one in told if _still_lists(one, question.key)], policy, at)


def _lists(question: Question, policy: Policy) -> Iterator[tuple[bytes, RevocationList]]:
    heirs: list[Key] | None = None
    for data in question.data:
        found = authentic_list(data, question.issuer, policy)
        if found is None and is_named(data, question.issuer):
            heirs = list(question.heirs()) if heirs is None else heirs
            found = next(filter(None, (authentic_list(data, heir, policy) for heir in heirs)), None)
        if found is not None:
            yield data, found


def _answers(question: Question, lists: Sequence[tuple[bytes, RevocationList]], policy: Policy) -> Iterator[Answer]:
    serial = outline_of(question.key.material).serial
    for data in question.data:
        for answer in authentic_answers(data, question.issuer, policy):
            if answer.serial == serial and not _is_disowned(answer, lists):
                yield answer


def _is_disowned(answer: Answer, lists: Sequence[tuple[bytes, RevocationList]]) -> bool:
    """Whether a list names the responder itself. Where none is at hand, RFC 6960 §4.2.2.2.1 leaves it to us to believe
    a responder; we do, as if its certificate said that it need not be asked about.
    """
    return answer.responder is not None and any(is_listed(data, one, answer.responder) for data, one in lists)


def _still_lists(statement: Statement, key: Key) -> bool:
    """Once a certificate has expired, its issuer may leave it out (RFC 5280 §3.3): silence says nothing any more."""
    return statement.word is Word.REVOKED or key.valid_until is None or statement.made_at <= key.valid_until
