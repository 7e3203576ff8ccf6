"""Copies sealed with OpenPGP: what the plan says of them, whom they are for, and which keys go along."""

from __future__ import annotations

import email
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest

from sealmail import mime
from sealmail.addresses import Mailbox
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp, state_at
from sealmail.keys.openpgp_merging import minimal
from sealmail.keys.pgp.armor import dearmor
from sealmail.keys.pgp.packets import Tag, walk
from sealmail.mime import Draft
from sealmail.opening import Opened, open_message
from sealmail.openpgp.session_keys import read_wrapped
from sealmail.policy import Policy
from sealmail.report import Encryption, KeySource, Signature
from sealmail.sealing import (
    AutocryptPreference,
    MessageCipher,
    Plan,
    PlannedSignature,
    SealedCopy,
    SealRequest,
    plan,
    seal,
)
from sealmail.testing import CA, openpgp_key

DESK, CAROL, DAVE, ERIN, FRANK = (
    "support@desk.example",
    "carol@bank.example",
    "dave@law.example",
    "erin@shop.example",
    "frank@clinic.example",
)


class House:
    """The desk, two customers in sight, two that nobody sees, all with OpenPGP.

    Seals at the time that it is, because Sequoia believes no signature that is older than the key's own ones.
    """

    def __init__(self) -> None:
        self.secrets = {address: openpgp_key(address) for address in (DESK, CAROL, DAVE, FRANK)}
        profile = pysequoia.Profile.RFC9580
        modern = bytes(pysequoia.Tsk.generate(user_id=f"<{ERIN}>", profile=profile))
        self.secrets[ERIN] = SecretKey(key=key_from_openpgp(modern), material=modern)

    @property
    def trust(self) -> MemoryTrust:
        return MemoryTrust(levels={one.key.fingerprint: TrustLevel.BY_HAND for one in self.secrets.values()})

    def key(self, address: str) -> Key:
        return self.secrets[address].key

    def store(self, owner: str = DESK) -> MemoryKeyStore:
        return MemoryKeyStore(keys=[one.key for one in self.secrets.values()], secrets=[self.secrets[owner]])

    def plan(self, *to: str, **asked: object) -> Plan:
        wanted = {"sign": True, "encrypt": True, "technology": Technology.OPENPGP} | asked
        return plan(SealRequest(sender=DESK, to=to, **wanted), self.store(), self.trust, Policy(), datetime.now(UTC))  # type: ignore[arg-type]

    def copies(self, *to: str, **asked: object) -> tuple[SealedCopy, ...]:
        to_and_cc = tuple(Mailbox("", one) for one in to)
        draft = Draft(from_=(Mailbox("", DESK),), to=to_and_cc, subject="Merger plans", text="Words.\n")
        return seal(self.plan(*to, **asked), draft, self.store(), datetime.now(UTC))

    def opened(self, raw: bytes, reader: str) -> Opened:
        return open_message(raw, self.store(reader), self.trust, Policy(), datetime.now(UTC))


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def now() -> datetime:
    return datetime.now(UTC)


def session_keys(raw: bytes) -> set[str]:
    """Whom the encrypted message in a mail says that it is for."""
    message = dearmor(email.message_from_bytes(raw).get_payload(1).get_payload().encode())
    return {read_wrapped(one.body).recipient for one in walk(message) if one.tag == Tag.PKESK}


def encryption_ids(key: Key) -> set[str]:
    (fingerprint,) = state_at(key.material, now()).encryption
    return {fingerprint if len(fingerprint) == 64 else fingerprint[-16:]}


def keys_told(opened: Opened) -> set[tuple[KeySource, str, str | None]]:
    return {(one.source, one.fingerprint, one.address) for one in opened.report.key_claims}


