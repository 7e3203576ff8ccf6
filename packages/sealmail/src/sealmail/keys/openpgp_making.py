"""OpenPGP keys of our own: made, prolonged, given new subkeys and user IDs, protected with another passphrase.

Every change is signed by the primary key at a time that the caller gives; nothing here looks at a clock. What is
changed is returned, what was given stays as it is. Revoking is `openpgp_revoking`, exporting `openpgp_merging`. No page
calls it yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sealmail.addresses import canonical
from sealmail.errors import InputError, PassphraseError
from sealmail.keys.model import SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.openpgp_revoking import RevocationReason, revocation_certificate
from sealmail.keys.pgp import secret
from sealmail.keys.pgp.assembly import Assembly, Part, SelfSignature, arranged, take_apart
from sealmail.keys.pgp.certificate import Component, check_certificate
from sealmail.keys.pgp.checking import SigningKey
from sealmail.keys.pgp.drafting import subpacket
from sealmail.keys.pgp.packets import Tag
from sealmail.keys.pgp.producing import Suite, encryption_pair, secret_packet, signing_pair
from sealmail.keys.pgp.public import RSA_ALGORITHMS, PublicKey
from sealmail.keys.pgp.self_signing import (
    CERTIFY,
    ENCRYPT,
    SIGN,
    Signer,
    after,
    back_signature,
    lifetime,
    opened,
    repeated,
)
from sealmail.keys.pgp.subpackets import Kind, SignatureType

LONGEST_NAME = 200
"""Characters in the name of a user ID."""
_MDC, _SEIPD_V2 = 0x01, 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made."""

    secret: SecretKey
    revocation: bytes = field(repr=False)
    """A revocation certificate, to be kept apart and applied (`openpgp_revoking.with_revocation`) where the key is lost
    or stolen."""


def generate(
    *,
    name: str,
    addresses: Sequence[str],
    at: datetime,
    suite: Suite = Suite.CURVE25519,
    until: datetime | None = None,
    passphrase: str = "",
) -> NewKey:
    """A new key that certifies and signs, with one subkey to encrypt to, and a user ID for each address.

    The first user ID is the main one. `until`: when primary key and subkey end; None: never. Raises `InputError` for a
    name or address that cannot stand in a user ID, and for an end that is not after `at`.
    """
    if not addresses:
        raise InputError("A key needs at least one address.")
    user_ids = [user_id(name, address) for address in dict.fromkeys(addresses)]
    at = at.replace(microsecond=0)
    public, private = signing_pair(suite, at)
    if not isinstance(private, SigningKey):
        raise InputError("This OpenPGP key cannot sign.")
    signer = Signer(public=public, private=private, passphrase=passphrase)
    assembly = Assembly(
        primary=_primary(signer, at, until),
        user_ids=tuple(_user_id(signer, raw, at, until, is_main=i == 0) for i, raw in enumerate(user_ids)),
        subkeys=(_encryption_subkey(signer, suite, at, until),),
    )
    made = _secret_key(assembly, (passphrase,) if passphrase else ())
    return NewKey(secret=made, revocation=revocation_certificate(made, at=at, reason=RevocationReason.NONE))


def user_id(name: str, address: str) -> bytes:
    """The user ID "Name <address>" as bytes. Raises `InputError` where it could be read in another way."""
    known = canonical(address)
    if known is None:
        raise InputError("This is not an e-mail address.")
    name = name.strip()
    if len(name) > LONGEST_NAME or not all(one.isprintable() for one in name) or set(name) & set("<>"):
        raise InputError("This name cannot stand in a user ID: it is too long, or has signs that are not allowed.")
    return (f"{name} <{known}>" if name else known).encode()


def extended(key: SecretKey, *, until: datetime | None, at: datetime) -> SecretKey:
    """The key with another end (None: never), for the primary key and for the newest subkey of each use.

    Older subkeys keep their end: they were replaced. User IDs that were revoked stay so. Raises `InputError` where the
    key is revoked, its primary secret is not here, or the end is not after `at`.
    """
    if until is not None and until <= at:
        raise InputError("The new end of the key has to be in the future.")
    assembly, signer = _opened(key, at)
    current = _current_subkeys(assembly)
    return _secret_key(
        replace(
            assembly,
            primary=_prolonged_primary(signer, assembly.primary, until, at),
            user_ids=tuple(_prolonged_user_id(signer, part, until, at) for part in assembly.user_ids),
            subkeys=tuple(
                _bound_until(signer, key, part, until, at) if part.public.fingerprint in current else part
                for part in assembly.subkeys
            ),
        ),
        key.passphrases,
    )


