"""Signed and encrypted PGP/MIME entities (RFC 3156), made from a MIME entity.

Nothing is compressed: the length of compressed text tells about the text beside it, and mail quotes strangers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from sealmail.keys.model import Key, SecretKey
from sealmail.keys.pgp.checking import canonical_text
from sealmail.keys.pgp.packets import Tag, packet
from sealmail.openpgp.containers import seal_mdc, seal_ocb
from sealmail.openpgp.entities import encrypted_entity, signed_entity
from sealmail.openpgp.forming import MessageForm, message_form, signature_form
from sealmail.openpgp.signing import literal, signature, signed_message, unlocked
from sealmail.openpgp.wrapping import wrapped


def sign(entity: bytes, signer: SecretKey, at: datetime) -> bytes:
    """A multipart/signed entity around `entity`, which is brought to CRLF line ends and otherwise placed as it is.

    In the form that `signature_form` tells; `at` is the signing time. The result has no MIME-Version field. Raises
    `InputError` where no key may sign, `PassphraseError` where it stays locked.
    """
    content = canonical_text(entity)
    form = signature_form(signer, (), at)
    made = packet(Tag.SIGNATURE, signature(unlocked(form, signer), content, at))
    return signed_entity(content, made, micalg=form.micalg)


def encrypt(entity: bytes, recipients: Sequence[Key], signer: SecretKey | None, at: datetime) -> bytes:
    """A multipart/encrypted entity that holds `entity`, signed in one pass where there is a signer.

    In the form that `message_form` tells. The signature names the recipients, so that nobody can pass it on as meant
    for someone else; but for copies to keys of version 4 and 6 together. Raises what `message_form` and `sign` raise.
    """
    content = canonical_text(entity)
    form = message_form(recipients, at)
    inner = literal(content)
    if signer is not None:
        by = unlocked(signature_form(signer, recipients, at), signer)
        inner = signed_message(content, by, _named(recipients, form), at)
    session_key, with_aead = os.urandom(form.cipher.key_octets), form.cipher.with_aead
    keys = (wrapped(session_key, form.cipher.number, target, with_aead=with_aead) for target in form.targets)
    body = seal_ocb(inner, session_key) if with_aead else seal_mdc(inner, session_key)
    packets = (*(packet(Tag.PKESK, one) for one in keys), packet(Tag.PROTECTED, body))
    return encrypted_entity(b"".join(packets), with_aead=with_aead)


def _named(recipients: Sequence[Key], form: MessageForm) -> Sequence[Key]:
    """The recipients whom the signature names (RFC 9580 §5.2.3.36).

    Sequoia 1.12, which Debian 12 has, calls a signature manipulated that names a key of version 6: where somebody may
    read the message with such a program, nobody is named, since a list that leaves out one reader warns exactly him.
    """
    is_safe = form.cipher.with_aead or all(target.version == 4 for target in form.targets)
    return recipients if is_safe else ()
