"""What we seal, read by NeoMutt: it decrypts, verifies, and puts the protected subject in its place."""

from datetime import UTC, datetime

import pytest

from sealmail.addresses import Mailbox
from sealmail.keys import MemoryKeyStore, MemoryTrust, SecretKey, Technology, TrustLevel
from sealmail.keys.openpgp_key import key_from_openpgp
from sealmail.mime import Draft
from sealmail.policy import Policy
from sealmail.sealing import AutocryptPreference, SealRequest, plan, seal
from tests.cast import DAVE, SUPPORT
from tests.peers.gpg import Algorithm, GnuPG, GnuPGFactory
from tests.peers.neomutt import shown_by_neomutt

SUBJECT, TEXT = "Merger plans", "Grüße aus Wien.\n"


@pytest.fixture(scope="module", params=list(Algorithm))
def dave(request: pytest.FixtureRequest, gpg_factory: GnuPGFactory) -> GnuPG:
    """Dave with the desk's key in his ring, both of one kind."""
    dave = gpg_factory.customer(DAVE.address, algorithm=request.param)
    dave.import_(gpg_factory.customer(SUPPORT, algorithm=request.param).export_secret(SUPPORT))
    return dave


def sealed(dave: GnuPG, **asked: bool) -> bytes:
    """A mail of the desk to Dave, with everything that can go along."""
    material = dave.export_secret(SUPPORT, armor=False)
    desk = SecretKey(key=key_from_openpgp(material), material=material)
    key = key_from_openpgp(dave.export_public(DAVE.address, armor=False))
    store = MemoryKeyStore(keys=[key], secrets=[desk])
    trust = MemoryTrust(levels={key.fingerprint: TrustLevel.BY_HAND})
    request = SealRequest(
        sender=SUPPORT,
        to=(DAVE.address,),
        technology=Technology.OPENPGP,
        attach_key=True,
        autocrypt=AutocryptPreference.MUTUAL,
        **asked,
    )
    now = datetime.now(UTC)
    draft = Draft(from_=(Mailbox("Support", SUPPORT),), to=(Mailbox("", DAVE.address),), subject=SUBJECT, text=TEXT)
    (copy,) = seal(plan(request, store, trust, Policy(), now), draft, store, now)
    return copy.raw


@pytest.mark.mission("B6")
def test_neomutt_decrypts_verifies_and_restores_the_subject(dave: GnuPG) -> None:
    raw = sealed(dave, sign=True, encrypt=True, hide_subject=True)

    shown = shown_by_neomutt(raw, dave)

    assert SUBJECT.encode() not in raw
    assert f"Subject: {SUBJECT}\n" in shown
    assert "Good signature from" in shown
    assert "PGP/MIME signed and encrypted data" in shown
    assert TEXT in shown


@pytest.mark.mission("P3")
def test_neomutt_verifies_what_is_only_signed(dave: GnuPG) -> None:
    raw = sealed(dave, sign=True, encrypt=False)

    genuine, changed = shown_by_neomutt(raw, dave), shown_by_neomutt(raw.replace(b"Wien", b"Bonn"), dave)

    assert "Good signature from" in genuine
    assert TEXT in genuine
    assert "Good signature from" not in changed
    assert "*BAD* signature" in changed
