"""Adding keys: everything or nothing, with a sentence at the field."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealdesk.core import clock
from sealdesk.core.errors import Invalid, NotAllowed
from sealdesk.keyring import queries
from sealdesk.keyring.actions import Vouching, harvest, import_keys
from sealdesk.keyring.importing import Outcome, preview
from sealdesk.keyring.models import Origin, RevocationData, StoredKey, StoredSecret, TrustDecision
from sealmail.keys import Technology, TrustLevel, Use
from sealmail.testing.export import export_armored, export_pem, export_pkcs12
from sealmail.testing.pgp import openpgp_key
from sealmail.testing.pki import CA

pytestmark = pytest.mark.django_db

PASSPHRASE = "Geheimnis"


def refused(**options):
    with pytest.raises(Invalid) as refusal:
        import_keys(**({"by": None} | options))
    assert_nothing_stored()
    return refusal.value.fields


def assert_nothing_stored():
    counts = [model.objects.count() for model in (StoredKey, StoredSecret, TrustDecision, RevocationData)]
    assert counts == [0, 0, 0, 0]


def private_pem(secret, passphrase=None):
    return export_pem(secret, passphrase).split(b"-----BEGIN CERTIFICATE-----")[0]


@pytest.mark.mission("S2")
def test_certificate_is_added_and_trusted_by_hand_for_its_own_address(cast, add, administrator):
    result = add(cast.carol.smime.key, by=administrator, how_checked="by telephone")

    (row,) = result.keys
    decision = queries.current_decision(row)
    assert row.fingerprint == cast.carol.smime.key.fingerprint
    assert (row.origin, row.added_by) == (Origin.ADDED, administrator)
    assert (decision.level, decision.addresses) == (TrustLevel.BY_HAND, ["carol@customer.example"])
    assert (decision.decided_by, decision.how_checked) == (administrator, "by telephone")


def test_how_it_was_checked_may_be_unrecorded(cast, add):
    (row,) = add(cast.carol.smime.key).keys

    assert queries.current_decision(row).how_checked == "not recorded"


@pytest.mark.mission("S2")
def test_one_file_holds_many(cast, add):
    result = add(cast.carol.smime.key, cast.frank.smime.key, cast.frank.openpgp.key)

    assert {row.fingerprint for row in result.keys} == {
        key.fingerprint for key in (cast.carol.smime.key, *cast.frank.keys)
    }


@pytest.mark.mission("S2")
def test_ca_vouches_only_where_it_was_confirmed(cast, add):
    fingerprint = cast.ca.certificate.fingerprint
    assert [item.may_vouch for item in preview(export_armored(cast.ca.certificate).encode()).items] == [True]

    add(cast.ca.certificate, vouching={fingerprint: Vouching(domains=("customer.example",))})

    decision = TrustDecision.objects.get()
    assert (decision.vouches, decision.domains) == (True, ["customer.example"])


def test_ca_beside_a_certificate_is_an_intermediate_that_vouches_for_nobody(cast, support):
    import_keys(blob=export_pkcs12(cast.alice.smime, "x", chain=[cast.ca.certificate]), passphrases=["x"], by=None)

    ca = queries.known(Technology.SMIME, cast.ca.certificate.fingerprint)
    assert ca.origin == Origin.BUNDLE
    assert queries.current_decision(ca) is None


def test_intermediate_that_is_here_can_be_confirmed_later(cast, add):
    ca = cast.ca.certificate
    add(ca)
    assert [item.outcome for item in preview(export_armored(ca).encode()).items] == [Outcome.ALREADY_THERE]

    add(ca, vouching={ca.fingerprint: Vouching()})

    assert TrustDecision.objects.get().vouches
    assert StoredKey.objects.get().origin == Origin.ADDED
    with pytest.raises(Invalid, match="Fingerprint already taken"):
        add(ca)


def test_only_a_ca_can_be_confirmed(cast):
    fingerprint = cast.carol.smime.key.fingerprint
    blob = export_armored(cast.carol.smime.key).encode()

    assert list(refused(blob=blob, vouching={fingerprint: Vouching()})) == ["vouching"]


@pytest.mark.parametrize("domains", [(), ("",), ("Example.org",), ("a@b.example",), ("no domain",)])
def test_domains_must_be_domains(cast, domains):
    ca = cast.ca.certificate
    blob = export_armored(ca).encode()

    assert list(refused(blob=blob, vouching={ca.fingerprint: Vouching(domains=domains)})) == ["domains"]


@pytest.mark.mission("S4")
@pytest.mark.parametrize(
    ("extra", "address", "attribute"),
    [
        ([], None, "Subject Alternative Name"),
        ([x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])], "carol@customer.example", "Extended Key Usage"),
        (
            [x509.KeyUsage(False, True, False, False, False, False, False, False, False)],
            "carol@customer.example",
            "Key Usage",
        ),
    ],
)
def test_certificate_that_is_not_for_mail_is_refused_by_its_attribute(cast, extra, address, attribute):
    secret = cast.ca.issue(address, extra=extra)

    fields = refused(blob=export_armored(secret.key).encode())

    assert list(fields) == ["file"]
    assert fields["file"][0].startswith(f"{attribute}:")


def test_refused_certificate_does_not_keep_the_others_out(cast, add):
    wrong = cast.ca.issue(None)

    result = add(wrong.key, cast.carol.smime.key)

    assert [item.outcome for item in result.preview.items] == [Outcome.REFUSED, Outcome.NEW]
    assert [row.fingerprint for row in result.keys] == [cast.carol.smime.key.fingerprint]


@pytest.mark.parametrize(
    "blob", [b"", b"   ", b"hello", b"\x30\x80", b"\x00" * 100, b"-----BEGIN CERTIFICATE-----\nx\n"]
)
def test_what_is_no_key_is_an_error_at_the_file(blob):
    fields = refused(blob=blob)

    assert list(fields) == ["file"]
    assert all(sentence.endswith((".", "…")) for sentence in fields["file"])


@pytest.mark.mission("S2")
def test_known_certificate_is_taken(cast, add):
    add(cast.carol.smime.key)

    with pytest.raises(Invalid) as refusal:
        add(cast.carol.smime.key)

    assert refusal.value.fields == {"file": ("Fingerprint already taken.",)}
    assert StoredKey.objects.count() == TrustDecision.objects.count() == 1


@pytest.mark.mission("P2")
def test_known_openpgp_key_is_taken(cast, add):
    add(cast.dave.openpgp.key)

    with pytest.raises(Invalid) as refusal:
        add(cast.dave.openpgp.key)

    assert refusal.value.fields == {"file": ("Fingerprint already taken.",)}


def test_candidate_that_an_administrator_adds_is_trusted(cast, add):
    harvest(keys=[cast.carol.smime.key], at=clock.now())

    result = add(cast.carol.smime.key)

    assert [item.outcome for item in result.preview.items] == [Outcome.CONFIRMED]
    assert result.keys[0].origin == Origin.ADDED
    assert queries.current_decision(result.keys[0]).level == TrustLevel.BY_HAND


@pytest.mark.mission("S3")
def test_private_key_finds_its_certificate(cast, add, support):
    add(cast.alice.smime.key)

    result = import_keys(blob=private_pem(cast.alice.smime), by=None)

    assert [item.outcome for item in result.preview.items] == [Outcome.ADDS_SECRET]
    secret = StoredSecret.objects.get()
    assert secret.key.fingerprint == cast.alice.smime.key.fingerprint
    assert list(secret.groups.all()) == [support]
    assert TrustDecision.objects.count() == 1


@pytest.mark.mission("S3")
def test_private_key_without_certificate_is_refused(cast, support):
    fields = refused(blob=private_pem(cast.alice.smime))

    assert list(fields) == ["file"]
    assert "no matching certificate" in fields["file"][0]


@pytest.mark.mission("S3")
@pytest.mark.parametrize("export", [export_pem, export_pkcs12])
def test_protected_private_key_needs_its_passphrase(cast, support, export):
    blob = export(cast.alice.smime, PASSPHRASE)

    missing, wrong = refused(blob=blob), refused(blob=blob, passphrases=["wrong"])
    import_keys(blob=blob, passphrases=["wrong", PASSPHRASE], by=None)

    assert list(missing) == list(wrong) == ["passphrase"]
    assert missing["passphrase"][0].startswith("A passphrase is needed")
    assert wrong["passphrase"][0].startswith("The passphrase is wrong")
    secret = StoredSecret.objects.get()
    assert secret.passphrases == [PASSPHRASE]
    assert PASSPHRASE.encode() not in secret.material


@pytest.mark.mission("P2")
def test_protected_openpgp_key_needs_its_passphrase(support):
    blob = export_armored(openpgp_key("alice@desk.example", passphrase=PASSPHRASE)).encode()

    missing, wrong = refused(blob=blob), refused(blob=blob, passphrases=["wrong"])
    import_keys(blob=blob, passphrases=[PASSPHRASE], by=None)

    assert list(missing) == list(wrong) == ["passphrase"]
    assert StoredSecret.objects.get().passphrases == [PASSPHRASE]


@pytest.mark.mission("P2")
def test_openpgp_key_is_added_from_armor_and_binary(cast, support):
    import_keys(blob=cast.alice.openpgp.material, by=None)
    import_keys(blob=export_armored(cast.dave.openpgp.key).encode(), by=None)

    assert StoredKey.objects.filter(technology=Technology.OPENPGP).count() == 2
    assert StoredSecret.objects.get().key.fingerprint == cast.alice.openpgp.key.fingerprint


def test_errors_hold_nothing_of_a_passphrase_or_key(cast, support):
    with pytest.raises(Invalid) as refusal:
        import_keys(blob=export_pem(cast.alice.smime, PASSPHRASE), passphrases=["Kanarienvogel"], by=None)

    assert "Kanarienvogel" not in repr(refusal.value) + str(refusal.value.fields)


@pytest.mark.mission("S3")
def test_key_and_certificate_come_in_one_go(cast, support):
    result = import_keys(blob=export_pem(cast.alice.smime), by=None)

    assert [item.outcome for item in result.preview.items] == [Outcome.NEW]
    assert [item.groups for item in result.preview.items] == [(support,)]
    assert StoredSecret.objects.get().material == cast.alice.smime.material


def test_secret_key_of_no_group_needs_a_choice(cast, sales):
    fields = refused(blob=export_pem(cast.alice.smime))
    empty = refused(blob=export_pem(cast.alice.smime), groups=[])

    import_keys(blob=export_pem(cast.alice.smime), groups=[sales], by=None)

    assert list(fields) == list(empty) == ["groups"]
    assert list(StoredSecret.objects.get().groups.all()) == [sales]


def test_renewed_certificate_gets_the_private_key_that_is_here(cast, add, support):
    import_keys(blob=export_pem(cast.alice.smime), by=None)
    renewed = cast.ca.renew(cast.alice.smime, cast.alice.address)

    add(renewed.key)

    assert [secret.material for secret in StoredSecret.objects.all()] == [cast.alice.smime.material] * 2


def test_renewed_openpgp_key_is_merged_into_the_known_one(add):
    import pysequoia

    tsk = pysequoia.Tsk.generate("Dave <dave@customer.example>")
    cert = tsk.extract_certificate()
    longer = cert.add_user_id(value="Dave <dave@new.example>", certifier=tsk.certifier())
    import_keys(blob=bytes(cert), by=None)

    result = import_keys(blob=bytes(longer), by=None)

    assert [item.outcome for item in result.preview.items] == [Outcome.RENEWED]
    assert sorted(StoredKey.objects.get().named_addresses.values_list("address", flat=True)) == [
        "dave@customer.example",
        "dave@new.example",
    ]
    assert "dave@new.example" in queries.current_decision(result.keys[0]).addresses


def test_revocation_list_is_kept_once(cast, db):
    _, der = cast.ca.crl()

    import_keys(blob=der, by=None)
    import_keys(blob=der, by=None)

    assert RevocationData.objects.count() == 1


def test_agents_add_no_keys(cast, alice):
    with pytest.raises(NotAllowed):
        import_keys(blob=export_armored(cast.carol.smime.key).encode(), by=alice)

    assert not StoredKey.objects.exists()


def test_preview_stores_nothing(cast, support):
    shown = preview(export_pem(cast.alice.smime))

    assert [item.outcome for item in shown.stored] == [Outcome.NEW]
    assert not shown.needs_groups
    assert_nothing_stored()


def test_intermediate_in_a_chain_is_told_from_what_was_given_for_its_own_sake():
    root = CA.create()
    below = root.intermediate()
    leaf = below.issue("carol@customer.example", uses=[Use.SIGN])
    blob = "".join(export_armored(key) for key in (leaf.key, *below.chain)).encode()

    import_keys(blob=blob, by=None)

    assert sorted(StoredKey.objects.values_list("origin", "is_ca")) == [
        ("added", False),
        ("bundle", True),
        ("bundle", True),
    ]
    assert TrustDecision.objects.count() == 1
