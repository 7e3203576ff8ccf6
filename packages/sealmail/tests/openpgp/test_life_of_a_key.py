"""Five years of the desk's key, with gpg as the customer who writes and is written to: one story."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from sealmail import openpgp
from sealmail.addresses import Mailbox
from sealmail.keys import Key, MemoryKeyStore, MemoryTrust, SecretKey, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.keys.openpgp_listing import State, listing
from sealmail.keys.openpgp_making import extended, generate, with_encryption_subkey, with_user_id
from sealmail.keys.openpgp_merging import exported, merged
from sealmail.keys.openpgp_revoking import RevocationReason, revoke_key, revoke_subkey
from sealmail.keys.usability import Purpose, problems
from sealmail.mime import Draft, build_entity, build_headers
from sealmail.opening import open_message
from sealmail.policy import Policy
from sealmail.report import Encryption, Reason, Signature

DESK, CUSTOMER = "help@desk.example", "carol@customer.example"


def day(year: int, month: int = 1, of_month: int = 1) -> datetime:
    return datetime(year, month, of_month, 12, tzinfo=UTC)


@dataclass
class Customer:
    """Carol with gpg, whose clock stands where the story is."""

    gpg: object
    key: Key
    fingerprint: str

    def run(self, at: datetime, *arguments: str, stdin: bytes = b"", ok: bool = True):
        return self.gpg.run(f"--faked-system-time={at:%Y%m%dT%H%M%S}!", *arguments, stdin=stdin, ok=ok)

    def writes(self, at: datetime, text: str, address: str = DESK) -> bytes:
        """A signed and encrypted mail to the desk."""
        entity = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
        sealed = self.run(at, "--armor", "--sign", "--encrypt", "--recipient", address, stdin=entity).stdout
        mail = build_headers(Draft(from_=(Mailbox("Carol", CUSTOMER),), to=(Mailbox("", DESK),), subject="Hello"))
        mail += b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"\r\n\r\n--b\r\n'
        mail += b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\n"
        return mail + b"Content-Type: application/octet-stream\r\n\r\n" + sealed + b"\r\n--b--\r\n"

    def can_write(self, at: datetime) -> bool:
        return self.run(at, "--encrypt", "--recipient", DESK, stdin=b"?", ok=False).returncode == 0

    def opens(self, at: datetime, mail: bytes) -> str:
        """What gpg says of a mail from the desk."""
        start = mail.index(b"-----BEGIN PGP MESSAGE")
        done = self.run(at, "--status-fd=2", "--decrypt", stdin=mail[start : mail.index(b"--=_", start)])
        told = [line.split()[1] for line in done.stderr.decode().splitlines() if line.startswith("[GNUPG:]")]
        return next(one for one in told if one in {"GOODSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG"})


@dataclass
class Desk:
    """The help desk with its key, and all the mail of five years."""

    secret: SecretKey
    customer: Customer
    received: list[tuple[datetime, bytes, str]] = field(default_factory=list)
    sent: list[tuple[datetime, bytes]] = field(default_factory=list)

    def publishes(self, at: datetime) -> None:
        self.customer.run(at, "--import", stdin=exported(self.secret.material))

    def corresponds(self, at: datetime) -> None:
        """One mail in each direction, read by the other on the same day."""
        incoming = self.customer.writes(at, f"In {at.year}")
        self.received.append((at, incoming, f"In {at.year}"))
        assert self.reads(incoming, at) == (Encryption.DECRYPTED, Signature.GOOD, f"In {at.year}")

        draft = Draft(from_=(Mailbox("Desk", DESK),), to=(Mailbox("", CUSTOMER),), subject="Re", text="Dear Carol")
        sealed = openpgp.encrypt(build_entity(draft), [self.customer.key, self.secret.key], self.secret, at)
        self.sent.append((at, build_headers(draft) + sealed))
        assert self.customer.opens(at, self.sent[-1][1]) == "GOODSIG"

    def reads(self, mail: bytes, at: datetime):
        store = MemoryKeyStore(keys=[self.customer.key], secrets=[self.secret])
        trusted = [self.customer.key.fingerprint, self.secret.key.fingerprint]
        trust = MemoryTrust(levels=dict.fromkeys(trusted, TrustLevel.BY_HAND))
        opened = open_message(mail, store, trust, Policy(), at)
        signature = opened.report.signature
        return opened.report.encryption.verdict, signature.reason or signature.verdict, opened.content.text.strip()


@pytest.mark.mission("B10", "P3")
def test_a_key_lives_five_years_and_all_its_mail_stays_readable_and_rightly_judged(fresh_gpg):
    # 2020: the desk makes a key for two years; Carol certifies it, which is none of the desk's business.
    fingerprint = fresh_gpg.key(f"Carol <{CUSTOMER}>", "ed25519", when="20200101T000000")
    carol = Customer(fresh_gpg, key_from_openpgp(fresh_gpg.public(CUSTOMER)), fingerprint)
    new = generate(name="The Desk", addresses=[DESK], at=day(2020), until=day(2022), passphrase="Kanarienvogel")
    desk = Desk(new.secret, carol)
    desk.publishes(day(2020, 1, 2))
    carol.run(day(2020, 1, 3), "--quick-sign-key", new.secret.key.fingerprint)
    certified = carol.gpg.public(DESK)
    assert merged(desk.secret.material, certified) == desk.secret.material
    desk.corresponds(day(2020, 2))

    # 2021: extended to the end of 2025. Until Carol hears of it, the key ends for her in 2022.
    desk.corresponds(day(2021, 2))
    desk.secret = extended(desk.secret, until=day(2025, 12, 31), at=day(2021, 12))
    assert not carol.can_write(day(2022, 2))
    assert listing(new.secret.key.material, day(2022, 2)).parts[0].state is State.EXPIRED

    # 2022: she has heard.
    desk.publishes(day(2022, 1, 2))
    desk.corresponds(day(2022, 2))

    # 2023: a new subkey to encrypt to; the old one is used by those who have not heard, for half a year.
    before = desk.secret
    desk.secret = with_encryption_subkey(before, at=day(2023), until=day(2025, 12, 31), overlap_until=day(2023, 7))
    late = carol.writes(day(2023, 2), "To the old subkey")
    assert desk.reads(late, day(2023, 2)) == (Encryption.DECRYPTED, Signature.GOOD, "To the old subkey")
    desk.publishes(day(2023, 3))
    desk.corresponds(day(2023, 8))

    # 2024: a second address, and the old subkey is taken back for good.
    old, current = (part.fingerprint for part in listing(desk.secret.key.material, day(2024)).parts[1:])
    desk.secret = with_user_id(desk.secret, name="The Desk", address="desk@new.example", at=day(2024))
    desk.secret = revoke_subkey(desk.secret, old, at=day(2024), reason=RevocationReason.REPLACED, text="see the new")
    desk.publishes(day(2024, 1, 2))
    desk.corresponds(day(2024, 2))
    assert desk.secret.key.addresses == (DESK, "desk@new.example")
    assert openpgp.state_at(desk.secret.key.material, day(2024, 2)).encryption == (current,)

    # 2025: the desk closes.
    desk.secret = revoke_key(desk.secret, at=day(2025), reason=RevocationReason.RETIRED, text="The desk is closed.")
    desk.publishes(day(2025, 1, 2))
    assert not carol.can_write(day(2025, 2))
    assert problems(desk.secret.key, Purpose.ENCRYPT, day(2025, 2))[0].sentence == (
        "It was revoked on 1 January 2025: it is no longer used."
    )

    # All mail to the desk still opens, with the key as it is at the end.
    for at, mail, text in [*desk.received, (day(2023, 2), late, "To the old subkey")]:
        assert desk.reads(mail, at) == (Encryption.DECRYPTED, Signature.GOOD, text)
        assert desk.reads(mail, day(2025, 6))[0] is Encryption.DECRYPTED

    # What the desk signed was good at its time, and is judged as signed with a retired key now.
    for at, mail in desk.sent:
        assert desk.reads(mail, at) == (Encryption.DECRYPTED, Signature.GOOD, "Dear Carol")
        assert desk.reads(mail, day(2025, 6))[1] is Reason.REVOKED
        assert carol.opens(day(2025, 6), mail) == "REVKEYSIG"
    assert [at.year for at, _ in desk.sent] == [2020, 2021, 2022, 2023, 2024]
