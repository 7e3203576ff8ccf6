"""What the mail programs of correspondents read, remembered from their good signatures. Sealing chooses ciphers by it.

A wrong entry could only make a mail unreadable for its recipient, never weaker: all that is chosen between is strong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sealdesk.mail.models import ReadableAlgorithms
from sealmail.keys import Capabilities, Technology
from sealmail.opening import Opened
from sealmail.report import Covers, Signature, SignatureFacts

_MOST_ALGORITHMS = 64
_LONGEST_NAME = 64


def remember(opened: Opened, *, sender: str | None, received_at: datetime) -> None:
    """Notes what the signer of a good S/MIME mail reads, for the address that he proved to be his.

    The newest mail counts, by its claimed time of signing but never later than we received it; one that arrives late
    or says nothing changes nothing.
    """
    stated = _stated(opened)
    if stated is None or stated.capabilities is None or sender is None:
        return
    algorithms = [name for name in stated.capabilities.algorithms if len(name) <= _LONGEST_NAME][:_MOST_ALGORITHMS]
    signed_at = min(stated.signed_at or received_at, received_at)
    known = ReadableAlgorithms.objects.filter(address=sender, signed_at__lte=signed_at)
    if not known.update(signed_at=signed_at, algorithms=algorithms):
        new = ReadableAlgorithms(address=sender, signed_at=signed_at, algorithms=algorithms)
        ReadableAlgorithms.objects.bulk_create([new], ignore_conflicts=True)  # where a newer one is known, it stays


def known_capabilities(addresses: Collection[str]) -> Mapping[str, Capabilities]:
    """For each address what its mail program reads; those of whom nothing is known are left out. One query."""
    rows = ReadableAlgorithms.objects.filter(address__in=addresses).values_list("address", "algorithms")
    return {address: Capabilities(algorithms=tuple(algorithms)) for address, algorithms in rows}


def _stated(opened: Opened) -> SignatureFacts | None:
    signature = opened.report.signature
    is_good = signature.verdict is Signature.GOOD and signature.covers is Covers.WHOLE
    return signature.facts if is_good and signature.technology is Technology.SMIME else None
