"""Own keys in every state: what may no longer sign or be encrypted to still opens the mail that came for it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sealmail import openpgp
from sealmail.keys import MemoryKeyStore
from sealmail.keys.model import Use, openpgp_id
from sealmail.keys.openpgp_key import is_secret, public_material, state_at, usable_for
from sealmail.keys.pgp.packets import Tag, packet, walk
from sealmail.keys.pgp.secret import forget_unlocked
from sealmail.report import Encryption, Integrity

OWN = "desk@example.org"
TEXT = b"Content-Type: text/plain\r\n\r\nThe contract is in the blue folder.\r\n"
MADE = ("--faked-system-time", "20200101T000000!")
THEN = ("--faked-system-time", "20200201T000000!")
RECEIVED = datetime(2020, 2, 1, 12, tzinfo=UTC)


def sent(gpg, *options, to=OWN):
    return gpg(*THEN, *options, "--recipient", to, "--encrypt", stdin=TEXT)


def opened(message, policy, at, *secrets):
    return openpgp.decrypt(message, MemoryKeyStore(secrets=list(secrets)), policy, at)


@pytest.mark.mission("P2")
@pytest.mark.parametrize("reason", ["1", "2", "3"], ids=["compromised", "superseded", "retired"])
def test_a_revoked_key_still_opens(fresh_gpg, secret_of, policy, now, reason):
    fresh_gpg.key(f"Desk <{OWN}>", "ed25519", when="20200101T000000")
    message = sent(fresh_gpg)
    certificate = fresh_gpg.home / "revocation"
    command = ["--no-batch", "--command-fd", "0", "--output", str(certificate), "--gen-revoke", OWN]
    fresh_gpg(*command, stdin=f"y\n{reason}\n\ny\n".encode())
    fresh_gpg("--import", str(certificate))
    own = secret_of(fresh_gpg.secret(OWN))

    assert (opened(message, policy, now, own).payload, usable_for(own.key, Use.ENCRYPT, now)) == (TEXT, "revoked")


def test_a_key_bound_by_sha1_still_opens(fresh_gpg, secret_of, policy, now):
    old = ("--cert-digest-algo", "SHA1")
    fresh_gpg(*MADE, *old, "--quick-generate-key", f"<{OWN}>", "rsa2048", "sign", "never")
    fresh_gpg(*MADE, *old, "--quick-add-key", fresh_gpg.fingerprint(OWN), "rsa2048", "encrypt", "never")
    own = secret_of(fresh_gpg.secret(OWN))

    assert opened(sent(fresh_gpg), policy, now, own).payload == TEXT
    assert usable_for(own.key, Use.ENCRYPT, now) == "weak_binding"


@pytest.mark.mission("P2")
def test_mail_to_each_rotated_subkey_opens(fresh_gpg, secret_of, policy, now):
    primary = fresh_gpg.key(f"Desk <{OWN}>", "ed25519", when="20200101T000000")
    for made, until in (("20200102", "2020-07-01"), ("20200615", "2021-01-01"), ("20201215", "never")):
        faked = ("--faked-system-time", f"{made}T000000!")
        fresh_gpg(*faked, "--quick-add-key", primary, "cv25519", "encrypt", until)
    listing = fresh_gpg("--with-colons", "--list-keys", OWN).decode().splitlines()
    subkeys = [line.split(":")[9].lower() for line in listing if line.startswith("fpr")][1:]
    messages = {}
    for subkey, day in zip(subkeys, ("20200601", "20200301", "20200901", "20210301"), strict=True):
        faked = ("--faked-system-time", f"{day}T000000!")
        messages[subkey] = fresh_gpg(*faked, "--recipient", f"{subkey}!", "--encrypt", stdin=TEXT)
    commands = b"key 1\nrevkey\ny\n2\n\ny\nsave\n"
    fresh_gpg("--no-batch", "--command-fd", "0", "--edit-key", primary, stdin=commands)
    own = secret_of(fresh_gpg.secret(OWN))

    for subkey, message in messages.items():
        result = opened(message, policy, now, own)
        assert (result.payload, result.facts.recipients) == (TEXT, (openpgp_id(subkey[-16:]),))
    # One was revoked, two have expired.
    assert state_at(own.material, now).encryption == (subkeys[3],)


def test_a_hidden_recipient_is_found_among_many_keys(gpg, cast, secret_of, policy, now):
    message = gpg("--hidden-recipient", "carol@example.org", "--encrypt", stdin=TEXT)
    first = gpg("--hidden-recipient", "alice@example.org", "--recipient", "carol@example.org", "--encrypt", stdin=TEXT)

    result = opened(message, policy, now, cast.alice, cast.bob, cast.carol)
    named = opened(first, policy, now, cast.bob, cast.carol, cast.alice)

    assert (result.payload, result.facts.opened_with) == (TEXT, cast.carol.key.fingerprint)
    assert (named.payload, named.facts.opened_with) == (TEXT, cast.carol.key.fingerprint)


def test_a_hidden_recipient_behind_a_locked_key_is_told(gpg, cast, policy, now):
    forget_unlocked()
    locked = replace(cast.carol, passphrases=("falsch",))

    result = opened(
        gpg("--hidden-recipient", "carol@example.org", "--encrypt", stdin=TEXT), policy, now, cast.bob, locked
    )

    assert (result.facts.verdict, result.facts.why) == (Encryption.LOCKED, "passphrase_wrong")


def test_an_offline_primary_key_is_not_needed(fresh_gpg, secret_of, policy, now):
    primary = fresh_gpg.key(f"Desk <{OWN}>", "ed25519", when="20200101T000000")
    fresh_gpg(*MADE, "--quick-add-key", primary, "ed25519", "sign", "never")
    message = sent(fresh_gpg)
    own = secret_of(fresh_gpg("--export-secret-subkeys", OWN))

    sealed = openpgp.sign(TEXT, own, now)
    signature = sealed[sealed.index(b"-----BEGIN PGP SIGNATURE") :].split(b"\r\n--=_")[0]
    (signer,) = openpgp.verify(signature, TEXT, MemoryKeyStore(keys=[own.key]), policy, now).signers

    assert opened(message, policy, now, own).payload == TEXT
    assert (signer.integrity, signer.findings) == (Integrity.INTACT, frozenset())
    assert signer.signing_fingerprint != primary


def with_stubs(material, kind):
    """The secret key as gpg writes it when its subkeys lie elsewhere: 1 nowhere, 2 on a card with a serial number."""
    serial = b"\x10" + bytes(16) if kind == 2 else b""
    stub = b"\xff\0\x65\0GNU" + bytes([kind]) + serial
    public = {one.tag: one.body for one in walk(public_material(material))}
    pieces = [
        (one.tag, public[Tag.PUBLIC_SUBKEY] + stub if one.tag == Tag.SECRET_SUBKEY else one.body)
        for one in walk(material)
    ]
    return b"".join(packet(tag, body) for tag, body in pieces)


STUBS = {1: ("secret_missing", "only its public part is here"), 2: ("secret_on_card", "on a smart card")}


@pytest.mark.parametrize("kind", STUBS)
def test_a_secret_that_lies_elsewhere_is_told(gpg, cast, sealed, inspected, secret_of, now, kind):
    own = secret_of(with_stubs(cast.bob.material, kind))
    message = gpg("--recipient", "bob@example.org", "--encrypt", stdin=TEXT)

    statement = inspected(sealed(message, OWN), now, secrets=[own])["encryption"]

    assert is_secret(own.material)
    assert (statement["verdict"], statement["reason"]) == ("no_key", STUBS[kind][0])
    assert STUBS[kind][1] in statement["detail"]
    assert statement["detail"].startswith("Unable to find private key to decrypt")


def test_gpg_reads_our_stubs(gpg, fresh_gpg, cast):
    fresh_gpg("--import", stdin=with_stubs(cast.bob.material, 2))

    listing = fresh_gpg("--with-colons", "--list-secret-keys").decode()

    assert [line.split(":")[14] for line in listing.splitlines() if line.startswith("ssb")] != ["+"]
