"""Opens and seals as the desk does: in the child with its limits, and by plan and seal."""

from __future__ import annotations

from bench.cases import Pair
from bench.letters import NOW
from sealmail.bounded import BoundedOpener
from sealmail.mime import Draft
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Signature
from sealmail.sealing import SealRequest, plan, seal

_POLICY = Policy()


class Desk:
    """The desk's side of one pair."""

    def __init__(self, pair: Pair, opener: BoundedOpener | None) -> None:
        self._store = pair.store
        self._trust = pair.trust
        self._technology = pair.technology
        self._opener = opener

    def open(self, raw: bytes) -> Opened:
        """A mail from a customer, within the limits."""
        assert self._opener is not None  # noqa: S101 -- given by whoever opens within limits
        return _readable(self._opener.open_message(raw, self._store, self._trust, _POLICY, NOW))

    def open_unbounded(self, raw: bytes) -> Opened:
        """The same without the child."""
        return _readable(open_message(raw, self._store, self._trust, _POLICY, NOW))

    def seal(self, letter: Draft) -> bytes:
        """An answer, signed, and encrypted to the customer and to the agent himself."""
        request = SealRequest(
            sender=letter.from_[0].address,
            to=tuple(one.address for one in letter.to),
            sign=True,
            encrypt=True,
            technology=self._technology,
        )
        planned = plan(request, self._store, self._trust, _POLICY, NOW)
        (copy,) = seal(planned, letter, self._store, NOW)
        return copy.raw


def _readable(opened: Opened) -> Opened:
    """What was not opened or not verified must not be counted as fast."""
    report = opened.report
    if (report.encryption.verdict, report.signature.verdict) != (Encryption.DECRYPTED, Signature.GOOD):
        raise AssertionError(f"{report.encryption.verdict} {report.encryption.reason} {report.signature.reason}")
    return opened
