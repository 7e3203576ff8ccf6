"""Valid messages to be spoilt, DER as a tree that can be changed, and the question whether the damage was harmless."""

from __future__ import annotations

import zlib
from base64 import b64decode, encodebytes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from sealmail import ber, smime
from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import Opened, open_message
from sealmail.policy import Policy
from sealmail.report import Signature
from sealmail.smime import cms, der
from sealmail.testing import CA

CAROL, DESK = "carol@bank.example", "support@desk.example"
WORDS = "Pay 100 euros.\n"
NOW = datetime.now(UTC).replace(microsecond=0)
HEADERS = build_headers(
    Draft(from_=(Mailbox("Carol", CAROL),), to=(Mailbox("", DESK),), subject="Contract", text="", message_id="<1@x>")
)
ENTITY = build_entity(Draft(from_=(Mailbox("Carol", CAROL),), text=WORDS))


@dataclass(slots=True)
class Node:
    """One element of DER. Either it has children or octets; `length` lies about how long it is."""

    tag: int
    octets: bytes = b""
    children: list[Node] | None = None
    length: bytes | None = None

    @property
    def encoded(self) -> bytes:
        content = self.octets if self.children is None else b"".join(child.encoded for child in self.children)
        if self.length is not None:
            return bytes((self.tag,)) + self.length + content
        return ber.header(self.tag, len(content)) + content

    def walk(self) -> Iterator[Node]:
        """This element and all inside it."""
        yield self
        for child in self.children or ():
            yield from child.walk()

    def __getitem__(self, place: int) -> Node:
        assert self.children is not None
        return self.children[place]


def tree(der: bytes) -> Node:
    """Definite DER as a tree."""
    return _node(ber.read(der))


def _node(element: ber.Element) -> Node:
    if element.tag & 0x20:
        return Node(element.tag, children=[_node(child) for child in element.children()])
    return Node(element.tag, element.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """Carol writes to the desk; somebody spoils what she wrote."""

    ca: CA
    carol: SecretKey
    desk: SecretKey
    now: datetime = NOW
    entity: bytes = ENTITY
    forms: dict[str, bytes] = field(default_factory=dict)
    """CMS messages of hers that are good as they are; "detached" is the signature alone."""

    @property
    def keys(self) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[self.carol.key, self.ca.certificate], secrets=[self.desk])

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(anchors=[self.ca.anchor])

    def mail(self, cms: bytes, form: str = "opaque") -> bytes:
        """A whole mail with this CMS in it."""
        if form == "detached":
            signature = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            signature += _base64(cms)
            kind = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n'
            return HEADERS + kind + b"--b\r\n" + ENTITY + b"\r\n--b\r\n" + signature + b"\r\n--b--\r\n"
        kind = b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        return HEADERS + kind + _base64(cms)

    def opened(self, cms: bytes, form: str = "opaque", keys: MemoryKeyStore | None = None) -> Opened:
        """What becomes of a mail with this CMS; nothing may be raised."""
        return open_message(self.mail(cms, form), keys or self.keys, self.trust, Policy(), NOW)

    def verdict(self, cms: bytes, form: str = "opaque", keys: MemoryKeyStore | None = None) -> Signature:
        """What is said of the signature. Where it is good, Carol made it and her words are there."""
        opened = self.opened(cms, form, keys)
        statement = opened.report.signature
        if statement.verdict is Signature.GOOD:
            assert statement.facts is not None
            assert statement.facts.key == self.carol.key
            assert opened.content.text == WORDS
        return statement.verdict


def _base64(data: bytes) -> bytes:
    return encodebytes(data).replace(b"\n", b"\r\n")


@pytest.fixture(scope="session")
def hostile() -> Hostile:
    ca = CA.create()
    carol, desk = ca.issue(CAROL), ca.issue(DESK)
    signed = smime.sign(ENTITY, carol, [], NOW)
    entities = {
        "opaque": smime.sign_opaque(ENTITY, carol, [], NOW),
        "CBC": smime.encrypt(signed, [desk.key]),
        "GCM": smime.encrypt(signed, [desk.key], gcm=True),
    }
    forms = {form: b64decode(entity.partition(b"\r\n\r\n")[2]) for form, entity in entities.items()}
    signature = signed.rpartition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
    forms |= {"detached": b64decode(signature), "compressed": _compressed(signed)}
    return Hostile(ca=ca, carol=carol, desk=desk, forms=forms)


def _compressed(entity: bytes) -> bytes:
    """Compressed data (RFC 3274) around an entity."""
    algorithm = der.algorithm(ber.encode_oid("1.2.840.113549.1.9.16.3.8"))
    content = der.sequence(der.oid(cms.DATA), der.explicit(0, der.octet_string(zlib.compress(entity))))
    fields = der.sequence(der.integer(0), algorithm, content)
    return der.sequence(der.oid(cms.COMPRESSED_DATA), der.explicit(0, fields))


@pytest.fixture(scope="session")
def parsed() -> Callable[[bytes], Node]:
    """DER as a tree that can be changed and encoded again."""
    return tree
