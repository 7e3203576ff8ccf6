"""Opening and sealing S/MIME, beside openssl."""

from __future__ import annotations

from collections.abc import Iterator

from bench.cases import Pair, curve25519, smime
from bench.coding import Coding
from bench.raw import Raw
from bench.sides import Technique, tables
from bench.table import Table


def smime_tables(*, quick: bool) -> Iterator[Table]:
    """One table for opening, one for sealing."""
    technique = Technique(
        title="S/MIME",
        program="openssl",
        primitives="what the keys do, AES-256-CBC and SHA-256 over the very octets",
        coding="the transfer encodings",
        about_opening="openssl takes two calls; version 3.0 does not know Curve25519 in CMS.",
        pairs=_pairs(),
        seconds=1.2,
        raw=lambda pair, entity: Raw(pair.kind, entity),
        coded=lambda _, entity: Coding(entity),
    )
    return tables(technique, quick=quick)


def _pairs() -> Iterator[Pair]:
    for name, key_type in (("RSA-2048", "rsa2048"), ("RSA-3072", "rsa3072"), ("RSA-4096", "rsa4096"), ("P-256", "ec")):
        yield smime(name, key_type)
    yield curve25519()
