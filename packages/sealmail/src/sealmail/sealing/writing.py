"""`seal`: carries a plan out. Each copy is made from the same entity, so that all recipients read the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sealmail import mime, openpgp, smime
from sealmail.errors import EngineError, Reason, Refused
from sealmail.keys import Key, KeyStore, SecretKey, Technology
from sealmail.mime import Draft, Headers
from sealmail.sealing.chains import chain_of
from sealmail.sealing.keys_along import autocrypt_field, with_attached, with_gossip
from sealmail.sealing.model import (
    ContentCipher,
    KeyTransport,
    Plan,
    PlannedCopy,
    RsaSignature,
    SealedCopy,
    SmimeForm,
)
from sealmail.sealing.openpgp_form import secret_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to be sealed: message headers without Content-* and Bcc, and a MIME entity in canonical form."""

    headers: Headers = field(repr=False)
    entity: bytes = field(repr=False)


def letter_from_draft(draft: Draft) -> Letter:
    """A letter from its parts. Raises UsageError for headers that cannot be written safely."""
    headers = mime.parse(mime.build_headers(draft) + b"\r\n").headers
    return Letter(headers=headers.without("mime-version"), entity=mime.build_entity(draft))


def letter_from_message(raw: bytes) -> Letter:
    """A letter from an RFC 5322 message; its own headers stay, but for Bcc and traces of an earlier way."""
    headers, entity = mime.draft_from_message(raw)
    return Letter(
        headers=headers.without("bcc", "resent-bcc", "return-path", "delivered-to", "received"), entity=entity
    )


def seal(plan: Plan, draft: Draft | Letter, keys: KeyStore, at: datetime) -> tuple[SealedCopy, ...]:
    """All copies of a mail, sealed as planned.

    Raises Refused with the plan's reasons: nothing is made in clear that was asked to be sealed. `at` becomes the
    signing time.
    """
    if plan.refusals:
        raise Refused(plan.refusals)
    letter = letter_from_draft(draft) if isinstance(draft, Draft) else draft
    return tuple(SealedCopy(planned=copy, raw=_write(copy, plan, letter, keys, at)) for copy in plan.copies)


def _write(copy: PlannedCopy, plan: Plan, letter: Letter, keys: KeyStore, at: datetime) -> bytes:
    _insist(copy, plan)
    headers, entity = letter.headers, with_attached(letter.entity, copy.attached_keys, at)
    hide_subject = copy.encrypt and plan.request.hide_subject
    if hide_subject or (copy.technology is not None and plan.request.protect_headers):
        headers, entity = mime.protect_headers(headers, entity, encrypted=copy.encrypt, hide_subject=hide_subject)
    entity = with_gossip(entity, copy.gossip, at)
    match copy.technology:
        case Technology.SMIME:
            entity = _smime(copy, entity, keys, at, plan.request.smime)
        case Technology.OPENPGP:
            entity = _openpgp(copy, entity, keys, at)
    return mime.fields_to_bytes(headers) + _autocrypt(copy, plan, at) + b"MIME-Version: 1.0\r\n" + entity


def _autocrypt(copy: PlannedCopy, plan: Plan, at: datetime) -> bytes:
    preference = plan.request.autocrypt
    if copy.autocrypt is None or preference is None:
        return b""
    return autocrypt_field(plan.request.sender, copy.autocrypt, preference, at)


def _insist(copy: PlannedCopy, plan: Plan) -> None:
    """A second look before bytes are made: a copy that is not what was asked for is never written."""
    if (plan.request.encrypt and not copy.encrypt) or (plan.request.sign and not copy.sign):
        raise Refused([Reason(code="not_as_asked", sentence="The copy would not be sealed as asked.")])


def _smime(copy: PlannedCopy, entity: bytes, keys: KeyStore, at: datetime, form: SmimeForm) -> bytes:
    if copy.signer is not None:
        sign = smime.sign_opaque if form.opaque else smime.sign
        entity = sign(
            entity,
            _secret(copy.signer, keys),
            chain_of([copy.signer, *([copy.encrypts_to] if copy.encrypts_to else [])], keys, at),
            at,
            pss=form.rsa_signature is RsaSignature.PSS,
            encrypts_to=copy.encrypts_to,
        )
    if not copy.encrypt:
        return entity
    oaep = [fingerprint for fingerprint, scheme in copy.key_schemes.items() if scheme == KeyTransport.OAEP]
    return smime.encrypt(entity, copy.encrypt_to, gcm=copy.cipher is ContentCipher.GCM, oaep=oaep)


def _openpgp(copy: PlannedCopy, entity: bytes, keys: KeyStore, at: datetime) -> bytes:
    secret = _secret(copy.signer, keys) if copy.signer is not None else None
    if copy.encrypt:
        return openpgp.encrypt(entity, copy.encrypt_to, secret, at)
    return openpgp.sign(entity, secret, at) if secret is not None else entity


def _secret(key: Key, keys: KeyStore) -> SecretKey:
    found = secret_of(key, keys)
    if found is None:
        raise EngineError("the private key that the plan names is no longer here")
    return found
