"""What adding a file of keys would do, before anything is done: read, compared with the key ring, judged one by one.

Stores nothing. The pages show an `ImportPreview`; `actions.import_keys` makes the same one and carries it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sealdesk.keyring import queries
from sealdesk.keyring.models import Origin, StoredKey, StoredSecret
from sealdesk.keyring.revocations import RevocationNews, revocations_of
from sealdesk.keyring.rows import keys_from
from sealdesk.people.models import Group
from sealdesk.people.queries import groups_sending_from
from sealmail.errors import InputError
from sealmail.keys import Key, KeyId, SecretKey, Technology, TrustLevel, der
from sealmail.keys import openpgp_merging as merging
from sealmail.keys.found import Found, match_all, public_hash
from sealmail.keys.import_rules import import_problems
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.reader import read

TAKEN = "Fingerprint already taken."


class Outcome(StrEnum):
    """What becomes of one key."""

    NEW = "new"
    CONFIRMED = "confirmed"
    """It came with mail or in a bundle before; now it counts as added."""
    RENEWED = "renewed"
    """An OpenPGP key that is here, with news: later expiry, other addresses, a revocation."""
    ADDS_SECRET = "adds_secret"  # noqa: S105 -- a code, not a password
    ALREADY_THERE = "already_there"
    REFUSED = "refused"

    @property
    def is_stored(self) -> bool:
        return self not in {Outcome.ALREADY_THERE, Outcome.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """One key of the file."""

    key: Key
    """As it will be stored: for a renewed one, merged with what is here."""
    outcome: Outcome
    sentences: tuple[str, ...] = ()
    """Why it is refused, or not needed."""
    secret: SecretKey | None = None
    """What will be stored as its secret key."""
    groups: tuple[Group, ...] = ()
    """Those the secret key goes to unless others are chosen: whose own address the key names."""
    may_vouch: bool = False
    """A CA certificate that does not vouch yet: it can be confirmed to, also where it is here already."""
    stands_alone: bool = True
    """It issued nothing else in the file, so that it was given for its own sake."""
    is_bundled: bool = False
    """A CA certificate that came in PKCS#12, or together with certificates that lead up to it: kept as an intermediate,
    and never confirmed from here.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What the file holds, what will happen, and what stands against it."""

    items: tuple[ImportItem, ...] = ()
    revocations: tuple[RevocationNews, ...] = ()
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each field of the form ("file", "passphrase"); not empty: nothing can be imported."""
    notes: tuple[str, ...] = ()
    """Pieces that were recognised and are left out."""

    @property
    def stored(self) -> tuple[ImportItem, ...]:
        """What importing would write where no CA certificate is confirmed."""
        return tuple(item for item in self.items if item.outcome.is_stored)

    @property
    def needs_groups(self) -> bool:
        """Whether a secret key names no group's own address, so that somebody has to choose."""
        return any(item.secret is not None and not item.groups for item in self.stored)


def preview(blob: bytes, passphrases: Sequence[str] = ()) -> ImportPreview:
    """What adding the blob would do. Never raises on any bytes; a blob that is no key is an error at the field."""
    try:
        found = read(blob, passphrases)
    except InputError as error:
        return ImportPreview(errors={"file": (str(error),)})
    secrets = _secrets(found)
    revocations, problems = revocations_of(found, blob)
    is_pkcs12 = _is_pkcs12(blob)
    keys = {key.fingerprint: key for key in (*found.keys, *(secret.key for secret in secrets.values()))}
    bundled = {name for name, key in keys.items() if key.is_ca and (is_pkcs12 or leads_up_to(key, keys.values()))}
    items = tuple(
        _item(key, secrets.get(name), keys.values(), is_bundled=name in bundled) for name, key in keys.items()
    )
    notes = tuple(problem.sentence for problem in problems)
    return ImportPreview(
        items=items, revocations=revocations, errors=_errors(found, items, revocations, notes), notes=notes
    )


def merged(row: StoredKey, key: Key) -> Key:
    """The OpenPGP key in the row together with another copy of it; the row's own where the copy brings no news.

    News is what the key itself signed. Certifications by others are none: anybody makes as many as he likes, and a key
    that grew with them would soon be too large for its own revocation.
    """
    here = bytes(row.material)
    try:
        together = merging.merged(here, key.material)
        # Their canonical order is no news either.
        if together != merging.exported(here):
            return key_from_openpgp(together)
    except InputError:
        pass  # the copy is then no use to us
    return keys_from([row])[0]


def own_part(key: Key) -> Key:
    """An OpenPGP key without certifications by others, pictures, and whatever else it did not sign itself; a
    certificate as it is."""
    if key.technology is not Technology.OPENPGP:
        return key
    try:
        return key_from_openpgp(merging.exported(key.material))
    except InputError:
        return key


def renewed_secret(stored: StoredSecret | None, secret: SecretKey | None, key: Key) -> SecretKey | None:
    """The secret key with what it did not have before: secrets, and what its public side (`key`) now says. None where
    it stays as it is. Secrets that are here keep their passphrase."""
    if stored is None:
        return secret
    if key.technology is Technology.SMIME:
        return None
    news = key.material if secret is None else secret.material
    try:
        material = merging.merged(merging.merged(stored.material, news), key.material)
        if material == merging.exported(stored.material, with_secret=True):
            return None
    except InputError:
        return None
    passphrases = dict.fromkeys((*stored.passphrases, *(secret.passphrases if secret else ())))
    return SecretKey(key=key, material=material, passphrases=tuple(passphrases))


