"""Where the secrets of an OpenPGP key are: here and open, locked, on a smart card, left out; and what follows from it.

Called when a secret key is added or listed. No value, sentence or exception from here holds anything secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sealmail.errors import InputError, LimitExceeded, PassphraseError, Reason
from sealmail.keys.model import Use
from sealmail.keys.passwords import Effort
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.packets import Tag, walk
from sealmail.keys.pgp.passphrase import Stub


class Place(StrEnum):
    """Where the secret of a primary key or subkey is."""

    OPEN = "open"
    """Here, and not protected or opened by one of the passphrases."""
    LOCKED = "locked"
    """Here, and none of the passphrases opens it."""
    ON_CARD = "on_card"
    """On a smart card; GnuPG left a note in its place."""
    OFFLINE = "offline"
    """Kept elsewhere on purpose; GnuPG left a note in its place."""
    ABSENT = "absent"
    """Only the public part is here."""
    MISMATCHED = "mismatched"
    """A secret is here that does not fit its public part."""
    UNREADABLE = "unreadable"
    """Broken, or protected in a way that we do not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPart:
    """The secret side of a primary key or subkey that is of use for mail."""

    fingerprint: str
    is_primary: bool
    uses: frozenset[Use]
    """By its latest self-signature; of a subkey that is revoked too, since it opens old mail."""
    place: Place
    passphrase: str | None = field(default=None, repr=False)
    """The one that opened it; None: it is not protected, or not open."""

    @property
    def reason(self) -> Reason | None:
        """What a person should know about it; None where it is open, and where nothing is missed: a subkey that neither
        signs nor decrypts mail."""
        if not self.uses and self.place in _ELSEWHERE:
            return None
        match self.place:
            case Place.OPEN:
                return None
            case Place.LOCKED:
                sentence = f"The passphrase does not open the secret part for {self._purpose}."
            case Place.ON_CARD:
                sentence = f"The secret part for {self._purpose} is on a smart card. {self._consequence}"
            case Place.OFFLINE | Place.ABSENT:
                sentence = f"The secret part for {self._purpose} is not here. {self._consequence}"
            case Place.MISMATCHED:
                sentence = (
                    f"The secret part for {self._purpose} does not fit the public part. "
                    "The file is damaged, or somebody has changed it."
                )
            case Place.UNREADABLE:
                sentence = f"The secret part for {self._purpose} cannot be read. {self._consequence}"
        return Reason(code=f"secret_{self.place.value}", sentence=sentence)

    @property
    def _purpose(self) -> str:
        names = {Use.SIGN: "signing", Use.ENCRYPT: "decrypting", Use.CERTIFY: "changing the key"}
        return " and ".join(name for use, name in names.items() if use in self.uses) or "other purposes"

    @property
    def _consequence(self) -> str:
        if Use.ENCRYPT in self.uses:
            return "Mail that is encrypted to it cannot be decrypted here."
        if Use.SIGN in self.uses:
            return "Nothing can be signed with it here."
        return "The key can neither be extended nor revoked here."


_ELSEWHERE = {Place.ON_CARD, Place.OFFLINE, Place.ABSENT, Place.UNREADABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsCheck:
    """What trying the passphrases on a whole key came to."""

    parts: tuple[SecretPart, ...]

    @property
    def is_mismatched(self) -> bool:
        """Whether a secret does not fit its public part: the key has to be refused."""
        return any(one.place is Place.MISMATCHED for one in self.parts)

    @property
    def is_locked(self) -> bool:
        """Whether something stays closed."""
        return any(one.place is Place.LOCKED for one in self.parts)

    @property
    def is_open(self) -> bool:
        """Whether anything is open."""
        return any(one.place is Place.OPEN for one in self.parts)

    @property
    def passphrases(self) -> tuple[str, ...]:
        """Those that opened something, each once."""
        return tuple(dict.fromkeys(one.passphrase for one in self.parts if one.passphrase is not None))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What a person should know, where some of it is missing. Signing with the primary key is not missed where a
        subkey signs."""
        return tuple(one.reason for one in self.parts if one.reason is not None)


def has_secret_packets(material: bytes) -> bool:
    """Whether a binary key claims to be a secret one, though all its secrets may lie elsewhere. Raises `InputError`."""
    return any(one.tag in {Tag.SECRET_KEY, Tag.SECRET_SUBKEY} for one in walk(material))


def check_secrets(material: bytes, passphrases: Sequence[str] = (), effort: Effort | None = None) -> SecretsCheck:
    """Tries the passphrases, and the empty one, on every secret in a binary transferable key.

    A passphrase that opened one part is tried first on the next. Raises `InputError` where it is no key, and
    `LimitExceeded` where trying would take longer than `effort` allows.
    """
    certificate = check_certificate(material)
    effort = effort or Effort()
    tried = list(dict.fromkeys((*passphrases, "")))
    parts = []
    for component in certificate.components:
        uses = _uses(component)
        if component.secret is None:
            place, opener = Place.ABSENT, None
        else:
            place, opener = _try(component.secret, component.is_primary, tried, effort)
        if opener:
            tried.sort(key=lambda one: one != opener)
        fingerprint = component.public.fingerprint
        parts.append(
            SecretPart(
                fingerprint=fingerprint, is_primary=component.is_primary, uses=uses, place=place, passphrase=opener
            )
        )
    return SecretsCheck(parts=tuple(_told_apart(parts)))


def _told_apart(parts: list[SecretPart]) -> Iterator[SecretPart]:
    """Without uses of the primary key that a subkey has with its secret: nobody misses them there."""
    elsewhere = {use for one in parts if not one.is_primary and one.place is Place.OPEN for use in one.uses}
    for one in parts:
        spared = elsewhere & {Use.SIGN, Use.ENCRYPT} if one.is_primary and one.place is not Place.OPEN else set()
        yield replace(one, uses=one.uses - spared)


def _uses(component: Component) -> frozenset[Use]:
    if not component.bindings:
        return frozenset()
    newest = max(one.created for one in component.bindings if one.created)
    allowed = {Use.SIGN: component.may_sign, Use.ENCRYPT: component.may_encrypt, Use.CERTIFY: component.may_certify}
    return frozenset(use for use, may in allowed.items() if may(newest))


_NOTES = {Stub.ABSENT: Place.OFFLINE, Stub.ON_CARD: Place.ON_CARD}


def _try(body: bytes, is_primary: bool, passphrases: Sequence[str], effort: Effort) -> tuple[Place, str | None]:
    try:
        note = secret.stub(body)
        if note is not None:
            return _NOTES[note], None
        if not secret.is_locked(body):
            secret.unlock(body, is_primary=is_primary, passphrases=())
            return Place.OPEN, None
        return _opened(body, is_primary, passphrases, effort)
    except secret.Mismatch:
        return Place.MISMATCHED, None
    except LimitExceeded:
        raise
    except InputError:
        return Place.UNREADABLE, None


def _opened(body: bytes, is_primary: bool, passphrases: Sequence[str], effort: Effort) -> tuple[Place, str | None]:
    for passphrase in passphrases:
        effort.spend(secret.cost(body))
        try:
            secret.unlock(body, is_primary=is_primary, passphrases=(passphrase,))
        except PassphraseError:
            continue
        return Place.OPEN, passphrase
    return Place.LOCKED, None
