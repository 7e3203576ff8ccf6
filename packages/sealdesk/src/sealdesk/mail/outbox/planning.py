"""The plan for an outgoing mail: one function for the composer's preview and for the sender, so that they agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Window
from django.db.models.functions import RowNumber

from sealdesk.core.clock import now
from sealdesk.core.errors import Invalid
from sealdesk.keyring.store import DeskKeys, DeskTrust
from sealdesk.mail.capabilities import known_capabilities
from sealdesk.mail.policy import desk_policy
from sealdesk.people.models import Group, SenderAddress
from sealdesk.tickets.models import Article, ArticleKind, Ticket
from sealmail.addresses import canonical
from sealmail.keys import Technology
from sealmail.report import Signature
from sealmail.sealing import Plan, SealRequest, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Whom a mail goes to: canonical addresses, each in one field only."""

    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()

    @property
    def everybody(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.to, *self.cc, *self.bcc)


def recipients_of(*, to: Iterable[str], cc: Iterable[str] = (), bcc: Iterable[str] = ()) -> Recipients:
    """The recipients as they were written. Raises Invalid with a sentence for each field that has a wrong address."""
    read = {name: _canonical(texts) for name, texts in (("to", to), ("cc", cc), ("bcc", bcc))}
    wrong = {
        name: [f"“{text}” is not an e-mail address." for text, address in pairs if address is None]
        for name, pairs in read.items()
    }
    if any(wrong.values()):
        raise Invalid({name: sentences for name, sentences in wrong.items() if sentences})
    seen: set[str] = set()
    fields = {name: tuple(_unseen((address for _, address in pairs), seen)) for name, pairs in read.items()}
    if not seen:
        raise Invalid({"to": ["Somebody must receive it."]})
    return Recipients(**fields)


def preview(
    *,
    group: Group,
    recipients: Recipients,
    sign: bool,
    encrypt: bool,
    technology: Technology | None = None,
    sender: SenderAddress | None = None,
    at: datetime | None = None,
) -> Plan:
    """Who would get which copy, sealed how, and why not otherwise; exactly what the sender will do now."""
    request = SealRequest(
        sender=(sender or default_sender(group)).address,
        to=recipients.to,
        cc=recipients.cc,
        bcc=recipients.bcc,
        sign=sign,
        encrypt=encrypt,
        technology=technology,
        preferred=preferred_technologies(recipients.everybody),
        capabilities=known_capabilities(recipients.everybody),
    )
    return plan(request, DeskKeys([group]), DeskTrust(), desk_policy(), at or now())


def default_sender(group: Group) -> SenderAddress:
    """The address that a group sends from."""
    sender = group.sender_addresses.first()
    if sender is None:
        raise Invalid({"": [f"The group {group.name} has no address to send from."]})
    return sender


def sender_for(ticket: Ticket) -> SenderAddress:
    """The address that the customer wrote to, where it is the group's; else the group's default."""
    ours = {sender.address: sender for sender in ticket.group.sender_addresses.all()}
    mails = ticket.articles.filter(kind=ArticleKind.INCOMING).order_by("-created_at", "-id")
    named = next((tuple(to) + tuple(cc) for to, cc in mails.values_list("to", "cc")[:1]), ())
    return next((ours[address] for address in named if address in ours), None) or default_sender(ticket.group)


def preferred_technologies(addresses: Sequence[str]) -> Mapping[str, Technology]:
    """For each address what its last good-signed mail used; those who never signed are left out. One query."""
    good = Article.objects.filter(sender__in=addresses, kind=ArticleKind.INCOMING, signature=Signature.GOOD.value)
    newest_first = Window(RowNumber(), partition_by="sender", order_by=("-created_at", "-id"))
    last = good.annotate(place=newest_first).filter(place=1)
    return {address: Technology(name) for address, name in last.values_list("sender", "technology") if name}


def _canonical(texts: Iterable[str]) -> list[tuple[str, str | None]]:
    return [(text, canonical(text.strip())) for text in texts if text.strip()]


def _unseen(addresses: Iterable[str | None], seen: set[str]) -> Iterable[str]:
    for address in addresses:
        if address is not None and address not in seen:
            seen.add(address)
            yield address
