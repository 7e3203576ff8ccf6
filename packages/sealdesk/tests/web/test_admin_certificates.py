"""Certificates for administrators: what is wrong with them, what revocation data says, what is used and why."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from sealdesk.core.clock import now
from sealdesk.keyring.actions import BUNDLED, Vouching, harvest, import_keys
from sealdesk.keyring.models import RevocationData, StoredKey, TrustDecision
from sealdesk.web.presenters.keys import OBSTACLES
from sealmail.testing import export_armored, export_pem
from sealmail.testing.export import export_pkcs12
from sealmail.testing.pki import loaded
from sealmail.testing.responder import Said, ocsp_answer

CAROL = "carol@customer.example"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def pem(*keys):
    return "\n".join(export_armored(key) for key in keys)


def paste(admin, *keys, **more):
    response = admin.post(reverse("admin_add_certificate"), {"pasted": pem(*keys), **more}, follow=True)
    return response, response.content.decode()


def upload(admin, blob, name="admin_add_certificate", **more):
    file = SimpleUploadedFile("file", blob)
    response = admin.post(reverse(name), {"file": file, **more}, follow=True)
    return response, response.content.decode()


def in_list(admin):
    return admin.get(reverse("admin_smime")).content.decode()


def page(admin, key):
    row = StoredKey.objects.get(fingerprint=key.fingerprint)
    return admin.get(reverse("admin_key", args=[row.pk])).content.decode()


def vouch(ca):
    import_keys(blob=ca.certificate.material, vouching={ca.certificate.fingerprint: Vouching()}, by=None)


@pytest.mark.mission("S12")
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (b"these are my notes", "This is neither a certificate nor a key"),
        (b"\xff\xfe\xfd\xfc\x00\x01\x80", "This is neither a certificate nor a key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ""),
        (b"   \n", "This is empty"),
    ],
    ids=["words", "not UTF-8", "damaged", "empty"],
)
def test_what_is_no_certificate_is_said_so_and_nothing_is_stored(admin, given, sentence):
    response, shown = upload(admin, given)

    assert (response.status_code, StoredKey.objects.count()) == (422, 0)
    assert sentence in shown
    assert 'class="error" role="alert"' in shown


@pytest.mark.mission("S12")
def test_private_key_without_its_certificate_is_said(admin, own_key):
    alone = export_pem(own_key).split(b"-----BEGIN CERTIFICATE-----")[0]

    response, shown = upload(admin, alone, "admin_add_private_key")

    assert response.status_code == 422
    assert "There is no matching certificate for this private key" in shown


@pytest.mark.mission("S12")
@pytest.mark.parametrize(
    ("passphrase", "sentence"),
    [("", "A passphrase is needed to open"), ("wrong", "The passphrase is wrong for")],
    ids=["missing", "wrong"],
)
@pytest.mark.parametrize("export", [export_pem, export_pkcs12], ids=["PEM", "PKCS#12"])
def test_passphrase_that_is_missing_or_wrong_is_said_at_its_field(admin, own_key, export, passphrase, sentence):
    response, _ = upload(admin, export(own_key, "right one"), "admin_add_private_key", passphrase=passphrase)

    assert response.status_code == 422
    assert sentence in response.context["adds"][1].form.errors["passphrase"][0]


@pytest.mark.mission("S4", "S12")
@pytest.mark.parametrize(
    ("address", "extra", "attribute"),
    [
        (None, [], "Subject Alternative Name"),
        (CAROL, [x509.KeyUsage(False, True, False, False, False, False, False, False, False)], "Key Usage"),
        (CAROL, [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])], "Extended Key Usage"),
    ],
)
def test_missing_attribute_is_named(admin, cast, address, extra, attribute):
    response, shown = paste(admin, cast.ca.issue(address, name="Carol", extra=extra).key)

    assert (response.status_code, StoredKey.objects.count()) == (422, 0)
    assert f"{attribute}: " in shown


@pytest.mark.mission("S4")
def test_ca_certificate_needs_none_of_these_attributes(admin, cast):
    paste(admin, cast.ca.certificate)

    assert StoredKey.objects.get().is_ca


@pytest.mark.mission("S5")
def test_list_marks_problems_in_words(admin, cast):
    keys = {
        "expired": cast.ca.issue("a@x.example", valid_from=now() - 3 * DAY, valid_until=now() - DAY).key,
        "not valid yet": cast.ca.issue("b@x.example", valid_from=now() + DAY).key,
        "too weak": cast.ca.issue("c@x.example", key_type="rsa1024").key,
    }
    paste(admin, *keys.values())
    shown = in_list(admin)

    for words in keys:
        assert re.search(rf'class="mark tone-red"><svg.*?</svg>{words}</span>', shown), words


@pytest.mark.mission("S5")
def test_list_marks_what_came_with_mail_and_is_not_meant_for_it(admin, cast):
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    harvest(keys=[cast.ca.issue(CAROL, extra=[purpose]).key], at=now())

    assert "not for mail (Extended Key Usage)</span>" in in_list(admin)


@pytest.mark.mission("S5", "B11")
def test_revocation_list_is_added_like_a_certificate_and_counts_at_once(admin, alice, cast, take_in, write):
    vouch(cast.ca)
    paste(admin, cast.carol.smime.key)
    before, first = in_list(admin), take_in(write(cast.carol, sign=True))

    _, said = upload(admin, cast.ca.crl([cast.carol.smime.key], reason=x509.ReasonFlags.key_compromise)[1])

    second = take_in(write(cast.carol, sign=True))
    evidence = alice.get(reverse("ticket", args=[second.ticket.number])).content.decode()
    assert f"Added: Revocation list of {cast.ca.certificate.name}, as of " in said
    assert ", 1 entry" in said
    assert (">revoked</span>" in before, ">revoked</span>" in in_list(admin)) == (False, True)
    assert (first.signature, second.signature, second.signature_reason) == ("good", "bad", "revoked")
    assert "(key compromise)" in evidence
    assert "keyCompromise" not in evidence


@pytest.mark.mission("B11")
def test_list_of_a_ca_that_is_not_here_says_what_is_missing(admin, cast):
    _, said = upload(admin, cast.ca.crl()[1])

    assert "Its signature can be checked only when the CA’s certificate is here" in said
    assert ", 0 entries" in said


@pytest.mark.mission("B11")
@pytest.mark.parametrize("kind", ["list", "answer"])
def test_attack_data_in_the_name_of_a_ca_that_did_not_sign_it_is_refused(admin, cast, kind):
    vouch(cast.ca)
    ca, said = cast.ca.certificate, Said(at=now(), by_hash=True)
    genuine = {
        "list": lambda: cast.ca.crl()[1],
        "answer": lambda: ocsp_answer(said, cast.carol.smime.key, ca, ca, loaded(cast.ca.secret)),
    }[kind]()
    forged = genuine[:-8] + bytes(8)

    response, shown = upload(admin, forged)

    assert response.status_code == 422
    assert f"It is not signed by {ca.name}, or holds something that Sealdesk cannot check: it was not added." in shown
    assert not RevocationData.objects.exists()


@pytest.mark.mission("B11")
def test_forged_list_beside_something_new_is_left_out_alone(admin, cast):
    vouch(cast.ca)
    forged = cast.ca.crl()[1][:-8] + bytes(8)
    block = base64.encodebytes(forged).decode()

    _, shown = upload(
        admin, f"{pem(cast.carol.smime.key)}\n-----BEGIN X509 CRL-----\n{block}-----END X509 CRL-----\n".encode()
    )

    assert "Left out: Revocation list of" in shown
    assert StoredKey.objects.filter(fingerprint=cast.carol.smime.key.fingerprint).exists()
    assert not RevocationData.objects.exists()


@pytest.mark.mission("B11")
def test_same_list_once_more_is_said_to_be_here(admin, cast):
    crl = cast.ca.crl()[1]
    upload(admin, crl)
    _, said = upload(admin, crl)

    assert "Already here: Revocation list of" in said
    assert RevocationData.objects.count() == 1


@pytest.mark.mission("B11")
def test_ocsp_answer_finds_its_ca_in_the_ring_and_counts_at_once(admin, cast):
    vouch(cast.ca)
    paste(admin, cast.carol.smime.key)
    said = Said(at=now() - HOUR, status=OCSPCertStatus.REVOKED, revoked_at=now() - DAY)
    ca = cast.ca.certificate

    _, shown = upload(admin, ocsp_answer(said, cast.carol.smime.key, ca, ca, loaded(cast.ca.secret)))

    assert f"Added: OCSP answer for {ca.name}, as of " in shown
    assert ", about 1 certificate" in shown
    assert ">revoked</span>" in in_list(admin)


@pytest.mark.mission("B11")
def test_ocsp_answer_that_names_a_ca_only_by_a_hash_is_refused_where_the_ca_is_not_here(admin, cast):
    ca = cast.ca.certificate
    answer = ocsp_answer(Said(at=now(), by_hash=True), cast.carol.smime.key, ca, ca, loaded(cast.ca.secret))

    response, shown = upload(admin, answer)

    assert response.status_code == 422
    assert "An OCSP response speaks for a CA whose certificate is not here." in shown


@pytest.mark.parametrize("vouches", ["everybody", "domains"])
def test_ca_pasted_with_a_certificate_that_it_issued_is_not_confirmed_by_that(admin, cast, vouches):
    both = (cast.carol.smime.key, cast.ca.certificate)

    response, _ = paste(admin, *both, vouches=vouches, domains="customer.example")

    assert (response.status_code, StoredKey.objects.count()) == (422, 0)
    assert response.context["adds"][0].form.errors["vouches"] == [BUNDLED]


def test_ca_beside_what_it_issued_is_kept_without_vouching_and_can_be_confirmed_alone(admin, cast):
    middle = cast.ca.intermediate()
    leaf = middle.issue(CAROL).key
    _, said = paste(admin, leaf, middle.certificate, cast.ca.certificate)
    vouching = TrustDecision.objects.filter(vouches=True).count()

    paste(admin, cast.ca.certificate, vouches="everybody")

    assert said.count("It vouches for nobody; to let it, add it on its own and confirm it") == 2
    assert vouching == 0
    assert TrustDecision.objects.get(vouches=True).key.fingerprint == cast.ca.certificate.fingerprint


def test_ca_in_pkcs12_never_vouches(admin, cast, own_key):
    blob = export_pkcs12(own_key, chain=[cast.mallorys_ca.certificate])

    response, _ = upload(admin, blob, vouches="everybody")

    assert response.context["adds"][0].form.errors["vouches"] == [BUNDLED]


@pytest.mark.mission("S8")
def test_page_of_a_certificate_says_which_one_is_used_and_why_others_are_not(admin, cast):
    vouch(cast.ca)
    old = cast.ca.issue(CAROL, name="Old Carol", valid_from=now() - 9 * DAY, valid_until=now() - DAY).key
    paste(admin, cast.carol.smime.key, old)

    of_new, of_old = page(admin, cast.carol.smime.key), page(admin, old)

    assert f"Mail to {CAROL} is encrypted with this certificate." in of_new
    assert f"Mail to {CAROL} is encrypted with another certificate: {cast.carol.name} (" in of_old
    assert "expired</span>" in of_old


def test_page_shows_path_uses_revocation_and_decisions(admin, cast):
    vouch(cast.ca)
    paste(admin, cast.carol.smime.key, how_checked="fingerprint by phone")

    before = page(admin, cast.carol.smime.key)
    upload(admin, cast.ca.crl()[1])
    after, issuer = page(admin, cast.carol.smime.key), page(admin, cast.ca.certificate)

    assert "Not known: no revocation data" in before
    assert "Not revoked, as of " in after
    assert re.search(r'<a href="/admin/keys/[\w-]+/">Sealdesk Test CA \(', after)
    assert "<dd>Digital Signature, Key Agreement</dd>" in after
    assert "<dd>E-mail Protection</dd>" in after
    assert "confirmed by hand; admin@desk.example, fingerprint by phone" in after
    assert f"Revocation list of {cast.ca.certificate.name}, as of " in issuer


def test_page_of_our_own_certificate_says_what_it_signs(admin, own, own_key):
    assert "Mail from support@desk.example is signed with this certificate." in page(admin, own_key.key)


def test_page_of_a_pgp_key_opens(admin, cast):
    admin.post(reverse("admin_add_pgp_key"), {"pasted": pem(cast.dave.openpgp.key)})

    assert "Mail to dave@customer.example is encrypted with this key." in page(admin, cast.dave.openpgp.key)


def test_page_of_a_certificate_is_for_administrators(alice, own):
    assert alice.get(reverse("admin_key", args=[StoredKey.objects.first().pk])).status_code == 403


def test_every_code_that_forbids_a_use_has_words():
    import inspect

    from sealmail.keys import import_rules, usability

    codes = {
        code for module in (import_rules, usability) for code in re.findall(r'code="(\w+)"', inspect.getsource(module))
    }
    of_time_or_use = {"expired", "not_yet_valid", "no_signing_use", "no_encryption_use", "no_secret"}

    assert codes - of_time_or_use <= set(OBSTACLES)


@pytest.mark.mission("S8", "B13")
def test_page_names_each_certificate_that_is_passed_over_with_its_reason(admin, cast):
    vouch(cast.ca)
    old = cast.ca.issue(CAROL, name="Old Carol", valid_from=now() - 9 * DAY, valid_until=now() - DAY).key
    stolen = cast.ca.issue(CAROL, name="Stolen", valid_from=now() - HOUR).key
    paste(admin, cast.carol.smime.key, old, stolen)
    upload(admin, cast.ca.crl([stolen])[1])

    shown = page(admin, cast.carol.smime.key)

    reasons = dict(
        re.findall(r">(\w[\w ]*?) \([0-9A-F ]{19}\)</a> <span class=\"soft\">is not used: (.*?)</span>", shown)
    )
    assert set(reasons) == {"Old Carol", "Stolen"}
    assert "expired" in reasons["Old Carol"]
    assert "revoked" in reasons["Stolen"]
    assert "<strong>This one</strong>" in page(admin, old)
