"""Searches for ways from a certificate up to trusted CAs, through certificates at hand (RFC 4158). Believes nothing:
what it finds is checked by `paths`, which calls it.

The way with the fewest doubts is walked first, and what came with the mail before what lies in the store, so that the
certificates that a stranger left there do not stand in the way. At every step the anchors are looked at before
anything else. However many certificates there are, and however they certify each other, the steps are counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from heapq import heappop, heappush

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from sealmail.keys.certificate import ML_DSA_KEYS, UNREADABLE, outline_of, public_key
from sealmail.keys.model import Key, KeyId, Technology, Use, subject_key_id
from sealmail.keys.store import KeyStore
from sealmail.keys.trust import Anchor
from sealmail.policy import Budget

Path = tuple[tuple[Key, ...], Anchor]
"""Certificates, the first one first and the anchor last, and the anchor again as the trust that was placed in it."""

MAXIMUM_SIGNATURES = 2048
"""Checked in one search, a tenth of a millisecond each: more than a store gives out under one name."""

_MAXIMUM_VISITS = 4
"""Of one certificate, over different ways to it: what makes one way invalid need not lie on the other."""


class PathSearch:
    """One search, for one certificate at one time. Makes at most as many steps as the budget has certificates."""

    def __init__(
        self, *, included: Sequence[Key], keys: KeyStore, anchors: Sequence[Anchor], budget: Budget, at: datetime
    ) -> None:
        self._keys = keys
        self._anchors = anchors
        self._budget = budget
        self._at = at
        self._included: dict[KeyId | None, list[Key]] = defaultdict(list)
        for key in included:
            if key.technology is Technology.SMIME:
                self._included[key.subject].append(key)
        self._fingerprints = {key.fingerprint for key in included}
        self._at_hand: dict[KeyId, list[Key]] = {}
        self._signed: dict[tuple[bytes, str], bool] = {}

    def paths(self, signer: Key) -> Iterator[Path]:
        """Ways to anchors, the most promising first; each is a way by names and signatures, and may be wrong in all
        else.
        """
        for anchor in self._anchors:
            if anchor.key.fingerprint == signer.fingerprint:
                yield (signer,), anchor
        open_ends = _OpenEnds()
        yield from self._to_anchors((signer,))
        open_ends.add((0, 0, 1), (signer,))
        for chain, doubts in open_ends.best_first(self._budget.certificates):
            # The anchor still has to fit behind the next certificate.
            if len(chain) + 1 >= self._budget.path_length:
                continue
            owners = {_owner(key) for key in chain}
            for issuer in self._certificates_of_issuer(chain[-1]):
                if _owner(issuer) in owners:
                    continue
                longer = (*chain, issuer)
                yield from self._to_anchors(longer)
                open_ends.add(self._doubts(doubts, issuer, len(longer)), longer)

    def issuers(self, key: Key) -> list[Key]:
        """Certificates at hand, those of anchors among them, whose owner really signed this one.

        One for each key of the issuer that may sign revocation lists and one for each that may not: anybody can make
        more certificates for that key, and they say nothing new.
        """
        found: dict[tuple[bytes, bool], Key] = {}
        anchors = (anchor.key for anchor in self._anchors_that_signed(key))
        for issuer in (*anchors, *self._certificates_of_issuer(key)):
            info = outline_of(issuer.material).public_key_info
            found.setdefault((info, _may_sign_lists(issuer.material)), issuer)
        return list(found.values())

    def _to_anchors(self, chain: tuple[Key, ...]) -> Iterator[Path]:
        owners = {_owner(key) for key in chain}
        for anchor in self._anchors_that_signed(chain[-1]):
            if _owner(anchor.key) not in owners:
                yield (*chain, anchor.key), anchor

    def _anchors_that_signed(self, key: Key) -> Iterator[Anchor]:
        # Comparing names is all that a long list of anchors costs.
        named = [anchor for anchor in self._anchors if anchor.key.subject == key.issuer and key.issuer is not None]
        likely = authority_key_id(key.material) if len(named) > 1 else None
        for anchor in sorted(named, key=lambda one: likely not in one.key.ids):
            if self._has_signed(anchor.key, key):
                yield anchor

    def _certificates_of_issuer(self, key: Key) -> Iterator[Key]:
        if key.issuer is None:
            return
        candidates = self._named(key.issuer)
        likely = authority_key_id(key.material) if len(candidates) > 1 else None
        # RFC 4158 §3.5.12: the key identifier is a hint in what order to look, and excludes nothing.
        for candidate in sorted(candidates, key=lambda one: likely not in one.ids):
            if self._has_signed(candidate, key):
                yield candidate

    def _named(self, name: KeyId) -> list[Key]:
        if name not in self._at_hand:
            at_hand = {one.fingerprint: one for one in (*self._included[name], *self._keys.keys({name}))}
            self._at_hand[name] = [one for one in at_hand.values() if one.subject == name]
        return self._at_hand[name]

    def _has_signed(self, issuer: Key, key: Key) -> bool:
        """A key that has many certificates is asked once."""
        info = outline_of(issuer.material).public_key_info
        pair = (info, key.fingerprint)
        if pair not in self._signed:
            self._signed[pair] = len(self._signed) < MAXIMUM_SIGNATURES and has_signed(issuer.material, key.material)
        return self._signed[pair]

    def _doubts(self, so_far: tuple[int, int, int], issuer: Key, length: int) -> tuple[int, int, int]:
        """What makes a way less promising: what is sure to speak against it, certificates of the store, its length."""
        expired = issuer.valid_until is not None and self._at > issuer.valid_until
        wrong = expired or self._at < issuer.valid_from or Use.CERTIFY not in issuer.uses
        stored = issuer.fingerprint not in self._fingerprints
        return so_far[0] + wrong, so_far[1] + stored, length


@dataclass(frozen=True, slots=True, order=True)
class _OpenEnd:
    doubts: tuple[int, int, int]
    arrival: int
    chain: tuple[Key, ...]


class _OpenEnds:
    """Ways that may lead on."""

    def __init__(self) -> None:
        self._heap: list[_OpenEnd] = []
        self._arrivals = 0
        self._visits: Counter[str] = Counter()

    def add(self, doubts: tuple[int, int, int], chain: tuple[Key, ...]) -> None:
        self._arrivals += 1
        heappush(self._heap, _OpenEnd(doubts, self._arrivals, chain))

    def best_first(self, steps: int) -> Iterator[tuple[tuple[Key, ...], tuple[int, int, int]]]:
        while self._heap and steps > 0:
            end = heappop(self._heap)
            last = end.chain[-1].fingerprint
            self._visits[last] += 1
            if self._visits[last] <= _MAXIMUM_VISITS:
                steps -= 1
                yield end.chain, end.doubts


def _owner(key: Key) -> tuple[KeyId | None, bytes]:
    """Name and public key: two certificates of the same owner in one path lead nowhere (RFC 4158 §2.4.2)."""
    return key.subject, outline_of(key.material).public_key_info


@lru_cache(maxsize=1024)
def authority_key_id(certificate: bytes) -> KeyId | None:
    """What a certificate says about its issuer's key (RFC 5280 §4.2.1.1), where it says so by an identifier."""
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, *UNREADABLE):
        return None
    return None if identifier is None else subject_key_id(identifier)