def _secrets(found: Found) -> dict[str, SecretKey]:
    """Secret keys by fingerprint: those with their certificate in the file, and those whose certificate is here."""
    secrets = {secret.key.fingerprint: secret for secret in found.secrets}
    for private in found.unmatched:
        certificates = keys_from(queries.certificates_with(private.public_hash))
        secrets |= {secret.key.fingerprint: secret for secret in match_all(private, certificates)}
    return secrets


def leads_up_to(authority: Key, keys: Iterable[Key]) -> bool:
    """Whether a certificate among these that is no CA's was issued by it, directly or through others of them."""
    issuers = {key.subject: key.issuer for key in keys if key.is_ca}
    for leaf in keys:
        name, seen = leaf.issuer, set[KeyId | None]()
        while not leaf.is_ca and name is not None and name not in seen:
            if name == authority.subject:
                return True
            seen.add(name)
            name = issuers.get(name)
    return False


def _is_pkcs12(blob: bytes) -> bool:
    return der.looks_like(blob) and any(der.form(value) is der.Form.PKCS12 for value in der.values(blob))


def _errors(
    found: Found, items: Sequence[ImportItem], revocations: Sequence[RevocationNews], notes: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """What keeps everything out: a lock that does not open, a private key alone, or nothing new at all."""
    locked = tuple(lock.reason.sentence for lock in found.locked)
    alone = tuple(
        private.reason.sentence
        for private in found.unmatched
        if not queries.certificates_with(private.public_hash).exists()
    )
    if locked or alone:
        return {name: sentences for name, sentences in (("passphrase", locked), ("file", alone)) if sentences}
    if not all(one.is_refused for one in revocations) or any(
        item.outcome.is_stored or item.may_vouch for item in items
    ):
        return {}
    return {"file": nothing_new(items, [*(one.refusal for one in revocations), *notes])}


def nothing_new(items: Iterable[ImportItem], notes: Iterable[str]) -> tuple[str, ...]:
    """Why a file that is read changes nothing."""
    reasons = [sentence for item in items for sentence in item.sentences]
    return tuple(dict.fromkeys([*reasons, *notes])) or ("There is no key in it.",)


def _item(key: Key, secret: SecretKey | None, others: Iterable[Key], *, is_bundled: bool) -> ImportItem:
    row = queries.known(key.technology, key.fingerprint)
    outcome, sentences, key = _new(key) if row is None else _compared(row, key)
    stored = queries.secret_of(row) if row is not None else None
    if row is not None:
        brought, secret = secret, renewed_secret(stored, secret, key)
        if brought is not None and secret is not None and outcome is Outcome.ALREADY_THERE:
            outcome, sentences = Outcome.ADDS_SECRET, ()
    elif secret is None and key.technology is Technology.SMIME:
        secret = _secret_here(key)
    return ImportItem(
        key=key,
        outcome=outcome,
        sentences=sentences,
        secret=secret if outcome.is_stored else None,
        groups=_groups(stored, key) if secret else (),
        may_vouch=key.is_ca and not is_bundled and not (row and _vouches(row)),
        is_bundled=is_bundled,
        stands_alone=not any(other.issuer == key.subject for other in others if other.fingerprint != key.fingerprint),
    )


def _groups(stored: StoredSecret | None, key: Key) -> tuple[Group, ...]:
    """Those that have the secret key already, else those whose own address it names."""
    return tuple(stored.groups.all() if stored is not None else groups_sending_from(key.addresses))


def _new(key: Key) -> tuple[Outcome, tuple[str, ...], Key]:
    key = own_part(key)
    problems = import_problems(key)
    if problems:
        return Outcome.REFUSED, tuple(problem.sentence for problem in problems), key
    return Outcome.NEW, (), key


def _compared(row: StoredKey, key: Key) -> tuple[Outcome, tuple[str, ...], Key]:
    if key.technology is Technology.OPENPGP:
        key = merged(row, key)
    if not _was_added(row):
        outcome, sentences, key = _new(key)
        return Outcome.CONFIRMED if outcome is Outcome.NEW else outcome, sentences, key
    if key.material != bytes(row.material):
        return Outcome.RENEWED, (), key
    return Outcome.ALREADY_THERE, (TAKEN,), key


def _was_added(row: StoredKey) -> bool:
    """Whether adding it once more changes nothing: trusted by hand, or kept as an intermediate."""
    decision = queries.current_decision(row)
    if decision is None:
        return row.origin == Origin.BUNDLE and row.is_ca
    return row.origin == Origin.ADDED and decision.level == TrustLevel.BY_HAND


def _vouches(row: StoredKey) -> bool:
    decision = queries.current_decision(row)
    return decision is not None and decision.vouches


def _secret_here(key: Key) -> SecretKey | None:
    """A renewed certificate for a private key that is here already gets it too."""
    stored = StoredSecret.objects.filter(key__technology=Technology.SMIME, key__public_hash=public_hash(key)).first()
    if stored is None:
        return None
    return SecretKey(key=key, material=stored.material, passphrases=tuple(stored.passphrases))
