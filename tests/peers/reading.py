"""A customer reads a mail that he got: Python's own mail parser finds the sealed parts; programs open them."""

import email
import re
from dataclasses import dataclass, field
from email.message import EmailMessage, MIMEPart
from email.policy import default
from enum import StrEnum
from pathlib import Path

from tests.peers.cms import CMSProgram, Verified
from tests.peers.mail import File, with_crlf
from tests.peers.openssl import cms_verify
from tests.peers.pgp import Checked, PGPProgram
from tests.peers.programs import PeerError

ARMOR = b"-----BEGIN PGP "
CLEARSIGNED = ARMOR + b"SIGNED MESSAGE-----"


class Layer(StrEnum):
    """What was around the text, from the outside inwards."""

    PGP_ENCRYPTED = "pgp-encrypted"
    PGP_SIGNED = "pgp-signed"
    SMIME_ENVELOPED = "smime-enveloped"
    SMIME_SIGNED = "smime-signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Whether the tool accepts a signature, and its signers: fingerprints with OpenPGP, addresses with S/MIME."""

    ok: bool
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A mail as the customer sees it. `subject` is the outer one, `inner_subject` the one under the seal."""

    subject: str
    inner_subject: str | None
    text: str
    attachments: tuple[File, ...]
    layers: tuple[Layer, ...]
    signatures: tuple[Signature, ...]
    innermost: EmailMessage

    @property
    def good_signers(self) -> tuple[str, ...]:
        """Who signed, where every signature holds; nobody otherwise."""
        if not all(signature.ok for signature in self.signatures):
            return ()
        return tuple(signer for signature in self.signatures for signer in signature.signers)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody's keys: GnuPG or sq, a certificate and its key in openssl or gpgsm, or both, and the CA he trusts.

    What he has no key for stays closed: reading raises PeerError.
    """

    gpg: PGPProgram | None = None
    smime: CMSProgram | None = None
    trusted: Path | None = None
    _layers: list[Layer] = field(default_factory=list)
    _signatures: list[Signature] = field(default_factory=list)

    def read(self, raw: bytes) -> Reading:
        """Opens every sealed layer from the outside inwards, and checks every signature on the way."""
        self._layers, self._signatures = [], []
        outer = entity = with_crlf(raw)
        while (inner := self._inside(entity)) is not None:
            entity = inner
        message = _parsed(entity)
        return Reading(
            subject=str(_parsed(outer)["Subject"]),
            inner_subject=str(message["Subject"]) if self._layers and message["Subject"] else None,
            text=_text(message),
            attachments=_attachments(message),
            layers=tuple(self._layers),
            signatures=tuple(self._signatures),
            innermost=message,
        )

    def _inside(self, entity: bytes) -> bytes | None:
        message = _parsed(entity)
        match message.get_content_type():
            case "multipart/encrypted":
                return self._decrypted(message)
            case "multipart/signed":
                return self._verified(entity, message)
            case "application/pkcs7-mime" | "application/x-pkcs7-mime":
                return self._opened_by_openssl(message)
            case "text/plain":
                return self._inside_text(message)
            case _:
                return None

    def _inside_text(self, message: EmailMessage) -> bytes | None:
        """OpenPGP in a text itself; only where the reader has a program for it."""
        block = _payload(message).strip()
        if self.gpg is None or not block.startswith(ARMOR):
            return None
        if block.startswith(CLEARSIGNED):
            words = self.gpg.read_clearsigned(block + b"\n")
            self._signed(Layer.PGP_SIGNED, _by_program(words.signatures))
        else:
            words = self.gpg.decrypt(block + b"\n")
            self._layers.append(Layer.PGP_ENCRYPTED)
            if words.signatures.is_signed:
                self._signed(Layer.PGP_SIGNED, _by_program(words.signatures))
        return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + words.plain

    def _decrypted(self, message: EmailMessage) -> bytes:
        if self.gpg is None:
            raise PeerError("encrypted with OpenPGP, and the reader has no GnuPG")
        decrypted = self.gpg.decrypt(_payload(_part(message, 1)))
        self._layers.append(Layer.PGP_ENCRYPTED)
        if decrypted.signatures.is_signed:
            self._signed(Layer.PGP_SIGNED, _by_program(decrypted.signatures))
        return with_crlf(decrypted.plain)

    def _verified(self, entity: bytes, message: EmailMessage) -> bytes:
        content = first_part(entity, str(message.get_boundary()))
        signature = _payload(_part(message, 1))
        if message.get_param("protocol") == "application/pgp-signature":
            if self.gpg is None:
                raise PeerError("signed with OpenPGP, and the reader has no GnuPG")
            self._signed(Layer.PGP_SIGNED, _by_program(self.gpg.verify(signature, content)))
        else:
            checked = self._checked(signature, content)
            self._signed(Layer.SMIME_SIGNED, Signature(ok=checked.ok, signers=checked.signer_addresses))
        return content

    def _opened_by_openssl(self, message: EmailMessage) -> bytes:
        if message.get_param("smime-type") == "signed-data":
            checked = self._checked(_payload(message), None)
            self._signed(Layer.SMIME_SIGNED, Signature(ok=checked.ok, signers=checked.signer_addresses))
            return checked.content
        if self.smime is None:
            raise PeerError("encrypted with S/MIME, and the reader has no certificate")
        self._layers.append(Layer.SMIME_ENVELOPED)
        return with_crlf(self.smime.cms_decrypt(_payload(message)))

    def _signed(self, layer: Layer, signature: Signature) -> None:
        self._layers.append(layer)
        self._signatures.append(signature)

    def _checked(self, signature: bytes, content: bytes | None) -> Verified:
        if self.smime is not None:
            return self.smime.cms_verify(signature, content=content, trusted=self.trusted)
        if self.trusted is None:
            raise PeerError("signed with S/MIME, and the reader trusts no CA")
        return cms_verify(signature, content=content, trusted=self.trusted)


def first_part(entity: bytes, boundary: str) -> bytes:
    """The exact bytes of a multipart's first part: the line end before a boundary belongs to the boundary."""
    line = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\r\n|\Z)")
    body = entity.partition(b"\r\n\r\n")[2]
    delimiters = [*line.finditer(body)]
    return body[delimiters[0].end() + len(b"\r\n") : delimiters[1].start()]


def _by_program(checked: Checked) -> Signature:
    return Signature(ok=bool(checked.good_signers) and not checked.bad, signers=checked.good_signers)


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=default)


def _part(message: EmailMessage, index: int) -> MIMEPart:
    parts = [*message.iter_parts()]
    if len(parts) <= index:
        raise PeerError(f"{message.get_content_type()} with {len(parts)} parts")
    return parts[index]


def _payload(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        raise PeerError(f"{part.get_content_type()} where something sealed should be")
    return payload


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    return "" if body is None else body.get_content().replace("\r\n", "\n")


def _attachments(message: EmailMessage) -> tuple[File, ...]:
    return tuple(
        File(name=part.get_filename() or "", type=part.get_content_type(), content=_payload(part))
        for part in message.iter_attachments()
    )
