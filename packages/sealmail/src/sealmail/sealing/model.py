"""What is asked of sealing, and the plan that answers it. The composer shows the plan; the sender carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sealmail.choosing import KeyChoice, SignOption
from sealmail.errors import Reason
from sealmail.keys import Capabilities, Key, Technology
from sealmail.openpgp import MessageCipher


class Field(StrEnum):
    """Where a recipient stands."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


class ContentCipher(StrEnum):
    """How S/MIME content is encrypted; always AES with 256 bits."""

    CBC = "AES-256-CBC"
    GCM = "AES-256-GCM"


class KeyTransport(StrEnum):
    """How a content key is encrypted to an RSA key."""

    PKCS1 = "RSA"
    OAEP = "RSA-OAEP"


class RsaSignature(StrEnum):
    """How an RSA key of ours signs."""

    PKCS1 = "RSA"
    PSS = "RSA-PSS"


class AutocryptPreference(StrEnum):
    """What the sender's Autocrypt header says about encrypting to him (Autocrypt 1.1 §2.1)."""

    NO_PREFERENCE = "nopreference"
    MUTUAL = "mutual"
    """Programs that follow Autocrypt encrypt by themselves to those who also say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmimeForm:
    """Choices about the form of S/MIME that a caller may make; by default each recipient gets what he is known to read,
    and what everybody reads where nothing is known.
    """

    opaque: bool = False
    """The signature carries the content, instead of standing beside it."""
    cipher: ContentCipher | None = None
    key_transport: KeyTransport | None = None
    rsa_signature: RsaSignature = RsaSignature.PKCS1


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRequest:
    """Whom a mail goes to and how it shall be sealed. Addresses are canonical."""

    sender: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    sign: bool
    encrypt: bool
    technology: Technology | None = None
    """Only this one; None: what suits each recipient."""
    preferred: Mapping[str, Technology] = field(default_factory=dict)
    """By recipient: what his last good-signed mail used."""
    hide_subject: bool = False
    protect_headers: bool = False
    """Subject, recipients and the other header fields travel inside of what is signed or encrypted too, so that a
    change of them outside is noticed (RFC 9788); `hide_subject` does it in any case."""
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)
    """By recipient: what his last good-signed S/MIME mail said that he reads."""
    smime: SmimeForm = SmimeForm()
    attach_key: bool = False
    """The sender's public OpenPGP key is attached, inside of what is sealed; copies by S/MIME bring their certificate
    anyway."""
    autocrypt: AutocryptPreference | None = None
    """The sender's public OpenPGP key stands in a header of every copy; encrypted ones to several visible recipients
    tell them each other's keys. None: neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientPlan:
    """What is possible for one recipient."""

    address: str
    field: Field
    technology: Technology | None
    """What an encrypted copy would use; None: it cannot be encrypted to this recipient."""
    key: Key | None
    reasons: tuple[Reason, ...]
    """Why it cannot, for each technology; empty where it can."""
    choices: tuple[KeyChoice, ...] = ()

    @property
    def encryptable(self) -> bool:
        """Whether there is a key to encrypt to."""
        return self.key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSignature:
    """The signature that a copy will bear."""

    algorithm: str
    """For people: "RSA", "RSA-PSS", "DSA", "ECDSA", "Ed25519", "Ed448", "ML-DSA-65"."""
    micalg: str
    """The hash as a multipart/signed names it: "sha-256", for OpenPGP "pgp-sha256"."""
    opaque: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCopy:
    """One copy, for recipients who may share it."""

    recipients: tuple[str, ...]
    technology: Technology | None
    """None: it is neither signed nor encrypted."""
    signer: Key | None
    encrypt_to: tuple[Key, ...]
    """The recipients' keys and our own; empty: not encrypted."""
    is_bcc: bool = False
    cipher: ContentCipher | MessageCipher | None = None
    """For what is encrypted."""
    cipher_reasons: tuple[Reason, ...] = ()
    """Why it is this cipher and no better one; empty where it is the best."""
    key_schemes: Mapping[str, str] = field(default_factory=dict)
    """By fingerprint: how the content key is protected, in the words of `EncryptionFacts.key_scheme`."""
    signature: PlannedSignature | None = None
    """For what is signed."""
    encrypts_to: Key | None = None
    """For S/MIME that is signed: our certificate that replies shall be encrypted to, where it is not the signer's."""
    attached_keys: tuple[Key, ...] = ()
    """OpenPGP keys of ours that are attached."""
    autocrypt: Key | None = None
    """Our OpenPGP key in its Autocrypt header."""
    gossip: Mapping[str, Key] = field(default_factory=dict)
    """OpenPGP keys of the visible recipients, by address, which they are told inside of the encryption."""

    @property
    def sign(self) -> bool:
        """Whether the copy is signed."""
        return self.signer is not None

    @property
    def encrypt(self) -> bool:
        """Whether the copy is encrypted."""
        return bool(self.encrypt_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who gets which copy, sealed how, and why not otherwise."""

    request: SealRequest
    recipients: tuple[RecipientPlan, ...]
    sign_options: Mapping[Technology, SignOption]
    copies: tuple[PlannedCopy, ...]
    refusals: tuple[Reason, ...]
    """Why the mail cannot be sent as asked; empty: it can."""

    @property
    def can_sign(self) -> bool:
        """Whether there is a key to sign with, for the technologies that the recipients need."""
        return not self.sign_refusals

    @property
    def sign_refusals(self) -> tuple[Reason, ...]:
        """Why signing is not possible."""
        needed = {copy.technology for copy in self.copies if copy.technology} or set(self.sign_options)
        missing = [technology for technology in needed if self.sign_options[technology].key is None]
        if not missing or (len(missing) < len(needed) and not self.request.encrypt):
            return ()
        return tuple(reason for technology in missing for reason in self.sign_options[technology].reasons)

    @property
    def can_encrypt(self) -> bool:
        """Whether every recipient can get an encrypted copy."""
        return bool(self.recipients) and all(recipient.encryptable for recipient in self.recipients)

    @property
    def technologies(self) -> tuple[Technology, ...]:
        """Technologies by which every recipient could be reached; a choice exists where there are two."""
        return tuple(
            technology
            for technology in Technology
            if self.recipients
            and all(
                choice.key is not None
                for recipient in self.recipients
                for choice in recipient.choices
                if choice.technology is technology
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCopy:
    """A finished mail for some recipients: headers and body, ready for the server."""

    planned: PlannedCopy
    raw: bytes = field(repr=False)