@lru_cache(maxsize=1024)
def _may_sign_lists(certificate: bytes) -> bool:
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        return extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False


@lru_cache(maxsize=4096)
def has_signed(issuer: bytes, certificate: bytes) -> bool:
    """Whether the signature fits, be its algorithm weak or not: weak ones are a finding, not a missing path."""
    try:
        signed = x509.load_der_x509_certificate(certificate)
        content, signature = signed.tbs_certificate_bytes, signed.signature
        digest, parameters = signed.signature_hash_algorithm, signed.signature_algorithm_parameters
        match public_key(issuer), digest, parameters:
            case rsa.RSAPublicKey() as key, hashes.HashAlgorithm(), padding.PKCS1v15() | padding.PSS() | None as scheme:
                # For MD5, which is only recognised to be called weak, no parameters are told.
                key.verify(signature, content, scheme or padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() as key, _, ec.ECDSA() as scheme:
                key.verify(signature, content, scheme)
            case dsa.DSAPublicKey() as key, hashes.HashAlgorithm(), _:
                key.verify(signature, content, digest)
            case (ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()) as key, None, _:
                key.verify(signature, content)
            case key, None, _ if isinstance(key, ML_DSA_KEYS):
                # RFC 9881 §3: over the certificate itself, without a context.
                key.verify(signature, content)
            case _:
                return False
    except (InvalidSignature, *UNREADABLE):
        return False
    return True
