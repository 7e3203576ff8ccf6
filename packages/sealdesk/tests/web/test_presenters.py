"""Every code has its words; and the words are those that people search for."""

from __future__ import annotations

from enum import Enum
from string import Formatter

import pytest
from cryptography.x509 import ReasonFlags

from sealdesk.mail.intake.decision import Mark, QuarantineReason
from sealdesk.mail.models import ChannelKind, CopyState, RawState, Security, SecurityLogEntry
from sealdesk.tickets.events import EventKind
from sealdesk.tickets.models import ArticleKind, TicketState
from sealdesk.web.presenters import (
    encryption,
    history,
    intake,
    logs,
    revocation,
    sealing,
    signature,
    states,
    warnings,
)
from sealdesk.web.presenters.logs import log_lines
from sealdesk.web.presenters.wording import FALLBACKS, Face, Tone, fill
from sealmail.keys import Technology, TrustLevel
from sealmail.openpgp import signers as pgp_signers
from sealmail.report import (
    Binding,
    Covers,
    Encryption,
    Finding,
    Integrity,
    KeySource,
    Reason,
    RevocationState,
    Signature,
    Warning,
)
from sealmail.sealing import ContentCipher, MessageCipher

TABLES = [
    (Encryption, encryption.ENCRYPTION),
    (Covers, encryption.COVERS),
    (Technology, encryption.TECHNOLOGIES),
    (Signature, signature.SIGNATURE),
    (Reason, signature.REASONS),
    (Warning, warnings.WARNINGS),
    (TrustLevel, warnings.TRUST),
    (Integrity, warnings.INTEGRITY),
    (Binding, warnings.BINDING),
    (Finding, warnings.FINDINGS),
    (KeySource, warnings.KEY_SOURCES),
    (TicketState, states.TICKET_STATES),
    (ArticleKind, states.ARTICLE_KINDS),
    (RawState, states.RAW_STATES),
    (CopyState, states.COPY_STATES),
    (Security, states.SECURITY),
    (ChannelKind, states.CHANNEL_KINDS),
    (Mark, intake.MARKS),
    (QuarantineReason, intake.QUARANTINE),
    (EventKind, history.EVENTS),
    (RevocationState, revocation.REVOCATION),
    (ContentCipher, sealing.CIPHERS),
    (MessageCipher, sealing.MESSAGE_CIPHERS),
]


@pytest.mark.parametrize(("codes", "table"), TABLES, ids=lambda value: getattr(value, "__name__", ""))
def test_presenters_have_an_entry_for_every_code(codes: type[Enum], table):
    assert set(table) == set(codes)


@pytest.mark.parametrize("table", [table for _, table in TABLES], ids=lambda table: str(next(iter(table))))
def test_entries_say_something(table):
    for entry in table.values():
        assert entry.label and entry.sentence and entry.icon if isinstance(entry, Face) else entry


def faces():
    for _, table in TABLES:
        yield from (entry for entry in table.values() if isinstance(entry, Face))
    yield from (encryption.PARTLY_ENCRYPTED, encryption.OVER_BUDGET)
    yield from (signature.SIGNATURE_INSIDE, signature.PARTLY_SIGNED, signature.PART_WITH_SIGNATURE)


def test_gaps_of_every_sentence_have_a_fallback():
    for face in faces():
        named = {name for text in (face.label, face.sentence, face.hint) for _, name, _, _ in Formatter().parse(text)}
        assert named - {None} <= set(FALLBACKS)
        assert "{" not in fill(face).sentence


def test_icons_of_every_face_are_in_the_sprite():
    from django.contrib.staticfiles import finders

    path = finders.find("sealdesk/icons.svg")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 -- one line
        sprite = file.read()

    for face in faces():
        assert f'id="{face.icon}"' in sprite, face.icon