@pytest.mark.mission("A7")
def test_every_copy_names_its_own_recipients_and_nobody_else(house: House) -> None:
    shared, erin, frank = house.copies(CAROL, DAVE, bcc=(ERIN, FRANK))

    ours = encryption_ids(house.key(DESK))
    assert session_keys(shared.raw) == ours | encryption_ids(house.key(CAROL)) | encryption_ids(house.key(DAVE))
    assert session_keys(erin.raw) == ours | {state_at(house.key(ERIN).material, now()).encryption[0][:16]}
    assert session_keys(frank.raw) == ours | encryption_ids(house.key(FRANK))
    for copy in (shared, erin, frank):
        for hidden in {ERIN, FRANK} - set(copy.planned.recipients):
            opened = house.opened(copy.raw, hidden)
            assert opened.report.encryption.verdict is Encryption.NO_KEY
            assert hidden.encode() not in copy.raw
            inside = house.opened(copy.raw, DESK)
            assert all(
                house.key(hidden).fingerprint not in one for one in inside.report.signature.facts.intended_recipients
            )


@pytest.mark.mission("P3")
def test_the_plan_tells_what_an_openpgp_copy_uses(house: House) -> None:
    (mixed,) = house.plan(CAROL, ERIN).copies

    assert mixed.cipher is MessageCipher.AES256_MDC
    assert mixed.key_schemes == {
        house.key(CAROL).fingerprint: "ECDH Curve25519",
        house.key(ERIN).fingerprint: "X25519",
        house.key(DESK).fingerprint: "ECDH Curve25519",
    }
    assert mixed.signature == PlannedSignature(algorithm="Ed25519", micalg="pgp-sha256")
    assert [(one.code, one.address) for one in mixed.cipher_reasons] == [
        ("aead_not_read", CAROL),
        ("aead_not_read", DESK),
    ]


def test_the_plan_is_what_is_written(house: House) -> None:
    (copy,) = house.copies(CAROL, ERIN)
    (signed,) = house.copies(CAROL, encrypt=False)

    facts = house.opened(copy.raw, ERIN).report.encryption.facts
    assert facts is not None
    assert facts.algorithm == copy.planned.cipher
    assert mime.parse(signed.raw).params["micalg"] == signed.planned.signature.micalg


def test_the_key_is_attached_inside_of_what_is_sealed(house: House) -> None:
    (sealed,) = house.copies(CAROL, attach_key=True)
    (signed,) = house.copies(CAROL, attach_key=True, encrypt=False)

    own = house.key(DESK).fingerprint
    for copy in (sealed, signed):
        opened = house.opened(copy.raw, CAROL)
        assert [key.fingerprint for key in copy.planned.attached_keys] == [own]
        assert opened.report.signature.verdict is Signature.GOOD
        assert opened.content.text == "Words.\n"
        assert [(one.name, one.content_type) for one in opened.content.attachments] == [
            (f"OpenPGP_0x{own[-16:].upper()}.asc", "application/pgp-keys")
        ]
        assert keys_told(opened) == {(KeySource.ATTACHED, own, None)}
    assert b"PUBLIC KEY BLOCK" not in sealed.raw


@pytest.mark.mission("B9")
@pytest.mark.parametrize("preference", AutocryptPreference)
def test_the_autocrypt_header_is_read_back(house: House, preference: AutocryptPreference) -> None:
    (copy,) = house.copies(CAROL, autocrypt=preference)

    (claim,) = house.opened(copy.raw, CAROL).report.key_claims
    assert (claim.source, claim.address, claim.fingerprint) == (KeySource.AUTOCRYPT, DESK, house.key(DESK).fingerprint)
    assert claim.prefers_encryption is (preference is AutocryptPreference.MUTUAL)
    assert len(mime.parse(copy.raw).headers.first("Autocrypt") or "") < 10 * 1024


@pytest.mark.mission("B9")
def test_gossip_is_about_those_whom_everybody_sees_and_stands_inside(house: House) -> None:
    copies = house.copies(CAROL, DAVE, bcc=(FRANK,), autocrypt=AutocryptPreference.NO_PREFERENCE)

    visible = {(KeySource.GOSSIP, house.key(one).fingerprint, one) for one in (CAROL, DAVE)}
    for copy, reader in zip(copies, (CAROL, FRANK), strict=True):
        assert b"Autocrypt-Gossip" not in copy.raw
        told = {one for one in keys_told(house.opened(copy.raw, reader)) if one[0] is KeySource.GOSSIP}
        assert told == visible
    assert house.plan(CAROL, bcc=(FRANK,), autocrypt=AutocryptPreference.MUTUAL).copies[1].gossip == {}
    assert house.plan(CAROL, DAVE, encrypt=False, autocrypt=AutocryptPreference.MUTUAL).copies[0].gossip == {}