def with_encryption_subkey(
    key: SecretKey, *, at: datetime, until: datetime | None = None, overlap_until: datetime | None = None
) -> SecretKey:
    """The key with a new subkey to encrypt to, of the same kind as the key.

    New mail goes to the new one as soon as its sender has it. `overlap_until`: the end of the older ones, for senders
    that do not have it yet (None: they keep the end that they have). The old secrets stay and open old mail. Raises
    what `extended` raises.
    """
    assembly, signer = _opened(key, at)
    older = check_certificate(key.material)
    old = {one.public.fingerprint for one in older.subkeys if one.may_encrypt(at) and one.revoked(at) is None}
    subkeys = [
        _bound_until(signer, key, part, overlap_until, at)
        if overlap_until
        and part.public.fingerprint in old
        and _ends_later(older.component(part.public.fingerprint), overlap_until, at)
        else part
        for part in assembly.subkeys
    ]
    new = _encryption_subkey(signer, _suite_of(signer.public), at.replace(microsecond=0), until)
    return _secret_key(replace(assembly, subkeys=(*subkeys, new)), key.passphrases)


def with_user_id(key: SecretKey, *, name: str, address: str, at: datetime, is_main: bool = False) -> SecretKey:
    """The key with one more user ID, or with a revoked one that holds again. Raises what `extended` raises."""
    assembly, signer = _opened(key, at)
    raw = user_id(name, address)
    end = check_certificate(key.material).primary.expires(at)
    known = next((part for part in assembly.user_ids if part.body == raw), Part(tag=Tag.USER_ID, body=raw))
    new = _user_id(signer, raw, after(known, at), end, is_main=is_main)
    others = tuple(part for part in assembly.user_ids if part.body != raw)
    both = replace(known, signatures=(*new.signatures, *known.signatures))
    return _secret_key(replace(assembly, user_ids=(*others, both)), key.passphrases)


def with_passphrase(key: SecretKey, passphrase: str) -> SecretKey:
    """The key with every secret that is here under another passphrase; an empty one takes the protection away.

    Raises `PassphraseError` where one of its secrets cannot be opened with `key.passphrases`; nothing is changed then.
    """
    assembly = take_apart(key.material)
    primary, *subkeys = (_protected(part, key.passphrases, passphrase) for part in assembly.keys)
    changed = replace(assembly, primary=primary, subkeys=tuple(subkeys))
    return _secret_key(changed, (passphrase,) if passphrase else ())


def _protected(part: Part, passphrases: tuple[str, ...], passphrase: str) -> Part:
    if not part.is_secret or not secret.holds_secret(part.body):
        return part
    is_primary = part.tag == Tag.SECRET_KEY
    try:
        private = secret.unlock(part.body, is_primary=is_primary, passphrases=passphrases)
    except PassphraseError:
        raise PassphraseError("The passphrase of the OpenPGP key is missing or wrong.") from None
    return replace(part, body=secret_packet(part.public, private, passphrase, is_primary=is_primary))


def _opened(key: SecretKey, at: datetime) -> tuple[Assembly, Signer]:
    assembly = take_apart(key.material)
    if check_certificate(key.material).primary.revoked(at):
        raise InputError("This OpenPGP key is revoked; make a new one.")
    return assembly, opened(key, assembly.primary)


def _secret_key(assembly: Assembly, passphrases: tuple[str, ...]) -> SecretKey:
    material = arranged(assembly).to_bytes()
    return SecretKey(key=key_from_openpgp(material), material=material, passphrases=passphrases)


def _primary(signer: Signer, at: datetime, until: datetime | None) -> Part:
    body = secret_packet(signer.public, signer.private, signer.passphrase, is_primary=True)
    # RFC 9580 §5.2.3.10: a version 6 key describes itself here, a version 4 key with its user IDs.
    described = [*_description(signer.public), *lifetime(signer.public, until)]
    is_v6 = signer.public.version == 6
    signatures = (signer.over_key(SignatureType.DIRECT_KEY, at, described),) if is_v6 else ()
    return Part(tag=Tag.SECRET_KEY, body=body, signatures=signatures)