@pytest.mark.mission("A3")
@pytest.mark.parametrize(
    ("verdict", "covers", "label", "tone"),
    [
        (Encryption.NONE, Covers.NONE, "Not encrypted", Tone.MUTED),
        (Encryption.DECRYPTED, Covers.WHOLE, "Encrypted for you", Tone.BLUE),
        (Encryption.DECRYPTED, Covers.PART, "Partly encrypted", Tone.AMBER),
        (Encryption.NO_KEY, Covers.WHOLE, "Cannot be opened", Tone.RED),
        (Encryption.LOCKED, Covers.WHOLE, "Key is locked", Tone.AMBER),
        (Encryption.DAMAGED, Covers.WHOLE, "Damaged", Tone.RED),
        (Encryption.UNSUPPORTED, Covers.WHOLE, "Unknown encryption", Tone.AMBER),
        (Encryption.REFUSED, Covers.WHOLE, "Not opened for safety", Tone.RED),
    ],
)
def test_encryption_badge_says(verdict, covers, label, tone):
    face = fill(encryption.encryption_face(verdict, covers))

    assert (face.label, face.tone) == (label, tone)


@pytest.mark.mission("A3")
def test_only_a_good_signature_of_the_whole_is_green():
    shown = {
        (verdict, covers, reason): signature.signature_face(verdict, covers, reason).tone
        for verdict in Signature
        for covers in Covers
        for reason in (None, *Reason)
    }

    green = {case for case, tone in shown.items() if tone is Tone.GREEN}
    assert {(verdict, covers is Covers.PART) for verdict, covers, _ in green} == {(Signature.GOOD, False)}


@pytest.mark.mission("A5")
def test_missing_certificate_is_named_in_the_words_that_users_search_for():
    face = fill(signature.REASONS[Reason.UNKNOWN_SIGNER], {"sender": "carol@bank.example"})

    assert face.sentence.startswith("Unable to find certificate for validation")
    assert "carol@bank.example" in face.hint


@pytest.mark.mission("A5")
def test_missing_private_key_is_named_in_the_words_that_users_search_for():
    face = fill(encryption.ENCRYPTION[Encryption.NO_KEY], {"sender": "carol@bank.example"})

    assert face.sentence.startswith("Unable to find private key to decrypt")
    assert face.hint == ("Add the private key, or ask carol@bank.example to encrypt for our key. Then retry.")


def test_operations_of_the_log_have_words():
    assert set(logs.OPERATIONS) == {"sign", "verify", "encrypt", "decrypt"}


@pytest.mark.mission("B11")
def test_every_reason_for_a_revocation_has_words():
    assert {flag.value for flag in ReasonFlags} <= set(revocation.REVOCATION_REASONS)
    assert set(pgp_signers._REASONS.values()) <= set(revocation.REVOCATION_REASONS)


@pytest.mark.mission("B11")
@pytest.mark.parametrize(
    ("state", "more", "sentence"),
    [
        ("good", {"known_until": "FRI"}, "Not revoked, as of MON; the data holds until FRI"),
        ("good", {}, "Not revoked, as of MON"),
        ("revoked", {"revoked_on": "SUN", "reason": "keyCompromise"}, "Revoked on SUN (key compromise)"),
        ("unknown", {}, "Not known: no revocation data"),
        ("stale", {"known_until": "SUN"}, "Out of date since SUN: no newer revocation data"),
        ("not_checked", {}, "Not checked: nobody is known who could revoke it"),
        (None, {}, ""),
        (None, {"revoked_on": "SUN"}, "Revoked on SUN (no reason given)"),
    ],
)
def test_revocation_is_said_with_its_date(state, more, sentence):
    assert revocation.revocation_words(state, known_at="MON", **more) == sentence


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "label", "tone"),
    [
        ("no_key", "Not checked: the signer’s key is not here", Tone.AMBER),
        ("intact", "Intact", Tone.MUTED),
        ("changed", "Changed after signing", Tone.RED),
    ],
)
def test_log_says_in_words_how_the_signature_of_a_part_stands(code, label, tone):
    entry = SecurityLogEntry(direction="in", operation="verify", status=code, technology="openpgp")

    (line,) = log_lines([entry])

    assert (line.status.label, line.status.tone) == (label, tone)
