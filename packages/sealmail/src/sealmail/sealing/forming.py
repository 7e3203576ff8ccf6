"""In which form an S/MIME copy goes out: cipher, protection of the content key, kind of signature; and why not better.

Each recipient gets what he is known to read, and what everybody reads where nothing is known; a wish of the caller goes
before both. Called by `planning`; decides nothing about keys and trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sealmail import smime
from sealmail.errors import InputError, Reason
from sealmail.keys import Capabilities, Key, Technology, capabilities_in
from sealmail.sealing.model import (
    ContentCipher,
    KeyTransport,
    PlannedCopy,
    PlannedSignature,
    RecipientPlan,
    RsaSignature,
    SealRequest,
    SmimeForm,
)


def in_smime_form(
    copy: PlannedCopy, group: Sequence[RecipientPlan], request: SealRequest, ours: Key | None
) -> PlannedCopy:
    """The copy with its form, where it is S/MIME. `ours`: the certificate that replies shall be encrypted to."""
    if copy.technology is not Technology.SMIME:
        return copy
    form = request.smime
    if copy.signer is not None:
        copy = replace(copy, signature=planned_signature(copy.signer, form), encrypts_to=ours)
    if not copy.encrypt:
        return copy
    known = {recipient.address: _known(recipient, request.capabilities) for recipient in group}
    cipher = form.cipher or (ContentCipher.GCM if all(map(_reads_gcm, known.values())) else ContentCipher.CBC)
    return replace(
        copy,
        cipher=cipher,
        cipher_reasons=tuple(_cipher_reasons(cipher, form, known)),
        key_schemes=_key_schemes(copy.encrypt_to, group, known, form.key_transport),
    )


def planned_signature(signer: Key, form: SmimeForm) -> PlannedSignature:
    """What a signature by this certificate will be. Raises InputError where it can make none."""
    made = smime.form_of(signer, pss=form.rsa_signature is RsaSignature.PSS)
    return PlannedSignature(algorithm=made.name, micalg=made.micalg, opaque=form.opaque)


def _known(recipient: RecipientPlan, remembered: Mapping[str, Capabilities]) -> Capabilities | None:
    """What his last good mail said; else what his certificate vouches for (RFC 4262 §2)."""
    if recipient.address in remembered:
        return remembered[recipient.address]
    return capabilities_in(recipient.key.material) if recipient.key is not None else None


def _reads_gcm(known: Capabilities | None) -> bool:
    return known is not None and known.reads_gcm


def _cipher_reasons(
    cipher: ContentCipher, form: SmimeForm, known: Mapping[str, Capabilities | None]
) -> Iterator[Reason]:
    """Why this cipher and no better one; for one that was asked for, who is not known to read it."""
    if form.cipher is not None:
        yield Reason(code="cipher_asked_for", sentence=f"{cipher} was asked for.")
        if cipher is ContentCipher.CBC:
            return
    for address, capabilities in known.items():
        if capabilities is None:
            sentence = f"It is not known whether {address} can read {ContentCipher.GCM}."
            yield Reason(code="capabilities_unknown", sentence=sentence, address=address)
        elif not capabilities.reads_gcm:
            sentence = f"The mail program of {address} does not say that it reads {ContentCipher.GCM}."
            yield Reason(code="gcm_not_read", sentence=sentence, address=address)


def _key_schemes(
    keys: Sequence[Key],
    group: Sequence[RecipientPlan],
    known: Mapping[str, Capabilities | None],
    asked: KeyTransport | None,
) -> Mapping[str, str]:
    theirs = [(one.key.fingerprint, known[one.address]) for one in group if one.key is not None]
    unable = {fingerprint for fingerprint, can in theirs if can is None or not can.reads_oaep}
    able = {fingerprint for fingerprint, _ in theirs} - unable
    # Our own key is among them: we read everything, so it follows the best of the others.
    oaep = {key.fingerprint for key in keys} - unable if able else set()
    if asked is not None:
        oaep = {key.fingerprint for key in keys} if asked is KeyTransport.OAEP else set()
    return {key.fingerprint: _scheme(key, oaep=key.fingerprint in oaep) for key in keys}


def _scheme(key: Key, *, oaep: bool) -> str:
    try:
        return smime.key_scheme(key, oaep=oaep)
    except InputError:
        return "unknown"