def test_nothing_goes_along_unless_it_was_asked_for(house: House) -> None:
    (copy,) = house.copies(CAROL, DAVE)

    assert (copy.planned.attached_keys, copy.planned.autocrypt, copy.planned.gossip) == ((), None, {})
    assert keys_told(house.opened(copy.raw, CAROL)) == set()


def test_a_key_that_is_not_here_cannot_go_along_and_the_plan_says_so() -> None:
    ca = CA.create()
    desk, carol = ca.issue(DESK), ca.issue(CAROL)
    store = MemoryKeyStore(keys=[ca.certificate, carol.key], secrets=[desk])
    request = SealRequest(sender=DESK, to=(CAROL,), sign=True, encrypt=True, attach_key=True)

    made = plan(request, store, MemoryTrust(anchors=[ca.anchor]), Policy(), now())

    assert [(one.code, one.address) for one in made.refusals] == [("no_key_to_send", DESK)]


@pytest.mark.mission("B6")
def test_a_hidden_subject_comes_back_with_keys_and_gossip_beside_it(house: House) -> None:
    (copy,) = house.copies(CAROL, DAVE, hide_subject=True, attach_key=True, autocrypt=AutocryptPreference.MUTUAL)

    opened = house.opened(copy.raw, CAROL)

    assert (opened.headers.subject, opened.headers.outer_subject) == ("Merger plans", "[...]")
    assert b"Merger" not in copy.raw
    assert opened.report.signature.verdict is Signature.GOOD
    assert len({one.source for one in opened.report.key_claims}) == 3


@pytest.mark.mission("B6")
@pytest.mark.parametrize("encrypt", [True, False])
def test_protected_headers_undo_a_change_on_the_way(house: House, encrypt: bool) -> None:
    (bare,) = house.copies(CAROL, encrypt=encrypt)
    (copy,) = house.copies(CAROL, encrypt=encrypt, protect_headers=True)

    changed = [one.raw.replace(b"Subject: Merger plans", b"Subject: Cancelled", 1) for one in (bare, copy)]
    opened = [house.opened(raw, CAROL) for raw in changed]

    assert [one.report.signature.verdict for one in opened] == [Signature.GOOD] * 2
    assert [one.headers.subject for one in opened] == ["Cancelled", "Merger plans"]
    assert mime.parse(copy.raw).headers.first("Subject") == "Merger plans"


def test_minimal_keeps_what_is_needed_and_no_more(house: House) -> None:
    for address in (CAROL, ERIN):
        whole = house.secrets[address].material
        at = now()
        small = minimal(whole, at)
        before, after = state_at(house.key(address).material, at), state_at(small, at)

        assert (after.signing, after.encryption) == (before.signing[:1], before.encryption[:1])
        assert key_from_openpgp(small).addresses == (address,)
        assert minimal(small, at) == small
        assert not {one.tag for one in walk(small)} & {Tag.SECRET_KEY, Tag.SECRET_SUBKEY}


