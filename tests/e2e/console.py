"""Asks a running desk what lies behind its pages: by Django's shell, in a process of its own.

Only what no page shows or does is asked here. `SCRIPT` runs in the desk's process; each line that goes in is the name
of one of its functions with arguments, each line that comes out is the answer, both JSON.
"""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tests.peers.programs import PeerError, wait_until

LOOK_SECONDS = 0.1
SCRIPT = """
import json, sys
from sealdesk.mail.models import Channel, Copy, RawMail, Outgoing
from sealdesk.people.actions import create_agent, create_group

def create_administrator(email, password):
    create_agent(email=email, password=password, name="Root", is_administrator=True, by=None)

def raw_mails():
    rows = RawMail.objects.select_related("article__ticket").order_by("received_at")
    return [{
        "state": row.state, "reason": row.reason, "size": row.size,
        "article": str(row.article_id) if row.article_id else "",
        "ticket": row.article.ticket.number if row.article_id else 0,
        "message_id": row.article.message_id if row.article_id else "",
    } for row in rows]

def create_mailbox(host, port, user, password):
    group = create_group(name="Support", addresses=[user], by=None)
    Channel.objects.create(kind="imap", name="In", group=group, host=host, port=port, security="none",
                           username=user, password=password)

def look_now():
    Channel.objects.filter(kind="imap", leased_until=None).update(last_run_at=None)

def forget_leases():
    Channel.objects.update(leased_until=None, leased_by="", last_run_at=None)
    RawMail.objects.update(leased_until=None, leased_by="")

def stored():
    return RawMail.objects.count()

def articles():
    return RawMail.objects.filter(state="done").count()

def outgoing(ticket):
    copies = Copy.objects.filter(outgoing__article__ticket__number=ticket)
    states = Outgoing.objects.filter(article__ticket__number=ticket).values_list("state", flat=True)
    return {"mails": list(states), "copies": list(copies.values_list("state", flat=True))}

def channel_errors():
    return [error for error in Channel.objects.values_list("last_error", flat=True) if error]

for line in sys.stdin:
    name, arguments = json.loads(line)
    print("answer", json.dumps(globals()[name](**arguments)), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """A mail that came in: what became of it. `ticket` and `article` only where it is one."""

    state: str
    reason: str
    size: int
    article: str
    ticket: int
    message_id: str

    @property
    def is_settled(self) -> bool:
        """Whether it waits for nobody."""
        return self.state != "stored"


class Console:
    """A conversation with the desk's shell. Use it as a context manager."""

    def __init__(self, shell: Sequence[str], environment: Mapping[str, str]) -> None:
        self._shell = [*shell, "--verbosity", "0", "--command", SCRIPT]
        self._environment = environment

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._shell, env=self._environment, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, name: str, **arguments: Any) -> Any:  # JSON
        """Calls a function of `SCRIPT`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            word, _, answer = line.partition(" ")
            if word == "answer":
                return json.loads(answer)
        raise PeerError(f"the desk's shell has ended while it was asked for {name}")

    def taken_in(self) -> list[TakenIn]:
        """Every mail that was taken in, in the order in which they came."""
        return [TakenIn(**row) for row in self.ask("raw_mails")]

    def wait_for_articles(self, count: int) -> None:
        """Returns as soon as so many mails became articles."""
        what = f"{count} articles"
        wait_until(lambda: self.ask("articles") >= count, timeout_seconds=20, what=what)

    def wait_for_mail(self, count: int, *, timeout_seconds: float = 20) -> list[TakenIn]:
        """Has the fetcher look into the mailbox now, until so many mails came in and none waits to be opened."""

        def all_there() -> bool:
            self.ask("look_now")
            time.sleep(LOOK_SECONDS)
            mails = self.taken_in()
            return len(mails) >= count and all(mail.is_settled for mail in mails)

        wait_until(
            all_there, timeout_seconds=timeout_seconds, what=f"{count} mails in the desk: {self.ask('channel_errors')}"
        )
        return self.taken_in()
