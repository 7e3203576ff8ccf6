"""The customers' mail programs: they seal and open with sealmail, as themselves, and trust the desk's keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sealdesk.core.clock import now
from sealdesk.demo import post
from sealdesk.demo.errors import DemoError
from sealdesk.demo.people import SUPPORT, People, Who, people
from sealmail.addresses import Mailbox, canonical
from sealmail.bounded import BoundedOpener
from sealmail.errors import Refused
from sealmail.keys import Anchor, Key, MemoryKeyStore, MemoryTrust, Technology, TrustLevel
from sealmail.mime import Draft, build_message
from sealmail.opening import Opened
from sealmail.policy import Policy
from sealmail.sealing import SealRequest, plan, seal
from sealmail.testing import Person

NOT_LOADED = "There is no demo here yet. Start it with: sealdesk run --demo"


def send(
    *,
    who: Who,
    to: str = SUPPORT,
    subject: str,
    text: str,
    sign: bool = False,
    encrypt: bool = False,
    technology: Technology | None = None,
) -> None:
    """Writes to the running desk as a customer. DemoError says why it is not possible."""
    here = _here()
    author, recipient = here[who], canonical(to)
    if recipient is None:
        raise DemoError(f"{to} is not an e-mail address.")
    draft = Draft(
        from_=(Mailbox(author.name, author.address),),
        to=(Mailbox("", recipient),),
        subject=subject,
        text=text,
        message_id=message_id(author),
        date=now(),
    )
    raw = write(draft, author, here, sign=sign, encrypt=encrypt, technology=technology)
    post.hand_in(raw, sender=author.address, recipient=recipient)


def inbox(who: Who) -> Iterator[Opened]:
    """What a customer got, oldest first, opened with the customer's own keys."""
    here = _here()
    reader = here[who]
    keys = MemoryKeyStore(keys=_known_keys(here), secrets=reader.secrets)
    trust = MemoryTrust(anchors=_anchors(here, reader), levels=_by_hand(_known_keys(here)))
    with BoundedOpener() as opener:
        for raw in post.received(reader.address):
            yield opener.open_message(raw, keys, trust, Policy(), now())


def write(
    draft: Draft,
    author: Person,
    here: People,
    *,
    sign: bool,
    encrypt: bool,
    technology: Technology | None = None,
    encrypt_to: Iterable[Key] | None = None,
    at: datetime | None = None,
) -> bytes:
    """The mail as it leaves the author's mail program. DemoError where it cannot be sealed as asked.

    `encrypt_to`: the keys that the author has of the desk; None: the right ones. `at`: when it was signed.
    """
    if not sign and not encrypt:
        return build_message(draft)
    theirs = _known_keys(here) if encrypt_to is None else list(encrypt_to)
    keys = MemoryKeyStore(keys=[*theirs, here.authority, here.strange_authority], secrets=author.secrets)
    request = SealRequest(
        sender=author.address,
        to=tuple(one.address for one in draft.to),
        sign=sign,
        encrypt=encrypt,
        technology=technology or _only_technology(author),
    )
    moment = at or now()
    planned = plan(request, keys, MemoryTrust(levels=_by_hand([*theirs, *author.keys])), Policy(), moment)
    try:
        (copy,) = seal(planned, draft, keys, moment)
    except Refused as refused:
        raise DemoError(" ".join(reason.sentence for reason in refused.reasons)) from None
    return copy.raw


def _only_technology(author: Person) -> Technology | None:
    """The one that the author has keys for; None where there are both, or none."""
    held = {key.technology for key in author.keys}
    return held.pop() if len(held) == 1 else None


def message_id(author: Person) -> str:
    """A new one from the author's own domain."""
    domain = author.address.partition("@")[2]
    return f"<{now():%Y%m%d.%H%M%S%f}@{domain}>"


def _here() -> People:
    here = people()
    if here is None:
        raise DemoError(NOT_LOADED)
    return here


def _known_keys(here: People) -> list[Key]:
    return [key for who in (Who.SUPPORT, Who.LEGAL) for key in here[who].keys]


def _anchors(here: People, reader: Person) -> list[Anchor]:
    return [Anchor(key=here.authority)] if reader.smime else []


def _by_hand(keys: Iterable[Key]) -> dict[str, TrustLevel]:
    return {key.fingerprint: TrustLevel.BY_HAND for key in keys}