def test_the_command_sends_keys_along(house: House, tmp_path: Path) -> None:
    (tmp_path / "draft.eml").write_bytes(
        f"From: <{DESK}>\r\nTo: <{CAROL}>, <{DAVE}>\r\nSubject: x\r\n\r\nWords.\r\n".encode()
    )
    for name, material in (
        ("desk", house.secrets[DESK].material),
        *((one, house.key(one).material) for one in (CAROL, DAVE)),
    ):
        (tmp_path / f"{name}.pgp").write_bytes(material)
    command = [
        sys.executable,
        "-m",
        "sealmail",
        "seal",
        "draft.eml",
        "--out",
        "out",
        "--keys",
        "desk.pgp",
        "--sign",
        "--encrypt",
    ]
    trusted = ["--trust", f"{CAROL}.pgp", f"{DAVE}.pgp", "--attach-key", "--autocrypt", "mutual"]

    subprocess.run([*command, *trusted], cwd=tmp_path, check=True, capture_output=True)

    (copy,) = json.loads((tmp_path / "out" / "plan.json").read_text())["copies"]
    own = house.key(DESK).fingerprint
    assert (copy["attached_keys"], copy["autocrypt"], copy["cipher"]) == ([own], own, "AES-256-CFB with MDC")
    assert copy["gossip"] == {one: house.key(one).fingerprint for one in (CAROL, DAVE)}
    assert copy["signature"] == {"algorithm": "Ed25519", "micalg": "pgp-sha256", "opaque": False}
    opened = house.opened((tmp_path / "out" / "1.eml").read_bytes(), CAROL)
    assert {one.source for one in opened.report.key_claims} == {
        KeySource.AUTOCRYPT,
        KeySource.ATTACHED,
        KeySource.GOSSIP,
    }


class Sequoia:
    """Sequoia's command, with key files in a folder."""

    def __init__(self, folder: Path, house: House) -> None:
        self._folder = folder
        for address, one in house.secrets.items():
            (folder / f"{address}.key").write_bytes(one.material)
            (folder / f"{address}.pub").write_bytes(one.key.material)

    def run(self, *arguments: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["sq", *arguments], cwd=self._folder, input=data, capture_output=True, check=False)

    def decrypt(self, raw: bytes, reader: str) -> subprocess.CompletedProcess[bytes]:
        message = email.message_from_bytes(raw).get_payload(1).get_payload().encode()
        keys = ("--recipient-key", f"{reader}.key", "--signer-cert", f"{DESK}.pub")
        return self.run("decrypt", *keys, data=message)

    def verify(self, raw: bytes) -> subprocess.CompletedProcess[bytes]:
        signed = mime.parse(raw)
        (self._folder / "signature").write_bytes(signed.children[1].body)
        return self.run(
            "verify", "--signer-cert", f"{DESK}.pub", "--detached", "signature", data=signed.children[0].raw
        )


@pytest.fixture
def sq(tmp_path: Path, house: House) -> Sequoia:
    return Sequoia(tmp_path, house)


@pytest.mark.mission("P3")
@pytest.mark.parametrize("kind", ["cv25519", "rsa3072"])
def test_sequoia_opens_and_verifies_what_we_write(tmp_path: Path, kind: str) -> None:
    house = House()
    house.secrets |= {address: openpgp_key(address, cipher=kind) for address in (DESK, CAROL)}
    sq = Sequoia(tmp_path, house)
    (sealed,) = house.copies(CAROL, DAVE)
    (signed,) = house.copies(CAROL, encrypt=False)

    opened, verified = sq.decrypt(sealed.raw, CAROL), sq.verify(signed.raw)
    changed = sq.verify(signed.raw.replace(b"Words", b"Wards"))

    assert (opened.returncode, opened.stdout.endswith(b"Words.\r\n")) == (0, True)
    assert b"1 good signature" in opened.stderr
    assert verified.returncode == 0
    assert changed.returncode != 0


def test_sequoia_of_debian_reads_no_keys_of_version_6(sq: Sequoia, house: House) -> None:
    (mixed,) = house.copies(CAROL, ERIN)
    (alone,) = house.copies(CAROL, bcc=(ERIN,))[1:]

    assert sq.decrypt(mixed.raw, ERIN).returncode != 0
    assert sq.decrypt(alone.raw, ERIN).returncode != 0
    assert sq.decrypt(mixed.raw, CAROL).returncode == 0
    assert house.opened(mixed.raw, ERIN).report.signature.verdict is Signature.GOOD


def test_signatures_name_the_recipients_unless_old_programs_would_stumble(house: House) -> None:
    (old,), (mixed,) = house.copies(CAROL, DAVE), house.copies(CAROL, ERIN)

    named = [house.opened(one.raw, DESK).report.signature.facts.intended_recipients for one in (old, mixed)]

    assert named == [tuple(house.key(one).fingerprint for one in (CAROL, DAVE, DESK)), ()]
