"""Every write of the key ring. `by`: which agent; None is Sealdesk itself or a command on its machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from sealdesk.core import clock
from sealdesk.core.errors import Invalid
from sealdesk.keyring import importing, queries, rows, rules
from sealdesk.keyring.importing import ImportItem, ImportPreview, Outcome
from sealdesk.keyring.models import (
    Integration,
    Origin,
    RevocationData,
    SealingDefault,
    StoredKey,
    StoredSecret,
    TrustDecision,
)
from sealdesk.keyring.revocations import RevocationNews
from sealdesk.people.models import Agent, Group
from sealmail.addresses import parse
from sealmail.keys import Key, SecretKey, Technology, TrustLevel

NOT_RECORDED = "not recorded"
BUNDLED = (
    "The certificate of the issuer is in one file with certificates that it issued, so it is kept without vouching for "
    "anybody. To let it vouch, add it on its own, and confirm it there."
)
LARGEST_HARVESTED = 512 * 1024
"""Bytes of a key that came with mail; larger ones are somebody's flood of signatures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """An administrator confirmed that a CA certificate vouches for what it issued."""

    domains: tuple[str, ...] | None = None
    """Only for addresses in these domains; None: for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What importing did."""

    preview: ImportPreview
    keys: tuple[StoredKey, ...]
    """What was written, in the order of the preview."""


def import_keys(
    *,
    blob: bytes,
    passphrases: Sequence[str] = (),
    groups: Collection[Group] | None = None,
    vouching: Mapping[str, Vouching] | None = None,
    how_checked: str = NOT_RECORDED,
    by: Agent | None,
) -> ImportResult:
    """Adds everything in the blob, or nothing: Invalid holds a sentence for each field.

    `groups`: whose mail is opened and signed with the secret keys; None: those whose own address a key names.
    `vouching`: by fingerprint, the CA certificates that were confirmed. Other CA certificates become intermediates that
    vouch for nobody; everything else is trusted by hand for its own addresses.
    """
    rules.check_can_manage_keys(by)
    importer = _Import(groups=groups, vouching=vouching or {}, how_checked=how_checked, by=by, at=clock.now())
    try:
        with transaction.atomic():
            return importer.carry_out(importing.preview(blob, passphrases))
    except IntegrityError:  # somebody else added the same at the same moment
        raise Invalid({"file": [importing.TAKEN]}) from None


def harvest(*, keys: Sequence[Key], at: datetime) -> list[StoredKey]:
    """Keeps keys that came with mail as candidates, and news about OpenPGP keys that are here.

    Trust stays as it was decided: new addresses of a trusted key are not trusted with it.
    """
    technologies = queries.technologies_on()
    wanted = [key for key in keys if key.technology in technologies and len(key.material) <= LARGEST_HARVESTED]
    return [_harvest_one(key, at) for key in {key.fingerprint: key for key in wanted}.values()]


def decide(
    *,
    key: StoredKey,
    level: TrustLevel,
    vouching: Vouching | None = None,
    how_checked: str = NOT_RECORDED,
    at: datetime | None = None,
    by: Agent | None,
) -> TrustDecision:
    """A decision about the key that replaces the one before, which stays as history."""
    rules.check_can_manage_keys(by)
    with transaction.atomic():
        TrustDecision.objects.filter(key=key, is_current=True).update(is_current=False)
        return TrustDecision.objects.create(
            key=key,
            level=level,
            addresses=[named.address for named in key.named_addresses.all()],
            vouches=vouching is not None and key.is_ca,
            domains=None if vouching is None or vouching.domains is None else list(vouching.domains),
            decided_at=at or clock.now(),
            decided_by=by,
            how_checked=how_checked.strip()[:200] or NOT_RECORDED,
        )


def set_secret_groups(*, secret: StoredSecret, groups: Collection[Group], by: Agent | None) -> None:
    """The groups whose mail is opened and signed with the secret key."""
    rules.check_can_manage_keys(by)
    if not groups:
        raise Invalid({"groups": ["Choose at least one group, or delete the private key."]})
    secret.groups.set(groups)


def delete_key(*, key: StoredKey, by: Agent | None) -> None:
    """The key with its secret key and decisions. Mail that came with it keeps its report."""
    rules.check_can_manage_keys(by)
    key.delete()


def delete_secret(*, key: StoredKey, by: Agent | None) -> None:
    """Only the secret key; the public side stays."""
    rules.check_can_manage_keys(by)
    StoredSecret.objects.filter(key=key).delete()


def switch(*, technology: Technology, is_on: bool, by: Agent | None) -> None:
    """Turns a technology on or off. Off: nothing of it is offered or processed; keys stay."""
    rules.check_can_manage_keys(by)
    Integration.objects.update_or_create(technology=technology, defaults={"is_on": is_on})


