"""The evidence of mail, in and out: what was used, by names of keys and not by ids."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sealdesk.core.clock import now
from sealdesk.keyring.actions import Vouching, import_keys
from sealdesk.keyring.models import StoredKey
from sealdesk.keyring.naming import KeyNames, NamedKey, key_names
from sealdesk.mail.outbox.actions import reply
from sealdesk.mail.outbox.sealing import seal_due
from sealdesk.web.presenters.evidence import blocks, sent_blocks
from sealdesk.web.presenters.key_names import identified
from sealmail.keys import Technology
from sealmail.report import (
    Covers,
    Encryption,
    EncryptionFacts,
    EncryptionLayer,
    EncryptionVerdict,
    Integrity,
    Report,
    RevocationState,
    Signature,
    SignatureFacts,
    SignatureLayer,
    SignatureStatement,
)
from sealmail.reporting import report_to_json
from sealmail.testing import export_armored

RAW_IDS = re.compile(r"\b(?:isn|ski|pgp|name):[0-9a-f]")
CAROL = "carol@customer.example"


def page(client, article):
    return client.get(reverse("ticket", args=[article.ticket.number])).content.decode()


def rows(found, title):
    return {row.name: row.value for block in found if block.title == title for row in block.rows}


@pytest.fixture
def report(cast):
    """A report of one encrypted and signed S/MIME mail, to be varied."""

    def made(**signer):
        signed = SignatureFacts(
            technology=Technology.SMIME,
            integrity=Integrity.INTACT,
            key=cast.carol.smime.key,
            algorithm="RSA-PSS",
            hash_algorithm="SHA-256",
            **signer,
        )
        encrypted = EncryptionFacts(
            technology=Technology.SMIME,
            verdict=Encryption.DECRYPTED,
            algorithm="AES-256-GCM",
            key_scheme="RSA-OAEP",
            recipients=("isn:00ff:1a2b3c", "ski:aa55aa55aa55", ""),
        )
        layers = (EncryptionLayer(facts=encrypted), SignatureLayer(technology=Technology.SMIME, signers=(signed,)))
        return report_to_json(
            Report(
                at=now(),
                encryption=EncryptionVerdict(verdict=Encryption.DECRYPTED, covers=Covers.WHOLE, facts=encrypted),
                signature=SignatureStatement(verdict=Signature.GOOD, covers=Covers.WHOLE, facts=signed),
                layers=layers,
            )
        )

    return made


@pytest.mark.mission("A3", "B16")
def test_cipher_key_protection_hash_and_signature_algorithm_are_shown(report):
    found = blocks(report(), KeyNames())

    encryption, signature = rows(found, "Encryption, S/MIME"), rows(found, "Signature, S/MIME")
    assert (encryption["Cipher"], encryption["Key protected by"]) == ("AES-256-GCM", "RSA-OAEP")
    assert (signature["Signature by"], signature["Hash"]) == ("RSA-PSS", "SHA-256")
    assert {"Valid from", "Valid until"} <= set(signature)


@pytest.mark.mission("B11")
@pytest.mark.parametrize(
    ("state", "begins"),
    [
        (RevocationState.GOOD, "Not revoked, as of "),
        (RevocationState.UNKNOWN, "Not known: no revocation data"),
        (RevocationState.STALE, "Out of date since "),
    ],
)
def test_state_of_revocation_is_shown(report, state, begins):
    found = blocks(report(revocation=state, revocation_known_until=now()), KeyNames())

    assert rows(found, "Signature, S/MIME")["Revocation"].startswith(begins)


@pytest.mark.mission("B11")
def test_revoked_certificate_is_shown_with_date_and_reason(report):
    facts = {"revocation": RevocationState.REVOKED, "revoked_at": now(), "revocation_reason": "keyCompromise"}

    shown = rows(blocks(report(**facts), KeyNames()), "Signature, S/MIME")["Revocation"]

    assert re.fullmatch(r"Revoked on .+ UTC \(key compromise\)", shown)


def test_report_from_before_says_nothing_of_what_it_did_not_ask(report):
    old = report()
    for layer in old["layers"]:
        for facts in (layer, *layer.get("signers", ())):
            for name in ("key_scheme", "revocation", "revocation_known_until", "capabilities"):
                facts.pop(name, None)

    found = blocks(old, KeyNames())

    assert "Key protected by" not in rows(found, "Encryption, S/MIME")
    assert "Revocation" not in rows(found, "Signature, S/MIME")


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("isn:00ff:1a2b3c", "a certificate that is not here (no. 1A2B 3C)"),
        ("ski:aa55aa55", "a certificate that is not here (AA55 AA55)"),
        ("pgp:0123456789abcdef", "a PGP key that is not here (0123 4567 89AB CDEF)"),
        ("", "(hidden by the sender)"),
        ("new:1234", "a key that is not here (1234)"),
    ],
)
def test_key_that_is_not_here_is_named_in_words(identifier, words):
    assert identified(identifier, KeyNames()) == words


def test_key_that_only_came_with_mail_is_called_so():
    stranger = NamedKey(name="Your Bank", fingerprint="ab" * 32, is_confirmed=False)
    names = KeyNames(by_fingerprint={"ab" * 32: stranger}, by_identifier={"ski:01": stranger})

    assert identified("ski:01", names) == "Your Bank (ABAB ABAB ABAB ABAB), seen in mail"


@pytest.mark.django_db
def test_of_two_keys_under_one_id_the_one_that_was_added_gives_the_name(cast, know, django_assert_num_queries):
    know(cast.carol)
    added = StoredKey.objects.get()
    rival = StoredKey.objects.create(
        **{name: getattr(added, name) for name in ("technology", "material", "algorithm", "valid_from")},
        can_sign=True,
        can_encrypt=True,
        can_certify=False,
        fingerprint="00" * 32,
        name="Mallory",
        origin="harvested",
        added_at=now() + timedelta(days=1),
    )
    shared = added.identifiers.first().identifier
    rival.identifiers.create(identifier=shared)

    with django_assert_num_queries(2):
        names = key_names(fingerprints=[added.fingerprint], identifiers=[shared, "isn:none:0"])

    assert names.by_identifier == {shared: names.by_fingerprint[added.fingerprint]}
    assert names.by_identifier[shared].name == cast.carol.smime.key.name


@pytest.mark.mission("A3")
def test_pages_show_certificates_by_name_and_never_by_raw_id(alice, admin, cast, own, own_key, take_in, write):
    ca = cast.ca.certificate
    import_keys(blob=ca.material, vouching={ca.fingerprint: Vouching()}, by=None)

    shown = page(alice, take_in(write(cast.carol, sign=True, encrypt=True)))
    logged = admin.get(reverse("admin_logs")).content.decode()

    assert (RAW_IDS.findall(shown), RAW_IDS.findall(logged)) == ([], [])
    assert f"<dt>Encrypted for</dt><dd>{own_key.key.name} (" in shown
    assert f"<dt>Trusted issuer</dt><dd>{ca.name} (" in shown
    assert "cipher AES-256-" in logged


@pytest.mark.mission("A5")
def test_mail_for_keys_that_are_not_here_says_so_in_words(alice, cast, take_in, write):
    shown = page(alice, take_in(write(cast.carol, encrypt=True)))

    assert RAW_IDS.findall(shown) == []
    assert "it was encrypted for a certificate that is not here (" in shown


@pytest.mark.mission("A4")
def test_sent_mail_shows_how_each_copy_was_sealed(alice, cast, own, own_key, know, take_in, write):
    know(cast.carol)
    ticket = take_in(write(cast.carol)).ticket
    article = reply(ticket=ticket, by=alice.agent, to=[CAROL], text="Yes.", sign=True, encrypt=True)
    before = page(alice, article)
    seal_due(by="w")
    article.refresh_from_db()
    article.outgoing.copies.update(state="sent")
    article.outgoing.deliveries.update(state="sent")

    shown = page(alice, article)

    assert ("How it was sealed" in before, "How it was sealed" in shown) == (False, True)
    assert f"<dt>Signed with</dt><dd>{own_key.key.name} (" in shown
    assert f"<dt>Encrypted to</dt><dd>{cast.carol.smime.key.name} (" in shown


def test_cipher_of_a_copy_is_shown(cast):
    copy = {"recipients": [CAROL], "technology": "smime", "signer": None, "encrypt_to": ["ab" * 32]}
    plan = {"copies": [{**copy, "cipher": "AES-256-GCM"}, {**copy, "technology": None}, copy]}

    found = sent_blocks(plan, KeyNames())

    assert [block.title for block in found] == ["Copy 1, S/MIME", "Copy 3, S/MIME"]
    assert rows(found, "Copy 1, S/MIME")["Cipher"] == "AES-256-GCM"
    assert sent_blocks(None, KeyNames()) == []


@pytest.mark.mission("S8")
def test_refusal_because_of_an_expired_certificate_is_shown_on_the_article(alice, cast, own, take_in, write):
    ticket = take_in(write(cast.carol)).ticket
    old = cast.ca.issue(CAROL, valid_from=now() - timedelta(days=9), valid_until=now() - timedelta(days=1))
    import_keys(blob=export_armored(old.key).encode(), by=None)
    article = reply(ticket=ticket, by=alice.agent, to=[CAROL], text="Yes.", sign=True, encrypt=True)

    seal_due(by="w")

    shown = page(alice, article)
    assert f"The certificate for {CAROL} cannot be used: It expired" in shown
    assert "Not sent" in shown
    assert "How it was sealed" not in shown
