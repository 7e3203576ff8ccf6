"""CMS in pieces, as `openssl cms -stream` and Outlook write it: how long it takes to read 25 MB of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from asn1crypto import cms as asn1

from bench.peers import run
from bench.table import Table, milliseconds
from bench.timing import duration, side_by_side
from sealmail import ber
from sealmail.policy import MEGABYTE
from sealmail.smime import cms
from sealmail.testing import CA, export_pem

_CONTENT = 25 * MEGABYTE


def streamed_tables(*, quick: bool) -> Iterator[Table]:
    """Parsing, and putting the pieces together."""
    note = (
        "Milliseconds to parse and to put the content together; what openssl writes for 25 MB, with `-stream` and"
        " without. asn1crypto for comparison, once."
    )
    columns = ("structure", "pieces", "octets in a piece", "Sealdesk", "asn1crypto")
    with tempfile.TemporaryDirectory(prefix="sealdesk-bench-") as folder:
        rows = [row for kind in _COMMANDS for row in _rows(kind, Path(folder), quick=quick)]
    yield Table("Streamed CMS", columns, rows, note)


_COMMANDS = {
    "enveloped": ["openssl", "cms", "-encrypt", "-aes256", "-binary", "-outform", "DER"],
    "signed, opaque": ["openssl", "cms", "-sign", "-nodetach", "-binary", "-outform", "DER"],
}


def _rows(kind: str, folder: Path, *, quick: bool) -> Iterator[tuple[str, ...]]:
    key = folder / "key.pem"
    key.write_bytes(export_pem(CA.create("Bench CA").issue("carol@customer.example")))
    who = [str(key)] if kind == "enveloped" else ["-signer", str(key)]
    for options in (["-stream"], []):
        message = run([*_COMMANDS[kind], *options, *who], bytes(_CONTENT))
        content = _content(message, kind)
        count = sum(1 for _ in content.pieces()) if content.tag & 0x20 else 1
        found = side_by_side({"ours": _reading(message, kind)}, seconds=1, fewest=3, repeats=1)
        theirs = "" if quick and options else milliseconds(duration(partial(_by_asn1crypto, message, kind)))
        yield kind, str(count), str(content.size // count), milliseconds(found["ours"].median), theirs


def _reading(message: bytes, kind: str) -> Callable[[], object]:
    tag = ber.context(0, constructed=False) if kind == "enveloped" else ber.OCTET_STRING
    return lambda: _content(message, kind).octets(tag)


def _content(message: bytes, kind: str) -> ber.Element:
    content_type, content = cms.content_of(message, cms.ENVELOPED_DATA, cms.SIGNED_DATA)
    found = (
        cms.enveloped_data(content, authenticated=False).encrypted
        if content_type == cms.ENVELOPED_DATA
        else cms.signed_data(content).content
    )
    if found is None:
        raise AssertionError(f"{kind}: no content")
    return found


def _by_asn1crypto(message: bytes, kind: str) -> bytes:
    content = asn1.ContentInfo.load(message)["content"]
    if kind == "enveloped":
        return bytes(content["encrypted_content_info"]["encrypted_content"].native)
    return bytes(content["encap_content_info"]["content"].native)
