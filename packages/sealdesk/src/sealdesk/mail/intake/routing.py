"""Which group receives a mail. Looks at envelope and outer header only: the mail is not opened yet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sealdesk.mail.models import RawMail
from sealdesk.people.models import Group, SenderAddress
from sealmail.addresses import canonical, parse_list
from sealmail.mime import parse

_HEADER_BYTES = 256 * 1024
_ADDRESSES_ASKED = 200
_NAMES = ("Delivered-To", "To", "Cc")


def receiving_group(mail: RawMail, raw: bytes) -> Group | None:
    """The group that owns the first of our addresses that envelope or header name, else the channel's.

    A group that was given with the mail stays: somebody released it there, or handed it in for it.
    """
    if mail.group is not None:
        return mail.group
    addresses = list(dict.fromkeys(_addresses(mail, raw)))[:_ADDRESSES_ASKED]
    ours = SenderAddress.objects.filter(address__in=addresses, group__is_active=True).select_related("group")
    groups = {sender.address: sender.group for sender in ours}
    named = next((groups[address] for address in addresses if address in groups), None)
    return named or (mail.channel.group if mail.channel else None)


def _addresses(mail: RawMail, raw: bytes) -> Iterator[str]:
    for text in mail.envelope_recipients:
        address = canonical(text)
        if address:
            yield address
    headers = parse(_header(raw)).headers
    for name in _NAMES:
        for value in headers.all(name):
            yield from (mailbox.address for mailbox in parse_list(value).mailboxes)


def _header(raw: bytes) -> bytes:
    """The header section alone, so that a large mail is not taken apart twice."""
    return re.split(rb"\r?\n\r?\n", raw[:_HEADER_BYTES], maxsplit=1)[0] + b"\r\n\r\n"
