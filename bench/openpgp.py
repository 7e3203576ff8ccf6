"""Opening and sealing OpenPGP, beside gpg."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cases import Pair, openpgp
from bench.coding import Coding
from bench.raw_openpgp import RawOpenPGP
from bench.sides import Technique, tables
from bench.table import Table


def openpgp_tables(*, quick: bool) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    technique = Technique(
        title="OpenPGP",
        program="gpg",
        primitives=(
            "what the keys do, the session key's unwrapping with them, AES-256-CFB and the SHA-1 over the same octets"
            " (version 6: AES-256-OCB), and the hash of the content"
        ),
        coding="base64, inside and around, and gpg's compression",
        about_opening=(
            "gpg makes the mails, and compresses them; its agent runs. Version 2.2 knows nothing of version 6: those"
            " mails are our own."
        ),
        pairs=_pairs(),
        seconds=1.0,
        raw=lambda pair, entity: RawOpenPGP(pair.kind, entity, compressed=pair.has_peer),
        coded=lambda pair, entity: Coding(entity, compressed=pair.has_peer),
    )
    return tables(technique, quick=quick)


def _pairs() -> Iterator[Pair]:
    yield openpgp("RSA-3072", "rsa3072")
    yield openpgp("Curve25519", "cv25519")
    yield openpgp("version 6, X25519 and Ed25519", "v6")
