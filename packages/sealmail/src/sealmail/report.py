"""What was found in a mail: frozen facts, layer by layer, and the verdict that `judge` makes of them.

The engines fill in what they can see (integrity, algorithms, times); `opening` adds binding and trust. Nothing here
decides. A report and a verdict have no truth value, so that nobody can write `if report:`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NoReturn

from sealmail.keys.capabilities import Capabilities
from sealmail.keys.model import Key, KeyId, Technology
from sealmail.keys.trust import TrustLevel

SCHEMA = 1
"""Version of the report's JSON; raised when a reader of the old form would misread the new one."""


class Covers(StrEnum):
    """How much of the message something holds for."""

    NONE = "none"
    PART = "part"
    WHOLE = "whole"


class Encryption(StrEnum):
    """What became of an encryption layer. Only DECRYPTED comes with plain text."""

    NONE = "none"
    DECRYPTED = "decrypted"
    NO_KEY = "no_key"
    LOCKED = "locked"
    DAMAGED = "damaged"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"


class Signature(StrEnum):
    """The verdict on the signature that speaks for a message."""

    NONE = "none"
    GOOD = "good"
    UNVERIFIED = "unverified"
    BAD = "bad"


class Reason(StrEnum):
    """Why a signature is not good: the right-hand column of the verdict table, in its order."""

    MALFORMED = "malformed"
    CONTENT_CHANGED = "content_changed"
    UNSUPPORTED = "unsupported"
    UNKNOWN_SIGNER = "unknown_signer"
    WEAK_ALGORITHM = "weak_algorithm"
    WRONG_USAGE = "wrong_usage"
    REJECTED_KEY = "rejected_key"
    REVOKED = "revoked"
    SENDER_MISMATCH = "sender_mismatch"
    NO_ADDRESS = "no_address"
    OUTSIDE_ENCRYPTION = "outside_encryption"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    SIGNATURE_EXPIRED = "signature_expired"
    OTHER_RECIPIENT = "other_recipient"
    REVOCATION_UNKNOWN = "revocation_unknown"
    CONFLICTING_KEY = "conflicting_key"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    UNTRUSTED_KEY = "untrusted_key"


class Integrity(StrEnum):
    """Whether the signed bytes are those that came."""

    INTACT = "intact"
    CHANGED = "changed"
    MALFORMED = "malformed"
    NO_KEY = "no_key"
    UNSUPPORTED = "unsupported"


class Finding(StrEnum):
    """A fact about the signer's key or certificate, its path, or the signature's own fields, at the time asked for."""

    WEAK_ALGORITHM = "weak_algorithm"
    WRONG_USAGE = "wrong_usage"
    REVOKED_HARD = "revoked_hard"
    REVOKED_SOFT = "revoked_soft"
    """Revoked for a harmless reason before the time asked for; later soft revocations are no finding."""
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    SIGNATURE_EXPIRED = "signature_expired"
    OTHER_RECIPIENT = "other_recipient"
    REVOCATION_UNKNOWN = "revocation_unknown"
    """Only set where the policy says that revocation must be known."""
    CONFLICTING_KEY = "conflicting_key"


class RevocationState(StrEnum):
    """What revocation data said about a certificate and its path, at the time asked for."""

    NOT_CHECKED = "not_checked"
    """No certificate, or nobody is known who could revoke it."""
    GOOD = "good"
    """Fresh data for every certificate of the path, and none is revoked."""
    REVOKED = "revoked"
    STALE = "stale"
    """There was data once; its time is over."""
    UNKNOWN = "unknown"
    """No data for at least one certificate of the path."""


class Binding(StrEnum):
    """Whether the signer's addresses hold the From address."""

    HOLDS = "holds"
    MISMATCH = "mismatch"
    NO_ADDRESS = "no_address"
    UNKNOWN = "unknown"
    """Not compared: there is no key, or the engine has not been told the From address."""


class Warning(StrEnum):  # noqa: A001 -- the contract's word; the builtin is not used in this package
    """Things an agent should know that do not change the verdict."""

    FROM_DIFFERS = "from_differs"
    OUTER_SIGNATURE_BAD = "outer_signature_bad"
    CUT_BY_LIMITS = "cut_by_limits"
    STRUCTURE_DEFECTS = "structure_defects"
    ENCRYPTED_PART = "encrypted_part"
    SIGNED_PART = "signed_part"
    WEAK_ENCRYPTION = "weak_encryption"
    MALLEABLE_ENCRYPTION = "malleable_encryption"
    OPENING_FAILED = "opening_failed"


