"""Whether a key may be used, for what, and when: by what the key itself says. Whether it is trusted is asked elsewhere.

Looks at validity, uses and strength, and for OpenPGP at revocation. Revocation of certificates needs lists of their CAs
and belongs to `paths`. Called by planning and by every page and command that shows keys; the verdict on a signature is
made from the engines' facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sealmail.errors import InputError, Reason
from sealmail.keys import openpgp_key
from sealmail.keys.certificate import public_key
from sealmail.keys.model import Key, Technology, Use
from sealmail.keys.openpgp_revoking import reason_in_words
from sealmail.keys.pgp.certificate import check_certificate
from sealmail.keys.pgp.preferences import preferences_at
from sealmail.keys.strength import weakness

MINIMUM_RSA_BITS = 2048
UNKNOWN_ALGORITHM = "unknown"
"""What `certificate.algorithm_text` says of a public key that cannot be used."""


class Purpose(StrEnum):
    """What somebody wants to do with a key."""

    SIGN = "sign"
    ENCRYPT = "encrypt"
    VERIFY = "verify"
    DECRYPT = "decrypt"


def usable(key: Key, purpose: Purpose, at: datetime, *, has_secret: bool = True) -> bool:
    """Whether nothing speaks against it; see `problems`."""
    return not problems(key, purpose, at, has_secret=has_secret)


def problems(key: Key, purpose: Purpose, at: datetime, *, has_secret: bool = True) -> tuple[Reason, ...]:
    """Everything that speaks against using the key for the purpose at that time; empty: it may be used.

    `has_secret`: whether its secret key is here, which signing and decrypting need. Decrypting needs nothing else: old
    mail stays readable with keys that are expired, revoked or weak. Codes: unreadable, no_secret, no_signing_use,
    no_encryption_use, not_yet_valid, expired, revoked, weak_key, unsupported_algorithm, old_ciphers_only.
    """
    found = []
    if purpose in {Purpose.SIGN, Purpose.DECRYPT} and not has_secret:
        found.append(Reason(code="no_secret", sentence="There is no private key for it."))
    use = Use.ENCRYPT if purpose in {Purpose.ENCRYPT, Purpose.DECRYPT} else Use.SIGN
    if purpose is Purpose.DECRYPT:
        found += [] if _ever_encrypted(key) else [_NOT_FOR[use]]
    elif key.technology is Technology.SMIME:
        found += _certificate_problems(key, use, at)
    else:
        found += _openpgp_problems(key, use, at)
    return tuple(found)


def _ever_encrypted(key: Key) -> bool:
    """Whether there can be mail encrypted to it; for OpenPGP revoked and expired subkeys count too."""
    if key.technology is Technology.SMIME or Use.ENCRYPT in key.uses:
        return Use.ENCRYPT in key.uses
    try:
        components = check_certificate(key.material).components
    except InputError:
        return False
    moments = ((one, binding.created) for one in components for binding in one.bindings)
    return any(one.may_encrypt(created) for one, created in moments if created is not None)


_NOT_FOR = {
    Use.SIGN: Reason(code="no_signing_use", sentence="It is not meant for signing mail."),
    Use.ENCRYPT: Reason(code="no_encryption_use", sentence="It is not meant for encrypting mail."),
}


def _certificate_problems(key: Key, use: Use, at: datetime) -> list[Reason]:
    found = [] if use in key.uses else [_NOT_FOR[use]]
    if at < key.valid_from:
        found.append(_not_yet_valid(key))
    # RFC 5280 §4.1.2.5: the last second still belongs to the validity.
    if key.valid_until is not None and at > key.valid_until:
        found.append(_expired(key.valid_until))
    if key.algorithm == UNKNOWN_ALGORITHM:
        found.append(Reason(code="unsupported_algorithm", sentence="Its kind of key is not supported."))
    if (weak := weakness(public_key(key.material), MINIMUM_RSA_BITS)) is not None:
        found.append(Reason(code="weak_key", sentence=f"It is too weak: {weak}."))
    return found


def _openpgp_problems(key: Key, use: Use, at: datetime) -> list[Reason]:
    """By its self-signatures at that time: what they said earlier or say later does not count."""
    try:
        state = openpgp_key.state_at(key.material, at)
    except InputError:
        return [Reason(code="unreadable", sentence="The key cannot be read.")]
    found = []
    if state.revoked:
        why = reason_in_words(state.revoked.code)
        found.append(Reason(code="revoked", sentence=f"It was revoked on {day(state.revoked.at)}: {why}."))
    if state.not_yet_valid:
        found.append(_not_yet_valid(key))
    if state.expired and state.valid_until is not None:
        found.append(_expired(state.valid_until))
    if state.weakly_bound:
        found.append(Reason(code="weak_key", sentence="It is held together by a signature with a broken hash (SHA-1)."))
    # While the key as a whole is out of use, the lists of its usable parts are empty and say nothing more.
    parts = state.signing if use is Use.SIGN else state.encryption
    if found or not parts:
        return found or [_part_missing(key, use)]
    return _reading_problems(key, parts, at) if use is Use.ENCRYPT else []


def _reading_problems(key: Key, parts: Sequence[str], at: datetime) -> list[Reason]:
    """Whether we write anything that the owner of an OpenPGP key can read."""
    certificate = check_certificate(key.material)
    components = (certificate.component(name) for name in parts)
    if not any(one is not None and one.public.takes_session_keys for one in components):
        return [Reason(code="unsupported_algorithm", sentence="Its kind of key is not supported.")]
    if not preferences_at(certificate, at).reads_aes:
        sentence = "By what it says, its owner reads only old ciphers, which Sealdesk does not write."
        return [Reason(code="old_ciphers_only", sentence=sentence)]
    return []


def _part_missing(key: Key, use: Use) -> Reason:
    if key.algorithm.startswith(("ML-DSA", "SLH-DSA")):
        sentence = f"It is held together by {key.algorithm}, which Sealdesk does not check yet."
        return Reason(code=_NOT_FOR[use].code, sentence=sentence)
    post_quantum = _post_quantum(key)
    if use is Use.ENCRYPT and post_quantum is not None:
        sentence = f"Its part for encrypting uses {post_quantum}, to which Sealdesk does not encrypt yet."
        return Reason(code=_NOT_FOR[use].code, sentence=sentence)
    if use not in key.uses:
        return _NOT_FOR[use]
    sentence = f"Its part for {'signing' if use is Use.SIGN else 'encrypting'} has expired, was revoked or is too weak."
    return Reason(code=_NOT_FOR[use].code, sentence=sentence)


def _post_quantum(key: Key) -> str | None:
    """The name of a post-quantum algorithm among its subkeys to encrypt to (draft-ietf-openpgp-pqc)."""
    try:
        subkeys = check_certificate(key.material).subkeys
    except InputError:
        return None
    names = (one.public.algorithm_name for one in subkeys)
    return next((name for name in names if name.startswith("ML-KEM")), None)


def _not_yet_valid(key: Key) -> Reason:
    return Reason(code="not_yet_valid", sentence=f"It is valid only from {day(key.valid_from)} on.")


def _expired(end: datetime) -> Reason:
    return Reason(code="expired", sentence=f"It expired on {day(end)}.")


def day(moment: datetime) -> str:
    """A date for people, in UTC: "3 March 2027"."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
