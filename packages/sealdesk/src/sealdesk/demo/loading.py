"""`load`: fills an empty desk so that there is something to look at. All mail comes in and leaves as it always does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sealdesk.core.clock import now
from sealdesk.demo import desk, drawer, post
from sealdesk.demo.customers import write
from sealdesk.demo.mails import ANSWERS, FIRST_MAILS, FOLLOW_UPS, DemoMail, Mishap
from sealdesk.demo.people import People, Who, make_people, people
from sealdesk.mail.intake.opening import close_opener
from sealdesk.mail.outbox.actions import reply
from sealdesk.mail.worker import Worker
from sealdesk.people.models import Agent
from sealdesk.tickets.models import Article, ArticleKind
from sealmail.addresses import Mailbox
from sealmail.mime import Draft

_DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How to get in."""

    agents: tuple[str, ...]
    password: str


def load(*, intake_port: int) -> SignIn:
    """Fills the desk where that has not happened yet; goes on where an earlier start was interrupted.

    `intake_port`: where the loopback intake listens, for the desk and its customers alike. DemoError where this desk
    is in use for something else.
    """
    desk.check_is_ours()
    here = people() or make_people()
    if not desk.is_furnished():
        desk.furnish(here)
        drawer.put(_DONE, b"")  # keys without a desk: its database was removed, and the mails with it
    post.set_port(intake_port)
    _play(here)
    return SignIn(agents=(desk.ALICE, desk.BOB), password=desk.password())


def _play(here: People) -> None:
    """In three acts, each after all mail of the one before has arrived."""
    for act in (partial(_arrive, FIRST_MAILS, here), _answer, partial(_arrive, FOLLOW_UPS, here)):
        if act():
            _work()
    close_opener()


def _arrive(mails: Sequence[DemoMail], here: People) -> bool:
    """Customers send what they have not sent yet; whether anything was."""
    waiting = [mail for mail in mails if mail.name not in _done()]
    for mail in waiting:
        raw = _spoil(mail, _written(mail, here))
        post.hand_in(raw, sender=here[mail.author].address, recipient=mail.to)
        _note(mail.name)
    return bool(waiting)


def _answer() -> bool:
    """Alice answers what she has not answered yet; whether she did."""
    waiting = [name for name in ANSWERS if f"answer:{name}" not in _done()]
    for name in waiting:
        question = _article(name)
        if question is not None:
            alice = Agent.objects.get(email=desk.ALICE)
            text, to = ANSWERS[name], [question.sender]
            reply(ticket=question.ticket, by=alice, to=to, text=text, sign=True, encrypt=True)
        _note(f"answer:{name}")
    return bool(waiting)


def _work() -> None:
    worker = Worker()
    while worker.work_once().anything:
        pass


def _written(mail: DemoMail, here: People) -> bytes:
    author = here[mail.author]
    follows = _answer_to(mail.answers) if mail.answers else None
    at = now() - timedelta(days=2) if mail.mishap is Mishap.SIGNED_LONG_AGO else now()
    draft = Draft(
        from_=(Mailbox(author.name, author.address),),
        to=(Mailbox("", mail.to),),
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        attachments=mail.attachments,
        message_id=_message_id(mail.name),
        in_reply_to=follows.message_id if follows else None,
        references=(follows.message_id,) if follows else (),
        date=at,
        extra=mail.extra,
    )
    lost = here[Who.LOST].keys if mail.mishap is Mishap.WRONG_KEY else None
    return write(
        draft, author, here, sign=mail.sign, encrypt=mail.encrypt, technology=mail.technology, encrypt_to=lost, at=at
    )


def _spoil(mail: DemoMail, raw: bytes) -> bytes:
    match mail.mishap:
        case Mishap.CHANGED:
            return raw.replace(b" 20 ", b" 2000 ", 1)
        case Mishap.CUT_OFF:
            return raw[: len(raw) * 2 // 3]
        case _:
            return raw


def _article(name: str) -> Article | None:
    """What became of a mail of the demo."""
    return Article.objects.select_related("ticket").filter(message_id=_message_id(name)).first()


def _answer_to(name: str) -> Article | None:
    question = _article(name)
    if question is None:
        return None
    return question.ticket.articles.filter(kind=ArticleKind.OUTGOING, in_reply_to=question.message_id).first()


def _message_id(name: str) -> str:
    """The same at each start; tells nothing, since Message-IDs are readable in the database."""
    return f"<{hashlib.sha256(name.encode()).hexdigest()[:16]}@mail.demo.example>"


def _done() -> list[str]:
    return (drawer.take(_DONE) or b"").decode().split()


def _note(name: str) -> None:
    drawer.put(_DONE, " ".join([*_done(), name]).encode())