def set_default(*, group: Group, technology: Technology, sign: bool, encrypt: bool, by: Agent | None) -> None:
    """What the composer presets for the group."""
    rules.check_can_manage_keys(by)
    SealingDefault.objects.update_or_create(
        group=group, technology=technology, defaults={"sign": sign, "encrypt": encrypt}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """One import on its way: what holds for all its keys."""

    groups: Collection[Group] | None
    vouching: Mapping[str, Vouching]
    how_checked: str
    by: Agent | None
    at: datetime

    def carry_out(self, preview: ImportPreview) -> ImportResult:
        items = [item for item in preview.items if item.outcome.is_stored or item.key.fingerprint in self.vouching]
        errors = self._errors(preview, items)
        if errors:
            raise Invalid(errors)
        keys = tuple(self._store(item) for item in items)
        _store_revocations(preview.revocations, self.at)
        return ImportResult(preview=preview, keys=keys)

    def _errors(self, preview: ImportPreview, items: Sequence[ImportItem]) -> dict[str, Sequence[str]]:
        errors: dict[str, Sequence[str]] = dict(preview.errors)
        if not (errors or items or preview.revocations):
            errors["file"] = importing.nothing_new(preview.items, preview.notes)
        if any(item.secret for item in items) and (preview.needs_groups if self.groups is None else not self.groups):
            errors["groups"] = ["Choose the groups whose mail is opened and signed with the private key."]
        authorities = {item.key.fingerprint for item in preview.items if item.may_vouch}
        bundled = {item.key.fingerprint for item in preview.items if item.is_bundled}
        if bundled & set(self.vouching):
            errors["vouching"] = [BUNDLED]
        elif not authorities.issuperset(self.vouching):
            errors["vouching"] = ["Only a CA certificate that does not do so yet can be confirmed to vouch for others."]
        if not all(_is_sensible(one) for one in self.vouching.values()):
            errors["domains"] = ["These are not domains: give one or more like example.org."]
        return errors

    def _store(self, item: ImportItem) -> StoredKey:
        vouching = self.vouching.get(item.key.fingerprint)
        is_intermediate = item.key.is_ca and vouching is None and not (item.key.addresses and item.stands_alone)
        origin = Origin.BUNDLE if is_intermediate else Origin.ADDED
        row = self._row(item, origin)
        if not is_intermediate and item.outcome is not Outcome.ADDS_SECRET:
            decide(
                key=row,
                level=TrustLevel.BY_HAND,
                vouching=vouching,
                how_checked=self.how_checked,
                at=self.at,
                by=self.by,
            )
        if item.secret is not None:
            self._store_secret(row, item.secret, item.groups)
        return row

    def _row(self, item: ImportItem, origin: Origin) -> StoredKey:
        row = queries.known(item.key.technology, item.key.fingerprint)
        if row is None:
            return rows.insert(item.key, origin=origin, at=self.at, by=self.by)
        if origin is Origin.ADDED and row.origin != Origin.ADDED:
            row.origin, row.added_at, row.added_by = origin, self.at, self.by
        rows.update(row, item.key)
        return row

    def _store_secret(self, row: StoredKey, secret: SecretKey, default: Sequence[Group]) -> None:
        stored = queries.secret_of(row) or StoredSecret(key=row, added_at=self.at, added_by=self.by)
        is_new = stored._state.adding  # noqa: SLF001 -- Django's documented model API
        stored.material, stored.passphrases = secret.material, list(secret.passphrases)
        stored.save()
        if self.groups is not None or is_new:
            stored.groups.set(default if self.groups is None else self.groups)


def _is_sensible(vouching: Vouching) -> bool:
    return vouching.domains is None or (bool(vouching.domains) and all(_is_domain(one) for one in vouching.domains))


def _is_domain(text: str) -> bool:
    address = parse(f"postmaster@{text}")
    return address is not None and address.domain == text


def _harvest_one(key: Key, at: datetime) -> StoredKey:
    row = queries.known(key.technology, key.fingerprint)
    if row is None:
        try:
            with transaction.atomic():
                return rows.insert(importing.own_part(key), origin=Origin.HARVESTED, at=at, by=None)
        except IntegrityError:  # another mail brought it at the same moment
            return StoredKey.objects.get(technology=key.technology, fingerprint=key.fingerprint)
    if key.technology is Technology.OPENPGP and key.material != bytes(row.material):
        news = importing.merged(row, key)
        if news.material != bytes(row.material) and len(news.material) <= LARGEST_HARVESTED:
            with transaction.atomic():
                rows.update(row, news)
                _renew_secret(row, news)
    return row


def _renew_secret(row: StoredKey, news: Key) -> None:
    """Of a key of our own that somebody renewed elsewhere: by its own signatures, so that no stranger can."""
    stored = queries.secret_of(row)
    secret = importing.renewed_secret(stored, None, news)
    if stored is not None and secret is not None:
        stored.material = secret.material
        stored.save()


def _store_revocations(revocations: Sequence[RevocationNews], at: datetime) -> None:
    for news in revocations:
        if news.is_refused:
            continue
        RevocationData.objects.get_or_create(
            digest=news.digest, defaults={"issuer": news.issuer, "material": news.material, "added_at": at}
        )
