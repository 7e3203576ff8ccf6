"""Gathers the pieces that `reader` meets, puts private keys and certificates together, and ends as a `Found`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sealmail import ber
from sealmail.errors import InputError, LimitExceeded, Reason
from sealmail.keys import openpgp_key
from sealmail.keys.certificate import key_from_certificate, outline_of
from sealmail.keys.found import Found, Lock, LockedKey, UnmatchedSecret, public_hash
from sealmail.keys.model import Key, KeyId, SecretKey, Technology, name_id
from sealmail.keys.ocsp import issuers_answered_for
from sealmail.keys.openpgp_merging import exported, merged
from sealmail.keys.openpgp_secrets import Place, SecretsCheck, check_secrets, has_secret_packets
from sealmail.keys.passwords import Effort
from sealmail.keys.private_key import PrivateKey

MAX_PIECES = 2_000
"""In one blob."""
MOST_STRANGERS = 3
"""Named in the sentence about a private key without certificate."""
MAX_PRIVATE_KEYS = 200
"""In everything that is read together: each takes milliseconds to check."""


class Collection:
    """Everything found so far. Not for sharing between threads."""

    def __init__(self, passphrases: Sequence[str]) -> None:
        self.passphrases = tuple(dict.fromkeys(passphrase for passphrase in passphrases if _is_text(passphrase)))
        self.effort = Effort()
        self._pieces = 0
        self._keys: dict[str, Key] = {}
        self._private: dict[str, PrivateKey] = {}
        self._openpgp_secrets: dict[str, SecretKey] = {}
        self._in_copies: set[str] = set()
        self._locked: list[LockedKey] = []
        self._crls: dict[bytes, KeyId] = {}
        self._responses: dict[bytes, None] = {}
        self._problems: list[Reason] = []

    def start_blob(self) -> None:
        """Count pieces anew."""
        self._pieces = 0

    def count(self) -> None:
        """Note one more piece of the blob. Raises `LimitExceeded`."""
        self._pieces += 1
        if self._pieces > MAX_PIECES:
            raise LimitExceeded("This holds more than 2,000 pieces. Split it into several files.")

    def add_certificate(self, der: bytes) -> None:
        """Raises `InputError` where it is not one."""
        key = key_from_certificate(der)
        self._keys.setdefault(key.fingerprint, key)

    def add_private(self, key: PrivateKey) -> None:
        """A private key of S/MIME; the first form of the same key counts. Raises `LimitExceeded`."""
        self._private.setdefault(key.public_hash, key)
        if len(self._private) > MAX_PRIVATE_KEYS:
            raise LimitExceeded("This holds more than 200 private keys. Split it into several files.")

    def add_openpgp(self, data: bytes) -> None:
        """Every key of one armored or binary block. Raises `InputError` where it holds none."""
        materials = openpgp_key.split_keys(data)
        if not materials:
            raise InputError("This is not an OpenPGP key.")
        for material in materials:
            self.count()
            key = self._with_other_copies(openpgp_key.key_from_openpgp(material))
            self._keys[key.fingerprint] = key
            self._add_openpgp_secret(key, material)

    def _with_other_copies(self, key: Key) -> Key:
        """The key with what another copy of it, read before, knows more."""
        before = self._keys.get(key.fingerprint)
        if before is None or before.material == key.material:
            return before or key
        self._in_copies.add(key.fingerprint)
        return openpgp_key.key_from_openpgp(merged(before.material, key.material))

    def add_locked(self, locked: LockedKey) -> None:
        """Something that no passphrase opens."""
        if locked not in self._locked:
            self._locked.append(locked)

    def add_crl(self, der: bytes) -> None:
        """Raises `InputError` where it is not one."""
        # RFC 5280 §5.1: version (optional), algorithm, issuer.
        fields = ber.read(der).fields().take().fields()
        fields.optional(ber.INTEGER)
        fields.take(ber.SEQUENCE)
        self._crls[der] = name_id(fields.take(ber.SEQUENCE).raw)

    def add_ocsp(self, der: bytes) -> None:
        """An OCSP response; which CA it speaks for shows when all certificates are known."""
        self._responses[der] = None

    def problem(self, code: str, sentence: str) -> None:
        """A piece that was recognised and cannot be used."""
        reason = Reason(code=code, sentence=sentence)
        if reason not in self._problems:
            self._problems.append(reason)

    def found(self) -> Found:
        """What it all comes to."""
        matched, unmatched = self._matched()
        return Found(
            keys=tuple(self._keys.values()),
            secrets=(*matched, *(self._renewed(secret) for secret in self._openpgp_secrets.values())),
            locked=tuple(self._locked),
            unmatched=unmatched,
            revocations=(*((issuer, der) for der, issuer in self._crls.items()), *self._answers()),
            problems=tuple(self._problems),
        )

    def _add_openpgp_secret(self, key: Key, material: bytes) -> None:
        before = self._openpgp_secrets.get(key.fingerprint)
        if before is not None:
            # A copy may know more, or bring the secret that was left out before; one with the same secrets changes
            # nothing of them.
            material = merged(before.material, material)
            self._openpgp_secrets[key.fingerprint] = replace(before, key=key)
            if material == exported(before.material, with_secret=True):
                return
        elif not has_secret_packets(material):
            return
        checked = check_secrets(material, self.passphrases, self.effort)
        if checked.is_mismatched:
            self._refuse_secret(checked)
        elif checked.is_open or checked.is_locked:
            self._take_secret(key, material, checked)
        for part in checked.parts:
            if part.reason is not None and part.place not in {Place.LOCKED, Place.MISMATCHED}:
                self.problem(part.reason.code, f"{part.reason.sentence} (Key {key.fingerprint}.)")

    def _renewed(self, secret: SecretKey) -> SecretKey:
        """The secret key with what public copies of it know more: another end, new subkeys."""
        key = self._keys[secret.key.fingerprint]
        if key.fingerprint not in self._in_copies:
            return secret
        return replace(secret, key=key, material=merged(secret.material, key.material))

    def _refuse_secret(self, checked: SecretsCheck) -> None:
        reason = next(part.reason for part in checked.parts if part.place is Place.MISMATCHED)
        if reason is not None:
            self.problem(reason.code, f"{reason.sentence} The secret key is not used.")

    def _take_secret(self, key: Key, material: bytes, checked: SecretsCheck) -> None:
        if key.fingerprint not in self._openpgp_secrets and len(self._openpgp_secrets) >= MAX_PRIVATE_KEYS:
            raise LimitExceeded("This holds more than 200 private keys. Split it into several files.")
        passphrases = checked.passphrases
        if checked.is_locked:
            passphrases = tuple(dict.fromkeys((*passphrases, *self.passphrases)))
            self._lock_openpgp(key, material, is_partly_open=checked.is_open)
        self._openpgp_secrets[key.fingerprint] = SecretKey(key=key, material=material, passphrases=passphrases)

    def _lock_openpgp(self, key: Key, material: bytes, *, is_partly_open: bool) -> None:
        what = "a part of the OpenPGP key" if is_partly_open else "the OpenPGP key"
        self.add_locked(
            LockedKey(
                technology=Technology.OPENPGP,
                description=f"{what} {key.fingerprint}",
                fingerprint=key.fingerprint,
                why=Lock.WRONG if self.passphrases else Lock.MISSING,
                material=material,
            )
        )

    def _matched(self) -> tuple[list[SecretKey], tuple[UnmatchedSecret, ...]]:
        holders: dict[str | None, list[Key]] = {}
        for key in self._keys.values() if self._private else ():
            holders.setdefault(public_hash(key), []).append(key)
        matched, unmatched = [], []
        for private in self._private.values():
            passphrases = (private.passphrase,) if private.passphrase is not None else ()
            keys = holders.get(private.public_hash, [])
            matched += [SecretKey(key=key, material=private.material, passphrases=passphrases) for key in keys]
            if not keys:
                unmatched.append(_unmatched(private, passphrases, self._strangers))
        return matched, tuple(unmatched)

    @property
    def _strangers(self) -> tuple[str, ...]:
        """Whose certificates are here that somebody may have thought to belong to a private key."""
        people = [key for key in self._keys.values() if key.technology is Technology.SMIME and not key.is_ca]
        return tuple(_owner(key) for key in people[:MOST_STRANGERS])

    def _answers(self) -> list[tuple[KeyId, bytes]]:
        """OCSP responses by the CA that they speak for, which they name by a hash (RFC 6960 §4.1.1).

        Whose hash it is shows from the certificates read together with it, and mostly from the response itself: from
        the responder's name, or from the certificate that came along. The hash is checked, so that no name is believed.
        """
        names = {name for key in self._keys.values() for name in _names(key)} if self._responses else set()
        answers = []
        for der in self._responses:
            issuers = issuers_answered_for(der, names)
            answers += [(issuer, der) for issuer in sorted(issuers)]
            if not issuers:
                self.problem("unknown_issuer", "An OCSP response speaks for a CA whose certificate is not here.")
        return answers


def _names(key: Key) -> tuple[bytes, ...]:
    if key.technology is not Technology.SMIME:
        return ()
    outline = outline_of(key.material)
    return outline.subject, outline.issuer


def _unmatched(private: PrivateKey, passphrases: tuple[str, ...], strangers: tuple[str, ...]) -> UnmatchedSecret:
    return UnmatchedSecret(
        public_hash=private.public_hash,
        material=private.material,
        algorithm=private.algorithm,
        passphrases=passphrases,
        strangers=strangers,
    )


def _owner(key: Key) -> str:
    address = next(iter(key.addresses), "")
    return f"“{key.name}” ({address})" if key.name and address not in {"", key.name} else f"“{key.name or address}”"


def _is_text(passphrase: str) -> bool:
    """Whether it can be encoded at all: half a surrogate pair cannot, and so opens nothing."""
    try:
        passphrase.encode()
    except UnicodeEncodeError:
        return False
    return True
