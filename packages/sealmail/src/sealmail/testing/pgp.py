"""OpenPGP keys for tests, in the form that every program reads: version 4, RFC 4880."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pysequoia
from openpgp.composed import EncryptionCaps, KeyType, SecretKeyParams, SecretKeyParamsBuilder, SubkeyParamsBuilder
from pysequoia.packet import PacketPile, SignatureType

from sealmail.keys import SecretKey
from sealmail.keys.openpgp_key import key_from_openpgp


def openpgp_key(
    address: str | None,
    *,
    name: str = "",
    passphrase: str | None = None,
    cipher: str = "cv25519",
    created: datetime | None = None,
    expires: datetime | None = None,
) -> SecretKey:
    """A version 4 key that GnuPG 2.2 reads: signs with the primary key, encrypts to one subkey. `cipher`: "cv25519" or
    "rsa3072" (any size).
    """
    user_id = f"{name} <{address}>" if name and address else name or f"<{address}>"
    material = _parameters(user_id, passphrase, cipher, created).generate().to_bytes()
    if expires is not None:
        material = _with_expiry(material, expires, passphrase)
    return SecretKey(key=key_from_openpgp(material), material=material, passphrases=(passphrase,) if passphrase else ())


def _parameters(user_id: str, passphrase: str | None, cipher: str, created: datetime | None) -> SecretKeyParams:
    if cipher == "cv25519":
        signing, encrypting = KeyType.ed25519_legacy(), KeyType.ecdh("curve25519")
    else:
        signing = encrypting = KeyType.rsa(int(cipher.removeprefix("rsa")))
    subkey = SubkeyParamsBuilder().version(4).key_type(encrypting).can_encrypt(EncryptionCaps.all())
    primary = SecretKeyParamsBuilder().version(4).key_type(signing).can_sign(True).can_certify(True)
    primary = primary.primary_user_id(user_id).feature_seipd_v1(True).passphrase(passphrase)
    primary = primary.preferred_symmetric_algorithms(["aes256", "aes128"]).preferred_hash_algorithms(
        ["sha512", "sha256"]
    )
    primary = primary.preferred_compression_algorithms(["zlib", "zip"])
    moment = int((created or datetime.now(UTC) - timedelta(days=365)).timestamp())
    subkey, primary = subkey.created_at(moment), primary.created_at(moment)
    return primary.subkey(subkey.passphrase(passphrase).build()).build()


def _with_expiry(material: bytes, expires: datetime, passphrase: str | None) -> bytes:
    """The key with new self-signatures that say when it ends. They are made on the public side, which then gets its
    secrets back.
    """
    secret = pysequoia.Tsk.from_bytes(material)
    public = secret.extract_certificate().set_expiration(expires, secret.certifier(passphrase))
    before = list(PacketPile.from_bytes(material))
    secrets = {packet.fingerprint: bytes(packet) for packet in before if packet.fingerprint}
    # Made in the same second as the new ones, which they would contradict.
    replaced = {bytes(packet) for packet in before if packet.signature_type == SignatureType.PositiveCertification}
    after = (packet for packet in PacketPile.from_bytes(bytes(public)) if bytes(packet) not in replaced)
    return b"".join(secrets.get(packet.fingerprint or "", bytes(packet)) for packet in after)
