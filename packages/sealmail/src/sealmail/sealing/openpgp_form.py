"""In which form an OpenPGP copy goes out: cipher, protection of the session key, signature; and why not better.

What the recipients' keys say decides (see `openpgp.message_form`). Called by `planning`; decides nothing about keys and
trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sealmail import openpgp
from sealmail.errors import InputError, Reason
from sealmail.keys import Key, KeyStore, SecretKey, Technology
from sealmail.openpgp import MessageForm
from sealmail.sealing.model import PlannedCopy, PlannedSignature, RecipientPlan


def in_openpgp_form(
    copy: PlannedCopy, group: Sequence[RecipientPlan], sender: str, keys: KeyStore, at: datetime
) -> PlannedCopy:
    """The copy with its form, where it is OpenPGP."""
    if copy.technology is not Technology.OPENPGP:
        return copy
    if copy.signer is not None:
        copy = replace(copy, signature=pgp_signature(copy.signer, copy.encrypt_to, keys, at))
    if not copy.encrypt:
        return copy
    form = openpgp.message_form(copy.encrypt_to, at)
    owners = {key.fingerprint: sender for key in copy.encrypt_to}
    owners |= {one.key.fingerprint: one.address for one in group if one.key is not None}
    return replace(
        copy,
        cipher=form.cipher,
        cipher_reasons=tuple(_cipher_reasons(form, owners)),
        key_schemes=form.key_schemes,
    )


def pgp_signature(signer: Key, recipients: Sequence[Key], keys: KeyStore, at: datetime) -> PlannedSignature:
    """What a signature by this key will be. Raises InputError where it can make none."""
    secret = secret_of(signer, keys)
    if secret is None:
        raise InputError("Its private key is not here.")
    form = openpgp.signature_form(secret, recipients, at)
    return PlannedSignature(algorithm=form.algorithm, micalg=form.micalg)


def secret_of(key: Key, keys: KeyStore) -> SecretKey | None:
    """The private key of ours that belongs to a public one."""
    ids = {one for one in key.ids if not one.startswith("name:")}
    return next((one for one in keys.secrets(ids) if one.key.fingerprint == key.fingerprint), None)


def _cipher_reasons(form: MessageForm, owners: dict[str, str]) -> Iterator[Reason]:
    for fingerprint in form.without_aead:
        address = owners[fingerprint]
        sentence = f"The PGP key of {address} does not say that it reads OCB."
        yield Reason(code="aead_not_read", sentence=sentence, address=address)
    for fingerprint in form.without_aes256:
        address = owners[fingerprint]
        sentence = f"The PGP key of {address} does not say that it reads AES-256."
        yield Reason(code="aes256_not_read", sentence=sentence, address=address)
