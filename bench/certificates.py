"""Certificate paths, cold and remembered, and the choice among very many certificates of one address."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from cryptography import x509

from bench.letters import AGENT, CUSTOMER, NOW
from bench.table import Table, milliseconds, times
from bench.timing import side_by_side
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel
from sealmail.keys.certificate import key_from_certificate
from sealmail.policy import Policy
from sealmail.sealing import SealRequest, plan
from sealmail.testing import CA
from sealmail.vouching import Judges, vouch

_MANY = 1000


def certificate_tables(*, quick: bool) -> Iterator[Table]:
    """Paths, and choosing."""
    seconds = 0.3 if quick else 2.0
    note = (
        "Milliseconds. Cold: nothing remembered, the certificates are read anew, the rules of RFC 5280 checked."
        " Signatures: those in the path, checked by `cryptography` with everything loaded."
    )
    columns = ("keys", "certificates in the path", "cold", "remembered", "signatures", "cold : signatures")
    rows = [_path_row(name, kind, length, seconds) for name, kind in _KINDS for length in (2, 4)]
    yield Table("Certificate paths", columns, rows, note)
    note = (
        "Milliseconds for a whole plan with one recipient. A third of the certificates has expired, a third is trusted"
        " by a CA, a third by nobody. Cold: nothing remembered."
    )
    counted = ("certificates of one address", "cold", "remembered", "remembered, for each certificate")
    yield Table("Choosing", counted, [_choice_row(count, seconds) for count in (1, 10, 100, _MANY)], note)


_KINDS = (("RSA-3072", "rsa3072"), ("P-256", "ec"))


def _path_row(name: str, kind: str, length: int, seconds: float) -> tuple[str, ...]:
    ca = CA.create("Root", key=kind)
    root = ca.anchor
    for number in range(length - 2):
        ca = ca.intermediate(f"Intermediate {number}", key=kind)
    signer = ca.issue(CUSTOMER.address, key_type=kind).key
    chain = [key.material for key in (signer, *ca.chain)]
    judges = Judges(keys=MemoryKeyStore(), trust=MemoryTrust(anchors=[root]), policy=Policy(), at=NOW)

    def judge() -> None:
        keys = [key_from_certificate(der) for der in chain]
        if vouch(keys[0], CUSTOMER.address, judges, included=keys[1:]).level is not TrustLevel.BY_CA:
            raise AssertionError("the path was not found")

    acts = {"cold": _forgetting(judge), "remembered": judge, "signatures": _signatures(chain)}
    found = side_by_side(acts, seconds=seconds)
    cold, remembered, signatures = (found[act].quick for act in acts)
    return (
        *(name, str(length), milliseconds(cold), milliseconds(remembered)),
        *(milliseconds(signatures), times(cold / signatures)),
    )


def _signatures(chain: Sequence[bytes]) -> Callable[[], object]:
    loaded = [x509.load_der_x509_certificate(der) for der in chain]

    def check() -> None:
        for certificate, issuer in pairwise(loaded):
            certificate.verify_directly_issued_by(issuer)

    return check


def _forgetting(act: Callable[[], object]) -> Callable[[], object]:
    def cold() -> None:
        _forget()
        act()

    return cold


def _forget() -> None:
    """Empties everything that the library remembers."""
    for name, module in list(sys.modules.items()):
        if name.startswith("sealmail."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _choice_row(count: int, seconds: float) -> tuple[str, ...]:
    ca, other = CA.create("Trusted", key="ec"), CA.create("Unknown", key="ec")
    agent = ca.issue(AGENT.address)
    store = MemoryKeyStore(keys=[*_certificates(count, ca, other), *ca.chain, *other.chain], secrets=[agent])
    trust = MemoryTrust(anchors=[ca.anchor])
    request = SealRequest(
        sender=AGENT.address, to=(CUSTOMER.address,), sign=True, encrypt=True, technology=Technology.SMIME
    )

    def choose() -> None:
        if plan(request, store, trust, Policy(), NOW).refusals:
            raise AssertionError("none was chosen")

    found = side_by_side({"cold": _forgetting(choose), "remembered": choose}, seconds=seconds, fewest=2, repeats=1)
    cold, remembered = found["cold"].quick, found["remembered"].quick
    return str(count), milliseconds(cold), milliseconds(remembered), milliseconds(remembered / count)


def _certificates(count: int, ca: CA, other: CA) -> Iterator[Key]:
    """The first one is good, so that even a single one can be chosen."""
    for number in range(count):
        yield _certificate(number % 3, ca, other).key


def _certificate(kind: int, ca: CA, other: CA) -> SecretKey:
    if kind == 0:
        return ca.issue(CUSTOMER.address)
    if kind == 1:
        return ca.issue(CUSTOMER.address, valid_until=NOW - timedelta(days=1))
    return other.issue(CUSTOMER.address)
