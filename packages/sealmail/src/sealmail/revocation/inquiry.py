"""Asks about whole paths: each certificate below the anchor, with what is known of its issuer's other keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice, pairwise

from sealmail.errors import InputError
from sealmail.keys.certificate import outline_of
from sealmail.keys.model import Key
from sealmail.keys.store import KeyStore
from sealmail.policy import Policy
from sealmail.report import RevocationState
from sealmail.revocation.asking import Heir, Question, revocation_status
from sealmail.revocation.deciding import RevocationStatus, worst
from sealmail.revocation.signatures import signed_certificate, signing_hash

_MOST_NAMESAKES = 512
"""Certificates under the issuer's name that are looked at, those of the store first: a mail cannot hide them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Whom to ask, and at what time."""

    keys: KeyStore
    included: Sequence[Key]
    """Certificates that came with the mail; they may be those of a CA's other keys, as far as signatures show it."""
    policy: Policy
    at: datetime

    def of_path(self, chain: Sequence[Key]) -> list[RevocationStatus]:
        """The status of each certificate but the last, which is the anchor and needs none."""
        above = (*chain[2:], None)
        return [self._status(*pair, higher) for pair, higher in zip(pairwise(chain), above, strict=False)]

    def of_one(self, key: Key, issuers: Sequence[Key]) -> RevocationStatus:
        """The word of issuers that nobody trusts: certificates whose key signed this one.

        What signed itself is asked too, but nobody else could revoke it, so that silence is no gap. No issuer at hand:
        nobody was asked.
        """
        statuses = [self._status(key, issuer, None) for issuer in issuers]
        for state in (RevocationState.REVOKED, RevocationState.GOOD):
            if said := [one for one in statuses if one.state is state]:
                return worst(said, self.at)
        is_self_signed = any(issuer.fingerprint == key.fingerprint for issuer in issuers)
        return RevocationStatus() if is_self_signed else worst(statuses, self.at)

    def _status(self, key: Key, issuer: Key, above: Key | None) -> RevocationStatus:
        """`above`: the certificate that issued the issuer's; None: nobody that counts."""
        question = Question(
            key=key, issuer=issuer, data=self._data(key), heirs=lambda: tuple(self._heirs(issuer, above))
        )
        return revocation_status(question, self.policy, self.at)

    def _data(self, key: Key) -> Sequence[bytes]:
        return () if key.issuer is None else self.keys.revocations(key.issuer)

    def _heirs(self, issuer: Key, above: Key | None) -> Iterator[Heir]:
        """The issuer's certificates for other keys of its own, older or newer (RFC 5280 §6.3.3 (f)), then others for
        the same key, which may allow it to sign lists where this one does not.

        Only those are vouched for that the issuer's own key or the CA above it signed, so that their path ends at the
        same anchor. Others under the same name may be impostors. They must be valid, and not revoked themselves.
        """
        of_store = self.keys.keys({issuer.subject} if issuer.subject else ())
        at_hand = {one.fingerprint: one for one in (*of_store, *self.included) if one.subject == issuer.subject}
        namesakes = [one for one in islice(at_hand.values(), _MOST_NAMESAKES) if one.is_ca]
        vouched = {one.fingerprint for one in namesakes if self._is_vouched(one, issuer, above)}
        yield from (Heir(key=one) for one in namesakes if one.fingerprint in vouched)
        yield from (Heir(key=one, is_vouched=False) for one in namesakes if _has_same_key(one, issuer))

    def _is_vouched(self, one: Key, issuer: Key, above: Key | None) -> bool:
        # A key cannot allow itself what the CA above it did not.
        parents = (above,) if _has_same_key(one, issuer) else (above, issuer)
        parent = next((parent for parent in parents if parent and _is_child(one, parent)), None)
        if parent is None or not self._is_valid(one):
            return False
        own = Question(key=one, issuer=parent, data=self._data(one))
        return revocation_status(own, self.policy, self.at).state is not RevocationState.REVOKED

    def _is_valid(self, key: Key) -> bool:
        return key.valid_from <= self.at and (key.valid_until is None or self.at <= key.valid_until)


def _has_same_key(one: Key, issuer: Key) -> bool:
    return outline_of(one.material).public_key_info == outline_of(issuer.material).public_key_info


def _is_child(one: Key, parent: Key) -> bool:
    return one.issuer == parent.subject and _has_signed(parent.material, one.material)


@lru_cache(maxsize=256)
def _has_signed(parent: bytes, one: bytes) -> bool:
    try:
        return signing_hash(signed_certificate(one), parent) is not None
    except InputError:
        return False
