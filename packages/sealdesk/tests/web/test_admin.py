"""The administration: keys, Default Behavior, groups, agents, channels; and that no secret comes back."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from sealdesk.core.clock import now
from sealdesk.keyring.actions import Vouching, harvest, import_keys
from sealdesk.keyring.models import StoredKey, StoredSecret, TrustDecision
from sealdesk.keyring.queries import default_for, technologies_on
from sealdesk.mail.models import Channel
from sealdesk.people.models import Agent, Group
from sealmail.keys import Technology
from sealmail.testing import export_armored, export_pem


def pem(key):
    text = export_armored(key)
    return text if isinstance(text, str) else text.decode()


@pytest.mark.mission("S2")
def test_certificate_is_added_by_pasting_and_listed(admin, cast):
    response = admin.post(reverse("admin_add_certificate"), {"pasted": pem(cast.carol.smime.key)}, follow=True)

    assert StoredKey.objects.get().fingerprint == cast.carol.smime.key.fingerprint
    assert "carol@customer.example" in response.content.decode()


@pytest.mark.mission("S3", "S5")
def test_private_key_is_added_by_upload_and_marked(admin, own_key):
    file = SimpleUploadedFile("key.pem", export_pem(own_key, "a secret passphrase"))

    response = admin.post(
        reverse("admin_add_private_key"), {"file": file, "passphrase": "a secret passphrase"}, follow=True
    )

    shown = response.content.decode()
    assert StoredSecret.objects.count() == 1
    assert "Private key" in shown
    assert "for Support" in shown


def test_wrong_passphrase_is_said_and_no_secret_comes_back(admin, own_key):
    material = export_pem(own_key, "right passphrase").decode()

    response = admin.post(reverse("admin_add_private_key"), {"pasted": material, "passphrase": "wrong guess 123"})

    shown = response.content.decode()
    assert (response.status_code, StoredKey.objects.count()) == (422, 0)
    assert "The passphrase is wrong" in shown
    assert "wrong guess 123" not in shown
    assert "PRIVATE KEY-----" not in shown
    assert material.splitlines()[3] not in shown


def test_what_is_no_key_is_said_at_its_field_and_kept(admin):
    response = admin.post(reverse("admin_add_certificate"), {"pasted": "these are my notes"})

    shown = response.content.decode()
    assert (response.status_code, StoredKey.objects.count()) == (422, 0)
    assert "these are my notes" in shown


@pytest.mark.mission("S12")
def test_certificate_that_is_there_already_is_refused(admin, cast):
    for _ in range(2):
        response = admin.post(reverse("admin_add_certificate"), {"pasted": pem(cast.carol.smime.key)})

    assert response.status_code == 422
    assert "Fingerprint already taken" in response.content.decode()


def test_issuer_vouches_only_when_that_was_confirmed(admin, cast):
    admin.post(reverse("admin_add_certificate"), {"pasted": pem(cast.ca.certificate), "vouches": "nobody"})
    before = TrustDecision.objects.filter(vouches=True).count()

    shown = admin.post(
        reverse("admin_add_certificate"),
        {"pasted": pem(cast.ca.certificate), "vouches": "domains", "domains": "customer.example"},
        follow=True,
    )

    decision = TrustDecision.objects.get(vouches=True)
    assert "is already here; it now vouches for addresses in customer.example." in shown.content.decode()
    assert "Fingerprint already taken" not in shown.content.decode()
    assert (before, decision.domains) == (0, ["customer.example"])


@pytest.mark.mission("P2")
def test_pasted_pgp_key_must_be_armored(admin):
    response = admin.post(reverse("admin_add_pgp_key"), {"pasted": "binary rubbish"})

    assert response.status_code == 422
    assert "must be ASCII-armored" in response.content.decode()


@pytest.mark.mission("P4")
def test_pgp_key_is_listed_with_fingerprint_and_downloaded(admin, cast):
    admin.post(reverse("admin_add_pgp_key"), {"pasted": pem(cast.dave.openpgp.key)})
    key = StoredKey.objects.get()

    shown = admin.get(reverse("admin_openpgp")).content.decode()
    response = admin.get(reverse("admin_key_download", args=[key.pk]))

    assert "dave@customer.example" in shown
    assert key.fingerprint.upper()[-4:] in shown
    assert response.content.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.mission("S7")
@pytest.mark.parametrize(("what", "left"), [("secret", (1, 0)), ("all", (0, 0))])
def test_deleting_takes_the_private_key_alone_or_everything(admin, own, what, left):
    key = StoredKey.objects.get()

    admin.post(reverse("admin_key_delete", args=[key.pk]), {"what": what})

    assert (StoredKey.objects.count(), StoredSecret.objects.count()) == left


@pytest.mark.mission("S9")
def test_default_behavior_is_saved_for_each_group(admin, support, billing):
    admin.post(reverse("admin_defaults", args=["smime"]), {f"sign-{support.pk}": "on"})

    default = default_for(support, Technology.SMIME)
    assert (default.sign, default.encrypt, default_for(billing, Technology.SMIME).sign) == (True, False, False)


def test_switch_turns_a_technology_off_and_on(admin):
    admin.post(reverse("admin_switch", args=["openpgp"]), {"is_on": "off"})
    off = technologies_on()
    admin.post(reverse("admin_switch", args=["openpgp"]), {"is_on": "on"})

    assert (off, technologies_on()) == ({Technology.SMIME}, set(Technology))


def test_agent_cannot_change_keys(alice, own):
    key = StoredKey.objects.get()

    for name, arguments in (("admin_key_delete", [key.pk]), ("admin_switch", ["smime"]), ("admin_defaults", ["smime"])):
        assert alice.post(reverse(name, args=arguments)).status_code == 403
    assert StoredKey.objects.count() == 1


def test_group_is_made_with_its_addresses(admin):
    admin.post(reverse("admin_groups"), {"name": "Legal", "addresses": "legal@desk.example\nlaw@desk.example"})

    group = Group.objects.get(name="Legal")
    assert [one.address for one in group.sender_addresses.all()] == ["legal@desk.example", "law@desk.example"]


def test_group_of_a_name_that_is_taken_is_refused_at_the_field(admin):
    response = admin.post(reverse("admin_groups"), {"name": "Support", "addresses": "x@desk.example"})

    assert response.status_code == 422
    assert "There is a group of this name already." in response.content.decode()


def test_agent_is_made_and_the_password_never_comes_back(admin, support):
    typed = {"email": "eve@desk.example", "password": "short", "groups": [str(support.pk)]}

    refused = admin.post(reverse("admin_agents"), typed)
    admin.post(reverse("admin_agents"), {**typed, "password": "a much longer one"})

    assert (refused.status_code, b'value="short"' in refused.content) == (422, False)
    assert Agent.objects.get(email="eve@desk.example").check_password("a much longer one")


def test_channel_is_made_and_its_password_never_shown(admin):
    typed = {"name": "In", "kind": "imap", "host": "imap.desk.example", "port": "993", "security": "tls"}

    admin.post(reverse("admin_channels"), {**typed, "username": "u", "password": "hush hush", "folder": "INBOX"})

    assert Channel.objects.get().password == "hush hush"
    assert b"hush" not in admin.get(reverse("admin_channels")).content


def test_empty_pages_say_what_they_will_show(admin):
    assert "Nothing is held back" in admin.get(reverse("admin_quarantine")).content.decode()
    assert "Nothing was signed" in admin.get(reverse("admin_logs")).content.decode()


def test_channel_is_encrypted_unless_somebody_decides_otherwise(admin):
    form = admin.get(reverse("admin_channels")).context["form"]

    assert form["security"].value() == "tls"


def test_list_says_which_keys_a_trusted_issuer_vouches_for(admin, cast):
    ca, candidate = cast.ca.certificate, cast.carol.smime.key
    harvest(keys=[candidate], at=now())
    before = admin.get(reverse("admin_smime")).content.decode()
    import_keys(blob=ca.material, vouching={ca.fingerprint: Vouching()}, by=None)

    after = admin.get(reverse("admin_smime")).content.decode()

    assert ("not confirmed" in before, "not confirmed" in after) == (True, False)
    assert f"issued by a trusted CA ({ca.name})" in after


@pytest.mark.mission("S3")
def test_private_key_is_downloaded_by_administrators_and_only_by_post(admin, alice, own, own_key):
    address = reverse("admin_key_download_secret", args=[StoredKey.objects.get(secret__isnull=False).pk])

    response = admin.post(address)

    assert response.content.startswith((b"-----BEGIN PRIVATE KEY", b"-----BEGIN ENCRYPTED PRIVATE KEY"))
    assert response["Content-Disposition"].startswith('attachment; filename="private-')
    assert (admin.get(address).status_code, alice.post(address).status_code) == (405, 403)


def test_key_without_a_private_side_offers_none_to_download(admin, cast):
    admin.post(reverse("admin_add_certificate"), {"pasted": pem(cast.carol.smime.key)})
    address = reverse("admin_key_download_secret", args=[StoredKey.objects.get().pk])

    shown, response = admin.get(reverse("admin_smime")).content.decode(), admin.post(address, follow=True)

    assert address not in shown
    assert "There is no private key for it." in response.content.decode()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("admin_smime", ["Add Certificate", "Add Private Key", "Default Behavior", "Recent Logs"]),
        ("admin_openpgp", ["Add Key", "Default Behavior", "Recent Logs"]),
    ],
)
def test_empty_page_names_what_to_do_first_in_the_known_words(admin, name, words):
    shown = admin.get(reverse(name)).content.decode()

    assert [word for word in words if f">{word}</h2>" not in shown] == []
    assert "appear here" in shown