def _user_id(signer: Signer, raw: bytes, at: datetime, until: datetime | None, *, is_main: bool) -> Part:
    described = [] if signer.public.version == 6 else [*_description(signer.public), *lifetime(signer.public, until)]
    main = [subpacket(Kind.PRIMARY_USER_ID, b"\x01")] if is_main else []
    signature = signer.over_user_id(SignatureType.POSITIVE_CERTIFICATION, raw, at, [*described, *main])
    return Part(tag=Tag.USER_ID, body=raw, signatures=(signature,))


def _description(public: PublicKey) -> list[bytes]:
    """Uses, ciphers (AES-256, AES-128), hashes (SHA-512, SHA-256), no compression first, and what can be read."""
    features = _MDC | _SEIPD_V2 if public.version == 6 else _MDC
    preferred = {11: b"\x09\x07", 21: b"\x0a\x08", 22: b"\x00\x02\x01"}
    return [
        subpacket(Kind.KEY_FLAGS, bytes([CERTIFY | SIGN]), is_critical=True),
        *(subpacket(kind, body) for kind, body in preferred.items()),
        *([subpacket(39, b"\x09\x02\x07\x02")] if public.version == 6 else []),  # AES with OCB
        subpacket(Kind.FEATURES, bytes([features])),
    ]


def _encryption_subkey(signer: Signer, suite: Suite, at: datetime, until: datetime | None) -> Part:
    public, private = encryption_pair(suite, at)
    flags = [subpacket(Kind.KEY_FLAGS, bytes([ENCRYPT]), is_critical=True), *lifetime(public, until)]
    return Part(
        tag=Tag.SECRET_SUBKEY,
        body=secret_packet(public, private, signer.passphrase, is_primary=False),
        signatures=(signer.over_subkey(SignatureType.SUBKEY_BINDING, public, at, flags),),
    )


def _suite_of(primary: PublicKey) -> Suite:
    if primary.version == 6:
        return Suite.VERSION_6
    if primary.algorithm in RSA_ALGORITHMS:
        return Suite.RSA_4096 if (primary.bits or 0) > 3072 else Suite.RSA_3072
    return Suite.CURVE25519


def _current_subkeys(assembly: Assembly) -> set[str]:
    """The newest subkey for each use, whether or not it has run out."""
    newest: dict[int, str] = {}
    for part in sorted(assembly.subkeys, key=lambda one: one.public.created):
        is_revoked = any(one.is_revocation for one in part.signatures)
        for use in (SIGN, ENCRYPT):
            if not is_revoked and (part.statements[0].read.key_flags or 0) & use:
                newest[use] = part.public.fingerprint
    return set(newest.values())


def _prolonged_primary(signer: Signer, part: Part, until: datetime | None, at: datetime) -> Part:
    described = next((one for one in part.statements if one.read.type == SignatureType.DIRECT_KEY), None)
    if described is None:
        return part
    subpackets = [*repeated(described.read), *lifetime(signer.public, until)]
    return _with(part, signer.over_key(SignatureType.DIRECT_KEY, after(part, at), subpackets))


def _prolonged_user_id(signer: Signer, part: Part, until: datetime | None, at: datetime) -> Part:
    newest = part.statements[0]
    if any(one.is_revocation and one.created >= newest.created for one in part.signatures):
        return part
    subpackets = repeated(newest.read)
    if signer.public.version != 6:
        subpackets += lifetime(signer.public, until)
    return _with(part, signer.over_user_id(newest.read.type, part.body, after(part, at), subpackets))


def _bound_until(signer: Signer, key: SecretKey, part: Part, until: datetime | None, at: datetime) -> Part:
    newest, public, when = part.statements[0].read, part.public, after(part, at)
    subpackets = [*repeated(newest), *lifetime(public, until)]
    if (newest.key_flags or 0) & SIGN:
        subpackets.append(back_signature(public, _signing_secret(key, part), signer.public, when))
    return _with(part, signer.over_subkey(SignatureType.SUBKEY_BINDING, public, when, subpackets))


def _signing_secret(key: SecretKey, part: Part) -> SigningKey:
    if part.is_secret and secret.holds_secret(part.body):
        private = secret.unlock(part.body, is_primary=False, passphrases=key.passphrases)
        if isinstance(private, SigningKey):
            return private
    raise InputError("The secret part for signing is not here, so its end cannot be changed.")


def _ends_later(component: Component | None, until: datetime, at: datetime) -> bool:
    end = component.expires(at) if component else None
    return component is not None and (end is None or end > until)


def _with(part: Part, signature: SelfSignature) -> Part:
    return replace(part, signatures=(signature, *part.signatures))
