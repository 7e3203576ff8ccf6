"""Taking back an OpenPGP key, one of its subkeys or one of its user IDs, with the reason (RFC 9580 §5.2.3.31).

A hard revocation (no reason, compromised) casts doubt on everything that the key ever did; a soft one (replaced, no
longer used) only on what comes after it. The time is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import IntEnum

from pysequoia import ArmorKind

from sealmail.errors import InputError
from sealmail.keys.model import SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.openpgp_merging import merged
from sealmail.keys.pgp.armor import armored
from sealmail.keys.pgp.assembly import Assembly, Part, SelfSignature, arranged, take_apart
from sealmail.keys.pgp.drafting import subpacket
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.pgp.self_signing import Signer, after, opened
from sealmail.keys.pgp.subpackets import Kind, SignatureType, read_signature

LONGEST_EXPLANATION = 500
"""Characters."""


class RevocationReason(IntEnum):
    """Why something is taken back; the numbers are OpenPGP's."""

    NONE = 0
    REPLACED = 1
    COMPROMISED = 2
    RETIRED = 3
    USER_ID_INVALID = 32

    @property
    def is_hard(self) -> bool:
        """Whether earlier signatures are no longer believed either."""
        return self in {RevocationReason.NONE, RevocationReason.COMPROMISED}

    @property
    def words(self) -> str:
        """To stand behind a colon."""
        return _WORDS[self]


_WORDS = {
    RevocationReason.NONE: "no reason was given",
    RevocationReason.REPLACED: "it was replaced by another key",
    RevocationReason.COMPROMISED: "its secret may be known to others",
    RevocationReason.RETIRED: "it is no longer used",
    RevocationReason.USER_ID_INVALID: "the name or address no longer holds",
}


def reason_in_words(code: int | None) -> str:
    """What the code of a revocation says, for people; codes that we do not know say nothing."""
    try:
        return RevocationReason(code or 0).words
    except ValueError:
        return f"for a reason of its own (code {code})"


def revocation_certificate(
    key: SecretKey, *, at: datetime, reason: RevocationReason = RevocationReason.NONE, text: str = ""
) -> bytes:
    """A signature packet that revokes the key once it is applied; without effect until then. Raises `InputError`."""
    assembly = take_apart(key.material)
    signer = opened(key, assembly.primary)
    signature = signer.over_key(SignatureType.KEY_REVOCATION, at, [_reason(reason, text)])
    return packet(Tag.SIGNATURE, signature.body)


def armored_revocation(certificate: bytes) -> bytes:
    """A revocation certificate as the file that GnuPG and others import: a public key block."""
    return armored(ArmorKind.PublicKey, certificate)


def with_revocation(material: bytes, certificate: bytes) -> bytes:
    """A binary key, public or secret, with a binary revocation certificate applied.

    Raises `InputError` where the certificate is none of this key.
    """
    whole = take_apart(material)
    bodies = [one.body for one in walk(certificate) if one.tag == Tag.SIGNATURE]
    if not any(read_signature(body).type == SignatureType.KEY_REVOCATION for body in bodies):
        raise InputError("This is not a revocation certificate.")
    head = packet(Tag.PUBLIC_KEY, whole.primary.without_secret.body)
    revoking = head + b"".join(packet(Tag.SIGNATURE, body) for body in bodies)
    if not any(one.is_revocation for one in take_apart(revoking).primary.signatures):
        raise InputError("This revocation certificate belongs to another key.")
    return merged(material, revoking)


def revoke_key(key: SecretKey, *, at: datetime, reason: RevocationReason, text: str = "") -> SecretKey:
    """The key, revoked. Raises `InputError` where its primary secret is not here or does not open."""
    return _secret_key(key, with_revocation(key.material, revocation_certificate(key, at=at, reason=reason, text=text)))


def revoke_subkey(
    key: SecretKey, fingerprint: str, *, at: datetime, reason: RevocationReason, text: str = ""
) -> SecretKey:
    """The key with the subkey of that fingerprint revoked; its secret stays, for old mail. Raises `InputError`."""
    assembly, signer = _opened(key)
    part = _found((one for one in assembly.subkeys if one.public.fingerprint == fingerprint.lower()), "subkey")
    subpackets = [_reason(reason, text)]
    new = signer.over_subkey(SignatureType.SUBKEY_REVOCATION, part.public, after(part, at), subpackets)
    subkeys = tuple(_with(one, new) if one is part else one for one in assembly.subkeys)
    return _secret_key(key, arranged(replace(assembly, subkeys=subkeys)).to_bytes())


def revoke_user_id(
    key: SecretKey,
    raw: bytes,
    *,
    at: datetime,
    reason: RevocationReason = RevocationReason.USER_ID_INVALID,
    text: str = "",
) -> SecretKey:
    """The key with that user ID taken back. Raises `InputError`."""
    assembly, signer = _opened(key)
    part = _found((one for one in assembly.user_ids if one.body == raw), "user ID")
    new = signer.over_user_id(
        SignatureType.CERTIFICATION_REVOCATION, part.body, after(part, at), [_reason(reason, text)]
    )
    user_ids = tuple(_with(one, new) if one is part else one for one in assembly.user_ids)
    return _secret_key(key, arranged(replace(assembly, user_ids=user_ids)).to_bytes())


def _opened(key: SecretKey) -> tuple[Assembly, Signer]:
    assembly = take_apart(key.material)
    return assembly, opened(key, assembly.primary)


def _found(parts: Iterable[Part], what: str) -> Part:
    part = next(iter(parts), None)
    if part is None:
        raise InputError(f"The OpenPGP key has no such {what}.")
    return part


def _reason(reason: RevocationReason, text: str) -> bytes:
    if len(text) > LONGEST_EXPLANATION:
        raise InputError("The explanation of a revocation is too long: 500 characters are the most.")
    return subpacket(Kind.REVOCATION_REASON, bytes([reason]) + text.encode())


def _with(part: Part, signature: SelfSignature) -> Part:
    return replace(part, signatures=(signature, *part.signatures))


def _secret_key(key: SecretKey, material: bytes) -> SecretKey:
    return SecretKey(key=key_from_openpgp(material), material=material, passphrases=key.passphrases)