class KeySource(StrEnum):
    """Where in a mail a key stood."""

    SIGNATURE = "signature"
    """Among the certificates of a signature."""
    ATTACHED = "attached"
    INLINE = "inline"
    """In the text itself."""
    AUTOCRYPT = "autocrypt"
    GOSSIP = "gossip"
    """Told by the sender about another recipient, inside the encryption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyClaim:
    """What a mail says about a key that it brings along; nobody vouches for it."""

    fingerprint: str
    source: KeySource
    address: str | None = None
    """Whose key it shall be, canonical; None: only what the key itself names."""
    prefers_encryption: bool = False
    """Autocrypt: the sender asks to be written to encrypted."""


class _NoTruth:
    """Refuses to be used as a condition."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} has no truth value: ask for the verdict you mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionFacts:
    """One encryption layer."""

    technology: Technology
    verdict: Encryption
    algorithm: str | None = None
    """Content cipher, for people: "AES-256-CBC"."""
    key_scheme: str | None = None
    """How the content key was protected for us, for people: "RSA-OAEP", "ECDH P-256", "X25519", "ML-KEM-768"."""
    recipients: tuple[KeyId, ...] = ()
    """Ids for which the message was encrypted, as it says itself; empty ones were hidden by the sender."""
    opened_with: str | None = None
    """Fingerprint of the secret key that opened it."""
    malleable: bool = False
    """Without authentication (CMS with CBC): changes may go unnoticed (EFAIL)."""
    weak: bool = False
    """An old cipher that is read but never written."""
    why: str | None = None
    """A code more exact than the verdict, where there is one: "no_integrity_protection", "passphrase_wrong", …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """One signer of one signature layer."""

    technology: Technology
    integrity: Integrity
    key: Key | None = None
    """The key that verified, or that would have to; None: not here."""
    key_ids: tuple[KeyId, ...] = ()
    """How the signature names its key."""
    signing_fingerprint: str | None = None
    """For OpenPGP the (sub)key that made the signature, where it differs from the primary key."""
    findings: frozenset[Finding] = frozenset()
    binding: Binding = Binding.UNKNOWN
    trust: TrustLevel = TrustLevel.CANDIDATE
    signed_at: datetime | None = None
    """What the signature claims; it can only make the verdict worse."""
    hash_algorithm: str | None = None
    algorithm: str | None = None
    chain: tuple[str, ...] = ()
    """Fingerprints of the certificate path, signer first, anchor last; empty where there is none."""
    issuer_name: str | None = None
    revoked_at: datetime | None = None
    revocation_reason: str | None = None
    revocation: RevocationState = RevocationState.NOT_CHECKED
    revocation_known_until: datetime | None = None
    """When the oldest of the data that was used goes out of date; None where none was used."""
    capabilities: Capabilities | None = None
    """For S/MIME: what the signer's mail program says it reads; None where it says nothing."""
    intended_recipients: tuple[str, ...] = ()
    why: str | None = None
    """A code more exact than integrity or findings, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionLayer:
    """Everything inside it travelled encrypted."""

    facts: EncryptionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureLayer:
    """Everything inside it was signed, by one signer or several."""

    technology: Technology
    signers: tuple[SignatureFacts, ...]
    """Empty: a signature structure without any signer (certificates only do not make a layer)."""


Layer = EncryptionLayer | SignatureLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionVerdict(_NoTruth):
    """What holds for the message about encryption."""

    verdict: Encryption
    covers: Covers
    technology: Technology | None = None
    reason: str | None = None
    facts: EncryptionFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureStatement(_NoTruth):
    """What holds for the message about its signature."""

    verdict: Signature
    covers: Covers
    technology: Technology | None = None
    reason: Reason | None = None
    facts: SignatureFacts | None = None
    """The signer who decided the verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """A signed or encrypted part inside a message that is not so as a whole; shown apart, framed."""

    path: str
    """Where it is: child numbers from the root, counted from 1: "1.2"."""
    layers: tuple[Layer, ...]
    encryption: EncryptionVerdict
    signature: SignatureStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(_NoTruth):
    """Everything that was found out about one mail at one time."""

    at: datetime
    encryption: EncryptionVerdict
    signature: SignatureStatement
    layers: tuple[Layer, ...] = ()
    """Layers that cover the whole message, outermost first."""
    parts: tuple[PartReport, ...] = ()
    keys_seen: tuple[Key, ...] = field(default=(), repr=False)
    """Certificates and keys that came with the mail: candidates, nothing more."""
    key_claims: tuple[KeyClaim, ...] = field(default=(), repr=False)
    """Where each of them stood and what is said of it; a key may have several."""
    warnings: tuple[Warning, ...] = ()
