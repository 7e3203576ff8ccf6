"""What a mail program says it can read: the S/MIME capabilities of a signature or a certificate.

A claim of the sender's, to be remembered only where the signature that carries it is good (RFC 8551 §2.5.2, §2.7.1).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Algorithms by dotted object identifier, best first; parameters are left out."""

    algorithms: tuple[str, ...] = ()

    @property
    def reads_gcm(self) -> bool:
        """Whether mail in AES-256-GCM can be read (RFC 5084 §4)."""
        return AES256_GCM in self.algorithms

    @property
    def reads_oaep(self) -> bool:
        """Whether a content key under RSA-OAEP can be read (RFC 4055 §5)."""
        return RSA_OAEP in self.algorithms


AES256_GCM = "2.16.840.1.101.3.4.1.46"
RSA_OAEP = "1.2.840.113549.1.1.7"
