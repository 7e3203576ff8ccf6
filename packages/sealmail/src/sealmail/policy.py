"""What a desk accepts and how far it goes: a value that the caller passes, with the defaults that Sealdesk ships."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits for opening one mail. Past them stands a report that says so, never an exception."""

    layers: int = 8
    """Nested signature and encryption layers."""
    signers: int = 16
    certificates: int = 64
    """Certificates in one message, and in the search for one path."""
    path_length: int = 10
    secret_keys_tried: int = 32
    """For hidden recipients."""
    header_bytes: int = MEGABYTE
    """How much of a mail is read for its headers alone."""
    payload_bytes: int = 160 * MEGABYTE
    """Decrypted and decompressed content of one layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules for opening, judging and sealing."""

    budget: Budget = Budget()
    revocation_required: bool = False
    """True: a certificate without fresh revocation data is not good, and nothing is encrypted to it (hard fail).
    False: the facts say it, and it changes nothing (soft fail). Data that says "revoked" counts either way.
    """
    revocation_maximum_age_seconds: int = 7 * 24 * 3600
    """How long a revocation list or OCSP answer counts that does not say when the next one comes."""
    revocation_skew_seconds: int = 10 * 60
    """How long revocation data still counts after its next update was due, for clocks that differ."""
    minimum_rsa_bits: int = 2048
    weak_hashes: frozenset[str] = frozenset({"md2", "md4", "md5", "sha1", "ripemd160"})
    """Lower-case names without dashes; too weak for new mail."""
    clock_skew_seconds: int = 24 * 3600
    """How far a claimed signing time may lie after the time of receipt."""
