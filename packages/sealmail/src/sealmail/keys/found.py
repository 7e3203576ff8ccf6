"""What a reader found: frozen values, and how a private key finds its certificate later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sealmail.errors import Reason
from sealmail.keys import private_key
from sealmail.keys.certificate import outline_of, public_key
from sealmail.keys.model import Key, KeyId, SecretKey, Technology


class Lock(StrEnum):
    """Why something stays closed."""

    MISSING = "passphrase_missing"
    WRONG = "passphrase_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedKey:
    """A secret key, or a whole file, that no passphrase at hand opens."""

    technology: Technology
    description: str
    """For people, to stand inside a sentence: "the private key", "the PKCS#12 file", "the OpenPGP key 0123…"."""
    fingerprint: str | None
    """None for S/MIME: whose key it is shows only when it is open."""
    why: Lock
    material: bytes | None = field(default=None, repr=False)
    """Protected PKCS#8 DER or the transferable secret key; None where it is in another form (PKCS#12, old PEM
    encryption).
    """

    @property
    def reason(self) -> Reason:
        """The same for programs and people."""
        match self.why:
            case Lock.MISSING:
                sentence = f"A passphrase is needed to open {self.description}."
            case Lock.WRONG:
                sentence = f"The passphrase is wrong for {self.description}."
        return Reason(code=self.why.value, sentence=sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedSecret:
    """A private key of S/MIME without its certificate."""

    public_hash: str
    """Lower-case hex SHA-256 of the SubjectPublicKeyInfo; `public_hash` gives the same for its certificate."""
    material: bytes = field(repr=False)
    """PKCS#8 DER, protected by the passphrase where there is one."""
    algorithm: str
    passphrases: tuple[str, ...] = field(default=(), repr=False)
    """The passphrase that opens it; empty where it is not protected."""
    strangers: tuple[str, ...] = ()
    """Owners of the certificates that came along and belong to other keys."""

    @property
    def is_protected(self) -> bool:
        """Whether a passphrase protects it."""
        return bool(self.passphrases)

    @property
    def reason(self) -> Reason:
        """For a caller who has no certificate for it either."""
        sentence = f"There is no matching certificate for this private key ({self.algorithm}). Add it first."
        if self.strangers:
            sentence += (
                f" What is beside it belongs to other private keys: the certificate of {', of '.join(self.strangers)}."
            )
        return Reason(code="no_certificate", sentence=sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that was in the input. Nothing is there twice."""

    keys: tuple[Key, ...] = ()
    """Certificates and OpenPGP keys, those with a secret key included."""
    secrets: tuple[SecretKey, ...] = ()
    """`passphrases` holds the one that opened it. An OpenPGP key that is also in `locked` has those that were tried."""
    locked: tuple[LockedKey, ...] = ()
    unmatched: tuple[UnmatchedSecret, ...] = ()
    revocations: tuple[tuple[KeyId, bytes], ...] = ()
    """CRLs and OCSP responses (DER), each with the name id of the CA that it speaks for."""
    problems: tuple[Reason, ...] = ()
    """Pieces that were recognised and cannot be used."""


def public_hash(certificate: Key) -> str | None:
    """Lower-case hex SHA-256 of a certificate's public key: an index by which private keys find it. None for an OpenPGP
    key.
    """
    if certificate.technology is not Technology.SMIME:
        return None
    public = public_key(certificate.material)
    if public is not None:
        return private_key.public_hash(public)
    # A kind of key that is not implemented has no private keys here either; its encoding tells it apart.
    return hashlib.sha256(outline_of(certificate.material).public_key_info).hexdigest()


def match(unmatched: UnmatchedSecret, certificates: Iterable[Key]) -> SecretKey | None:
    """The private key together with the first certificate that holds its public key; None where there is none."""
    return next(iter(match_all(unmatched, certificates)), None)


def match_all(unmatched: UnmatchedSecret, certificates: Iterable[Key]) -> Sequence[SecretKey]:
    """The private key with each certificate that holds its public key: renewed ones, or one for signing and one for
    encrypting.
    """
    return [
        SecretKey(key=key, material=unmatched.material, passphrases=unmatched.passphrases)
        for key in certificates
        if public_hash(key) == unmatched.public_hash
    ]


def suspects(found: Found, passphrases: Sequence[str] = ()) -> tuple[SecretKey, ...]:
    """Locked S/MIME keys with every certificate that they may belong to, so that opening a mail can say "locked", not
    "no key".

    Only for that: whether key and certificate belong together shows when the key is opened.
    """
    taken = {secret.key.fingerprint for secret in found.secrets}
    free = [
        key
        for key in found.keys
        if key.technology is Technology.SMIME and not key.is_ca and key.fingerprint not in taken
    ]
    return tuple(
        SecretKey(key=key, material=locked.material, passphrases=tuple(passphrases))
        for locked in found.locked
        if locked.technology is Technology.SMIME and locked.material is not None
        for key in free
    )
