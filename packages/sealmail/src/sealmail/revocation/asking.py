"""Asks all the data at hand about one certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.policy import Policy
from sealmail.revocation.answers import Answer, authentic_answers, is_answer
from sealmail.revocation.deciding import RevocationStatus, decide
from sealmail.revocation.lists import RevocationList, authentic_list, is_listed, is_named, list_statements
from sealmail.revocation.remembering import Source
from sealmail.revocation.statement import Statement, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Heir:
    """Another certificate of the issuer that may make one of its lists count."""

    key: Key
    is_vouched: bool = True
    """False: it is for the issuer's very key, but somebody made it whose word does not count. What the key signed is
    the issuer's all the same, so that "revoked" is believed, and nothing else.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """About which certificate, and whom to believe."""

    key: Key
    issuer: Key
    """The certificate whose key signed it."""
    data: Sequence[bytes]
    """Lists and answers (DER) that go by the issuer's name, from whomever; others change nothing."""
    heirs: Callable[[], Iterable[Heir]] = tuple
    """Those that are vouched for first. Asked for only where a list needs one."""


def revocation_status(question: Question, policy: Policy, at: datetime) -> RevocationStatus:
    """What the issuer says about the certificate. Data that others signed, or that is broken, is ignored."""
    sources = [Source.of(data) for data in question.data]
    lists = list(_lists([one for one in sources if not is_answer(one.data)], question, policy))
    answers = _answers([one for one in sources if is_answer(one.data)], question, policy)
    told = [
        *list_statements(question.key, lists, policy),
        *(answer.statement for answer in answers if not _is_disowned(answer, lists)),
    ]
    return decide([one for one in told if _still_lists(one, question.key)], policy, at)


def _lists(sources: Iterable[Source], question: Question, policy: Policy) -> Iterator[tuple[Source, RevocationList]]:
    heirs: list[Heir] | None = None
    for source in sources:
        found = authentic_list(source, question.issuer, policy)
        if found is None and is_named(source, question.issuer):
            heirs = list(question.heirs()) if heirs is None else heirs
            found = next(filter(None, (_inherited(source, heir, policy) for heir in heirs)), None)
        if found is not None:
            yield source, found


def _inherited(source: Source, heir: Heir, policy: Policy) -> RevocationList | None:
    found = authentic_list(source, heir.key, policy)
    return found if found is None or heir.is_vouched else replace(found, is_weak=True)


def _answers(sources: Iterable[Source], question: Question, policy: Policy) -> Iterator[Answer]:
    serial = outline_of(question.key.material).serial
    for source in sources:
        yield from (one for one in authentic_answers(source, question.issuer, policy) if one.serial == serial)


def _is_disowned(answer: Answer, lists: Sequence[tuple[Source, RevocationList]]) -> bool:
    """Whether a list names the responder itself. Where none is at hand, RFC 6960 §4.2.2.2.1 leaves it to us to believe
    a responder; we do, as if its certificate said that it need not be asked about.
    """
    return answer.responder is not None and any(is_listed(source, one, answer.responder) for source, one in lists)


def _still_lists(statement: Statement, key: Key) -> bool:
    """Once a certificate has expired, its issuer may leave it out (RFC 5280 §3.3): silence says nothing any more."""
    return statement.word is Word.REVOKED or key.valid_until is None or statement.made_at <= key.valid_until
