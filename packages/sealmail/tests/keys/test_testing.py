"""The builders make what they say: checked by openssl, gpg and the reader."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from sealmail.errors import UsageError
from sealmail.keys import Technology, TrustLevel
from sealmail.keys.reader import read
from sealmail.testing import CA, Cast, export_armored, export_pem, export_pkcs12, openpgp_key


def test_chain_and_revocation_list_hold_for_openssl(openssl, tmp_path):
    root = CA.create("Root")
    middle = root.intermediate("Middle")
    carol, dora = (middle.issue(f"{name}@customer.example") for name in ("carol", "dora"))
    for name, key in (
        ("root", root.certificate),
        ("middle", middle.certificate),
        ("carol", carol.key),
        ("dora", dora.key),
    ):
        (tmp_path / name).write_text(export_armored(key))
    lists = [
        openssl("crl", "-inform", "DER", given=ca.crl(revoked)[1]) for ca, revoked in ((root, []), (middle, [dora.key]))
    ]
    (tmp_path / "crls").write_bytes(b"".join(lists))
    files = ("-CAfile", tmp_path / "root", "-untrusted", tmp_path / "middle", "-CRLfile", tmp_path / "crls")

    def verify(name):
        return openssl("verify", "-purpose", "smimesign", "-crl_check_all", *files, tmp_path / name)

    assert verify("carol").endswith(b"OK\n")
    with pytest.raises(Exception, match="exit status 2"):
        verify("dora")


def test_certificate_says_what_was_asked_for():
    since, until = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)

    key = CA.create().issue("carol@customer.example", name="Carol", valid_from=since, valid_until=until).key

    assert (key.name, key.addresses, key.valid_from, key.valid_until) == (
        "Carol",
        ("carol@customer.example",),
        since,
        until,
    )


def test_exports_are_read_again(cast):
    carol, dave = cast.carol.smime, cast.dave.openpgp
    chain = [cast.ca.certificate]

    for passphrase in (None, "pw"):
        tried = (passphrase,) if passphrase else ()
        for data in (export_pem(carol, passphrase), export_pkcs12(carol, passphrase, chain=chain)):
            secrets = read(data, tried).secrets
            assert [(one.key.fingerprint, one.passphrases) for one in secrets] == [(carol.key.fingerprint, tried)]
    assert read(export_armored(dave).encode()).secrets == (dave,)
    assert read(export_armored(dave.key).encode()).keys == (dave.key,)


def test_openpgp_key_expires_when_it_should():
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)

    secret = openpgp_key("dave@customer.example", passphrase="pw", expires=until)

    assert secret.key.valid_until == until
    assert read(secret.material, ("pw",)).secrets == (secret,)


def test_cast_has_the_keys_that_its_people_are_known_for(cast):
    people = (cast.alice, cast.bob, cast.carol, cast.dave, cast.erin, cast.frank, cast.mallory)

    technologies = [[key.technology for key in person.keys] for person in people]

    both = [Technology.SMIME, Technology.OPENPGP]
    assert technologies == [both, both, [Technology.SMIME], [Technology.OPENPGP], [], both, both]
    assert all(key.addresses == (person.address,) for person in people for key in person.keys)


def test_cast_stays_the_same_and_differs_from_another(cast):
    assert cast.dave is cast.dave
    assert cast.dave.openpgp.key.fingerprint != Cast().dave.openpgp.key.fingerprint


def test_mallory_looks_like_the_others_and_is_not_trusted(cast):
    trust = cast.trust()
    real, false = cast.carol.smime.key, cast.mallory_as_carol.smime.key

    assert (real.name, real.addresses, real.issuer) == (false.name, false.addresses, false.issuer)
    assert [anchor.key.fingerprint for anchor in trust.anchors()] == [cast.ca.certificate.fingerprint]
    with pytest.raises(Exception, match=r".*"):
        x509.load_der_x509_certificate(false.material).verify_directly_issued_by(
            x509.load_der_x509_certificate(cast.ca.certificate.material)
        )
    assert trust.level(cast.dave.openpgp.key, cast.dave.address) is TrustLevel.BY_HAND
    assert trust.level(cast.mallory_as_dave.openpgp.key, cast.dave.address) is TrustLevel.CANDIDATE


def test_store_holds_the_secrets_of_the_desk_only(cast):
    store = cast.store()

    secrets = {one.key.fingerprint for technology in Technology for one in store.every_secret(technology)}

    assert secrets == {key.fingerprint for person in cast.agents for key in person.keys}
    assert [key.fingerprint for key in store.keys_of(cast.carol.address)] == [cast.carol.smime.key.fingerprint]


def test_unknown_kind_of_key_is_the_callers_mistake():
    with pytest.raises(UsageError):
        CA.create(key="rot13")
