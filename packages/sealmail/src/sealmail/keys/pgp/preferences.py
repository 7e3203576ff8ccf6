"""What the owner of a key says that his programs read: ciphers, hashes, AEAD.

RFC 9580 §5.2.3.14 to §5.2.3.16, §5.2.3.32. Taken from the self-signatures of the primary key. Who writes decides what
to make of it; see `openpgp.forming`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sealmail.keys.pgp.certificate import Certificate
from sealmail.keys.pgp.ciphers import AES128, AES192, AES256, AEADMode
from sealmail.keys.pgp.subpackets import Kind, Signature

_SEIPD_V2 = 0x08
_AES = frozenset({AES128, AES192, AES256})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Numbers of algorithms; None: the key says nothing about them."""

    reads_seipd_v2: bool
    """Whether it says that it understands the AEAD containers of RFC 9580."""
    ciphers: frozenset[int] | None
    hashes: frozenset[int] | None
    suites: frozenset[tuple[int, int]] | None
    """Pairs of cipher and mode."""

    @property
    def reads_aes(self) -> bool:
        """Whether any AES is read. What is not said, everybody reads today; RFC 9580 §9.3 makes AES-128 a must, so who
        reads its containers reads AES."""
        return self.reads_seipd_v2 or self.ciphers is None or not self.ciphers.isdisjoint(_AES)

    def reads_aes256(self, *, with_aead: bool) -> bool:
        """Whether AES with 256 bits is read, in OCB mode or with MDC."""
        if with_aead and self.suites is not None:
            return (AES256, AEADMode.OCB.value) in self.suites
        return self.ciphers is None or AES256 in self.ciphers

    def reads_hash(self, hash_id: int) -> bool:
        """Whether signatures with this hash are read."""
        return self.hashes is None or hash_id in self.hashes


def preferences_at(certificate: Certificate, at: datetime) -> Preferences:
    """What holds at a time; of each list the newest self-signature by then that has one counts."""
    primary = certificate.primary
    binding = primary.binding_at(at)
    # The one in force first, then those before it: a direct key signature that only names a revoker has no lists.
    said = [binding[1], *reversed(primary.bindings[: binding[0]])] if binding else []
    ciphers, hashes = _list(said, Kind.PREFERRED_CIPHERS), _list(said, Kind.PREFERRED_HASHES)
    suites = _list(said, Kind.PREFERRED_AEAD)
    return Preferences(
        reads_seipd_v2=bool(said and said[0].features & _SEIPD_V2),
        ciphers=frozenset(ciphers) if ciphers else None,
        hashes=frozenset(hashes) if hashes else None,
        suites=frozenset(zip(suites[::2], suites[1::2], strict=False)) if suites is not None else None,
    )


def _list(said: list[Signature], kind: Kind) -> bytes | None:
    return next((body for one in said if (body := one.body(kind)) is not None), None)
